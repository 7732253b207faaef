#pragma once
// How `compare` and `check` name a run: RUN of the database, FILE or FILE#RUN; and how new runs are labelled.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/result.h"
#include "harness/cli/options.h"
#include "results/comparable_run.h"

namespace assay::cli {

/// What --help says of such words.
inline constexpr const char* kRunWords =
    "a run of the database, or a file: of \"assay check --write-baseline\", of \"assay export --format json\", or "
    "another "
    "database; FILE#RUN names one run of a file that holds several";

/// The run meant by `words`: a file of that name comes before a run of `db`. A database without #RUN is its latest run.
/// Error{bad_input} says what there is, and for a file of another kind what writes one.
Result<results::ComparableRun> read_run_words(const std::string& words, const std::string& db);

void add_name_option(CLI::App& app, std::string& name);

/// What --name, --tag and --hardware are written to.
struct LabelWords {
  std::string& name;
  std::vector<std::string>& tags;
  std::string& hardware;
};
void add_label_options(CLI::App& app, const LabelWords& words);

/// The K=V that --tag was given. Error{bad_input} for words of another form and a K that is given twice.
Result<std::vector<std::pair<std::string, std::string>>> parse_tags(const std::vector<std::string>& words);

/// What --hardware was given, if anything. Error{bad_input} for a name that no profile has.
Result<std::optional<std::string>> parse_hardware(const std::string& word);

}  // namespace assay::cli
