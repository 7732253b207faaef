#pragma once
// The Python sources of the drivers (folder driver/), compiled into the library as one text.

namespace assay::suites::driver {

/// Defines run_checker(), run_candidate(), run_in_one_process() and run_script(): each is what a program runs.
extern const char* const kLibrary;

}  // namespace assay::suites::driver
