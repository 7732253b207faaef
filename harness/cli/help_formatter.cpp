#include "harness/cli/help_formatter.h"

#include <CLI/CLI.hpp>
#include <string_view>

#include "harness/base/text.h"

namespace assay::cli {

namespace {

constexpr std::size_t kHelpColumn = 32;
constexpr std::size_t kHelpWidth = 80;

std::size_t n_code_points(std::string_view text) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size(); ++n) next_code_point(text, at);
  return n;
}

/// `left`, and beside it `help` in lines of at most kHelpWidth; `left` gets a line of its own if it is too long.
std::string two_columns(const std::string& left, const std::string& help) {
  std::string text = "  " + left;
  std::size_t column = n_code_points(text);
  const auto next_line = [&] {
    text.append("\n").append(kHelpColumn, ' ');
    column = kHelpColumn;
  };
  if (column + 2 > kHelpColumn) {
    next_line();
  } else {
    text.append(kHelpColumn - column, ' ');
    column = kHelpColumn;
  }
  bool line_is_empty = true;
  for (const std::string& word : split(help, ' ')) {
    if (!line_is_empty && column + 1 + n_code_points(word) > kHelpColumn + kHelpWidth) {
      next_line();
      line_is_empty = true;
    }
    if (!line_is_empty) text += ' ';
    column += n_code_points(word) + (line_is_empty ? 0 : 1);
    text += word;
    line_is_empty = false;
  }
  return text.append("\n");
}

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kHelpColumn); }

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  std::string left = is_positional ? option->get_name(true) : option->get_name(false, true);
  if (!is_positional && option->get_items_expected_max() > 0) left += " " + option->get_type_name();
  return two_columns(left, option->get_description());
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return two_columns(command->get_name(), command->get_description());
}

}  // namespace assay::cli
