#pragma once
// The option tables as plain data, read from CLI11: what the completions and the manual page are made from.

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace assay::cli {

struct OptionEntry {
  std::vector<std::string> names;  ///< "--seed"; "-h" too; empty for a positional word
  std::string value;               ///< "N", "FILE", "on|off"; empty for a flag
  std::string help;
  std::string group;
  std::vector<std::string> choices;  ///< of a value that is one of a few words
  bool takes_file = false;           ///< the value is a path
  std::string positional;            ///< "RUN" for a positional word
  bool repeats = false;
};

struct CommandEntry {
  std::vector<std::string> words;  ///< {"models", "add"}
  std::string summary;
  std::string footer;
  std::vector<OptionEntry> options;  ///< those that --help shows
  bool has_subcommands = false;
};

/// Every command of `root`, each before its subcommands.
std::vector<CommandEntry> command_entries(const CLI::App& root);

}  // namespace assay::cli
