// One part of a model on this process's GPU. Contract in cuda_executor.h.

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "kernels/collective/process_ranks.cuh"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/cuda/rank_executor.h"
#include "runners/engine/delegating_executor.h"

namespace assay::runners {

namespace {

using kernels::ProcessRanks;

constexpr auto kJoinPatience = std::chrono::seconds(10);

/// The rank's executor, and what joins it to the others, which outlives its graphs.
class PartExecutor final : public DelegatingExecutor {
 public:
  PartExecutor(std::unique_ptr<ProcessRanks> ranks, std::unique_ptr<RankExecutor> rank, const PartLink& link)
      : DelegatingExecutor(*rank), set_release_(link.set_release), ranks_(std::move(ranks)), rank_(std::move(rank)) {
    set_release_([this] { return ranks_->abort(); });
  }
  ~PartExecutor() override {
    rank_.reset();
    set_release_({});
  }

  Result<> start(const PartLink& link);

 private:
  std::function<void(std::function<bool()>)> set_release_;
  std::unique_ptr<ProcessRanks> ranks_;
  std::unique_ptr<RankExecutor> rank_;
};

/// Buffers, and a cache of as many pages as every part has room for.
Result<> PartExecutor::start(const PartLink& link) {
  RankBuffers buffers;
  buffers.processes = ranks_.get();
  ASSAY_TRY(rank_->make_buffers(buffers));
  ASSAY_ASSIGN(const int fitting, rank_->fitting_pages());
  ASSAY_ASSIGN(const int n_pages, link.least(fitting));
  return rank_->make_cache(n_pages);
}

/// The most values that a sum, or a gathered buffer of logits, has on a rank.
std::int64_t most_values(const RankExecutor& rank) {
  const ForwardLimits limits = rank.limits();
  const DeviceSizes& sizes = rank.sizes();
  return std::max(std::int64_t{limits.rows()} * sizes.hidden, std::int64_t{limits.logits_rows} * sizes.head_rows);
}

}  // namespace

Result<std::string> make_meeting_place() { return ProcessRanks::make_id(); }

Result<std::unique_ptr<Executor>> create_part_executor(const Model& model, const PartLink& link,
                                                       const ExecutorOptions& options, const LoadOptions& load) {
  ASSAY_TRY(check_parallel_model(model.config, link.parallel));
  const int n_ranks = link.parallel.n_ranks();
  ExecutorOptions own_options = options;
  own_options.kv_memory_bytes = options.kv_memory_bytes / n_ranks;
  ASSAY_ASSIGN(DeviceModel uploaded, upload_model(model, load, options.speculate, {link.parallel, link.part}));
  std::unique_ptr<RankExecutor> rank = make_rank_executor(std::move(uploaded), own_options, model.config);
  ASSAY_TRY(link.least(0));  // nobody waits in NCCL for one whose weights did not fit
  link.set_release([] {
    std::this_thread::sleep_for(kJoinPatience);  // NCCL sees for itself, as a rule, that one is gone
    return false;
  });
  ASSAY_ASSIGN(auto ranks, ProcessRanks::join(link.meeting_place, link.part, n_ranks, most_values(*rank)));
  auto executor = std::make_unique<PartExecutor>(std::move(ranks), std::move(rank), link);
  ASSAY_TRY(executor->start(link));
  return std::unique_ptr<Executor>(std::move(executor));
}

}  // namespace assay::runners
