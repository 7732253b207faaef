#pragma once
// An executor on one GPU as its owner makes it, step by step: alone, or as a rank of a group (parallel_executor.cpp).

#include <memory>
#include <span>

#include "runners/engine/cuda/cuda_forward.h"
#include "runners/engine/executor.h"

namespace assay::runners {

/// Calls come from one thread at a time, with the rank's device current. Every rank of a group gets the same calls.
class RankExecutor : public Executor {
 public:
  virtual ForwardLimits limits() const = 0;
  virtual const DeviceSizes& sizes() const = 0;

  // The steps to a usable one, in this order.
  virtual Result<> make_buffers(const RankBuffers& ranks) = 0;
  /// Pages that there is memory for. Error{environment} if there are less than two.
  virtual Result<int> fitting_pages() const = 0;
  virtual Result<> make_cache(int n_pages) = 0;

  /// Memory for the inputs and results of the pass, or of the MTP module's run, that comes next. Ranks of a group are
  /// called before any of them launches it.
  virtual Result<> make_room(const Pass& pass) = 0;
  virtual Result<> make_mtp_room(PositionRole role, std::span<const MtpSpan> spans) = 0;
};

/// On the current device; allocates nothing yet.
std::unique_ptr<RankExecutor> make_rank_executor(DeviceModel model, const ExecutorOptions& options,
                                                 const ModelConfig& config);

}  // namespace assay::runners
