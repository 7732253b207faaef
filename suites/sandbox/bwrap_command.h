#pragma once
// The command line of bubblewrap: what a program in the sandbox sees.

#include <string>
#include <utility>
#include <vector>

#include "suites/sandbox/sandbox.h"

namespace assay::suites {

/// Descriptors that bubblewrap reads or writes while it sets the sandbox up, and what it runs.
struct BwrapSetup {
  std::string bwrap_path;
  std::string python_prefix;  ///< folder that holds the interpreter and its library
  int filter_fd = -1;         ///< the system-call filter; -1: none yet, for a warm sandbox, which sets it in programs
  int status_fd = -1;         ///< bubblewrap writes the sandbox's process id, later the exit status
  std::vector<std::pair<std::string, int>> files;  ///< name and descriptor of its text
  std::vector<std::string> command;
};

/// Bubblewrap's arguments, its own path first. Looks at the host's root to know which of /lib, /bin… are links.
std::vector<std::string> bwrap_command(const BwrapSetup& setup, const SandboxLimits& limits);

/// The environment of the program, in both modes. String hashes have a fixed seed, so that a verdict does not depend on
/// the order in which a set is walked.
std::vector<std::string> program_environment(const std::string& home);

}  // namespace assay::suites
