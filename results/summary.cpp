#include "results/summary.h"

#include <algorithm>
#include <array>

#include "harness/base/text.h"
#include "results/analysis/cost.h"
#include "results/analysis/moments.h"
#include "results/analysis/votes.h"
#include "results/endpoint_use.h"
#include "results/run_time.h"

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

/// What is summed over all samples of a run while they pass by.
struct Totals {
  std::int64_t n_served = 0;  ///< samples that did not fail
  std::int64_t n_correct = 0;
  std::optional<std::int64_t> n_prompt_tokens = 0, n_cached_prompt_tokens = 0, n_output_tokens = 0;
  std::int64_t n_drafted_tokens = 0, n_accepted_tokens = 0;
  std::optional<double> prefill_device_ms = 0, decode_device_ms = 0;
  std::vector<double> ttft_ms, itl_ms, e2e_ms;
};

/// Adds, and is unknown from the first unknown part on.
template <class T>
void add(std::optional<T>& sum, const std::optional<T>& part) {
  sum = sum && part ? std::optional<T>(*sum + *part) : std::nullopt;
}

void append_known(std::vector<double>& values, const std::optional<double>& value) {
  if (value) values.push_back(*value);
}

void add_sample(Totals& totals, const SampleRecord& record) {
  const SampleFacts& sample = record.sample;
  totals.n_correct += record.verdict.verdict == Verdict::correct ? 1 : 0;
  if (sample.failure) return;
  ++totals.n_served;
  add(totals.n_prompt_tokens, sample.n_prompt_tokens);
  add(totals.n_cached_prompt_tokens, sample.n_cached_prompt_tokens);
  add(totals.n_output_tokens, sample.n_output_tokens);
  totals.n_drafted_tokens += sample.n_drafted_tokens;
  totals.n_accepted_tokens += sample.n_accepted_tokens;
  add(totals.prefill_device_ms, sample.prefill_device_ms);
  add(totals.decode_device_ms, sample.decode_device_ms);
  append_known(totals.ttft_ms, sample.ttft_ms);
  append_known(totals.itl_ms, sample.itl_ms_mean);
  append_known(totals.e2e_ms, sample.e2e_ms);
}

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
                                     const BootstrapOptions& bootstrap) {
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
  ASSAY_ASSIGN(summary.by_tag, summarise_tags(items, bootstrap));
  ASSAY_TRY(summarise_votes(items, bootstrap, summary));
  return summary;
}

}  // namespace

Result<Percentiles> percentiles(const std::vector<double>& values) {
  constexpr std::int64_t kLeastForP90 = 10;
  constexpr std::int64_t kLeastForP99 = 100;
  Percentiles summary;
  summary.n = static_cast<std::int64_t>(values.size());
  if (summary.n >= 1) {
    ASSAY_ASSIGN(summary.p50, quantile(values, 0.50));
  }
  if (summary.n >= kLeastForP90) {
    ASSAY_ASSIGN(summary.p90, quantile(values, 0.90));
  }
  if (summary.n >= kLeastForP99) {
    ASSAY_ASSIGN(summary.p99, quantile(values, 0.99));
  }
  return summary;
}

namespace {

std::optional<DeviceTime> device_time(const RunRecord& run) {
  DeviceTime sum;
  for (const SegmentRecord& segment : run.segments) {
    if (!segment.device_time) return {};
    sum.prefill_ms += segment.device_time->prefill_ms;
    sum.decode_ms += segment.device_time->decode_ms;
    sum.idle_ms += segment.device_time->idle_ms;
  }
  return sum;
}

/// By the tokens, of samples that did not fail: what failed attempts cost is not known.
Result<> add_endpoint_cost(const Totals& totals, RunSummary& summary) {
  ASSAY_ASSIGN(const std::vector<ApiPrice> prices, shipped_api_price_list());
  const auto price = endpoint_price(summary.run, prices);
  if (!price || !totals.n_prompt_tokens || !totals.n_output_tokens) return {};
  const auto n_prompt = static_cast<double>(*totals.n_prompt_tokens);
  const auto n_cached = static_cast<double>(totals.n_cached_prompt_tokens.value_or(0));
  const auto n_output = static_cast<double>(*totals.n_output_tokens);
  summary.endpoint_price = price;
  summary.usd_total = hosted_usd(price->price, n_prompt - n_cached, n_cached, n_output);
  summary.usd_per_correct = ratio_or_none(summary.usd_total, static_cast<double>(totals.n_correct));
  summary.usd_per_mtok_input =
      ratio_or_none(hosted_usd(price->price, n_prompt - n_cached, n_cached, 0) * 1e6, n_prompt);
  summary.usd_per_mtok_output = price->price.usd_per_mtok_output;
  return {};
}

void add_cost(const Totals& totals, RunSummary& summary) {
  const RunFacts& facts = summary.run.facts;
  if (!(summary.run.device_s > 0)) return;  // a projection took no time: what it costs is not nothing
  const double usd_total = usd_for_time(*facts.price_usd_per_gpu_hour, facts.n_priced_devices, summary.run.device_s);
  summary.usd_total = usd_total;
  summary.usd_per_correct = ratio_or_none(usd_total, static_cast<double>(totals.n_correct));
  if (!totals.prefill_device_ms || !totals.decode_device_ms) return;
  const auto split = split_cost(usd_total, {*totals.prefill_device_ms, *totals.decode_device_ms, totals.n_prompt_tokens,
                                            totals.n_cached_prompt_tokens, totals.n_output_tokens});
  if (!split) return;
  summary.usd_per_mtok_input = split->usd_per_mtok_input;
  summary.usd_per_mtok_output = split->usd_per_mtok_output;
}

void add_energy(const Totals& totals, RunSummary& summary) {
  if (!summary.gpu) {
    summary.net_energy.reason = kNoEnergyCounter;
    return;
  }
  summary.net_energy = net_of_idle(*summary.gpu, summary.run.segments);
  const auto& joules = summary.gpu->energy_joules;
  summary.joules_per_output_token = ratio_or_none(joules, static_cast<double>(summary.n_output_tokens.value_or(0)));
  summary.joules_per_correct = ratio_or_none(joules, static_cast<double>(totals.n_correct));
}

Result<> add_totals(const Totals& totals, RunSummary& summary) {
  summary.wall_s = summary.run.wall_s;
  if (totals.n_served > 0) {
    summary.n_prompt_tokens = totals.n_prompt_tokens;
    summary.n_cached_prompt_tokens = totals.n_cached_prompt_tokens;
    summary.n_output_tokens = totals.n_output_tokens;
  }
  summary.n_drafted_tokens = totals.n_drafted_tokens;
  summary.n_accepted_tokens = totals.n_accepted_tokens;
  ASSAY_ASSIGN(summary.ttft_ms, percentiles(totals.ttft_ms));
  ASSAY_ASSIGN(summary.itl_ms, percentiles(totals.itl_ms));
  ASSAY_ASSIGN(summary.e2e_ms, percentiles(totals.e2e_ms));
  summary.device_time = device_time(summary.run);
  summary.net_energy.reason = kNotTimed;
  if (!was_timed(summary.run) || totals.n_served == 0) return {};
  if (summary.n_output_tokens) {
    summary.output_tokens_per_s = ratio_or_none(static_cast<double>(*summary.n_output_tokens), summary.wall_s);
  }
  summary.requests_per_s = ratio_or_none(static_cast<double>(totals.n_served), summary.wall_s);
  if (summary.run.facts.price_usd_per_gpu_hour) {
    add_cost(totals, summary);
  } else {
    ASSAY_TRY(add_endpoint_cost(totals, summary));
  }
  add_energy(totals, summary);
  return {};
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

Result<RunSummary> summarise(const Store& store, const RunId& run, const BootstrapOptions& bootstrap) {
  RunSummary summary;
  summary.bootstrap = bootstrap;
  Totals totals;
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
      add_sample(totals, record);
      add_sample(items_by_suite[record.sample.key.suite], record);
      ++tallies[record.sample.key.suite][static_cast<std::size_t>(record.verdict.verdict)];
      return {};
    });
  });
  if (!read) return read.error();
  summary.gpu = gpu.finish(segments_at_work(summary.run), device_sharing(summary.run.segments));
  for (const RunSuiteRecord& suite : summary.run.suites) {
    ASSAY_TRY(check_counts(suite, tallies[suite.facts.suite], store.path().string()));
    ASSAY_ASSIGN(auto suite_summary, summarise_suite(suite, items_by_suite[suite.facts.suite], bootstrap));
    summary.suites.push_back(std::move(suite_summary));
  }
  ASSAY_TRY(add_totals(totals, summary));
  return summary;
}

}  // namespace assay::results
