#pragma once
// What time, tokens and power cost. Pure: every price, rate and share comes in as an argument. Unknown is none, never
// 0.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay::results {

/// Dollars for `n_devices` over `wall_s` seconds. `utilisation_ratio` in (0, 1]: the busy share of the hours paid for.
double usd_for_time(double usd_per_gpu_hour, std::int64_t n_devices, double wall_s, double utilisation_ratio = 1);

/// `numerator` per unit of `denominator`; none where it is unknown, or where there is nothing to divide by.
std::optional<double> ratio_or_none(std::optional<double> numerator, double denominator);

/// One sample's prefill: what it took and for how many tokens.
struct PrefillObservation {
  double n_uncached_tokens = 0;
  double n_cached_tokens = 0;  ///< taken from the cache
  double prefill_device_ms = 0;
};
struct PrefillFit {
  double ms_per_uncached_token = 0, ms_per_cached_token = 0;
};
/// Least squares of prefill_device_ms = a·uncached + b·cached with a, b >= 0. None if the observations can't tell the
/// two apart: none has cached tokens, all have the same mix, or no time was measured.
/// Source: Lawson and Hanson 1974, Solving Least Squares Problems, chapter 23; two unknowns are solved by their cases.
std::optional<PrefillFit> fit_prefill(std::span<const PrefillObservation> observations);

/// What all samples of a run used.
struct DeviceUse {
  double prefill_device_ms = 0, decode_device_ms = 0;
  std::optional<std::int64_t> n_prompt_tokens, n_cached_prompt_tokens, n_output_tokens;
};
/// A whole cost in parts that add up to it: input and output by device time in prefill and decode, waiting spread in
/// proportion; input's cached and uncached part by `fit`.
struct CostSplit {
  double usd_input = 0, usd_output = 0;
  std::optional<double> usd_uncached_input, usd_cached_input;  ///< none: not told apart, `cached_reason` says why
  std::optional<double> usd_per_mtok_input;                    ///< over all prompt tokens, cached ones too
  std::optional<double> usd_per_mtok_uncached_input, usd_per_mtok_cached_input;
  std::optional<double> usd_per_mtok_output;
  std::string cached_reason;
};
/// None if no device time was measured.
std::optional<CostSplit> split_cost(double usd_total, const DeviceUse& use, const std::optional<PrefillFit>& fit = {});

/// `parts` in whole units (0.01: cents), rounded such that they add up to `whole_units`, or to the rounded sum if none
/// is given: the largest remainders go up. `whole_units` is the sum rounded up or down, however it is printed.
std::vector<std::int64_t> apportion(std::span<const double> parts, double unit,
                                    std::optional<std::int64_t> whole_units = {});

/// Prices of a hosted endpoint, per million tokens.
struct HostedPrice {
  double usd_per_mtok_input = 0;              ///< not from the cache
  std::optional<double> usd_per_mtok_cached;  ///< none: as other input
  double usd_per_mtok_output = 0;
};
double hosted_usd(const HostedPrice& price, double n_uncached_tokens, double n_cached_tokens, double n_output_tokens);

/// A figure that is known between two ends.
struct Range {
  double low = 0, high = 0;
};

/// A machine that one owns, per GPU.
struct OwnHardware {
  Range capital_usd;
  double years = 0;           ///< above 0
  double interest_ratio = 0;  ///< a year; 0 spreads the capital evenly
  Range power_watts;          ///< all-in: with the GPU's share of server and network
  double pue = 1;             ///< facility power over machine power
  Range usd_per_kwh;
  Range operation_usd_per_year;
};
/// The share of the capital that each of `years` pays: r(1+r)^n / ((1+r)^n − 1).
double capital_recovery_ratio(double interest_ratio, double years);
/// [capital·CRF/8760 + kW·PUE·$/kWh + operation/8760] / utilisation.
Range own_usd_per_gpu_hour(const OwnHardware& own, double utilisation_ratio);

/// How many million output tokens a month make owning as dear as a hosted endpoint.
struct BreakEven {
  Range fixed_usd_per_month;    ///< capital and operation, of all GPUs
  Range marginal_usd_per_mtok;  ///< electricity of a million output tokens, their input included
  Range hosted_usd_per_mtok;    ///< the same tokens, hosted
  std::optional<double> low_mtok_per_month, high_mtok_per_month;  ///< none: owning never pays at that end
  Range capacity_mtok_per_month;                                  ///< what the GPUs make at full use
};
/// `output_tokens_per_s` of all `n_gpus` together, above 0.
BreakEven break_even(const OwnHardware& own, std::int64_t n_gpus, Range output_tokens_per_s, Range hosted_usd_per_mtok);

/// Demand when a price falls to `price_ratio` of what it was: quantity ratio^−ε, spending and energy ratio^(1−ε).
/// `elasticity` is an assumption of the user: for ε > 1 the total rises though each answer costs less.
struct Rebound {
  double elasticity = 0;
  double quantity_ratio = 1, spending_ratio = 1;
};
Rebound rebound(double price_ratio, double elasticity);

inline constexpr double kJoulesPerKwh = 3.6e6;
/// Dollars for a device's energy, with what the building adds to it.
double usd_for_energy(double joules, double pue, double usd_per_kwh);

}  // namespace assay::results
