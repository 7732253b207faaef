#pragma once
// The Python sources of the drivers (folder driver/), compiled into the library as one text.

namespace assay::suites::driver {

/// Defines run_checker(), run_candidate(), run_in_one_process(), run_script() and the like: each is what a program
/// runs.
extern const char* const kLibrary;

}  // namespace assay::suites::driver
