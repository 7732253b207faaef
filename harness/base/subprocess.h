#pragma once
// Another program, run to its end.

#include <stop_token>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay {

/// How a program ended, and what it wrote.
struct ProcessOutput {
  int exit_code = -1;  ///< -1 if a signal ended it
  int signal = 0;      ///< that ended it; 0 if none did
  std::string out, err;
};

/// Runs `words` (the program, found in $PATH unless it names a path, and its arguments) with nothing on standard input
/// and no signal blocked, and waits. A stop sends it SIGTERM once, and still waits. Error{environment} if it can't be
/// started. Of each output the first 256 MiB are kept.
Result<ProcessOutput> run_process(const std::vector<std::string>& words, std::stop_token stop = {});

}  // namespace assay
