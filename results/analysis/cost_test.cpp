#include "results/analysis/cost.h"

#include <cmath>
#include <numeric>

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("cost: time, devices, price and utilisation by hand", "[cost]") {
  CHECK_THAT(usd_for_time(2.5, 8, 1800), WithinRel(10.0, 1e-12));        // half an hour of eight
  CHECK_THAT(usd_for_time(2.5, 8, 1800, 0.25), WithinRel(40.0, 1e-12));  // three idle hours for each busy one
  CHECK_FALSE(ratio_or_none(std::nullopt, 1));
  CHECK_FALSE(ratio_or_none(1, 0));
  CHECK(ratio_or_none(0, 2) == 0.0);
}

// 2 ms a token, 0.25 ms a cached one: 10 + 0, 0 + 8, 5 + 4 tokens take 20, 2 and 11 ms.
TEST_CASE("fit_prefill: finds the two rates, never a negative one, none where they can't be told apart", "[cost]") {
  const std::vector<PrefillObservation> exact = {{10, 0, 20}, {0, 8, 2}, {5, 4, 11}};
  const auto fit = fit_prefill(exact);
  REQUIRE(fit);
  CHECK_THAT(fit->ms_per_uncached_token, WithinRel(2.0, 1e-12));
  CHECK_THAT(fit->ms_per_cached_token, WithinRel(0.25, 1e-12));

  // The unbounded least squares of {(1,1,1), (1,2,0)} are a = 2, b = -1; with b >= 0 they are a = 1/2.
  const auto bounded = fit_prefill(std::vector<PrefillObservation>{{1, 1, 1}, {1, 2, 0}});
  REQUIRE(bounded);
  CHECK(bounded->ms_per_cached_token == 0);
  CHECK_THAT(bounded->ms_per_uncached_token, WithinRel(0.5, 1e-12));

  const auto other_bound = fit_prefill(std::vector<PrefillObservation>{{1, 1, 1}, {2, 1, 0}});
  REQUIRE(other_bound);
  CHECK(other_bound->ms_per_uncached_token == 0);
  CHECK_THAT(other_bound->ms_per_cached_token, WithinRel(0.5, 1e-12));

  CHECK_FALSE(fit_prefill({}));
  CHECK_FALSE(fit_prefill(std::vector<PrefillObservation>{{10, 0, 20}, {20, 0, 41}}));   // nothing cached
  CHECK_FALSE(fit_prefill(std::vector<PrefillObservation>{{10, 5, 20}, {20, 10, 40}}));  // one mix
  CHECK_FALSE(fit_prefill(std::vector<PrefillObservation>{{10, 0, 0}, {0, 5, 0}}));      // no time
}

// $10: 30 s of prefill and 70 s of decode make $3 and $7. Of the prefill, 1 M uncached tokens at 20 µs and 4 M cached
// ones at 2.5 µs share as 20 to 10: $2 and $1.
TEST_CASE("split_cost: parts by hand, and they add up to the whole", "[cost]") {
  const DeviceUse use{30'000, 70'000, 5'000'000, 4'000'000, 2'000'000};
  const auto split = split_cost(10, use, PrefillFit{0.020, 0.0025});
  REQUIRE(split);
  CHECK_THAT(split->usd_input, WithinRel(3.0, 1e-12));
  CHECK_THAT(split->usd_output, WithinRel(7.0, 1e-12));
  CHECK_THAT(*split->usd_uncached_input, WithinRel(2.0, 1e-12));
  CHECK_THAT(*split->usd_cached_input, WithinRel(1.0, 1e-12));
  CHECK_THAT(*split->usd_per_mtok_uncached_input, WithinRel(2.0, 1e-12));
  CHECK_THAT(*split->usd_per_mtok_cached_input, WithinRel(0.25, 1e-12));
  CHECK_THAT(*split->usd_per_mtok_input, WithinRel(0.6, 1e-12));
  CHECK_THAT(*split->usd_per_mtok_output, WithinRel(3.5, 1e-12));
  CHECK_THAT(*split->usd_uncached_input + *split->usd_cached_input + split->usd_output, WithinAbs(10, 1e-12));
}

TEST_CASE("split_cost: what can't be told apart is none with a reason, and nothing cached costs nothing", "[cost]") {
  const auto unfitted = split_cost(10, {30, 70, 100, 40, 20});
  REQUIRE(unfitted);
  CHECK_FALSE(unfitted->usd_cached_input);
  CHECK_FALSE(unfitted->cached_reason.empty());
  CHECK_THAT(unfitted->usd_input + unfitted->usd_output, WithinAbs(10, 1e-12));

  const auto uncached = split_cost(10, {30, 70, 100, 0, 20});
  CHECK(uncached->usd_cached_input == 0.0);
  CHECK_FALSE(uncached->usd_per_mtok_cached_input);  // of no tokens there is no price
  CHECK(uncached->usd_uncached_input == uncached->usd_input);

  const auto unknown = split_cost(10, {30, 70, {}, {}, {}});
  CHECK_FALSE(unknown->usd_per_mtok_input);
  CHECK_FALSE(unknown->usd_per_mtok_output);
  CHECK_FALSE(split_cost(10, {0, 0, 100, 0, 20}));
}

TEST_CASE("apportion: printed parts add up to the printed whole", "[cost]") {
  const std::vector<double> thirds = {1.0 / 3, 1.0 / 3, 1.0 / 3};  // cents: 33, 33, 33 would make 99
  CHECK(apportion(thirds, 0.01) == std::vector<std::int64_t>{34, 33, 33});
  CHECK(apportion(std::vector<double>{0.004, 0.004, 0.004}, 0.01) == std::vector<std::int64_t>{1, 0, 0});
  CHECK(apportion(std::vector<double>{}, 0.01).empty());
  for (int i = 1; i < 200; ++i) {
    const std::vector<double> parts = {i * 0.0173, i * 0.311, 1.0 / i};
    const auto units = apportion(parts, 0.01);
    const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
    CHECK(std::accumulate(units.begin(), units.end(), std::int64_t{0}) == std::llround(sum / 0.01));
  }
}

// 266 M other input, 342 M cached, 168 M output at R1's prices of early 2025: a thousandth of DeepSeek's day 6.
TEST_CASE("hosted_usd: tokens times prices", "[cost]") {
  const HostedPrice r1{0.55, 0.14, 2.19};
  CHECK_THAT(hosted_usd(r1, 266e6, 342e6, 168e6), WithinAbs(562.1, 0.05));
  CHECK_THAT(hosted_usd({1, {}, 2}, 1e6, 1e6, 1e6), WithinRel(4.0, 1e-12));  // cached tokens at the price of others
}

// Annuity of 5 % over 5 years: 0.230975 (any table of capital recovery factors).
TEST_CASE("own hardware: capital recovery and the price of an hour by hand", "[cost]") {
  CHECK_THAT(capital_recovery_ratio(0.05, 5), WithinAbs(0.230975, 5e-7));
  CHECK_THAT(capital_recovery_ratio(0, 4), WithinRel(0.25, 1e-12));
  CHECK_THAT(capital_recovery_ratio(1e-12, 4), WithinRel(0.25, 1e-9));
  // 35,040 $ over 4 years of 8760 h is 1 $/h; 1.5 kW x 1.2 x 0.10 $ is 0.18 $/h; 876 $ a year is 0.10 $/h.
  const OwnHardware own{{35'040, 35'040}, 4, 0, {1500, 1500}, 1.2, {0.10, 0.10}, {876, 876}};
  CHECK_THAT(own_usd_per_gpu_hour(own, 1).low, WithinRel(1.28, 1e-12));
  CHECK_THAT(own_usd_per_gpu_hour(own, 0.5).high, WithinRel(2.56, 1e-12));

  // Two GPUs, 1000 tokens/s: fixed 2 x (8760 + 876) / 12 = 1606 $ a month; electricity 0.36 $/h over 3.6 Mtok/h is
  // 0.10 $/Mtok. Against 2.10 $/Mtok: 803 Mtok a month. 1000 tokens/s make 2628 Mtok a month.
  const BreakEven even = break_even(own, 2, {1000, 1000}, {2.10, 2.10});
  CHECK_THAT(even.fixed_usd_per_month.low, WithinRel(1606.0, 1e-12));
  CHECK_THAT(even.marginal_usd_per_mtok.high, WithinRel(0.10, 1e-12));
  CHECK_THAT(*even.low_mtok_per_month, WithinRel(803.0, 1e-12));
  CHECK_THAT(even.capacity_mtok_per_month.low, WithinRel(2628.0, 1e-12));
  // 0.1 kW x 0.10 $/kWh over 720,000 tokens an hour, and 0.2 kW x 0.20 $/kWh over 360,000.
  OwnHardware range = own;
  range.power_watts = {100, 200};
  range.usd_per_kwh = {0.10, 0.20};
  range.pue = 1;
  const BreakEven both = break_even(range, 1, {100, 200}, {2.10, 2.10});
  CHECK_THAT(both.marginal_usd_per_mtok.low, WithinRel(0.01 / 0.72, 1e-12));
  CHECK_THAT(both.marginal_usd_per_mtok.high, WithinRel(0.04 / 0.36, 1e-12));
  // A band: ends are ordered, and a hosted price below the electricity never pays.
  OwnHardware vague = own;
  vague.capital_usd = {20'000, 40'000};
  const BreakEven band = break_even(vague, 2, {500, 1000}, {0.15, 2.10});
  CHECK(band.low_mtok_per_month);
  CHECK_FALSE(band.high_mtok_per_month);  // electricity at 500 tokens/s is 0.20 $/Mtok
}

TEST_CASE("rebound: at half the price spending falls, stays or rises with the elasticity", "[cost]") {
  CHECK_THAT(rebound(0.5, 0.5).spending_ratio, WithinRel(std::sqrt(0.5), 1e-12));
  CHECK_THAT(rebound(0.5, 1).spending_ratio, WithinRel(1.0, 1e-12));
  CHECK_THAT(rebound(0.5, 2).spending_ratio, WithinRel(2.0, 1e-12));
  CHECK_THAT(rebound(0.5, 2).quantity_ratio, WithinRel(4.0, 1e-12));
}

TEST_CASE("usd_for_energy: kilowatt-hours, what the building adds, and their price", "[cost]") {
  CHECK_THAT(usd_for_energy(7.2e6, 1.5, 0.20), WithinRel(0.60, 1e-12));  // 2 kWh
}
