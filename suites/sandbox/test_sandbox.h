#pragma once
// For tests that need bubblewrap: one sandbox per test program. A program that links test_sandbox.cpp exits with 77,
// which CTest shows as skipped, where no sandbox can be opened.

#include "suites/sandbox/sandbox.h"

namespace assay::suites {

const Sandbox& test_sandbox();

}  // namespace assay::suites
