#pragma once
// Tests that need another process: one that is killed, one with fewer rights, one with less room.

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace assay::results::testing {

/// Runs `work` in a forked process, which leaves with its value as exit code and never returns to the test framework.
inline pid_t start_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  return child;
}

/// The child's exit code, or -1 if a signal ended it.
inline int wait_for(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace assay::results::testing
