#include "harness/bench/benchmark.h"

#include <set>

#include "harness/base/log.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "harness/bench/comparison.h"
#include "harness/run/environment.h"

namespace assay::bench {

namespace {

/// Keeps the one target that is loaded.
class LoadedTarget {
 public:
  Result<Target*> get(const Arm& arm) {
    if (target_ && words_ == arm.target) return target_.get();
    target_.reset();  // before the next one needs the memory
    ASSAY_ASSIGN(target_, arm.open());
    words_ = arm.target;
    return target_.get();
  }

 private:
  std::string words_;
  std::unique_ptr<Target> target_;
};

results::RunFacts facts_of(const BenchmarkPlan& plan, const runners::ModelFacts& model) {
  results::RunFacts facts;
  facts.name = plan.name;
  facts.model = {model.name, model.reference, model.weights_sha256, model.tokenizer_sha256, model.details};
  facts.seed = static_cast<std::int64_t>(plan.seed);
  facts.command_line = plan.command_line;
  facts.tags = plan.tags;
  facts.hardware_profile = plan.hardware_profile;
  const Priced& priced = plan.arms[0].settings[0].priced;
  facts.price_usd_per_gpu_hour = priced.usd_per_gpu_hour;
  facts.n_priced_devices = priced.n_devices;
  facts.plan_sha256 = plan_sha256(plan);
  facts.provenance = plan.provenance;
  return facts;
}

/// Its own prompts and arrivals for each repeat; arms of a block have the same, so that they do the same work.
std::uint64_t seed_of(const BenchmarkPlan& plan, const Step& step) {
  const std::int64_t repeats = plan.repeats * kRepeatsOfBlock;
  return plan.seed * 1'000'003 +
         static_cast<std::uint64_t>(static_cast<std::int64_t>(step.setting) * repeats + step.repeat);
}

results::BenchPoint point_of(const BenchmarkPlan& plan, const Step& step, Measured measured) {
  const Setting& setting = plan.arms[step.arm].settings[step.setting];
  results::BenchPoint point;
  point.key = key_of(plan, step);
  point.kind = setting.kind;
  point.settings = setting.to_json();
  point.settings["seed"] = seed_of(plan, step);
  if (!plan.arms[step.arm].target.empty()) point.settings["target"] = plan.arms[step.arm].target;
  point.figures = std::move(measured.figures);
  point.provenance = std::move(measured.provenance);
  point.reason_codes = std::move(measured.reason_codes);
  point.method_versions = std::move(measured.method_versions);
  point.details = std::move(measured.details);
  return point;
}

}  // namespace

std::vector<Step> plan_steps(const BenchmarkPlan& plan) {
  std::vector<Step> steps;
  const std::size_t n = plan.arms[0].settings.size();
  for (std::int64_t round = 0; round < plan.repeats; ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t setting = round % 2 == 0 ? i : n - 1 - i;
      if (plan.arms.size() == 1) {
        steps.push_back({0, setting, round});
        continue;
      }
      std::int64_t n_of[2] = {0, 0};
      for (const char arm : block_order(round)) {
        const std::size_t at = arm == 'a' ? 0 : 1;
        steps.push_back({at, setting, kRepeatsOfBlock * round + n_of[at]++});
      }
    }
  }
  return steps;
}

results::PointKey key_of(const BenchmarkPlan& plan, const Step& step) {
  return {plan.arms[0].settings[step.setting].name(), plan.arms[step.arm].name, step.repeat};
}

std::string plan_sha256(const BenchmarkPlan& plan) {
  Json arms = Json::array();
  for (const Arm& arm : plan.arms) {
    Json settings = Json::array();
    for (const Setting& setting : arm.settings)
      settings.push_back({{"kind", setting.kind}, {"setting", setting.to_json()}});
    arms.push_back({{"name", arm.name}, {"target", arm.target}, {"settings", std::move(settings)}});
  }
  return sha256_hex(to_json_text(Json{{"arms", std::move(arms)}, {"repeats", plan.repeats}}));
}

Result<BenchmarkOutcome> run_benchmark(const BenchmarkPlan& plan, results::Store& store, const run::Clock& clock,
                                       const StepProgress& progress, std::stop_token stop) {
  const std::vector<Step> steps = plan_steps(plan);
  LoadedTarget loaded;
  ASSAY_ASSIGN(Target * first, loaded.get(plan.arms[0]));
  const results::RunFacts facts = facts_of(plan, first->model_facts());
  const results::EnvironmentFacts environment = run::read_environment(first->device_facts());
  ASSAY_ASSIGN(const std::optional<RunId> unfinished, store.find_resumable(results::run_identity(facts)));
  std::set<results::PointKey> stored;
  if (unfinished) {
    ASSAY_ASSIGN(const auto points, store.read_points(*unfinished));
    for (const results::BenchPoint& point : points) stored.insert(point.key);
    log_note("run ", *unfinished, ": going on behind ", stored.size(), " of ", steps.size(), " points");
  }
  ASSAY_ASSIGN(results::RunWriter writer, unfinished ? store.resume_run(*unfinished, environment, clock.unix_ms())
                                                     : store.begin_run(facts, environment, clock.unix_ms()));
  BenchmarkOutcome outcome;
  outcome.run_id = writer.run_id();
  outcome.n_steps = static_cast<std::int64_t>(steps.size());
  outcome.n_resumed = outcome.n_stored = static_cast<std::int64_t>(stored.size());
  const double begun_ms = clock.monotonic_ms();
  const auto wall_ms = [&] { return clock.monotonic_ms() - begun_ms; };
  const auto end = [&](results::RunState state) { return writer.finish(state, clock.unix_ms(), wall_ms()); };
  const auto stopped = [&](Error error) -> Result<BenchmarkOutcome> {
    outcome.stopped_by = std::move(error);
    ASSAY_TRY(end(results::RunState::interrupted));
    return outcome;
  };
  for (const Step& step : steps) {
    if (stored.contains(key_of(plan, step))) continue;
    if (stop.stop_requested()) return stopped(interrupted("interrupted"));
    progress(outcome.n_stored, outcome.n_steps, step);
    const Arm& arm = plan.arms[step.arm];
    const Result<Target*> target = loaded.get(arm);
    if (!target) return stopped(target.error());
    const std::int64_t started_at_ms = clock.unix_ms();
    const double started_ms = wall_ms();
    Result<Measured> measured = (*target)->measure(arm.settings[step.setting], seed_of(plan, step), stop);
    if (!measured) return stopped(measured.error());
    if (measured->was_stopped || stop.stop_requested()) return stopped(interrupted("interrupted"));
    for (results::GpuSample& sample : measured->gpu_samples) sample.at_ms += started_ms;
    const std::vector<results::GpuSample> gpu = std::move(measured->gpu_samples);
    results::BenchPoint point = point_of(plan, step, std::move(*measured));
    point.started_at_ms = started_at_ms;
    point.wall_ms = wall_ms() - started_ms;
    ASSAY_TRY(writer.add_gpu_samples(gpu));
    ASSAY_TRY(writer.add_point(point, wall_ms()));
    ++outcome.n_stored;
  }
  ASSAY_TRY(end(results::RunState::finished));
  return outcome;
}

}  // namespace assay::bench
