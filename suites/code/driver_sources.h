#pragma once
// The Python sources of the drivers (folder driver/), compiled into the library. A driver is some of them in a row and
// a call of its last function.

namespace assay::suites::driver {

extern const char* const kWire;        ///< calls between two processes
extern const char* const kLoad;        ///< loading the model's program
extern const char* const kTests;       ///< running an item's tests
extern const char* const kCandidate;   ///< run_candidate()
extern const char* const kChecker;     ///< run_checker()
extern const char* const kOneProcess;  ///< run_in_one_process()
extern const char* const kScript;      ///< run_script()

}  // namespace assay::suites::driver
