#include "results/import/import.h"

#include <array>
#include <set>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/import/import_parts.h"

namespace assay::results {

namespace {

using Reader = Result<std::vector<ImportedRun>> (*)(const ImportSource&);
// In the order of the enumerators.
constexpr std::array<Reader, 7> kReaders = {import_assay,           import_lm_eval,  import_inspect,
                                            import_simple_evals,    import_zeroeval, import_llama_bench,
                                            import_google_benchmark};
constexpr std::size_t kSamplesAtATime = 256;

Error other_run(const Store& store, const ImportedRun& run, const std::string& what) {
  return bad_input(store.path().string(), ": holds another run ", run.run_id, ": ", what,
                   " differs; nothing was imported");
}

/// What of the run is not stored yet; Error{bad_input} where what is stored has other content.
Result<std::vector<GradedSample>> missing_samples(const Store& store, const ImportedRun& run) {
  std::map<SampleKey, const GradedSample*> wanted;
  for (const GradedSample& graded : run.samples) wanted.emplace(graded.sample.key, &graded);
  ASSAY_TRY(
      store.for_each_sample(run.run_id, "", SampleParts::transcripts, [&](const SampleRecord& record) -> Result<> {
        const auto stored = wanted.find(record.sample.key);
        if (stored == wanted.end() || stored->second->sample.text != record.sample.text ||
            stored->second->sample.tokens != record.sample.tokens) {
          return other_run(store, run, "a sample of item " + quoted_excerpt(record.sample.key.item.value));
        }
        wanted.erase(stored);
        return {};
      }));
  std::vector<GradedSample> missing;
  for (const auto& [key, graded] : wanted) missing.push_back(*graded);
  return missing;
}

}  // namespace

const std::vector<std::string>& import_format_names() {
  static const std::vector<std::string> names = {"assay",    "lm-eval",     "inspect",         "simple-evals",
                                                 "zeroeval", "llama-bench", "google-benchmark"};
  return names;
}

Result<ImportFormat> parse_import_format(std::string_view text) {
  const auto& names = import_format_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return static_cast<ImportFormat>(i);
  }
  return bad_input("format ", quoted_excerpt(text), " is unknown; expected one of ", join(names, ", "));
}

Result<std::vector<ImportedRun>> read_import(ImportFormat format, const std::filesystem::path& file,
                                             const ImportOptions& options, std::int64_t now_ms) {
  const auto index = static_cast<std::size_t>(format);
  ASSAY_ASSIGN(std::string text, read_file(file));
  return kReaders[index]({import_format_names()[index], file, std::move(text), options, now_ms});
}

Result<ImportOutcome> store_import(Store& store, const ImportedRun& run) {
  ImportOutcome outcome;
  ASSAY_ASSIGN(const bool exists, store.has_run(run.run_id));
  std::vector<GradedSample> missing = run.samples;
  std::optional<RunWriter> writer;
  if (exists) {
    ASSAY_ASSIGN(const RunRecord stored, store.read_run(run.run_id));
    if (stored.facts.model.name != run.facts.model.name || stored.facts.seed != run.facts.seed ||
        stored.suites.size() != run.facts.suites.size()) {
      return other_run(store, run, "its model, seed or suites");
    }
    ASSAY_ASSIGN(missing, missing_samples(store, run));
    outcome.was_there = missing.empty();
    if (missing.empty() || stored.state == RunState::finished) return outcome;
    ASSAY_ASSIGN(writer, store.resume_run(run.run_id, run.environment, run.started_at_ms));
  } else {
    ASSAY_ASSIGN(writer, store.begin_run(run.facts, run.environment, run.started_at_ms, run.run_id));
    ASSAY_TRY(writer->add_gpu_samples(run.gpu_samples));
  }
  for (std::size_t n = 0; n < missing.size(); n += kSamplesAtATime) {
    const auto batch = std::span(missing).subspan(n, std::min(kSamplesAtATime, missing.size() - n));
    ASSAY_TRY(writer->add_samples(batch, run.started_at_ms, run.wall_ms));
  }
  std::int64_t n_planned = 0;
  for (const RunSuiteFacts& suite : run.facts.suites) {
    n_planned += suite.samples * static_cast<std::int64_t>(suite.items.size());
  }
  const bool is_whole = n_planned == static_cast<std::int64_t>(run.samples.size());
  ASSAY_TRY(writer->finish(is_whole ? RunState::finished : RunState::interrupted,
                           run.finished_at_ms.value_or(run.started_at_ms), run.wall_ms, run.device_time));
  outcome.n_samples_added = static_cast<std::int64_t>(missing.size());
  return outcome;
}

}  // namespace assay::results
