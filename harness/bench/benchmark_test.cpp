#include "harness/bench/benchmark.h"

#include <cmath>
#include <map>
#include <random>

#include "harness/bench/comparison.h"
#include "harness/bench/pass_target.h"
#include "harness/bench/serve_target.h"
#include "harness/bench/test_live_runner.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::bench;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

/// A machine that slows down while it warms up, and whose speed wanders: what it measures depends on when.
class NoisyMachine {
 public:
  NoisyMachine(unsigned seed, double noise, double drift, double correlation)
      : random_(seed), noise_(noise), drift_(drift), correlation_(correlation) {}
  double measure(double true_rate) {
    wander_ = correlation_ * wander_ + std::sqrt(1 - correlation_ * correlation_) * normal_(random_);
    return true_rate * std::exp(noise_ * wander_ - drift_ * static_cast<double>(n_++) / 24);
  }

 private:
  std::mt19937 random_;
  std::normal_distribution<double> normal_;
  const double noise_, drift_, correlation_;
  double wander_ = 0;
  int n_ = 0;
};

/// Measures nothing but what a NoisyMachine says; arm b's true rate is `b` times a's.
class NoisyTarget final : public Target {
 public:
  NoisyTarget(NoisyMachine& machine, double factor) : machine_(machine), factor_(factor) {}
  runners::ModelFacts model_facts() const override { return {"noisy", "noisy", "", "", Json::object()}; }
  runners::DeviceFacts device_facts() const override { return {"cpu", "noisy", Json::object()}; }
  Result<Measured> measure(const Setting&, std::uint64_t, std::stop_token) override {
    if (n_until_failure == 0) return environment_error("the device is gone");
    --n_until_failure;
    Measured measured;
    measured.figures["output_tokens_per_s"] = {machine_.measure(100 * factor_), {}, 10};
    measured.figures["mean_ttft_ms"] = {1 / machine_.measure(factor_), {}, 10};
    measured.figures["p50_tpot_ms"] = {1 / machine_.measure(factor_), {}, 10};
    return measured;
  }
  static inline int n_until_failure = -1;

 private:
  NoisyMachine& machine_;
  const double factor_;
};

Setting setting_of(std::int64_t concurrency) {
  Setting setting;
  setting.kind = "serve";
  setting.serve.arrivals.concurrency = concurrency;
  return setting;
}

BenchmarkPlan comparison_plan(NoisyMachine& machine, double b_factor, std::int64_t blocks) {
  BenchmarkPlan plan;
  plan.repeats = blocks;
  for (const auto& [name, factor] : {std::pair("a", 1.0), std::pair("b", b_factor)}) {
    plan.arms.push_back({name, name, {setting_of(4)}, [&machine, factor = factor]() -> Result<std::unique_ptr<Target>> {
                           return std::unique_ptr<Target>(std::make_unique<NoisyTarget>(machine, factor));
                         }});
  }
  return plan;
}

run::Clock counting_clock() {
  const auto ms = std::make_shared<std::int64_t>(1'700'000'000'000);
  return {[ms] { return ++*ms; }, [ms] { return static_cast<double>(++*ms); }};
}

Result<BenchmarkOutcome> run_plan(const BenchmarkPlan& plan, const std::filesystem::path& db) {
  ASSAY_ASSIGN(results::Store store, results::Store::open_or_create(db));
  return run_benchmark(plan, store, counting_clock(), [](std::int64_t, std::int64_t, const Step&) {}, {});
}

/// What the plan's steps give on the machine, without a database in between.
std::vector<results::BenchPoint> measure_all(const BenchmarkPlan& plan) {
  std::vector<results::BenchPoint> points;
  std::vector<std::unique_ptr<Target>> targets;
  for (const Arm& arm : plan.arms) targets.push_back(std::move(*arm.open()));
  for (const Step& step : plan_steps(plan)) {
    results::BenchPoint point;
    point.key = key_of(plan, step);
    point.kind = "serve";
    point.figures = targets[step.arm]->measure(plan.arms[step.arm].settings[step.setting], 0, {})->figures;
    points.push_back(std::move(point));
  }
  return points;
}

bool has_difference(const std::vector<SettingComparison>& comparisons) {
  for (const SettingComparison& comparison : comparisons) {
    for (const MetricComparison& metric : comparison.metrics) {
      if (metric.verdict != "no_difference") return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("plan_steps: settings forwards and backwards, a comparison in blocks that cancel a drift", "[bench]") {
  BenchmarkPlan plan;
  plan.arms = {{"", "", {setting_of(1), setting_of(2)}, {}}};
  plan.repeats = 2;
  std::vector<std::pair<std::size_t, std::int64_t>> order;
  for (const Step& step : plan_steps(plan)) order.emplace_back(step.setting, step.repeat);
  CHECK(order == std::vector<std::pair<std::size_t, std::int64_t>>{{0, 0}, {1, 0}, {1, 1}, {0, 1}});

  plan.arms = {{"a", "a", {setting_of(1)}, {}}, {"b", "b", {setting_of(1)}, {}}};
  std::string arms;
  std::map<std::size_t, double> sum_of_places;
  std::set<results::PointKey> keys;
  double place = 0;
  for (const Step& step : plan_steps(plan)) {
    arms += step.arm == 0 ? 'a' : 'b';
    sum_of_places[step.arm] += place++;
    keys.insert(key_of(plan, step));
  }
  CHECK(arms == "abbabaab");
  CHECK(sum_of_places[0] == sum_of_places[1]);  // an even drift adds the same to both
  CHECK(keys.size() == 8);
}

// ohdearquant/lattice #714: base first, then head, found 56 "regressions" of a commit against itself.
TEST_CASE("compare_arms: A against itself has no difference in at least 95 of 100, on machines that drift and wander",
          "[bench]") {
  for (const double correlation : {0.0, 0.5, 0.9}) {
    for (const double drift : {0.0, 0.3}) {
      for (const std::int64_t blocks : {4, 8}) {
        CAPTURE(correlation, drift, blocks);
        int n_same = 0;
        for (unsigned seed = 0; seed < 100; ++seed) {
          NoisyMachine machine(1000 + seed, 0.05, drift, correlation);
          n_same += has_difference(compare_arms(measure_all(comparison_plan(machine, 1, blocks)))) ? 0 : 1;
        }
        CHECK(n_same >= 95);
      }
    }
  }
}

TEST_CASE("compare_arms: a true difference is found, in its direction and size", "[bench]") {
  int n_found = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    NoisyMachine machine(seed, 0.02, 0.3, 0.5);
    const auto comparisons = compare_arms(measure_all(comparison_plan(machine, 0.9, 8)));
    REQUIRE(comparisons.size() == 1);
    const MetricComparison& rate = comparisons[0].metrics.at(0);
    REQUIRE(rate.metric == "output_tokens_per_s");
    CHECK_THAT(rate.ratio, WithinRel(0.9, 0.05));
    n_found += rate.verdict == "b_worse" ? 1 : 0;
    CHECK(rate.verdict != "b_better");
    CHECK(comparisons[0].metrics.at(1).verdict != "b_better");  // its latency is longer, which is worse
  }
  CHECK(n_found >= 95);
}

TEST_CASE("compare_arms: blocks with points that are not valid are left out, and too few say nothing", "[bench]") {
  NoisyMachine machine(1, 0.02, 0, 0);
  auto points = measure_all(comparison_plan(machine, 1, 4));
  points[0].reason_codes = {"throttled"};
  auto comparison = compare_arms(points).at(0);
  CHECK(comparison.n_blocks == 3);
  CHECK(comparison.n_invalid == 1);
  points[5].reason_codes = {"too_short"};
  comparison = compare_arms(points).at(0);
  CHECK(comparison.metrics.empty());
  CHECK_THAT(comparison.reason, Contains("only 2 whole blocks"));
  CHECK_THAT(comparison_text({&comparison, 1}), Contains("not compared"));
}

// MLPerf bounds the mean length of outputs: "faster since it stops early" is no gain.
TEST_CASE("compare_arms: replies of other lengths are said to be", "[bench]") {
  NoisyMachine machine(1, 0.02, 0, 0);
  auto points = measure_all(comparison_plan(machine, 1, 3));
  for (auto& point : points) point.figures["mean_output_tokens"] = {point.key.arm == "a" ? 100.0 : 85.0, {}, 10};
  CHECK(compare_arms(points).at(0).lengths_differ);
}

TEST_CASE("run_benchmark: stores every point, stopped by a failure it keeps them, and goes on behind", "[bench]") {
  const test_support::TemporaryFolder folder;
  NoisyMachine machine(1, 0.02, 0, 0);
  const BenchmarkPlan plan = comparison_plan(machine, 1, 2);
  NoisyTarget::n_until_failure = 3;
  const auto stopped = run_plan(plan, folder / "x.db");
  NoisyTarget::n_until_failure = -1;
  REQUIRE(stopped.has_value());
  REQUIRE(stopped->stopped_by.has_value());
  CHECK(stopped->n_stored == 3);
  {
    const auto store = results::Store::open_read_only(folder / "x.db");
    CHECK(store->read_points(stopped->run_id)->size() == 3);
    CHECK(store->read_run(stopped->run_id)->state == results::RunState::interrupted);
  }
  const auto resumed = run_plan(plan, folder / "x.db");
  REQUIRE(resumed.has_value());
  CHECK(resumed->run_id == stopped->run_id);
  CHECK(resumed->n_resumed == 3);
  CHECK(resumed->n_stored == 8);
  const auto store = results::Store::open_read_only(folder / "x.db");
  CHECK(store->read_points(resumed->run_id)->size() == 8);
  CHECK(store->read_run(resumed->run_id)->state == results::RunState::finished);
  // Another plan is another run.
  BenchmarkPlan other = plan;
  other.repeats = 3;
  CHECK(run_plan(other, folder / "x.db")->run_id != resumed->run_id);
}

TEST_CASE("make_serve_target: prompts have the asked length, and no repeat meets another's prompts again", "[bench]") {
  TestTime time;
  auto owned = std::make_unique<TestLiveRunner>(time, 100, [](std::int64_t, double) {
    return Service{50, 10, 6, 1, ""};
  });
  const TestLiveRunner& runner = *owned;
  auto target = make_serve_target(std::move(owned), time, "no such library");
  REQUIRE(target.has_value());
  Setting setting = setting_of(4);
  setting.serve.raw = true;
  setting.serve.prompt_tokens = 40;
  const auto first = (*target)->measure(setting, 1, {});
  REQUIRE(first.has_value());
  CHECK(first->reason_codes.empty());
  CHECK_THAT(first->figures.at("p50_ttft_ms").value, WithinRel(50.0, 1e-6));
  CHECK(first->method_versions["ttft_ms"] == 1);
  const std::size_t n_first = runner.prompts.size();
  REQUIRE((*target)->measure(setting, 2, {}).has_value());
  const std::set<std::string> prompts(runner.prompts.begin(), runner.prompts.end());
  CHECK(runner.prompts.size() > n_first);
  CHECK(prompts.size() == runner.prompts.size());
  CHECK(first->details["prompts"]["n_shared_words"] == 0);
}
