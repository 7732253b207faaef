#pragma once
// From completions to stored samples, off the runner's thread: several threads grade, one thread stores.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/base/result.h"
#include "harness/run/bounded_queue.h"
#include "harness/run/clock.h"
#include "harness/run/grading.h"
#include "harness/run/plan.h"
#include "results/store.h"

namespace assay::run {

/// Stores samples with their verdicts durably: those that are ready together, at least one. Called on the storing
/// thread only.
using StoreSamples = std::function<Result<>(std::span<const results::GradedSample>)>;

/// Completions go in by submit(), from one thread. It waits while too many are under way, so that memory stays bounded.
class GradingPipeline {
 public:
  /// `plan` and what `tools` points to must outlive it.
  GradingPipeline(const Plan& plan, GradingTools tools, std::size_t n_threads, StoreSamples store,
                  std::function<std::int64_t()> unix_ms);
  ~GradingPipeline();

  /// Hands over a completion of the plan. Error: what storing failed with; then nothing further is stored.
  Result<> submit(runners::Completion completion);

  /// Waits until everything handed over is stored, and says whether it is.
  Result<> finish();

 private:
  struct Answered {
    const PlannedSample* planned;
    runners::Completion completion;
  };
  void grade_all();
  void store_all();
  Result<> failure();

  const Plan& plan_;
  const GradingTools tools_;
  const StoreSamples store_;
  const std::function<std::int64_t()> unix_ms_;
  std::map<std::pair<std::string, std::int64_t>, const PlannedSample*> planned_;  ///< by request id and sample

  BoundedQueue<Answered> answered_;
  BoundedQueue<results::GradedSample> graded_;
  std::mutex failure_mutex_;
  Result<> failure_;
  std::vector<std::jthread> graders_;
  std::jthread storer_;
};

}  // namespace assay::run
