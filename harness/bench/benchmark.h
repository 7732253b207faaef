#pragma once
// A whole benchmark: settings and repeats in an order in which drifts of the machine cancel, each point stored as soon
// as it is measured; one that was stopped goes on behind its last point.

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/bench/target.h"
#include "harness/run/clock.h"
#include "results/store.h"

namespace assay::bench {

/// What is measured under one name: settings on one loaded model.
struct Arm {
  std::string name;    ///< "a" or "b" of a comparison; else empty
  std::string target;  ///< arms of equal words share the model that is loaded
  std::vector<Setting> settings;
  std::function<Result<std::unique_ptr<Target>>()> open;
};

struct BenchmarkPlan {
  std::vector<Arm> arms;     ///< one, or two with as many settings each
  std::int64_t repeats = 1;  ///< of each setting; of a comparison: blocks of two repeats an arm
  std::uint64_t seed = 0;
  std::string name;  ///< --name; may be empty
  std::string command_line;
  std::vector<std::pair<std::string, std::string>> tags;
  std::optional<std::string> hardware_profile;
  std::string provenance = "measured";  ///< of the run; "emulated" where its links are held back
};

/// One measurement of the plan.
struct Step {
  std::size_t arm = 0, setting = 0;
  std::int64_t repeat = 0;
};
/// All of them in the order of measuring: settings forwards, then backwards, and so on; in a comparison every setting's
/// block as block_order() says. Pure.
std::vector<Step> plan_steps(const BenchmarkPlan& plan);

/// A point's name is its setting's; in a comparison, that of arm a's.
results::PointKey key_of(const BenchmarkPlan& plan, const Step& step);
/// A hash of all that makes two benchmarks the same one. Pure.
std::string plan_sha256(const BenchmarkPlan& plan);

/// What is told while it runs.
using StepProgress = std::function<void(std::int64_t n_done, std::int64_t n_total, const Step& step)>;

struct BenchmarkOutcome {
  RunId run_id;
  std::int64_t n_steps = 0, n_stored = 0, n_resumed = 0;  ///< of the plan; stored in all; before this process
  std::optional<Error> stopped_by;  ///< a stop, or a failure; what was stored stays, and the same command goes on
};

/// Runs what is not stored yet of the plan. Only one target is loaded at a time. Error where nothing could be begun.
Result<BenchmarkOutcome> run_benchmark(const BenchmarkPlan& plan, results::Store& store, const run::Clock& clock,
                                       const StepProgress& progress, std::stop_token stop);

}  // namespace assay::bench
