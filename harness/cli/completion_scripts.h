#pragma once
// Completion scripts from the option tables. Pure.

#include <string>
#include <vector>

#include "harness/cli/option_table.h"

namespace assay::cli {

std::string bash_completion(const std::vector<CommandEntry>& commands);
std::string zsh_completion(const std::vector<CommandEntry>& commands);
std::string fish_completion(const std::vector<CommandEntry>& commands);

}  // namespace assay::cli
