#include "results/run_totals.h"

#include "results/analysis/cost.h"
#include "results/analysis/moments.h"
#include "results/endpoint_use.h"

namespace assay::results {

namespace {

/// Adds, and is unknown from the first unknown part on.
template <class T>
void add_part(std::optional<T>& sum, const std::optional<T>& part) {
  sum = sum && part ? std::optional<T>(*sum + *part) : std::nullopt;
}

void append_known(std::vector<double>& values, const std::optional<double>& value) {
  if (value) values.push_back(*value);
}

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
Result<> add_endpoint_cost(const RunTotals& totals, RunSummary& summary) {
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

void add_cost(const RunTotals& totals, RunSummary& summary) {
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

void add_energy(const RunTotals& totals, RunSummary& summary) {
  if (!summary.gpu) {
    summary.net_energy.reason = kNoEnergyCounter;
    return;
  }
  summary.net_energy = net_of_idle(*summary.gpu, summary.run.segments);
  const auto& joules = summary.gpu->energy_joules;
  summary.joules_per_output_token = ratio_or_none(joules, static_cast<double>(summary.n_output_tokens.value_or(0)));
  summary.joules_per_correct = ratio_or_none(joules, static_cast<double>(totals.n_correct));
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

void RunTotals::add(const SampleFacts& sample, Verdict verdict) {
  n_correct += verdict == Verdict::correct ? 1 : 0;
  if (sample.failure) return;
  ++n_served;
  add_part(n_prompt_tokens, sample.n_prompt_tokens);
  add_part(n_cached_prompt_tokens, sample.n_cached_prompt_tokens);
  add_part(n_output_tokens, sample.n_output_tokens);
  n_drafted_tokens += sample.n_drafted_tokens;
  n_accepted_tokens += sample.n_accepted_tokens;
  add_part(prefill_device_ms, sample.prefill_device_ms);
  add_part(decode_device_ms, sample.decode_device_ms);
  append_known(ttft_ms, sample.ttft_ms);
  append_known(itl_ms, sample.itl_ms_mean);
  append_known(e2e_ms, sample.e2e_ms);
}

void RunTotals::add(const RunTotals& part) {
  n_served += part.n_served;
  n_correct += part.n_correct;
  add_part(n_prompt_tokens, part.n_prompt_tokens);
  add_part(n_cached_prompt_tokens, part.n_cached_prompt_tokens);
  add_part(n_output_tokens, part.n_output_tokens);
  n_drafted_tokens += part.n_drafted_tokens;
  n_accepted_tokens += part.n_accepted_tokens;
  add_part(prefill_device_ms, part.prefill_device_ms);
  add_part(decode_device_ms, part.decode_device_ms);
  ttft_ms.insert(ttft_ms.end(), part.ttft_ms.begin(), part.ttft_ms.end());
  itl_ms.insert(itl_ms.end(), part.itl_ms.begin(), part.itl_ms.end());
  e2e_ms.insert(e2e_ms.end(), part.e2e_ms.begin(), part.e2e_ms.end());
}

Result<> add_totals(const RunTotals& totals, RunSummary& summary) {
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

}  // namespace assay::results
