// The record of `assay run --json`.
#include <set>

#include "results/endpoint_use.h"
#include "results/run_time.h"
#include "results/summary.h"

namespace assay::results {

namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// Facts that a runner could not know are empty text.
Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json to_json(const Percentiles& percentiles) {
  return {{"p50", or_null(percentiles.p50)},
          {"p90", or_null(percentiles.p90)},
          {"p99", or_null(percentiles.p99)},
          {"n", percentiles.n}};
}

template <class T>
Json by_k(const std::map<std::int64_t, T>& values) {
  Json object = Json::object();
  for (const auto& [k, value] : values) object[std::to_string(k)] = value;
  return object;
}

Json to_json(const ModelFacts& model) {
  return {{"name", model.name},
          {"reference", model.reference},
          {"weights_sha256", or_null(model.weights_sha256)},
          {"tokenizer_sha256", or_null(model.tokenizer_sha256)},
          {"details", model.details}};
}

/// The machine of the first segment; how many others worked on the run is said beside it, and how many different logits
/// their canaries had: more than one, and their samples need not be those of one machine.
Json hardware_json(const RunRecord& run) {
  Json hardware = run.segments.empty() ? Json::object() : environment_json(run.segments.front().environment);
  hardware["n_segments"] = run.segments.size();
  hardware["n_ranks"] = ranks_of(run.segments).n_ranks;
  hardware["n_hosts"] = ranks_of(run.segments).n_hosts;
  std::set<std::string> canaries;
  for (const SegmentRecord& segment : run.segments) {
    const Json canary = canary_of(segment.environment);
    if (canary.contains("logits_sha256")) canaries.insert(to_json_text(canary["logits_sha256"]));
  }
  hardware["canary"] = run.segments.empty() ? Json(nullptr) : canary_of(run.segments.front().environment);
  hardware["n_canaries"] = canaries.size();
  hardware["profile"] = or_null(run.facts.hardware_profile);
  hardware["n_priced_devices"] = run.facts.n_priced_devices;
  hardware["price_usd_per_gpu_hour"] = or_null(run.facts.price_usd_per_gpu_hour);
  return hardware;
}

Json device_time_json(const std::optional<DeviceTime>& time) {
  if (!time) return nullptr;
  return {{"prefill_ms", time->prefill_ms}, {"decode_ms", time->decode_ms}, {"idle_ms", time->idle_ms}};
}

Json to_json(const std::optional<ValueRange>& range) {
  if (!range) return nullptr;
  return {{"min", range->min}, {"mean", range->mean}, {"max", range->max}};
}

Json gpu_json(const RunSummary& summary) {
  if (!summary.gpu) return nullptr;
  const GpuActivity& gpu = *summary.gpu;
  if (!gpu.is_gpu()) return nullptr;
  Json throttled = Json::object();
  for (const auto& [reason, share] : gpu.throttled_ratio) throttled[reason] = share;
  return {{"n_samples", gpu.n_samples},
          {"sm_clock_mhz", to_json(gpu.sm_clock_mhz)},
          {"memory_clock_mhz", to_json(gpu.memory_clock_mhz)},
          {"power_watts", to_json(gpu.power_watts)},
          {"temperature_c", to_json(gpu.temperature_c)},
          {"throttled_ratio", std::move(throttled)},
          {"provenance", summary.run.facts.provenance}};
}

Json measurements_json(const RunFacts& facts) {
  Json figures = Json::array();
  for (const Measurement& figure : facts.measurements) {
    figures.push_back({{"name", figure.name},
                       {"metric", figure.metric},
                       {"value", figure.value},
                       {"stddev", or_null(figure.stddev)},
                       {"n", or_null(figure.n)},
                       {"details", figure.details},
                       {"provenance", facts.provenance}});
  }
  return figures;
}

Json points_json(const RunSummary& summary) {
  Json points = Json::array();
  for (const BenchPoint& point : summary.points) points.push_back(to_json(point));
  return points;
}

Json point_summaries_json(const RunSummary& summary) {
  const std::vector<PointSummary> settings = summarise_points(summary.points);
  Json summaries = Json::array();
  for (const PointSummary& setting : settings) {
    summaries.push_back(to_json(setting));
    summaries.back()["is_pareto"] = false;
  }
  for (const std::size_t best : pareto_settings(settings)) summaries[best]["is_pareto"] = true;
  return summaries;
}

Json energy_json(const RunSummary& summary) {
  if (!summary.gpu || !summary.gpu->energy_joules) return nullptr;
  const NetEnergy& net = summary.net_energy;
  return {{"joules_total", *summary.gpu->energy_joules},
          {"joules_per_output_token", or_null(summary.joules_per_output_token)},
          {"joules_per_correct", or_null(summary.joules_per_correct)},
          {"source", to_string(*summary.gpu->energy_source)},
          {"joules_net", or_null(net.joules)},
          {"net_reason", or_null(net.reason)},
          {"idle_watts", or_null(net.idle_watts)},
          {"idle_provenance", or_null(net.provenance)},
          {"provenance", summary.run.facts.provenance}};
}

Json to_json(const SuiteSummary& summary) {
  const RunSuiteRecord& suite = summary.suite;
  Json by_tag = Json::array();
  for (const TagSummary& tag : summary.by_tag) {
    by_tag.push_back({{"tag", tag.tag}, {"items", tag.n_items}, {"accuracy", tag.accuracy}, {"ci95", tag.ci95}});
  }
  return {{"suite", suite.facts.suite},
          {"version", suite.facts.version},
          {"kind", suite.facts.kind},
          {"sha256", suite.facts.sha256},
          {"protected", suite.facts.is_protected},
          {"items", suite.n_items},
          {"samples", suite.facts.samples},
          {"n_items_sampled", summary.n_items_sampled},
          {"n_samples", suite.n_samples},
          {"accuracy", or_null(summary.accuracy)},
          {"stderr", or_null(summary.stderr_accuracy)},
          {"stderr_by_tag", or_null(summary.stderr_by_tag)},
          {"stderr_fixed_items", or_null(summary.stderr_fixed_items)},
          {"ci95", or_null(summary.ci95)},
          {"ci95_method", or_null(summary.ci95_method)},
          {"accuracy_bounds", or_null(summary.accuracy_bounds)},
          {"pass_at_k", by_k(summary.pass_at_k)},
          {"pass_at_k_ci95", by_k(summary.pass_at_k_ci95)},
          {"maj_at_k", by_k(summary.maj_at_k)},
          {"maj_at_k_ci95", by_k(summary.maj_at_k_ci95)},
          {"correct", suite.n_correct},
          {"incorrect", suite.n_incorrect},
          {"no_answer", suite.n_no_answer},
          {"truncated", suite.n_truncated},
          {"errors", suite.n_errors},
          {"fallback", summary.n_fallback},
          {"by_tag", std::move(by_tag)},
          {"sampling", suite.facts.sampling},
          {"grader_profile", suite.current_profile},
          {"grader_version", suite.current_grader_version}};
}

}  // namespace

namespace {

Json endpoint_price_json(const std::optional<ApiPrice>& price) {
  if (!price) return nullptr;
  return {{"provider", price->provider},
          {"model", price->model},
          {"usd_per_mtok_input", price->price.usd_per_mtok_input},
          {"usd_per_mtok_cached", or_null(price->price.usd_per_mtok_cached)},
          {"usd_per_mtok_output", price->price.usd_per_mtok_output},
          {"source", price->citation.source},
          {"date", price->citation.date},
          {"provenance", "published"}};
}

Json sent_to_json(const RunRecord& run) {
  const auto use = endpoint_use(run);
  return use ? to_json(*use) : Json(nullptr);
}

}  // namespace

Json environment_json(const EnvironmentFacts& environment) {
  return {{"device_kind", environment.device_kind},
          {"device_name", or_null(environment.device_name)},
          {"hostname", or_null(environment.hostname)},
          {"cpu_model", or_null(environment.cpu_model)},
          {"n_cores", or_null(environment.n_cores)},
          {"memory_bytes", or_null(environment.memory_bytes)},
          {"os", or_null(environment.os)},
          {"kernel", or_null(environment.kernel)},
          {"gpu_name", or_null(environment.gpu_name)},
          {"n_gpus", or_null(environment.n_gpus)},
          {"gpu_driver", or_null(environment.gpu_driver)},
          {"cuda_version", or_null(environment.cuda_version)},
          {"gpu_clock_mhz", or_null(environment.gpu_clock_mhz)},
          {"gpu_power_limit_watts", or_null(environment.gpu_power_limit_watts)},
          {"build_version", or_null(environment.build_version)},
          {"build_git_commit", or_null(environment.build_git_commit)},
          {"compiler", or_null(environment.compiler)},
          {"compiler_flags", or_null(environment.compiler_flags)},
          {"details", environment.details}};
}

Json to_json(const RunSummary& summary) {
  const RunRecord& run = summary.run;
  const std::string& provenance = run.facts.provenance;
  Json tags = Json::object();
  for (const auto& [tag, value] : run.facts.tags) tags[tag] = value;
  Json suites = Json::array();
  for (const SuiteSummary& suite : summary.suites) {
    suites.push_back(to_json(suite));
    suites.back()["provenance"] = provenance;
  }
  return {{"run_id", run.run_id.value},
          {"name", or_null(run.facts.name)},
          {"state", to_string(current_state(run))},
          {"seed", run.facts.seed},
          {"tags", std::move(tags)},
          {"command_line", run.facts.command_line},
          {"identity_sha256", run.identity_sha256},
          {"started_at_ms", run.started_at_ms},
          {"finished_at_ms", or_null(run.finished_at_ms)},
          {"provenance", provenance},
          {"model", to_json(run.facts.model)},
          {"hardware", hardware_json(run)},
          {"suites", std::move(suites)},
          {"tokens",
           {{"prompt", or_null(summary.n_prompt_tokens)},
            {"cached_prompt", or_null(summary.n_cached_prompt_tokens)},
            {"output", or_null(summary.n_output_tokens)},
            {"drafted", summary.n_drafted_tokens},
            {"accepted", summary.n_accepted_tokens},
            {"provenance", provenance}}},
          {"latency",
           {{"ttft_ms", to_json(summary.ttft_ms)},
            {"itl_ms", to_json(summary.itl_ms)},
            {"e2e_ms", to_json(summary.e2e_ms)},
            {"provenance", provenance}}},
          {"throughput",
           {{"output_tokens_per_s", or_null(summary.output_tokens_per_s)},
            {"requests_per_s", or_null(summary.requests_per_s)},
            {"device_time", device_time_json(summary.device_time)},
            {"provenance", provenance}}},
          {"cost",
           {{"usd_total", or_null(summary.usd_total)},
            {"usd_per_mtok_input", or_null(summary.usd_per_mtok_input)},
            {"usd_per_mtok_output", or_null(summary.usd_per_mtok_output)},
            {"usd_per_correct", or_null(summary.usd_per_correct)},
            {"endpoint_price", endpoint_price_json(summary.endpoint_price)},
            {"provenance", summary.endpoint_price ? "published" : provenance}}},
          {"sent_to", sent_to_json(run)},
          {"gpu", gpu_json(summary)},
          {"energy", energy_json(summary)},
          {"energy_check", energy_check_json(summary.gpu, summary.net_energy.reason)},
          {"measurements", measurements_json(run.facts)},
          {"points", points_json(summary)},
          {"point_summaries", point_summaries_json(summary)},
          {"wall_s", summary.wall_s},
          {"bootstrap", {{"n_resamples", summary.bootstrap.n_resamples}, {"seed", summary.bootstrap.seed}}}};
}

}  // namespace assay::results
