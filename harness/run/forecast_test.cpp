#include "harness/run/forecast.h"

#include <numeric>

#include "harness/run/forecast_plan.h"
#include "suites/registry.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

/// A model whose passes take 1 s for any number of sequences: only weights are read, and nothing is computed.
ForecastLimits one_second_passes(std::int64_t max_batch, std::int64_t n_pages) {
  ForecastLimits limits;
  limits.work.weight_bytes = 1e15;
  limits.work.kv_bytes_per_token = 1;  // cached tokens are there, but take no time worth naming
  limits.kv_memory_bytes = 64 * n_pages;
  limits.max_batch = max_batch;
  return limits;
}
constexpr runners::DeviceRates kRates{.read_bytes_per_s = 1e15, .bf16_flop_per_s = 1e30, .fp8_flop_per_s = 0};

ForecastItem item(std::int64_t n_prompt, std::vector<std::int64_t> n_outputs, std::int64_t most) {
  return {.n_prompt_tokens = n_prompt, .max_output_tokens = most, .n_output_tokens = std::move(n_outputs)};
}

Forecast forecast(const std::vector<ForecastItem>& items, const ForecastLimits& limits) {
  const auto done = forecast_run(items, limits, kRates);
  if (!done) FAIL(done.error().message);
  return *done;
}

}  // namespace

// By hand: the first token comes with the prompt, each other one takes a pass. Prefill: a pass for the chunk.
TEST_CASE("forecast: samples in flight together share their passes", "[run][forecast]") {
  const Forecast one = forecast({item(10, {5}, 100)}, one_second_passes(8, 1000));
  CHECK_THAT(one.decode_s, WithinRel(4.0, 1e-6));
  CHECK_THAT(one.prefill_s, WithinRel(1.0, 1e-6));
  CHECK(one.n_output_tokens == 5);
  CHECK(one.peak_sequences == 1);

  const Forecast two = forecast({item(10, {5, 9}, 100)}, one_second_passes(8, 1000));
  CHECK_THAT(two.decode_s, WithinRel(8.0, 1e-6));
  CHECK_THAT(two.prefill_s, WithinRel(1.0, 1e-6));  // the prompt once
  CHECK(two.n_prompt_tokens == 10);
  CHECK_THAT(two.mean_sequences, WithinRel((4 * 2 + 4 * 1) / 8.0, 1e-6));
}

TEST_CASE("forecast: a batch that is full makes the others wait", "[run][forecast]") {
  // Two at a time: 3 and 7, then 5 in the place of the first: 2 + 4 passes; the second ends in the sixth.
  const Forecast done = forecast({item(10, {3, 7, 5}, 100)}, one_second_passes(2, 1000));
  CHECK_THAT(done.decode_s, WithinRel(6.0, 1e-6));
  CHECK(done.peak_sequences == 2);
}

TEST_CASE("forecast: a sample begins when there is room for what it is taken to need", "[run][forecast]") {
  // 64 prompt tokens and 11 output tokens: 2 pages a sample, and 1 for the prompt. 5 pages: two samples together.
  const ForecastItem four = item(64, {11, 11, 11, 11}, 64);
  const Forecast tight = forecast({four}, one_second_passes(8, 5));
  CHECK(tight.peak_sequences == 2);
  CHECK_THAT(tight.decode_s, WithinRel(20.0, 1e-6));
  CHECK(forecast({four}, one_second_passes(8, 9)).peak_sequences == 4);
  const auto none = forecast_run({four}, one_second_passes(8, 2), kRates);
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::environment);
  CHECK_THAT(none.error().message, Contains("needs 3 pages") && Contains("--max-output-tokens"));
}

TEST_CASE("forecast: where samples get longer than they were taken to, the youngest wait", "[run][forecast]") {
  // Up to 6400 tokens: taken to have 800 at first, 14 pages with the prompt. They get 6400, 101 pages.
  const ForecastItem eight = item(64, std::vector<std::int64_t>(8, 6400), 6400);
  const Forecast done = forecast({eight}, one_second_passes(8, 250));
  CHECK(done.peak_sequences == 8);
  CHECK(done.n_moved_out >= 6);
  CHECK(done.n_output_tokens == 8 * 6400);
  // A sample holds half of its 101 pages in the mean, over 6400 steps: 250 pages are not enough for less than 10,300
  // steps; and two have room all the time.
  CHECK(done.decode_s > 10'300);
  CHECK(done.decode_s < 4 * 6400);
  CHECK(forecast({eight}, one_second_passes(8, 1000)).n_moved_out == 0);
}

TEST_CASE("forecast: every token is counted once, whatever the order", "[run][forecast]") {
  std::vector<ForecastItem> items;
  std::int64_t n_output = 0, n_prompt = 0;
  for (std::int64_t i = 0; i < 200; ++i) {
    const auto lengths = spread_lengths(300, 8, 2000);
    n_output += std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    n_prompt += 50 + i * 7 % 90;
    items.push_back(item(50 + i * 7 % 90, lengths, 2000));
  }
  const Forecast done = forecast(items, one_second_passes(32, 4000));
  CHECK(done.n_output_tokens == n_output);
  CHECK(done.n_prompt_tokens == n_prompt);
  CHECK(done.peak_sequences == 32);
  // No pass yields more tokens than sequences are in flight.
  CHECK(done.decode_s * 32 >= static_cast<double>(n_output - 1600) * 0.999);
}

// Gamma of shape 2: mean 2 scales, variance 2 scales squared.
TEST_CASE("spread_lengths: mean and spread of the distribution, none above the most", "[run][forecast]") {
  const auto lengths = spread_lengths(1000, 10'000, 1'000'000);
  const double mean = std::accumulate(lengths.begin(), lengths.end(), 0.0) / 10'000;
  double variance = 0;
  for (const std::int64_t n : lengths)
    variance += (static_cast<double>(n) - mean) * (static_cast<double>(n) - mean) / 10'000;
  CHECK_THAT(mean, WithinRel(1000.0, 0.002));
  CHECK_THAT(variance, WithinRel(500'000.0, 0.02));
  for (const std::int64_t n : spread_lengths(1000, 50, 1500)) CHECK((n >= 1 && n <= 1500));
  CHECK(spread_lengths(7, 1, 100) == std::vector<std::int64_t>{6});  // the median: 1.678 halves of the mean
}

TEST_CASE("forecast_device: what a profile lacks is named", "[run][forecast]") {
  const auto profiles = results::load_hardware({});
  REQUIRE(profiles);
  const auto h800 = forecast_device(*results::find_hardware(*profiles, "h800-sxm5"));
  REQUIRE(h800);
  CHECK(h800->rates.read_bytes_per_s == 3000e9);  // as sustained, which this profile has
  CHECK_FALSE(h800->was_fitted);
  const auto h200 = forecast_device(*results::find_hardware(*profiles, "h200-sxm"));
  REQUIRE(h200);
  CHECK_THAT(h200->rates.read_bytes_per_s, WithinRel(0.92 * 4800e9, 1e-9));
  CHECK(h200->was_fitted);
  const auto board = forecast_device(*results::find_hardware(*profiles, "raspberry-pi-5"));
  REQUIRE_FALSE(board);
  CHECK_THAT(board.error().message, Contains("raspberry-pi-5") && Contains("no GPU"));
}

TEST_CASE("forecast_plan: the reference model's smoke suites, from its files alone", "[run][forecast]") {
  const auto profiles = results::load_hardware({});
  const results::HardwareProfile h100 = *results::find_hardware(*profiles, "h100-sxm5");
  const auto planned = [&](const ForecastRequest& request) {
    auto suites = suites::resolve_suites("aime-smoke,zebra-smoke");
    REQUIRE(suites);
    auto done = forecast_plan(request, std::move(*suites), h100);
    if (!done) FAIL(done.error().message);
    return *done;
  };
  ForecastRequest request;
  request.model = "reference";
  request.settings.samples = 2;
  const RunForecast unknown = planned(request);
  CHECK(unknown.n_items == 200);
  CHECK(unknown.n_samples == 400);
  CHECK_FALSE(unknown.expected);
  CHECK(unknown.at_most.n_output_tokens > 0);
  CHECK_FALSE(unknown.error_ratio);  // far smaller than what the times were fitted to

  request.lengths["aime-smoke"] = {100, 200, 300};
  request.lengths_from = "earlier";
  CHECK_FALSE(planned(request).expected);  // of the other suite nothing is known
  request.mean_output_tokens = 50;
  const RunForecast known = planned(request);
  REQUIRE(known.expected);
  CHECK(known.suites[0].lengths_from == "earlier");
  CHECK_THAT(*known.suites[0].mean_output_tokens, WithinRel(200.0, 0.01));
  CHECK(known.suites[1].lengths_from == "--output-tokens");
  CHECK(known.expected->seconds() < known.at_most.seconds());

  request.n_gpus = 4;
  const RunForecast spread = planned(request);
  CHECK(spread.expected->n_output_tokens == known.expected->n_output_tokens);
  CHECK(spread.expected->seconds() < known.expected->seconds());
}
