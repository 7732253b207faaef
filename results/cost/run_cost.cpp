#include "results/cost/run_cost.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "results/endpoint_use.h"
#include "results/run_time.h"
#include "results/summary.h"

namespace assay::results {

namespace {

/// What an item's samples used.
struct ItemUse {
  double device_ms = 0;
  double n_correct = 0;
};

/// What is summed over the samples of a run while they pass by.
struct UseTotals {
  std::int64_t n_samples = 0, n_served = 0, n_correct = 0;
  std::optional<std::int64_t> n_prompt_tokens = 0, n_cached_prompt_tokens = 0, n_output_tokens = 0;
  std::optional<double> prefill_device_ms = 0, decode_device_ms = 0;
  std::vector<PrefillObservation> prefills;
  std::map<std::pair<std::string, ItemId>, ItemUse> items;
};

/// Adds, and is unknown from the first unknown part on.
template <class T>
void add_known(std::optional<T>& sum, const std::optional<T>& part) {
  sum = sum && part ? std::optional<T>(*sum + *part) : std::nullopt;
}

void add_use(UseTotals& totals, const SampleRecord& record) {
  const SampleFacts& sample = record.sample;
  ItemUse& item = totals.items[{sample.key.suite, sample.key.item}];
  const bool correct = record.verdict.verdict == Verdict::correct;
  ++totals.n_samples;
  totals.n_correct += correct ? 1 : 0;
  item.n_correct += correct ? 1 : 0;
  if (sample.failure) return;
  // A database may hold an infinity, which no device of ours has taken.
  const auto if_number = [](const std::optional<double>& ms) {
    return ms && std::isfinite(*ms) ? ms : std::optional<double>();
  };
  const auto prefill_device_ms = if_number(sample.prefill_device_ms);
  const auto decode_device_ms = if_number(sample.decode_device_ms);
  ++totals.n_served;
  add_known(totals.n_prompt_tokens, sample.n_prompt_tokens);
  add_known(totals.n_cached_prompt_tokens, sample.n_cached_prompt_tokens);
  add_known(totals.n_output_tokens, sample.n_output_tokens);
  add_known(totals.prefill_device_ms, prefill_device_ms);
  add_known(totals.decode_device_ms, decode_device_ms);
  item.device_ms += prefill_device_ms.value_or(0) + decode_device_ms.value_or(0);
  if (sample.n_prompt_tokens && sample.n_cached_prompt_tokens && prefill_device_ms) {
    const auto n_cached = static_cast<double>(*sample.n_cached_prompt_tokens);
    totals.prefills.push_back({static_cast<double>(*sample.n_prompt_tokens) - n_cached, n_cached, *prefill_device_ms});
  }
}

/// The interval of device time per correct answer, in shares of all device time: dollars and joules scale it.
Result<std::optional<Interval>> share_per_correct(const UseTotals& totals, const BootstrapOptions& bootstrap,
                                                  std::string& reason) {
  double device_ms = 0;
  for (const auto& [key, item] : totals.items) device_ms += item.device_ms;
  if (totals.n_correct == 0) reason = "no sample is correct";
  if (totals.n_correct > 0 && totals.items.size() < 2) reason = "one item has no spread over items";
  if (!totals.prefill_device_ms || !totals.decode_device_ms || !(device_ms > 0)) {
    reason = "device times of the samples are not known";
  }
  if (!reason.empty()) return std::optional<Interval>();
  std::vector<RatioTerm> terms;
  for (const auto& [key, item] : totals.items) terms.push_back({item.device_ms / device_ms, item.n_correct});
  ASSAY_ASSIGN(const BootstrapEstimate estimate, bootstrap_ratio(terms, bootstrap));
  return std::optional(estimate.bca.value_or(estimate.percentile));
}

std::optional<Interval> scaled_interval(const std::optional<Interval>& interval, double factor) {
  if (!interval) return {};
  return Interval{(*interval)[0] * factor, (*interval)[1] * factor};
}

/// An endpoint is paid by the token; what its failed attempts cost is not known.
void add_endpoint_money(RunCost& cost) {
  const DeviceUse& use = cost.use;
  if (!use.n_prompt_tokens || !use.n_output_tokens) {
    cost.usd_reason = "the endpoint did not give all token counts";
    return;
  }
  const auto n_cached = static_cast<double>(use.n_cached_prompt_tokens.value_or(0));
  cost.usd_total = hosted_usd(cost.endpoint_price->price, static_cast<double>(*use.n_prompt_tokens) - n_cached,
                              n_cached, static_cast<double>(*use.n_output_tokens));
  cost.usd_per_correct = ratio_or_none(cost.usd_total, static_cast<double>(cost.n_correct));
}

void add_money(const std::optional<Interval>& share, RunCost& cost) {
  if (cost.endpoint_price) {
    add_endpoint_money(cost);
    return;
  }
  if (!was_timed(cost.run)) {
    cost.usd_reason = kNotTimed;
    return;
  }
  if (!cost.price) {
    cost.usd_reason = endpoint_use(cost.run)
                          ? "the endpoint's price is not known; give a row with its hosts and models in --what-if"
                          : "no price is stored with the run; give --price or --hardware";
    return;
  }
  if (!(cost.run.device_s > 0)) {
    cost.usd_reason = "no time of its own is stored with the run: it was projected, or only published";
    return;
  }
  const double usd_total =
      usd_for_time(cost.price->usd, cost.run.facts.n_priced_devices, cost.run.device_s, cost.utilisation_ratio);
  cost.usd_total = usd_total;
  cost.usd_per_correct = ratio_or_none(usd_total, static_cast<double>(cost.n_correct));
  cost.usd_per_correct_ci95 = scaled_interval(share, usd_total);
  if (cost.has_device_times) cost.split = split_cost(usd_total, cost.use, cost.prefill_fit);
}

void add_joules(const std::optional<GpuActivity>& activity, const std::optional<Interval>& share,
                const CostOptions& options, RunCost& cost) {
  RunEnergy& energy = cost.energy;
  if (!activity) {
    energy.reason = kNoEnergyCounter;
    energy.net_reason = energy.reason;
    return;
  }
  energy.activity = activity;
  energy.joules = activity->energy_joules;
  energy.reason = activity->energy_reason;
  const NetEnergy net = net_of_idle(*activity, cost.run.segments, options.what_if.idle_watts);
  energy.net_joules = net.joules;
  energy.net_reason = net.reason;
  energy.idle_watts = net.idle_watts;
  energy.idle_provenance = net.provenance;
  if (!energy.joules) return;
  energy.source = to_string(*activity->energy_source);
  energy.joules_per_output_token =
      ratio_or_none(energy.joules, static_cast<double>(cost.use.n_output_tokens.value_or(0)));
  energy.joules_per_correct = ratio_or_none(energy.joules, static_cast<double>(cost.n_correct));
  energy.joules_per_correct_ci95 = scaled_interval(share, *energy.joules);
  const WhatIf& what_if = options.what_if;
  const double pue = what_if.pue.value_or(1);
  if (what_if.usd_per_kwh) energy.usd = usd_for_energy(*energy.joules, pue, *what_if.usd_per_kwh);
  if (what_if.gco2e_per_kwh) energy.gco2e = *energy.joules / kJoulesPerKwh * pue * *what_if.gco2e_per_kwh;
}

Result<> add_hosted(const CostOptions& options, RunCost& cost) {
  const DeviceUse& use = cost.use;
  if (!use.n_prompt_tokens || !use.n_output_tokens) return {};
  const auto n_cached = static_cast<double>(use.n_cached_prompt_tokens.value_or(0));
  const double n_uncached = static_cast<double>(*use.n_prompt_tokens) - n_cached;
  const auto n_output = static_cast<double>(*use.n_output_tokens);
  std::vector<ApiPrice> prices = options.what_if.hosted;
  ASSAY_ASSIGN(const std::vector<ApiPrice> shipped, shipped_api_price_list());
  prices.insert(prices.end(), shipped.begin(), shipped.end());
  // The run's own rate, while it ran; a scenario may state another.
  std::optional<Range> rate = options.what_if.output_tokens_per_s;
  if (!rate && was_timed(cost.run)) {
    if (const auto measured = ratio_or_none(n_output, cost.run.wall_s); measured && *measured > 0) {
      rate = Range{*measured, *measured};
    }
  }
  for (ApiPrice& price : prices) {
    HostedCost hosted;
    hosted.usd_total = hosted_usd(price.price, n_uncached, n_cached, n_output);
    hosted.usd_per_correct = ratio_or_none(hosted.usd_total, static_cast<double>(cost.n_correct));
    hosted.usd_per_mtok_output = ratio_or_none(hosted.usd_total * 1e6, n_output);
    if (options.what_if.own_hardware && rate && hosted.usd_per_mtok_output) {
      const Range hosted_usd_per_mtok{*hosted.usd_per_mtok_output, *hosted.usd_per_mtok_output};
      hosted.even =
          break_even(*options.what_if.own_hardware, cost.run.facts.n_priced_devices, *rate, hosted_usd_per_mtok);
    }
    hosted.price = std::move(price);
    cost.hosted.push_back(std::move(hosted));
  }
  return {};
}

void add_scenarios(const CostOptions& options, RunCost& cost) {
  if (const auto& own = options.what_if.own_hardware) {
    cost.own_usd_per_gpu_hour = own_usd_per_gpu_hour(*own, options.utilisation_ratio);
    if (was_timed(cost.run)) {
      const auto total = [&](double usd_per_hour) {
        return usd_for_time(usd_per_hour, cost.run.facts.n_priced_devices, cost.run.device_s);
      };
      cost.own_usd_total = Range{total(cost.own_usd_per_gpu_hour->low), total(cost.own_usd_per_gpu_hour->high)};
    }
  }
  if (const auto& jevons = options.what_if.jevons) {
    cost.jevons_price_ratio = jevons->price_ratio;
    for (const double elasticity : jevons->elasticities) {
      cost.rebounds.push_back(rebound(jevons->price_ratio, elasticity));
    }
  }
}

void take_use(const UseTotals& totals, RunCost& cost) {
  cost.n_samples = totals.n_samples;
  cost.n_correct = totals.n_correct;
  cost.has_device_times = totals.n_served > 0 && totals.prefill_device_ms && totals.decode_device_ms;
  if (totals.n_served == 0) return;
  cost.use = {totals.prefill_device_ms.value_or(0), totals.decode_device_ms.value_or(0), totals.n_prompt_tokens,
              totals.n_cached_prompt_tokens, totals.n_output_tokens};
  cost.prefill_fit = fit_prefill(totals.prefills);
  if (!totals.n_output_tokens) return;
  const auto n_output = static_cast<double>(*totals.n_output_tokens);
  cost.output_tokens_per_sample = ratio_or_none(n_output, static_cast<double>(totals.n_served));
  cost.output_tokens_per_correct = ratio_or_none(n_output, static_cast<double>(totals.n_correct));
}

}  // namespace

Result<HourlyPrice> rental_price(const HardwareProfile& profile) {
  const RentalPrice* usual = profile.usual_price();
  if (usual == nullptr) {
    return bad_input("hardware profile ", profile.name, " has no dated price of an hour; give --price USD");
  }
  const RentalPrice& price = *usual;
  HourlyPrice hourly;
  if (price.low_usd && *price.low_usd < *price.high_usd) hourly.band_usd = Range{*price.low_usd, *price.high_usd};
  hourly.usd = price.typical_usd ? *price.typical_usd : (*price.low_usd + *price.high_usd) / 2;
  hourly.source = profile.name + ": " + price.terms + ", " + price.citation.source + ", " + price.citation.date;
  if (!price.typical_usd && hourly.band_usd) hourly.source += ", middle of the range";
  hourly.provenance = "published";
  return hourly;
}

Result<RunCost> run_cost(const Store& store, const RunId& run, const CostOptions& options) {
  RunCost cost;
  UseTotals totals;
  GpuActivityMeter meter;
  const auto read = store.in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(cost.run, store.read_run(run));
    ASSAY_TRY(store.for_each_gpu_sample(run, [&](std::size_t segment, const GpuSample& sample) -> Result<> {
      meter.add(segment, sample);
      return {};
    }));
    return store.for_each_sample(run, "", SampleParts::facts, [&](const SampleRecord& record) -> Result<> {
      add_use(totals, record);
      return {};
    });
  });
  if (!read) return read.error();
  take_use(totals, cost);
  cost.utilisation_ratio = options.utilisation_ratio;
  cost.price = options.price;
  if (!cost.price && cost.run.facts.price_usd_per_gpu_hour) {
    cost.price = HourlyPrice{*cost.run.facts.price_usd_per_gpu_hour, {}, "stored with the run", "stated"};
  }
  if (!cost.price) {
    std::vector<ApiPrice> prices = options.what_if.hosted;
    ASSAY_ASSIGN(const std::vector<ApiPrice> shipped, shipped_api_price_list());
    prices.insert(prices.end(), shipped.begin(), shipped.end());
    cost.endpoint_price = endpoint_price(cost.run, prices);
  }
  ASSAY_ASSIGN(const std::optional<Interval> share, share_per_correct(totals, options.bootstrap, cost.interval_reason));
  add_money(share, cost);
  add_joules(meter.finish(segments_at_work(cost.run), device_sharing(cost.run.segments)), share, options, cost);
  ASSAY_TRY(add_hosted(options, cost));
  add_scenarios(options, cost);
  return cost;
}

}  // namespace assay::results
