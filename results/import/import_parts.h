#pragma once
// The readers behind read_import(), one function a format, and what they share.

#include <map>
#include <string>

#include "results/import/import.h"

namespace assay::results {

/// A file to import, read whole.
struct ImportSource {
  std::string format;
  std::filesystem::path path;
  std::string text;
  ImportOptions options;
  std::int64_t now_ms = 0;

  std::string where() const { return path.string(); }
  std::string where(int line) const { return path.string() + ":" + std::to_string(line); }
};

Result<std::vector<ImportedRun>> import_assay(const ImportSource& source);
Result<std::vector<ImportedRun>> import_lm_eval(const ImportSource& source);
Result<std::vector<ImportedRun>> import_inspect(const ImportSource& source);
Result<std::vector<ImportedRun>> import_simple_evals(const ImportSource& source);
Result<std::vector<ImportedRun>> import_zeroeval(const ImportSource& source);
Result<std::vector<ImportedRun>> import_llama_bench(const ImportSource& source);
Result<std::vector<ImportedRun>> import_google_benchmark(const ImportSource& source);

/// A run of one suite that is filled sample by sample.
class ImportedSuite {
 public:
  /// `task` and `model` are what the file says; the options' words go before them.
  ImportedSuite(const ImportSource& source, std::string task, std::string model);

  /// One sample with its item. Error{bad_input} names `where` if the pair stood before, or the item with another
  /// answer.
  Result<> add(ItemFacts item, GradedSample graded, const std::string& where);
  bool empty() const { return run_.samples.empty(); }
  ImportedRun& run() { return run_; }
  /// The run, ready to be stored. Error{bad_input} if it has no sample.
  Result<ImportedRun> finish();

 private:
  std::string where_;
  ImportedRun run_;
  std::map<std::string, std::size_t> items_;  ///< id → place in the suite
  std::map<std::pair<std::string, std::int64_t>, std::string> seen_;
};

/// A run without samples, with the tags that name its source.
ImportedRun empty_run(const ImportSource& source, const std::string& model);

/// Foreign files say one moment at most: the run's one segment begins and ends at it.
void set_time(ImportedRun& run, std::int64_t at_ms);

/// Verdict of a score: `correct` for 1, else `incorrect`. Error{bad_input} beyond 0 to 1.
Result<VerdictFacts> scored(double score, const std::string& rule, const std::string& where);
/// What stands for a verdict until the sample is regraded.
VerdictFacts ungraded(const std::string& why);

/// The text of a message: a string, or a list of parts of type "text" and "reasoning" (put into <think>…</think>).
Result<std::string> message_text(const Json& content, const std::string& where);

/// "2026-11-22T22:23:44+00:00", "…Z", also with fractions of a second and without a zone (taken as UTC): Unix
/// milliseconds. None for anything else.
std::optional<std::int64_t> parse_iso_time(std::string_view text);

}  // namespace assay::results
