#pragma once
// How --help looks: CLI11's, with options on one side and their help, broken into lines, on the other.

#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>
#include <string>

namespace assay::cli {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
};

}  // namespace assay::cli
