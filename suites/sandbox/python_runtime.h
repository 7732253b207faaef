#pragma once
// Where the Python interpreter is.

#include <string>

#include "harness/base/result.h"

namespace assay::suites {

/// An interpreter that a sandbox can be given.
struct PythonRuntime {
  std::string path;     ///< of the real interpreter: no link, no launcher script in front of it
  std::string prefix;   ///< the folder below which its library is
  std::string version;  ///< "3.11.2"
};

/// The first executable file of that name in $PATH; empty if there is none.
std::string find_in_path(const std::string& name);

/// Asks an interpreter what it is. `path` empty: /usr/bin/python3 if it exists, else "python3" in $PATH.
/// Error{environment} if there is none, it does not run, or it is older than 3.8; the message says what to install.
Result<PythonRuntime> find_python(const std::string& path);

}  // namespace assay::suites
