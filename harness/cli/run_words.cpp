#include "harness/cli/run_words.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "harness/cli/output_file.h"
#include "harness/run/clock.h"
#include "results/baseline_file.h"
#include "results/hardware/hardware.h"
#include "results/import/import.h"
#include "results/store.h"

namespace assay::cli {

namespace {

namespace fs = std::filesystem;

bool is_regular(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

Result<results::ComparableRun> read_stored_run(const std::string& db, const std::string& words) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(db));
  ASSAY_ASSIGN(const RunId run_id, store.find_run(words));
  return results::read_comparable_run(store, run_id);
}

/// A folder below $TMPDIR that is removed with all that is in it.
class ScratchFolder {
 public:
  static Result<ScratchFolder> create() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "assay-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
      return environment_error("no temporary folder could be made as ", name, "; $TMPDIR names another place");
    }
    return ScratchFolder(name);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  explicit ScratchFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

/// An export goes through a database of its own, so that it is checked as every import is.
Result<results::ComparableRun> read_export(const std::string& path, const std::string& run_words) {
  ASSAY_ASSIGN(const auto runs,
               results::read_import(results::ImportFormat::assay, path, {}, run::machine_clock().unix_ms()));
  if (runs.size() > 1 && run_words.empty()) {
    return bad_input(path, ": holds ", runs.size(), " runs; name one as FILE#RUN, such as ", path, "#",
                     runs.front().run_id);
  }
  ASSAY_ASSIGN(const ScratchFolder folder, ScratchFolder::create());
  ASSAY_ASSIGN(results::Store store, results::Store::open_or_create(folder.path() / "runs.db"));
  for (const results::ImportedRun& run : runs) {
    const auto stored = results::store_import(store, run);
    if (!stored) return Error{stored.error().kind, path + ": " + stored.error().message};
  }
  const auto run_id = store.find_run(run_words.empty() ? "latest" : run_words);
  if (!run_id) return bad_input(path, ": holds no run ", quoted_excerpt(run_words));
  return results::read_comparable_run(store, *run_id);
}

Result<results::ComparableRun> read_json_file(const std::string& path, const std::string& run_words) {
  ASSAY_ASSIGN(const std::string text, read_file(path));
  ASSAY_ASSIGN(const Json document, parse_json(text, path));
  const Json& first = document.is_array() && !document.empty() ? document.front() : document;
  if (first.is_object() && first.contains("samples") && first.contains("hardware")) return read_export(path, run_words);
  if (!run_words.empty()) return bad_input(path, ": holds one run; leave out #", run_words);
  if (first.is_object() && first.contains("format")) return results::parse_baseline(text, path);
  return bad_input(path,
                   ": is no run; \"assay check --write-baseline FILE\" or \"assay export RUN --format json "
                   "--out FILE\" writes one");
}

Result<results::ComparableRun> read_any_file(const std::string& path, const std::string& run_words) {
  if (!is_database_file(path)) return read_json_file(path, run_words);
  return read_stored_run(path, run_words.empty() ? "latest" : run_words);
}

}  // namespace

Result<results::ComparableRun> read_run_words(const std::string& words, const std::string& db) {
  if (is_regular(words)) return read_any_file(words, "");
  const std::size_t hash = words.rfind('#');
  if (hash != std::string::npos && is_regular(words.substr(0, hash))) {
    return read_any_file(words.substr(0, hash), words.substr(hash + 1));
  }
  if (words.ends_with(".json") || words.find('/') != std::string::npos) {
    return bad_input(words, ": there is no such file");
  }
  return read_stored_run(db, words);
}

void add_name_option(CLI::App& app, std::string& name) {
  add_text(app, "--name", name, "LABEL", "A name for the run, usable as RUN in other commands")
      ->check([](const std::string& word) {
        return word == "latest" ? "is how commands call the newest run, whatever its name; give another" : "";
      });
}

void add_label_options(CLI::App& app, const LabelWords& words) {
  add_name_option(app, words.name);
  add_texts(app, "--tag", words.tags, "K=V", "Note K=V with the run; may be repeated");
  add_text(app, "--hardware", words.hardware, "PROFILE",
           "Note this machine's hardware profile with the run (\"assay hardware\" lists them)");
}

Result<std::vector<std::pair<std::string, std::string>>> parse_tags(const std::vector<std::string>& words) {
  std::vector<std::pair<std::string, std::string>> tags;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return bad_input("--tag: must be K=V, is ", quoted_excerpt(word));
    const std::string key = word.substr(0, equals);
    const bool is_given = std::any_of(tags.begin(), tags.end(), [&](const auto& tag) { return tag.first == key; });
    if (is_given) return bad_input("--tag: ", quoted_excerpt(key), " is given twice; a run has one value for it");
    tags.emplace_back(key, word.substr(equals + 1));
  }
  return tags;
}

Result<std::optional<std::string>> parse_hardware(const std::string& word) {
  if (word.empty()) return std::optional<std::string>();
  ASSAY_ASSIGN(const auto profiles, results::load_hardware(results::user_hardware_folder()));
  ASSAY_ASSIGN(results::HardwareProfile profile, results::find_hardware(profiles, word));
  return std::optional(std::move(profile.name));
}

}  // namespace assay::cli
