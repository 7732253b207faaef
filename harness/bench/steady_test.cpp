#include "harness/bench/steady.h"

#include <cmath>
#include <random>
#include <vector>

#include "harness/base/sha256.h"
#include "harness/bench/judgement.h"
#include "harness/bench/serve_figures.h"
#include "harness/bench/service_level.h"
#include "harness/bench/test_live_runner.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::bench;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

LoadResult run_load(int n_servers, const TestLiveRunner::Serve& serve, const Arrivals& arrivals, double duration_ms,
                    double oversleeps_ms = 0) {
  TestTime time;
  time.oversleeps_ = TestTime::ms(oversleeps_ms);
  TestLiveRunner runner(time, n_servers, serve);
  const LoadPlan plan{.arrivals = arrivals, .duration_ms = duration_ms, .make_request = [](std::int64_t) {
                        return runners::Request();
                      }};
  auto load = generate_load(runner, plan, time, {});
  REQUIRE(load.has_value());
  return std::move(*load);
}

Service steady_service(std::int64_t, double) { return {50, 10, 6, 1, ""}; }

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("pettitt: a step is found where it is", "[bench]") {
  // Ranks 1…10 and then 11…20: K = |2·55 − 10·21| = 100, p = 2·exp(−6·100²/(20³+20²)) = 2·exp(−7.142857) = 0.00158.
  std::vector<double> series;
  for (int i = 0; i < 20; ++i) series.push_back(i < 10 ? i : 100 + i);
  const auto change = pettitt(series);
  REQUIRE(change.has_value());
  CHECK(change->index == 10);
  CHECK_THAT(change->p_value, WithinRel(2 * std::exp(-60000.0 / 8400.0), 1e-12));
  CHECK_FALSE(pettitt(std::vector<double>(7, 1.0)));
  CHECK(pettitt(std::vector<double>(20, 5.0))->p_value == 1);
}

TEST_CASE("find_trend: Mann and Kendall's S by hand, and no trend in noise", "[bench]") {
  // S of 1…10 is 45, its variance 10·9·25/18 = 125, z = 44/√125; without serial correlation behind the slope.
  std::vector<double> rising;
  for (int i = 1; i <= 10; ++i) rising.push_back(i);
  const auto trend = find_trend(rising);
  REQUIRE(trend.has_value());
  CHECK_THAT(trend->p_value, WithinRel(std::erfc(44 / std::sqrt(125.0) / std::sqrt(2.0)), 1e-9));
  CHECK_THAT(trend->change_ratio, WithinRel(9 / 5.5, 1e-9));
  // Noise drifts in few of 1,000 series, correlated noise too.
  for (const double correlation : {0.0, 0.6}) {
    CAPTURE(correlation);
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    int n_sure = 0;
    for (int run = 0; run < 1000; ++run) {
      std::vector<double> series;
      double level = 0;
      for (int i = 0; i < 40; ++i) {
        level = correlation * level + normal(random);
        series.push_back(100 + level);
      }
      n_sure += find_trend(series)->p_value < 0.01 ? 1 : 0;
    }
    CHECK(n_sure < (correlation > 0 ? 100 : 25));
  }
}

// The anchors' failure: pp512 25232 ± 17263 became 42935 ± 240 tokens/s after more warm-up (llama.cpp #21282).
TEST_CASE("warm_up_length: a slow beginning is cut, noise is not", "[bench]") {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0, 2);
  std::vector<double> series;
  for (int i = 0; i < 40; ++i) series.push_back((i < 9 ? 60 : i < 14 ? 85 : 100) + noise(random));
  const std::size_t cut = warm_up_length(series);
  CHECK(cut >= 13);
  CHECK(cut <= 15);
  int n_cut = 0;
  for (int run = 0; run < 300; ++run) {
    for (double& value : series) value = 100 + noise(random);
    n_cut += warm_up_length(series) > 0 ? 1 : 0;
  }
  CHECK(n_cut <= 15);  // three looks at a level of 1 %, which is an approximation from above
}

TEST_CASE("judge: a steady load is believed", "[bench]") {
  const Arrivals arrivals{.concurrency = 4};
  const LoadResult load = run_load(100, steady_service, arrivals, 10'000);
  const Judgement judgement = judge(load, arrivals, {}, {}, {});
  CHECK(judgement.reason_codes == Codes{});
  CHECK(judgement.window_begin_ms == 0);
  CHECK_THAT(judgement.details["littles_law"]["in_flight_mean"].get<double>(), WithinRel(4.0, 0.01));
  const auto figures =
      serve_figures(load.records, judgement, parse_service_level("ttft=60,tpot=20").value(), {.usd_per_gpu_hour = 3.6});
  REQUIRE(figures.has_value());
  CHECK_THAT(figures->at("output_tokens_per_s").value, WithinRel(240.0, 0.01));  // 4 users · 6 tokens / 100 ms
  CHECK_THAT(figures->at("goodput_requests_per_s").value, WithinRel(40.0, 0.01));
  CHECK_THAT(figures->at("usd_per_mtok_output").value, WithinRel(1e-3 / 240 * 1e6, 0.01));  // 0.001 $/s
  CHECK(figures->contains("p99_ttft_ms"));
}

TEST_CASE("judge: few requests give no percentiles that they can't support", "[bench]") {
  const Arrivals arrivals{.concurrency = 1};
  const LoadResult load = run_load(100, steady_service, arrivals, 800);
  const Judgement judgement = judge(load, arrivals, {}, {}, {});
  CHECK(judgement.reason_codes == Codes{"too_short"});
  const auto figures = serve_figures(load.records, judgement, {}, {});
  CHECK(figures->contains("p50_ttft_ms"));
  CHECK_FALSE(figures->contains("p90_ttft_ms"));  // of 8 requests
  CHECK_FALSE(figures->contains("p99_ttft_ms"));
  CHECK(figures->at("max_ttft_ms").n == 8);
}

TEST_CASE("judge: warm-up is cut, and what follows is measured", "[bench]") {
  const Arrivals arrivals{.concurrency = 4};
  const LoadResult load = run_load(
      100,
      [](std::int64_t, double at_ms) {
        return Service{at_ms < 3000 ? 300.0 : 50.0, 10, 6, 1, ""};
      },
      arrivals, 20'000);
  const Judgement judgement = judge(load, arrivals, {}, {}, {});
  CHECK(judgement.reason_codes == Codes{});
  CHECK(judgement.window_begin_ms >= 2900);
  CHECK(judgement.window_begin_ms <= 4000);
  const auto figures = serve_figures(load.records, judgement, {}, {});
  CHECK_THAT(figures->at("mean_ttft_ms").value, WithinRel(50.0, 1e-6));
}

// vllm #43078: three seconds taken for steady looked like a regression of 5 %.
TEST_CASE("judge: a load that goes on slowing down is not steady", "[bench]") {
  const Arrivals arrivals{.concurrency = 4};
  const LoadResult load = run_load(
      100,
      [](std::int64_t, double at_ms) {
        return Service{50 + at_ms / 200, 10, 6, 1, ""};
      },
      arrivals, 20'000);
  const Codes codes = judge(load, arrivals, {}, {}, {}).reason_codes;
  CHECK(std::find(codes.begin(), codes.end(), "not_steady") != codes.end());
}

TEST_CASE("judge: more arrivals than a server answers make the queue grow", "[bench]") {
  const Arrivals arrivals{.process = ArrivalProcess::poisson, .rate_per_s = 15, .seed = 1};
  const LoadResult load = run_load(1, steady_service, arrivals, 20'000);
  const Codes codes = judge(load, arrivals, {}, {}, {}).reason_codes;
  CHECK(std::find(codes.begin(), codes.end(), "queue_growing") != codes.end());
}

TEST_CASE("judge: a client that is late, or near its limit, is the bottleneck", "[bench]") {
  const Arrivals arrivals{.process = ArrivalProcess::constant, .rate_per_s = 8};
  CHECK(judge(run_load(100, steady_service, arrivals, 10'000, 8), arrivals, {}, {}, {}).reason_codes ==
        Codes{"client_bound"});
  const LoadResult load = run_load(100, steady_service, arrivals, 10'000);
  SelfTest client;
  client.requests_per_s = 1000;
  CHECK(judge(load, arrivals, {}, client, {}).reason_codes == Codes{});
  client.requests_per_s = 15;
  CHECK(judge(load, arrivals, {}, client, {}).reason_codes == Codes{"client_bound"});
}

TEST_CASE("judge: a GPU that is throttled by heat speaks against a load, its power limit does not", "[bench]") {
  const Arrivals arrivals{.concurrency = 4};
  const LoadResult load = run_load(100, steady_service, arrivals, 10'000);
  results::GpuSample sample;
  sample.at_ms = 5000;
  sample.sm_clock_mhz = 1200;
  sample.throttle_reasons = 0x4;  // software's power cap
  CHECK(judge(load, arrivals, {}, {}, std::vector{sample}).reason_codes == Codes{});
  sample.throttle_reasons = 0x40;  // hardware, by heat
  CHECK(judge(load, arrivals, {}, {}, std::vector{sample}).reason_codes == Codes{"throttled"});
  sample.at_ms = 20'000;  // behind the window
  CHECK(judge(load, arrivals, {}, {}, std::vector{sample}).reason_codes == Codes{});
}

TEST_CASE("judge: a failed request speaks against a load, with its reason", "[bench]") {
  const Arrivals arrivals{.concurrency = 4};
  const LoadResult load = run_load(
      100,
      [](std::int64_t n, double) {
        return Service{50, 10, 6, 1, n == 77 ? "HTTP 500" : ""};
      },
      arrivals, 10'000);
  const Judgement judgement = judge(load, arrivals, {}, {}, {});
  const Codes& codes = judgement.reason_codes;
  CHECK(std::find(codes.begin(), codes.end(), "errors") != codes.end());
  CHECK(judgement.details["failures"]["first"] == "HTTP 500");
}

TEST_CASE("service levels: MLPerf's limits, stated ones, and words that are none", "[bench]") {
  CHECK(service_level_presets().size() == 6);
  CHECK(parse_service_level("mlperf-deepseek-r1-server")->ttft_ms == 2000);
  CHECK(parse_service_level("mlperf-deepseek-r1-interactive")->tpot_ms == 15);
  CHECK(parse_service_level("mlperf-llama2-70b-conversational")->tpot_ms == 200);
  CHECK(parse_service_level("e2e=5000")->e2e_ms == 5000);
  for (const char* words : {"", "ttft", "ttft=", "ttft=-3", "ttft=1,ttft=2", "itl=4", "mlperf"}) {
    CAPTURE(words);
    const auto level = parse_service_level(words);
    REQUIRE_FALSE(level);
    CHECK_THAT(level.error().message, Contains("mlperf-deepseek-r1-server"));
  }
}

TEST_CASE("goodput: a request counts if it meets all limits, p99 is claimed only by enough of them", "[bench]") {
  const auto record = [](double ttft_ms, double gap_ms) {
    RequestRecord one;
    one.intended_ms = 100;
    one.events = {{100 + ttft_ms, 1}, {100 + ttft_ms + gap_ms, 1}};
    one.finished_ms = one.events.back().at_ms;
    one.n_output_tokens = 2;
    return one;
  };
  const ServiceLevel level = *parse_service_level("ttft=50,tpot=10");
  std::vector<RequestRecord> records = {record(40, 5), record(60, 5), record(40, 15), record(50, 10)};
  records.push_back(record(40, 5));
  records.back().failure = "reset";
  const auto good = goodput(records, level, 2);
  REQUIRE(good.has_value());
  CHECK(good->n_met == 2);
  CHECK(good->requests_per_s == 1);
  CHECK(good->p99 == "not_met");
  // All of 100 on time say little: the true share may be 0.99 or less with probability 0.37. All of 1,000 say it.
  CHECK(goodput(std::vector<RequestRecord>(100, record(40, 5)), level, 1)->p99 == "undecided");
  CHECK(goodput(std::vector<RequestRecord>(1000, record(40, 5)), level, 1)->p99 == "met");
}

TEST_CASE("serve methods: a meaning that changes gets a new version", "[bench]") {
  // Whoever changes a text below changes its version, too, and then this test.
  const std::map<std::string, std::pair<int, std::string>> expected = {
      {"ttft_ms", {1, "3c0afa8577bd"}},
      {"itl_ms", {1, "c31716e54caa"}},
      {"tpot_ms", {1, "9187aec5a44f"}},
      {"e2e_ms", {1, "f2302fc5342a"}},
      {"lateness_ms", {1, "a42eefaeafda"}},
      {"requests_per_s", {1, "61c28bb6a08e"}},
      {"output_tokens_per_s", {1, "6c64ba5163de"}},
      {"prompt_tokens_per_s", {1, "4bf16763f3f0"}},
      {"goodput_requests_per_s", {1, "f5b58c893234"}},
      {"window", {1, "323b5a0f4c35"}},
  };
  CHECK(serve_methods().size() == expected.size());
  for (const auto& [metric, method] : serve_methods()) {
    CAPTURE(metric, method.second);
    CHECK(method.first == expected.at(metric).first);
    CHECK(sha256_hex(method.second).substr(0, 12) == expected.at(metric).second);
  }
}
