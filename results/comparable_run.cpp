#include "results/comparable_run.h"

#include <algorithm>
#include <cmath>

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/analysis/cost.h"
#include "results/cost/api_prices.h"
#include "results/endpoint_use.h"
#include "results/gpu_activity.h"
#include "results/run_time.h"
#include "results/summary.h"

namespace assay::results {

namespace {

constexpr std::size_t kParts = 20;  // of a run's time: enough for a spread, and long enough to hold many samples

/// When a sample's tokens came.
struct TokenSpan {
  double from_ms;
  double to_ms;
  double n_tokens;
};

/// What is gathered while the samples of a run pass by.
struct Gathered {
  std::map<std::string, ComparableSuite*> suites;
  std::map<std::string, std::int64_t> answers;  ///< of the item under way
  std::optional<std::int64_t> n_output_tokens = 0, n_prompt_tokens = 0;
  std::int64_t n_cached_prompt_tokens = 0;
  std::int64_t n_served = 0;
  std::vector<TokenSpan> spans;
  bool all_timed = true;
};

std::string content_sha256(const ItemFacts& item) {
  const std::string_view expected = item.expected ? std::string_view(*item.expected) : std::string_view();
  return sha256_hex(item.prompt_sha256 + (item.expected ? "=" : "") + std::string(expected));
}

/// Items of a suite in plan order, still without samples.
Result<> read_plan(const Store& store, const RunId& run, ComparableSuite& suite) {
  ASSAY_ASSIGN(const auto items, store.read_items(run, suite.suite));
  for (const ItemFacts& item : items) suite.items.push_back({item.item.value, item.tag, content_sha256(item), {}});
  return {};
}

/// A database may hold an infinity, which no clock of ours has shown.
std::optional<double> if_number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

/// Samples come by item in plan order, so the item is found by going forward.
Result<> add_sample(const SampleRecord& record, std::size_t& at, Gathered& gathered) {
  const SampleFacts& sample = record.sample;
  ComparableSuite& suite = *gathered.suites.at(sample.key.suite);
  if (at < suite.items.size() && suite.items[at].item != sample.key.item.value) gathered.answers.clear();
  while (at < suite.items.size() && suite.items[at].item != sample.key.item.value) ++at;
  if (at == suite.items.size()) return bad_input("suite ", suite.suite, ": items are not in plan order");
  ComparableSample kept;
  kept.verdict = record.verdict.verdict;
  if (record.verdict.answer) {
    const auto next = static_cast<std::int64_t>(gathered.answers.size());
    kept.answer = gathered.answers.try_emplace(*record.verdict.answer, next).first->second;
  }
  if (!sample.failure) {
    kept.n_output_tokens = sample.n_output_tokens;
    kept.ttft_ms = if_number(sample.ttft_ms);
    kept.itl_ms = if_number(sample.itl_ms_mean);
    kept.e2e_ms = if_number(sample.e2e_ms);
    ++gathered.n_served;
    gathered.n_output_tokens = gathered.n_output_tokens && sample.n_output_tokens
                                   ? std::optional(*gathered.n_output_tokens + *sample.n_output_tokens)
                                   : std::nullopt;
    gathered.n_prompt_tokens = gathered.n_prompt_tokens && sample.n_prompt_tokens
                                   ? std::optional(*gathered.n_prompt_tokens + *sample.n_prompt_tokens)
                                   : std::nullopt;
    gathered.n_cached_prompt_tokens += sample.n_cached_prompt_tokens.value_or(0);
    const auto from_ms = if_number(sample.first_token_ms), to_ms = if_number(sample.finished_ms);
    if (from_ms && to_ms && sample.n_output_tokens) {
      gathered.spans.push_back({*from_ms, *to_ms, static_cast<double>(*sample.n_output_tokens)});
    } else {
      gathered.all_timed = false;
    }
  }
  suite.items[at].samples.push_back(kept);
  return {};
}

/// Each sample's tokens spread evenly over its span, counted by equal parts of the time up to the last token.
std::vector<double> rates_by_part(const std::vector<TokenSpan>& spans) {
  double end_ms = 0;
  for (const TokenSpan& span : spans) end_ms = std::max(end_ms, span.to_ms);
  if (!(end_ms > 0)) return {};
  constexpr double kMsPerSecond = 1000;
  const double part_ms = end_ms / static_cast<double>(kParts);
  std::vector<double> rates(kParts);
  for (const TokenSpan& span : spans) {
    const double length_ms = std::max(span.to_ms - span.from_ms, 1e-6 * part_ms);
    const double from_ms = std::min(span.from_ms, span.to_ms - length_ms);
    for (std::size_t part = 0; part < kParts; ++part) {
      const double begin = static_cast<double>(part) * part_ms;
      const double common = std::min(begin + part_ms, from_ms + length_ms) - std::max(begin, from_ms);
      if (common > 0) rates[part] += span.n_tokens * common / length_ms * kMsPerSecond / part_ms;
    }
  }
  return rates;
}

void add_environments(const RunRecord& record, ComparableRun& run) {
  for (const SegmentRecord& segment : record.segments) {
    Json environment = environment_of(segment.environment);
    const auto same = std::find(run.environments.begin(), run.environments.end(), environment);
    if (same == run.environments.end()) run.environments.push_back(std::move(environment));
    const auto versions = segment.environment.details.find("method_versions");
    if (versions != segment.environment.details.end() && versions->is_object()) run.method_versions = *versions;
  }
}

/// By an endpoint's price sheet and the counted tokens, as in results/summary.h.
Result<> add_usd_of_endpoint(const RunRecord& record, const Gathered& gathered, ComparableRun& run) {
  if (!endpoint_use(record)) return {};
  ASSAY_ASSIGN(const std::vector<ApiPrice> prices, shipped_api_price_list());
  const auto price = endpoint_price(record, prices);
  if (!price || !gathered.n_prompt_tokens || !gathered.n_output_tokens) return {};
  const auto n_cached = static_cast<double>(gathered.n_cached_prompt_tokens);
  run.usd_total = hosted_usd(price->price, static_cast<double>(*gathered.n_prompt_tokens) - n_cached, n_cached,
                             static_cast<double>(*gathered.n_output_tokens));
  run.usd_by = "tokens at the prices of " + price->provider + " for " + price->model;
  return {};
}

/// Throughput, cost and energy of the whole run, as results/summary.h defines them.
Result<> add_figures(const RunRecord& record, const Gathered& gathered, const std::optional<GpuActivity>& gpu,
                     ComparableRun& run) {
  if (!was_timed(record) || gathered.n_served == 0 || !(record.wall_s > 0)) return {};
  run.wall_s = record.wall_s;
  if (gathered.n_output_tokens)
    run.output_tokens_per_s = static_cast<double>(*gathered.n_output_tokens) / record.wall_s;
  if (gathered.all_timed && record.segments.size() == 1) run.output_tokens_per_s_parts = rates_by_part(gathered.spans);
  if (const auto& price = record.facts.price_usd_per_gpu_hour) {
    run.usd_total = usd_for_time(*price, record.facts.n_priced_devices, record.device_s);
    run.usd_by = "time of devices at the price of an hour";
  } else {
    ASSAY_TRY(add_usd_of_endpoint(record, gathered, run));
  }
  if (gpu) run.joules_total = gpu->energy_joules;
  return {};
}

void add_facts(const RunRecord& record, ComparableRun& run) {
  run.run_id = record.run_id.value;
  run.name = record.facts.name;
  run.state = to_string(current_state(record));
  run.provenance = record.facts.provenance;
  run.model = record.facts.model.name;
  run.weights_sha256 = record.facts.model.weights_sha256;
  run.seed = record.facts.seed;
  run.started_at_ms = record.started_at_ms;
  for (const auto& [tag, value] : record.facts.tags) run.tags[tag] = value;
  for (const RunSuiteRecord& suite : record.suites) {
    ComparableSuite& kept = run.suites.emplace_back();
    kept.suite = suite.facts.suite;
    kept.version = suite.facts.version;
    kept.sha256 = suite.facts.sha256;
    kept.grader_profile = suite.current_profile;
    kept.grader_version = suite.current_grader_version;
    kept.sampling = suite.facts.sampling;
    kept.samples = suite.facts.samples;
    kept.n_items = suite.n_items;
  }
}

}  // namespace

std::string title_of(const ComparableRun& run) {
  return run.name.empty() ? shown(run.run_id) : shown(run.name) + " (" + shown(run.run_id) + ")";
}

std::int64_t n_samples_stored(const ComparableRun& run) {
  std::int64_t n = 0;
  for (const ComparableSuite& suite : run.suites) {
    for (const ComparableItem& item : suite.items) n += static_cast<std::int64_t>(item.samples.size());
  }
  return n;
}

std::int64_t n_samples_planned(const ComparableRun& run) {
  std::int64_t n = 0;
  for (const ComparableSuite& suite : run.suites) n += suite.n_items * suite.samples;
  return n;
}

Json environment_of(const EnvironmentFacts& facts) {
  Json json = {{"device_kind", facts.device_kind},
               {"device_name", facts.device_name},
               {"cpu_model", facts.cpu_model},
               {"build_version", facts.build_version},
               {"build_git_commit", facts.build_git_commit},
               {"compiler", facts.compiler},
               {"compiler_flags", facts.compiler_flags}};
  const auto add = [&](const char* key, const auto& value) {
    if (value) json[key] = *value;
  };
  add("n_cores", facts.n_cores);
  add("gpu_name", facts.gpu_name);
  add("n_gpus", facts.n_gpus);
  add("gpu_driver", facts.gpu_driver);
  add("cuda_version", facts.cuda_version);
  add("gpu_power_limit_watts", facts.gpu_power_limit_watts);
  const auto device = facts.details.find("device");
  if (device == facts.details.end() || !device->is_object()) return json;
  for (const char* key : {"n_threads", "max_batch", "simd_level", "cuda_path", "compute_capability", "tensor_parallel",
                          "expert_parallel"}) {
    if (const auto at = device->find(key); at != device->end()) json[key] = *at;
  }
  // Equal logits were computed alike to the bit: the shortest name of a path through kernels and number formats.
  const Json canary = canary_of(facts);
  if (canary.contains("logits_sha256")) json["canary_logits_sha256"] = canary["logits_sha256"];
  return json;
}

Result<ComparableRun> read_comparable_run(const Store& store, const RunId& run_id) {
  ComparableRun run;
  RunRecord record;
  Gathered gathered;
  GpuActivityMeter gpu;
  const auto read = store.in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(record, store.read_run(run_id));
    add_facts(record, run);
    for (ComparableSuite& suite : run.suites) {
      gathered.suites[suite.suite] = &suite;
      ASSAY_TRY(read_plan(store, run_id, suite));
    }
    ASSAY_TRY(store.for_each_gpu_sample(run_id, [&](std::size_t segment, const GpuSample& sample) -> Result<> {
      gpu.add(segment, sample);
      return {};
    }));
    for (const ComparableSuite& suite : run.suites) {
      std::size_t at = 0;
      gathered.answers.clear();
      ASSAY_TRY(store.for_each_sample(run_id, suite.suite, SampleParts::facts,
                                      [&](const SampleRecord& sample) { return add_sample(sample, at, gathered); }));
    }
    return {};
  });
  if (!read) return read.error();
  for (ComparableSuite& suite : run.suites) {
    std::erase_if(suite.items, [](const ComparableItem& item) { return item.samples.empty(); });
  }
  add_environments(record, run);
  if (const auto use = endpoint_use(record)) run.sent = sent_text(*use);
  ASSAY_TRY(add_figures(record, gathered, gpu.finish(segments_at_work(record), device_sharing(record.segments)), run));
  return run;
}

}  // namespace assay::results
