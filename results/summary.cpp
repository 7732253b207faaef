#include "results/summary.h"

#include <algorithm>
#include <array>

#include "harness/base/text.h"
#include "results/analysis/moments.h"
#include "results/analysis/votes.h"
#include "results/run_time.h"
#include "results/run_totals.h"

namespace assay::results {

namespace {

/// Samples of a suite by verdict, in the order of Verdict.
using VerdictTally = std::array<std::int64_t, 5>;

/// Stored counts are what lists show; a file of another program's could have others than its rows.
Result<> check_counts(const RunSuiteRecord& suite, const VerdictTally& counted, const std::string& path) {
  const VerdictTally stored = {suite.n_correct, suite.n_incorrect, suite.n_no_answer, suite.n_truncated,
                               suite.n_errors};
  if (stored == counted) return {};
  return bad_input(path, ": gradings: the counts of suite ", quoted_excerpt(suite.facts.suite),
                   " are not those of its verdicts; the database was changed by another program");
}

/// The samples of one item.
struct SampledItem {
  std::string tag;
  std::vector<double> scores;  ///< 1 for `correct`, else 0
  std::vector<Vote> votes;
  ItemCounts counts;
  std::int64_t n_fallback = 0;
};

/// Items of one suite by id, with what of them is stored.
using SampledItems = std::map<ItemId, SampledItem>;

void add_sample(SampledItems& items, const SampleRecord& record) {
  SampledItem& item = items[record.sample.key.item];
  const bool correct = record.verdict.verdict == Verdict::correct;
  item.tag = record.item_tag;
  item.scores.push_back(correct ? 1 : 0);
  item.votes.push_back({record.verdict.answer, correct});
  ++item.counts.n_samples;
  item.counts.n_correct += correct ? 1 : 0;
  item.counts.n_unresolved += correct || record.verdict.verdict == Verdict::incorrect ? 0 : 1;
  const auto fallback = record.verdict.detail.find("fallback");
  item.n_fallback += fallback != record.verdict.detail.end() && *fallback == true ? 1 : 0;
}

Result<std::vector<double>> means_over_samples(const SampledItems& items) {
  std::vector<double> means;
  for (const auto& [id, item] : items) {
    ASSAY_ASSIGN(const double item_mean, mean(item.scores));
    means.push_back(item_mean);
  }
  return means;
}

bool has_single_samples(const SampledItems& items) {
  return std::all_of(items.begin(), items.end(), [](const auto& entry) { return entry.second.scores.size() == 1; });
}

Result<std::vector<TagSummary>> summarise_tags(const SampledItems& items, const BootstrapOptions& bootstrap) {
  std::map<std::string, SampledItems> by_tag;
  for (const auto& [id, item] : items) by_tag[item.tag][id] = item;
  std::vector<TagSummary> tags;
  if (by_tag.size() == 1 && by_tag.contains("")) return tags;
  for (const auto& [tag, tagged] : by_tag) {
    ASSAY_ASSIGN(const auto means, means_over_samples(tagged));
    ASSAY_ASSIGN(const double accuracy, mean(means));
    ASSAY_ASSIGN(const auto ci95, accuracy_ci95(means, has_single_samples(tagged), bootstrap));
    tags.push_back({tag, static_cast<std::int64_t>(tagged.size()), accuracy, ci95.interval});
  }
  return tags;
}

/// 1, 2, 4, … up to `most`, and `most` itself.
std::vector<std::int64_t> ks_up_to(std::int64_t most) {
  std::vector<std::int64_t> ks;
  for (std::int64_t k = 1; k < most; k *= 2) ks.push_back(k);
  ks.push_back(most);
  return ks;
}

Result<> summarise_votes(const SampledItems& items, const BootstrapOptions& bootstrap, SuiteSummary& summary) {
  std::size_t fewest = items.begin()->second.scores.size();
  bool can_vote = true;
  for (const auto& [id, item] : items) {
    fewest = std::min(fewest, item.scores.size());
    for (const Vote& vote : item.votes) can_vote = can_vote && (vote.answer || !vote.correct);
  }
  for (const std::int64_t k : ks_up_to(static_cast<std::int64_t>(fewest))) {
    std::vector<double> passes;
    std::vector<double> majorities;
    for (const auto& [id, item] : items) {
      const auto n_correct = std::count(item.scores.begin(), item.scores.end(), 1.0);
      ASSAY_ASSIGN(const double pass, pass_at_k(static_cast<std::int64_t>(item.scores.size()), n_correct, k));
      passes.push_back(pass);
      if (!can_vote) continue;
      ASSAY_ASSIGN(const double majority, maj_at_k(item.votes, k, bootstrap));
      majorities.push_back(majority);
    }
    const bool single_sample = has_single_samples(items);
    ASSAY_ASSIGN(summary.pass_at_k[k], mean(passes));
    ASSAY_ASSIGN(const auto pass_ci95, accuracy_ci95(passes, single_sample, bootstrap));
    summary.pass_at_k_ci95[k] = pass_ci95.interval;
    if (!can_vote) continue;
    ASSAY_ASSIGN(summary.maj_at_k[k], mean(majorities));
    ASSAY_ASSIGN(const auto maj_ci95, accuracy_ci95(majorities, single_sample, bootstrap));
    summary.maj_at_k_ci95[k] = maj_ci95.interval;
  }
  return {};
}

Result<SuiteSummary> summarise_suite(const RunSuiteRecord& suite, const SampledItems& items,
                                     const BootstrapOptions& bootstrap, SummaryParts parts) {
  SuiteSummary summary;
  summary.suite = suite;
  summary.n_items_sampled = static_cast<std::int64_t>(items.size());
  if (items.empty()) return summary;
  ASSAY_ASSIGN(const auto means, means_over_samples(items));
  ASSAY_ASSIGN(summary.accuracy, mean(means));
  ASSAY_ASSIGN(const auto ci95, accuracy_ci95(means, has_single_samples(items), bootstrap));
  summary.ci95 = ci95.interval;
  summary.ci95_method = ci95.method;
  if (means.size() >= 2) {
    ASSAY_ASSIGN(summary.stderr_accuracy, standard_error(means));
  }
  std::vector<std::vector<double>> scores;
  std::vector<ItemCounts> counts;
  std::vector<std::string> tags;
  for (const auto& [id, item] : items) {
    scores.push_back(item.scores);
    counts.push_back(item.counts);
    tags.push_back(item.tag);
    summary.n_fallback += item.n_fallback;
  }
  ASSAY_ASSIGN(summary.accuracy_bounds, unresolved_bounds(counts));
  ASSAY_ASSIGN(const auto means_by_tag, group_by(means, tags));
  if (means_by_tag.size() >= 2) {
    ASSAY_ASSIGN(summary.stderr_by_tag, clustered_standard_error(means_by_tag, ClusterCorrection::c_over_c_minus_1));
  }
  // Fails, and leaves the figure unknown, where all samples are single.
  if (const auto split = split_variance(scores)) summary.stderr_fixed_items = split->fixed_items_standard_error;
  if (parts == SummaryParts::headline) return summary;
  ASSAY_ASSIGN(summary.by_tag, summarise_tags(items, bootstrap));
  ASSAY_TRY(summarise_votes(items, bootstrap, summary));
  return summary;
}

}  // namespace

bool was_timed(const RunRecord& run) {
  return std::none_of(run.segments.begin(), run.segments.end(), [](const SegmentRecord& segment) {
    const std::string& kind = segment.environment.device_kind;
    return kind == "replay" || kind == "imported";
  });
}

std::vector<std::size_t> segments_at_work(const RunRecord& run) {
  std::vector<std::size_t> segments;
  for (std::size_t i = 0; i < run.segments.size(); ++i) {
    if (run.segments[i].wall_ms > 0) segments.push_back(i);
  }
  return segments;
}

Json canary_of(const EnvironmentFacts& environment) {
  const auto device = environment.details.find("device");
  if (device == environment.details.end() || !device->is_object()) return nullptr;
  const auto canary = device->find("canary");
  return canary != device->end() && canary->is_object() ? *canary : Json(nullptr);
}

Result<RunSummary> summarise(const Store& store, const RunId& run, const BootstrapOptions& bootstrap,
                             SummaryParts parts) {
  RunSummary summary;
  summary.bootstrap = bootstrap;
  RunTotals totals;
  GpuActivityMeter gpu;
  std::map<std::string, SampledItems> items_by_suite;
  std::map<std::string, VerdictTally> tallies;
  const auto read = store.in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(summary.run, store.read_run(run));
    ASSAY_ASSIGN(summary.run.facts.measurements, store.read_measurements(run));
    ASSAY_ASSIGN(summary.points, store.read_points(run));
    ASSAY_TRY(store.for_each_gpu_sample(run, [&](std::size_t segment, const GpuSample& sample) -> Result<> {
      gpu.add(segment, sample);
      return {};
    }));
    return store.for_each_sample(run, "", SampleParts::facts, [&](const SampleRecord& record) -> Result<> {
      totals.add(record.sample, record.verdict.verdict);
      add_sample(items_by_suite[record.sample.key.suite], record);
      ++tallies[record.sample.key.suite][static_cast<std::size_t>(record.verdict.verdict)];
      return {};
    });
  });
  if (!read) return read.error();
  summary.gpu = gpu.finish(segments_at_work(summary.run), device_sharing(summary.run.segments));
  for (const RunSuiteRecord& suite : summary.run.suites) {
    ASSAY_TRY(check_counts(suite, tallies[suite.facts.suite], store.path().string()));
    ASSAY_ASSIGN(auto suite_summary, summarise_suite(suite, items_by_suite[suite.facts.suite], bootstrap, parts));
    summary.suites.push_back(std::move(suite_summary));
  }
  ASSAY_TRY(add_totals(totals, summary));
  return summary;
}

}  // namespace assay::results
