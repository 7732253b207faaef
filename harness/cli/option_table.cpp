#include "harness/cli/option_table.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "harness/base/text.h"

namespace assay::cli {

namespace {

/// The words of "on|off". Words in capitals stand for others; a part in brackets ("cuda[:i]") is left out.
std::vector<std::string> choices_of(const std::string& value) {
  if (value.empty() || to_lower_ascii(value) != value) return {};
  std::vector<std::string> choices;
  for (const std::string& part : split(value, '|')) choices.push_back(part.substr(0, part.find('[')));
  return choices;
}

OptionEntry option_entry(const CLI::Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  entry.help = option.get_description();
  entry.group = option.get_group();
  entry.repeats = option.get_items_expected_max() > 1;
  if (entry.names.empty()) {
    entry.positional = option.get_name(true);
    entry.takes_file = entry.positional == "PATH";
    entry.choices = choices_of(option.get_type_name());
    return entry;
  }
  if (option.get_items_expected_max() == 0) return entry;
  entry.value = option.get_type_name();
  entry.choices = choices_of(entry.value);
  entry.takes_file = entry.value.starts_with("FILE") || entry.value == "REF";
  return entry;
}

void add_entries(const CLI::App& app, const std::vector<std::string>& words, std::vector<CommandEntry>& entries) {
  CommandEntry entry{.words = words, .summary = app.get_description(), .footer = app.get_footer(), .options = {}};
  for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return !o->get_group().empty(); })) {
    entry.options.push_back(option_entry(*option));
  }
  const auto inner = app.get_subcommands([](const CLI::App*) { return true; });
  entry.has_subcommands = !inner.empty();
  entries.push_back(std::move(entry));
  for (const CLI::App* sub : inner) {
    std::vector<std::string> inner_words = words;
    inner_words.push_back(sub->get_name());
    add_entries(*sub, inner_words, entries);
  }
}

}  // namespace

std::vector<CommandEntry> command_entries(const CLI::App& root) {
  std::vector<CommandEntry> entries;
  for (const CLI::App* command : root.get_subcommands([](const CLI::App*) { return true; })) {
    add_entries(*command, {command->get_name()}, entries);
  }
  return entries;
}

}  // namespace assay::cli
