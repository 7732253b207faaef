#pragma once
// The option table's own vocabulary: options that check their words as they are read. On top of CLI11, whose table also
// drives --help, the man page and the completions.

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay::cli {

/// What --db is where neither it nor $ASSAY_DB is given.
inline constexpr const char* kUsualDatabase = "assay.db";

/// What every command takes.
struct CommonOptions {
  std::string db;  ///< the results database: --db, else $ASSAY_DB, else assay.db
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool operator==(const CommonOptions&) const = default;
};
void add_common_options(CLI::App& app, CommonOptions& common);

/// Text as it is given. `type` names it in --help: "REF", "FILE".
CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& target, const std::string& type,
                      const std::string& help);
/// A list of words; the option may be repeated.
CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& target,
                       const std::string& type, const std::string& help);
/// One of `choices`.
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& target,
                        const std::vector<std::string>& choices, const std::string& help);
/// An integer in [least, most].
CLI::Option* add_integer(CLI::App& app, const std::string& name, std::optional<std::int64_t>& target,
                         std::int64_t least, std::int64_t most, const std::string& help);

/// Numbers that an option takes.
struct NumberRange {
  double least;
  double most;
  bool least_is_open = false;  ///< `least` itself is refused
  bool most_is_open = false;
  std::string text;  ///< "a number from 0 to 100"
};
CLI::Option* add_number(CLI::App& app, const std::string& name, std::optional<double>& target, const NumberRange& range,
                        const std::string& help);

/// Parses `words` (without the program's name) into what `app`'s options are bound to.
/// Error{bad_input} names the word that is wrong and, for an unknown one, the nearest that is known.
enum class Parsed { words, help, version };
Result<Parsed> parse_words(CLI::App& app, std::vector<std::string> words);

/// The command that was chosen, innermost; `app` itself if none was.
CLI::App& chosen_command(CLI::App& app);

/// The candidate nearest to `word` by edits (insert, delete, replace, swap of neighbours); empty if none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace assay::cli
