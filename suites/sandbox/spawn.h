#pragma once
// Starting a program without copying this process: vfork and exec, whatever the memory this process holds.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/result.h"
#include "suites/sandbox/process_use.h"
#include "suites/sandbox/unique_fd.h"

namespace assay::suites {

/// What to start and what it gets. Every other descriptor of this process stays closed to it.
struct SpawnRequest {
  std::vector<std::string> command;      ///< absolute path, then arguments
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string folder;                    ///< working folder; empty: this process's
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int channel_fd = -1;                                 ///< becomes descriptor 3; -1: none
  std::vector<int> kept_fds;                           ///< keep their numbers, all above 3
  std::vector<std::pair<int, std::uint64_t>> rlimits;  ///< RLIMIT_…, soft and hard value
  bool outlives_thread = false;                        ///< else it is killed when the calling thread ends
  bool as_nobody = false;                              ///< give up root: user and group 65534, no further groups
};

/// The new process's id. It leads its own process group.
/// Error{environment} with the system's reason.
Result<pid_t> spawn(const SpawnRequest& request);

/// A descriptor of `process`, to poll for its end and to signal it without a race. Error{environment}.
Result<UniqueFd> open_process(pid_t process);

/// SIGKILL to the process behind a descriptor of open_process; nothing if it is gone.
void kill_process(const UniqueFd& process);

/// How a process ended; the use of the children it waited for is in its own.
struct ProcessEnd {
  std::optional<int> exit_status;
  std::optional<int> signal;
  ResourceUse use;
};

/// Waits for the end of a child and reaps it. Nothing if it is no child of this process (any more).
std::optional<ProcessEnd> reap(const UniqueFd& process);

/// `fd` under a number above those that SpawnRequest gives a meaning, closed on exec.
Result<UniqueFd> move_up(UniqueFd fd);

}  // namespace assay::suites
