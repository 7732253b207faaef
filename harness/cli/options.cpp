#include "harness/cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "harness/base/text.h"

namespace assay::cli {

namespace {

std::string default_database() {
  const char* chosen = std::getenv("ASSAY_DB");
  return chosen != nullptr && *chosen != '\0' ? chosen : kUsualDatabase;
}

/// All long names of `app` and its parents that --help shows.
std::vector<std::string> known_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return !o->get_group().empty(); })) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> known_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string with_nearest(std::string message, std::string_view word, const std::vector<std::string>& known,
                         const std::string& otherwise) {
  const std::string nearest = nearest_word(word, known);
  return message + (nearest.empty() ? otherwise : "; did you mean " + nearest + "?");
}

/// "assay bench layers" of the command `layers` of `bench`.
std::string words_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? "assay" : words_of(*parent) + " " + command.get_name();
}

Error unknown_word(CLI::App& root, const std::string& word) {
  const CLI::App& command = chosen_command(root);
  const std::string words = words_of(command);
  if (word.starts_with("-") && word.size() > 1) {
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string> known = known_options(command);
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      return bad_input(quoted_excerpt(name), " stands before the command; options follow it: ", words, " ", name);
    }
    return bad_input(
        with_nearest("unknown option " + quoted_excerpt(name), name, known, "; \"" + words + " --help\" lists them"));
  }
  const std::vector<std::string> commands = known_commands(command);
  if (commands.empty())
    return bad_input("unexpected word ", quoted_excerpt(word), "; \"", words, " --help\" shows the usage");
  return bad_input(
      with_nearest("unknown command " + quoted_excerpt(word), word, commands, "; known: " + join(commands, ", ")));
}

}  // namespace

void add_common_options(CLI::App& app, CommonOptions& common) {
  common.db = default_database();
  const char* group = "Common options";
  add_text(app, "--db", common.db, "FILE", "Results database (default: $ASSAY_DB, else assay.db)")->group(group);
  app.add_flag("--json", common.json, "Print one JSON document on standard output and nothing else there")
      ->group(group);
  CLI::Option* quiet = app.add_flag("--quiet", common.quiet, "Print errors only on standard error")->group(group);
  app.add_flag("--verbose", common.verbose, "Print details on standard error")->group(group)->excludes(quiet);
}

CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& target, const std::string& type,
                      const std::string& help) {
  return app.add_option(name, target, help)->type_name(type);
}

CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& target,
                       const std::string& type, const std::string& help) {
  return app.add_option(name, target, help)->type_name(type);
}

CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& target,
                        const std::vector<std::string>& choices, const std::string& help) {
  return add_text(app, name, target, join(choices, "|"), help)->check([choices](const std::string& word) {
    if (std::find(choices.begin(), choices.end(), word) != choices.end()) return std::string();
    return "must be one of " + join(choices, ", ") + ", is " + quoted_excerpt(word);
  });
}

CLI::Option* add_integer(CLI::App& app, const std::string& name, std::optional<std::int64_t>& target,
                         std::int64_t least, std::int64_t most, const std::string& help) {
  const auto store = [&target](const std::string& word) { target = parse_integer(word); };
  return app.add_option_function<std::string>(name, store, help)
      ->type_name("N")
      ->check([least, most](const std::string& word) {
        const auto number = parse_integer(word);
        if (number && *number >= least && *number <= most) return std::string();
        return "must be an integer from " + to_text(least) + " to " + to_text(most) + ", is " + quoted_excerpt(word);
      });
}

CLI::Option* add_number(CLI::App& app, const std::string& name, std::optional<double>& target, const NumberRange& range,
                        const std::string& help) {
  const auto store = [&target](const std::string& word) { target = parse_number(word); };
  return app.add_option_function<std::string>(name, store, help)
      ->type_name("X")
      ->check([range](const std::string& word) {
        const auto number = parse_number(word);
        const bool fits = number && (range.least_is_open ? *number > range.least : *number >= range.least) &&
                          (range.most_is_open ? *number < range.most : *number <= range.most);
        return fits ? std::string() : "must be " + range.text + ", is " + quoted_excerpt(word);
      });
}

Result<Parsed> parse_words(CLI::App& app, std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return Parsed::help;
  } catch (const CLI::CallForVersion&) {
    return Parsed::version;
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> extras = app.remaining(/*recurse=*/true);
    return unknown_word(app, extras.empty() ? "" : extras.front());
  } catch (const CLI::ParseError& refused) {
    std::string_view message = refused.what();
    if (message.starts_with(": ")) message.remove_prefix(2);  // where CLI11 left out the name of a hidden option
    return bad_input(message);
  }
  return Parsed::words;
}

CLI::App& chosen_command(CLI::App& app) {
  CLI::App* chosen = &app;
  while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
  return *chosen;
}

std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  std::string nearest;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    // Optimal string alignment: rows i-2, i-1 and i of the table of distances between prefixes.
    std::vector<std::size_t> before, above(candidate.size() + 1), row(candidate.size() + 1);
    for (std::size_t j = 0; j <= candidate.size(); ++j) above[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const bool same = word[i - 1] == candidate[j - 1];
        row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
        if (i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1]) {
          row[j] = std::min(row[j], before[j - 2] + 1);
        }
      }
      before = above;
      above = row;
    }
    if (above[candidate.size()] < least) {
      least = above[candidate.size()];
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace assay::cli
