#pragma once
// Whether the Python that a suite's own records bring is Python.

#include "harness/base/result.h"
#include "suites/sandbox/sandbox.h"
#include "suites/suite.h"

namespace assay::suites {

/// Compiles the tests, the setup and the reference solution of every item of a `code` suite, in one sandbox and without
/// running any, so that a broken record is found before a model is asked and not blamed on it.
/// Error{bad_input}: "FILE:LINE: field \"test\" …" for the first that does not compile or has no check(candidate).
Result<> check_code_tests(const Suite& suite, const Sandbox& sandbox);

}  // namespace assay::suites
