#pragma once
// warm.py, compiled into the library.

namespace assay::suites {

extern const char* const kWarmSource;

}  // namespace assay::suites
