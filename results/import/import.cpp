#include "results/import/import.h"

#include <array>
#include <set>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/import/import_parts.h"
#include "results/import/python_json.h"

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

/// The same of a benchmark's points.
Result<std::vector<BenchPoint>> missing_points(const Store& store, const ImportedRun& run) {
  ASSAY_ASSIGN(const auto points, store.read_points(run.run_id));
  std::map<PointKey, const BenchPoint*> stored;
  for (const BenchPoint& point : points) stored.emplace(point.key, &point);
  std::vector<BenchPoint> missing;
  for (const BenchPoint& point : run.points) {
    const auto at = stored.find(point.key);
    if (at == stored.end()) {
      missing.push_back(point);
    } else if (to_json(*at->second) != to_json(point)) {
      return other_run(store, run, "point " + quoted_excerpt(point.key.name));
    }
  }
  return missing;
}

/// Whether the run's plan is complete with the file's samples.
bool is_whole(const ImportedRun& run) {
  std::int64_t n_planned = 0;
  for (const RunSuiteFacts& suite : run.facts.suites) {
    n_planned += suite.samples * static_cast<std::int64_t>(suite.items.size());
  }
  return n_planned == static_cast<std::int64_t>(run.samples.size());
}

/// Stores one segment and ends it as it ended: a killed one, and so a killed run, not at all.
Result<> store_segment(RunWriter writer, const ImportedSegment& segment, const std::vector<GradedSample>& samples,
                       const std::vector<BenchPoint>& points, const ImportedRun& run, bool is_last) {
  ASSAY_TRY(writer.add_gpu_samples(segment.gpu_samples));
  for (std::size_t n = 0; n < samples.size(); n += kSamplesAtATime) {
    const auto batch = std::span(samples).subspan(n, std::min(kSamplesAtATime, samples.size() - n));
    ASSAY_TRY(writer.add_samples(batch, segment.started_at_ms, segment.wall_ms));
  }
  for (const BenchPoint& point : points) ASSAY_TRY(writer.add_point(point, segment.wall_ms));
  if (is_last && run.finished_at_ms && is_whole(run)) {
    return writer.finish(RunState::finished, *run.finished_at_ms, segment.wall_ms, segment.device_time);
  }
  if (!segment.ended_at_ms) return {};
  return writer.finish(RunState::interrupted, *segment.ended_at_ms, segment.wall_ms, segment.device_time);
}

/// What the file has beyond what is stored of an earlier, shorter import: later segments, and samples that stored ones
/// have got since. Those are told by a segment of their own, with the time that came with them.
ImportedSegment growth_of(const ImportedSegment& segment, double stored_wall_ms) {
  ImportedSegment growth = segment;
  growth.gpu_samples.clear();
  growth.device_time.reset();
  growth.wall_ms = std::max(0.0, segment.wall_ms - stored_wall_ms);
  return growth;
}

Result<ImportOutcome> store_whole(Store& store, const ImportedRun& run) {
  ImportOutcome outcome;
  std::vector<GradedSample> missing = run.samples;
  std::vector<BenchPoint> points = run.points;
  std::size_t n_stored_segments = 0;
  double stored_wall_ms = 0;
  ASSAY_ASSIGN(const bool exists, store.has_run(run.run_id));
  if (exists) {
    ASSAY_ASSIGN(const RunRecord stored, store.read_run(run.run_id));
    if (stored.facts.model.name != run.facts.model.name || stored.facts.seed != run.facts.seed ||
        stored.suites.size() != run.facts.suites.size()) {
      return other_run(store, run, "its model, seed or suites");
    }
    ASSAY_ASSIGN(missing, missing_samples(store, run));
    ASSAY_ASSIGN(points, missing_points(store, run));
    outcome.was_there = missing.empty() && points.empty();
    if (outcome.was_there || stored.state == RunState::finished) return outcome;
    n_stored_segments = std::min(stored.segments.size(), run.segments.size());
    stored_wall_ms = stored.segments[n_stored_segments - 1].wall_ms;
  }
  outcome.n_samples_added = static_cast<std::int64_t>(missing.size());
  outcome.n_points_added = static_cast<std::int64_t>(points.size());
  std::vector<std::vector<GradedSample>> by_segment(run.segments.size());
  for (GradedSample& graded : missing) {
    const auto at = run.segment_of.find(graded.sample.key);
    by_segment[at == run.segment_of.end() ? 0 : at->second].push_back(std::move(graded));
  }
  std::vector<std::vector<BenchPoint>> points_by_segment(run.segments.size());
  for (BenchPoint& point : points) points_by_segment[point.segment].push_back(std::move(point));
  for (std::size_t i = 0; i < run.segments.size(); ++i) {
    const bool is_last = i + 1 == run.segments.size();
    const bool is_stored = i < n_stored_segments;
    if (is_stored && by_segment[i].empty() && points_by_segment[i].empty() && !is_last) continue;
    const ImportedSegment segment = is_stored ? growth_of(run.segments[i], stored_wall_ms) : run.segments[i];
    const bool is_first = i == 0 && !exists;
    ASSAY_ASSIGN(RunWriter writer, is_first ? store.begin_run(run.facts, segment.environment, segment.started_at_ms,
                                                              RunOrigin{run.run_id, segment.started_at_ms})
                                            : store.resume_run(run.run_id, segment.environment, segment.started_at_ms));
    ASSAY_TRY(store_segment(std::move(writer), segment, by_segment[i], points_by_segment[i], run, is_last));
  }
  return outcome;
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
  if (format != ImportFormat::assay) text = without_nan(text);
  return kReaders[index]({import_format_names()[index], file, std::move(text), options, now_ms});
}

Result<ImportOutcome> store_import(Store& store, const ImportedRun& run) {
  ImportOutcome outcome;
  ASSAY_TRY(store.as_one_write([&]() -> Result<> {
    ASSAY_ASSIGN(outcome, store_whole(store, run));
    return {};
  }));
  return outcome;
}

}  // namespace assay::results
