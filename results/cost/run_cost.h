#pragma once
// What a stored run cost, in dollars and joules, in parts that add up; beside hosted endpoints and one's own hardware.

#include <optional>
#include <string>
#include <vector>

#include "results/analysis/bootstrap.h"
#include "results/analysis/cost.h"
#include "results/cost/what_if.h"
#include "results/gpu_activity.h"
#include "results/hardware/hardware.h"
#include "results/store.h"

namespace assay::results {

/// What an hour of one device is taken to cost.
struct HourlyPrice {
  double usd = 0;
  std::optional<Range> band_usd;  ///< where a source gives one
  std::string source;      ///< "--price", "stored with the run", "h100-sxm5: on_demand, aimultiple.com, 2026-05-20"
  std::string provenance;  ///< "stated" by the user, or "published"
};
/// The usual_price() of a profile; a range without a typical price is taken at
/// its middle. Error{bad_input} if the profile has none.
Result<HourlyPrice> rental_price(const HardwareProfile& profile);

struct CostOptions {
  std::optional<HourlyPrice> price;  ///< none: the one that is stored with the run
  double utilisation_ratio = 1;      ///< busy share of the hours paid for, in (0, 1]
  WhatIf what_if;
  BootstrapOptions bootstrap;
};

/// A hosted endpoint's price for the tokens of the run.
struct HostedCost {
  ApiPrice price;
  double usd_total = 0;
  std::optional<double> usd_per_correct;
  std::optional<double> usd_per_mtok_output;  ///< all of it on output tokens
  std::optional<BreakEven> even;              ///< against the what-if's own hardware
};

struct RunEnergy {
  std::optional<double> joules, net_joules;  ///< of the devices; net is without what they draw when idle
  std::optional<double> joules_per_output_token, joules_per_correct;
  std::optional<Interval> joules_per_correct_ci95;
  std::string source;      ///< "counter" or "power"
  std::string reason;      ///< why joules are unknown
  std::string net_reason;  ///< why net_joules are unknown
  std::optional<double> idle_watts;
  std::string idle_provenance;          ///< "measured" before the run, or "stated" in the what-if
  std::optional<GpuActivity> activity;  ///< what joules were taken from
  std::optional<double> usd, gco2e;
};

struct RunCost {
  RunRecord run;
  std::int64_t n_samples = 0, n_correct = 0;
  DeviceUse use;  ///< tokens; device times are 0 where they are unknown, see `has_device_times`
  bool has_device_times = false;
  std::optional<HourlyPrice> price;
  std::optional<ApiPrice> endpoint_price;  ///< of the endpoint that served the run: its tokens are paid for, no hours
  double utilisation_ratio = 1;
  std::optional<double> usd_total;
  std::string usd_reason;  ///< why there is no cost
  std::optional<PrefillFit> prefill_fit;
  std::optional<CostSplit> split;
  std::optional<double> usd_per_correct;
  std::optional<Interval> usd_per_correct_ci95;  ///< BCa over items, each with its share of the device time
  std::string interval_reason;                   ///< why there is no interval
  std::optional<double> output_tokens_per_sample, output_tokens_per_correct;
  RunEnergy energy;
  std::vector<HostedCost> hosted;             ///< empty where tokens are unknown
  std::optional<Range> own_usd_per_gpu_hour;  ///< of the what-if's own hardware
  std::optional<Range> own_usd_total;
  std::vector<Rebound> rebounds;  ///< of the what-if's jevons
  std::optional<double> jevons_price_ratio;
};

/// Reads the run's facts and computes its cost. Samples that failed count into time and money, not into tokens.
Result<RunCost> run_cost(const Store& store, const RunId& run, const CostOptions& options);

/// Twenty watts for twelve minutes, the pace of AIME (15 items in 180 minutes): what a person's brain takes for an
/// item.
inline constexpr double kBrainWatts = 20;
inline constexpr double kBrainMinutesPerItem = 12;
inline constexpr double kBrainJoulesPerItem = kBrainWatts * kBrainMinutesPerItem * 60;

Json to_json(const RunCost& cost);
std::string cost_text(const RunCost& cost);

}  // namespace assay::results
