#include "results/analysis/cost.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay::results {

namespace {

constexpr double kTokensPerMtok = 1e6;
constexpr double kSecondsPerPaidHour = 3600;
constexpr double kHoursPerYear = 8760;
constexpr double kMonthsPerYear = 12;
constexpr double kWattsPerKilowatt = 1000;

double usd_per_hour_of_power(double watts, double pue, double usd_per_kwh) {
  return watts / kWattsPerKilowatt * pue * usd_per_kwh;
}

std::optional<double> per_mtok(std::optional<double> usd, double n_tokens) {
  const auto per_token = ratio_or_none(usd, n_tokens);
  return per_token ? std::optional(*per_token * kTokensPerMtok) : std::nullopt;
}

/// Tells the cached part of input from the rest, or says why that can't be done.
void split_input(const DeviceUse& use, const std::optional<PrefillFit>& fit, CostSplit& split) {
  if (!use.n_prompt_tokens || !use.n_cached_prompt_tokens) {
    split.cached_reason = "how many prompt tokens came from the cache is not known";
    return;
  }
  const auto n_cached = static_cast<double>(*use.n_cached_prompt_tokens);
  const double n_uncached = static_cast<double>(*use.n_prompt_tokens) - n_cached;
  double uncached_share = 1;  // all of the time, where nothing came from the cache
  if (n_cached > 0) {
    const double uncached_ms = fit ? fit->ms_per_uncached_token * n_uncached : 0;
    const double cached_ms = fit ? fit->ms_per_cached_token * n_cached : 0;
    if (!(uncached_ms + cached_ms > 0)) {
      split.cached_reason = "the samples' mixes of cached and uncached tokens don't tell the two apart";
      return;
    }
    uncached_share = uncached_ms / (uncached_ms + cached_ms);
  }
  split.usd_uncached_input = split.usd_input * uncached_share;
  split.usd_cached_input = split.usd_input - *split.usd_uncached_input;
  split.usd_per_mtok_uncached_input = per_mtok(split.usd_uncached_input, n_uncached);
  split.usd_per_mtok_cached_input = per_mtok(split.usd_cached_input, n_cached);
}

}  // namespace

double usd_for_time(double usd_per_gpu_hour, std::int64_t n_devices, double wall_s, double utilisation_ratio) {
  return usd_per_gpu_hour * static_cast<double>(n_devices) * wall_s / kSecondsPerPaidHour / utilisation_ratio;
}

std::optional<double> ratio_or_none(std::optional<double> numerator, double denominator) {
  if (!numerator || !(denominator > 0)) return std::nullopt;
  return *numerator / denominator;
}

std::optional<PrefillFit> fit_prefill(std::span<const PrefillObservation> observations) {
  // Sums of the normal equations; tokens and times are at least 0, so all of them are too.
  double uu = 0, uc = 0, cc = 0, ut = 0, ct = 0;
  for (const PrefillObservation& o : observations) {
    uu += o.n_uncached_tokens * o.n_uncached_tokens;
    uc += o.n_uncached_tokens * o.n_cached_tokens;
    cc += o.n_cached_tokens * o.n_cached_tokens;
    ut += o.n_uncached_tokens * o.prefill_device_ms;
    ct += o.n_cached_tokens * o.prefill_device_ms;
  }
  const double determinant = uu * cc - uc * uc;
  constexpr double kLeastRelative = 1e-9;  // of mixes that differ
  if (!(determinant > kLeastRelative * uu * cc)) return {};
  PrefillFit fit{(cc * ut - uc * ct) / determinant, (uu * ct - uc * ut) / determinant};
  // Where one of them would be negative the least squares lie on the border.
  if (fit.ms_per_cached_token < 0) fit = {ut / uu, 0};
  if (fit.ms_per_uncached_token < 0) fit = {0, ct / cc};
  const bool says_something =
      std::isfinite(fit.ms_per_uncached_token) && fit.ms_per_uncached_token + fit.ms_per_cached_token > 0;
  return says_something ? std::optional(fit) : std::nullopt;
}

std::optional<CostSplit> split_cost(double usd_total, const DeviceUse& use, const std::optional<PrefillFit>& fit) {
  const double device_ms = use.prefill_device_ms + use.decode_device_ms;
  if (!(device_ms > 0)) return {};
  CostSplit split;
  split.usd_input = usd_total * use.prefill_device_ms / device_ms;
  split.usd_output = usd_total * use.decode_device_ms / device_ms;
  split.usd_per_mtok_input = per_mtok(split.usd_input, static_cast<double>(use.n_prompt_tokens.value_or(0)));
  split.usd_per_mtok_output = per_mtok(split.usd_output, static_cast<double>(use.n_output_tokens.value_or(0)));
  split_input(use, fit, split);
  return split;
}

std::vector<std::int64_t> apportion(std::span<const double> parts, double unit,
                                    std::optional<std::int64_t> whole_units) {
  const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
  std::vector<std::int64_t> units;
  std::int64_t given = 0;
  for (const double part : parts) {
    units.push_back(static_cast<std::int64_t>(std::floor(part / unit)));
    given += units.back();
  }
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto remainder = [&](std::size_t i) { return parts[i] / unit - std::floor(parts[i] / unit); };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainder(a) > remainder(b); });
  const std::int64_t whole = whole_units.value_or(std::llround(sum / unit));
  for (std::size_t i = 0; i < order.size() && given < whole; ++i, ++given) ++units[order[i]];
  return units;
}

double hosted_usd(const HostedPrice& price, double n_uncached_tokens, double n_cached_tokens, double n_output_tokens) {
  const double usd_per_mtok_cached = price.usd_per_mtok_cached.value_or(price.usd_per_mtok_input);
  return (price.usd_per_mtok_input * n_uncached_tokens + usd_per_mtok_cached * n_cached_tokens +
          price.usd_per_mtok_output * n_output_tokens) /
         kTokensPerMtok;
}

double capital_recovery_ratio(double interest_ratio, double years) {
  if (!(interest_ratio > 0)) return 1 / years;
  // r / (1 − (1+r)^−n), without the difference of near-equal numbers that a small r would give.
  return interest_ratio / -std::expm1(-years * std::log1p(interest_ratio));
}

Range own_usd_per_gpu_hour(const OwnHardware& own, double utilisation_ratio) {
  const double recovery = capital_recovery_ratio(own.interest_ratio, own.years);
  const auto at = [&](double capital_usd, double watts, double usd_per_kwh, double operation_usd) {
    return (capital_usd * recovery / kHoursPerYear + usd_per_hour_of_power(watts, own.pue, usd_per_kwh) +
            operation_usd / kHoursPerYear) /
           utilisation_ratio;
  };
  return {at(own.capital_usd.low, own.power_watts.low, own.usd_per_kwh.low, own.operation_usd_per_year.low),
          at(own.capital_usd.high, own.power_watts.high, own.usd_per_kwh.high, own.operation_usd_per_year.high)};
}

BreakEven break_even(const OwnHardware& own, std::int64_t n_gpus, Range output_tokens_per_s,
                     Range hosted_usd_per_mtok) {
  const auto gpus = static_cast<double>(n_gpus);
  const double recovery = capital_recovery_ratio(own.interest_ratio, own.years);
  const auto fixed = [&](double capital_usd, double operation_usd) {
    return gpus * (capital_usd * recovery + operation_usd) / kMonthsPerYear;
  };
  const auto marginal = [&](double watts, double usd_per_kwh, double tokens_per_s) {
    return gpus * usd_per_hour_of_power(watts, own.pue, usd_per_kwh) / kSecondsPerPaidHour / tokens_per_s *
           kTokensPerMtok;
  };
  const auto capacity = [](double tokens_per_s) {
    return tokens_per_s * kSecondsPerPaidHour * kHoursPerYear / kMonthsPerYear / kTokensPerMtok;
  };
  BreakEven even;
  even.fixed_usd_per_month = {fixed(own.capital_usd.low, own.operation_usd_per_year.low),
                              fixed(own.capital_usd.high, own.operation_usd_per_year.high)};
  even.marginal_usd_per_mtok = {marginal(own.power_watts.low, own.usd_per_kwh.low, output_tokens_per_s.high),
                                marginal(own.power_watts.high, own.usd_per_kwh.high, output_tokens_per_s.low)};
  even.hosted_usd_per_mtok = hosted_usd_per_mtok;
  even.low_mtok_per_month =
      ratio_or_none(even.fixed_usd_per_month.low, hosted_usd_per_mtok.high - even.marginal_usd_per_mtok.low);
  even.high_mtok_per_month =
      ratio_or_none(even.fixed_usd_per_month.high, hosted_usd_per_mtok.low - even.marginal_usd_per_mtok.high);
  even.capacity_mtok_per_month = {capacity(output_tokens_per_s.low), capacity(output_tokens_per_s.high)};
  return even;
}

Rebound rebound(double price_ratio, double elasticity) {
  return {elasticity, std::pow(price_ratio, -elasticity), std::pow(price_ratio, 1 - elasticity)};
}

double usd_for_energy(double joules, double pue, double usd_per_kwh) {
  return joules / kJoulesPerKwh * pue * usd_per_kwh;
}

}  // namespace assay::results
