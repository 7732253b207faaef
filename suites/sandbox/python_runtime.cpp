#include "suites/sandbox/python_runtime.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "suites/sandbox/launch.h"

namespace assay::suites {
namespace {

constexpr const char* kUsual = "/usr/bin/python3";
constexpr const char* kQuestion =
    "import os, sys\n"
    "print(os.path.realpath(sys.executable), os.path.realpath(sys.base_prefix), '.'.join(map(str, "
    "sys.version_info[:3])),"
    " int(sys.version_info >= (3, 8)), sep='\\n')\n";

bool is_executable(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string find_in_path(const std::string& name) {
  const char* folders = getenv("PATH");
  for (const std::string& folder : split(folders != nullptr ? folders : "/usr/bin:/bin", ':')) {
    const std::string path = folder + "/" + name;
    if (folder.starts_with('/') && is_executable(path)) return path;
  }
  return {};
}

Result<PythonRuntime> find_python(const std::string& path) {
  std::string found = path;
  if (found.empty()) found = is_executable(kUsual) ? kUsual : find_in_path("python3");
  if (found.empty()) {
    return environment_error("sandbox: python3 was not found in $PATH; install Python 3.8 or later (Debian: python3)");
  }
  // The interpreter itself says where it lives: what stands in $PATH may be a script that picks one.
  ASSAY_ASSIGN(RunningProgram asked, launch_unprotected({found, "-s", "-S", "-B", "-c", kQuestion}, "", "", -1, {}));
  std::vector<RunningProgram> programs;
  programs.push_back(std::move(asked));
  supervise(programs);
  ASSAY_ASSIGN(const SandboxResult answer, programs.front().take_result());

  const std::vector<std::string> lines = split(answer.stdout_text, '\n');
  if (answer.exit_status != 0 || lines.size() < 4 || lines[3] != "1" || !lines[0].starts_with('/') ||
      !lines[1].starts_with('/')) {
    return environment_error("sandbox: ", found, " is no working Python 3.8 or later: ",
                             quoted_excerpt(trim(answer.stderr_text + answer.stdout_text), 200));
  }
  if (lines[1] == "/") {
    return environment_error("sandbox: ", found, " has its library in /, and a sandbox would show all of it; install ",
                             "Python below a folder of its own");
  }
  return PythonRuntime{lines[0], lines[1], lines[2]};
}

}  // namespace assay::suites
