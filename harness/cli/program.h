#pragma once
// The program as a whole: its option table, and from words to the command's action.

#include <string>
#include <utility>
#include <vector>

#include "harness/base/result.h"
#include "harness/cli/command.h"

namespace assay::cli {

/// The option table of all commands with what each does. Neither copied nor moved: the options point into it.
struct Program {
  Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  CLI::App app;
  CommonOptions common;
  std::vector<std::pair<const CLI::App*, Action>> actions;  ///< by command
};

/// Runs the program on the words behind its name; gives its exit code.
Result<int> run_program(const std::vector<std::string>& words);

}  // namespace assay::cli
