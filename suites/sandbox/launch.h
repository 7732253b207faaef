#pragma once
// Starting a program under its limits, with or without the sandbox around it.

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "suites/sandbox/bwrap_command.h"
#include "suites/sandbox/host_files.h"
#include "suites/sandbox/running_program.h"
#include "suites/sandbox/sandbox.h"

namespace assay::suites {

/// True if the kernel counts processes per user namespace, so that a limit inside of one is its own.
bool counts_processes_per_namespace();

/// Resource limits that both modes set, as RLIMIT_… and value.
std::vector<std::pair<int, std::uint64_t>> resource_limits(const SandboxLimits& limits);

struct StandardPipes {
  Pipe in;
  Pipe out;
  Pipe err;
};
/// Error{environment}.
Result<StandardPipes> open_standard_pipes();

/// `limits` with room for the program's own files, whatever is left then.
SandboxLimits with_room_for(const std::vector<ProgramFile>& files, SandboxLimits limits);

/// Starts `command` as it is, in `folder` (empty: this process's working folder). `channel_fd` becomes its descriptor
/// 3; -1: none. Error{environment}.
Result<RunningProgram> launch_unprotected(const std::vector<std::string>& command, const std::string& folder,
                                          std::string stdin_text, int channel_fd, const SandboxLimits& limits);

/// What launch_in_bwrap needs to know of the host.
struct BwrapHost {
  std::string bwrap_path;
  std::string prlimit_path;
  std::string python_prefix;
  std::string system_call_filter;
  bool as_nobody = false;
};

/// Starts `command` inside a new sandbox that holds `files`. Error{environment}.
Result<RunningProgram> launch_in_bwrap(const BwrapHost& host, const std::vector<std::string>& command,
                                       const std::vector<ProgramFile>& files, std::string stdin_text, int channel_fd,
                                       const SandboxLimits& limits);

}  // namespace assay::suites
