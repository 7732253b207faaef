#pragma once
// The system-call filter of the sandbox.

#include <string>

#include "harness/base/result.h"

namespace assay::suites {

/// The filter as classic BPF instructions for seccomp(2), built with libseccomp for the machine's architecture. It is a
/// list of what is allowed; anything else fails with ENOSYS, as if the kernel did not have it, and what a program may
/// try in good faith (a new process, a socket) with EPERM. `may_fork` allows the new process, in the
/// same namespaces. Error{environment} if libseccomp fails.
Result<std::string> build_system_call_filter(bool may_fork);

}  // namespace assay::suites
