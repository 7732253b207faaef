#pragma once
// The forward pass on the GPU: the loop of cpu/forward.h over the operations of kernels/, launched on a stream.
//   The residual stream is float32; products take bfloat16. Nothing here allocates, waits or reads the device, so a
//   pass of generated positions can be captured as a graph.

#include <array>
#include <functional>
#include <memory>
#include <variant>

#include "kernels/collective/collective.cuh"
#include "kernels/collective/process_ranks.cuh"
#include "runners/engine/cuda/device_model.h"
#include "runners/engine/cuda/ffn_layer.h"
#include "runners/engine/cuda/gqa_layer.h"
#include "runners/engine/cuda/mla_layer.h"
#include "runners/engine/cuda/pass_rows.h"

namespace assay::runners {

/// What a rank has of the others. In one process: links, and buffers that every rank has, all of which are mapped. Over
/// processes: `processes` alone. Neither: the model is on one GPU.
struct RankBuffers {
  kernels::ProcessRanks* processes = nullptr;
  const kernels::PeerLinks* links = nullptr;
  kernels::LinkPace pace = {};                        ///< of all that goes over the links
  std::array<kernels::PerRank<float>, 2> parts = {};  ///< [rows, hidden]: what is added takes turns between them
  kernels::PerRank<float> x = {};                     ///< [rows, hidden]
  kernels::PerRank<float> logits = {};                ///< [logits_rows, vocab_rows]
};

/// Planes of pages: see DeviceSizes.
struct DeviceCache {
  Bf16* memory = nullptr;
  int n_pages = 0;
};

class CudaForward {
 public:
  /// The model, `marks`, and what `ranks` names, must outlive it. Every rank of a group makes the same calls.
  /// Error{environment} if the buffers don't fit.
  static Result<CudaForward> create(const DeviceModel& model, OperationMarks& marks, const ForwardLimits& limits,
                                    const RankBuffers& ranks = {});

  void use_cache(const DeviceCache& cache) { cache_ = cache; }

  /// All layers of the main model on all rows; what comes out is x(). `drawn` is what ids refer to where they are
  /// negative. Called after each layer: `after_layer`, if it isn't empty.
  Result<> run(const PassRows& rows, const int* drawn, cudaStream_t stream,
               const std::function<Result<>(int layer)>& after_layer = {});
  /// The final norm of the rows that `rows` lists (null: the first n) into hidden().
  Result<> final_norm(const int* rows, int n, cudaStream_t stream);
  /// lm_head of rows first … first + n - 1 of hidden() into logits(); n is at most limits.logits_rows.
  Result<> head(int first, int n, cudaStream_t stream);

  /// The MTP module on rows whose next tokens are rows.ids; row i has the main model's hidden state in row states[i] of
  /// states(). The normed states of all rows are then in hidden().
  Result<> run_mtp(const PassRows& rows, const int* states, cudaStream_t stream);

  float* x() const { return own(ranks_.x, x_); }   ///< [rows, hidden]
  Bf16* hidden() const { return normed_.data(); }  ///< [rows, hidden]
  /// [rows, vocab_rows]
  float* logits() const { return own(ranks_.logits, ranks_.processes == nullptr ? logits_ : all_logits_); }
  /// Hidden states of the last pass of the main model [rows], and behind them those that are kept [kept_states].
  Bf16* states() const { return states_.data(); }
  const ForwardLimits& limits() const { return limits_; }

 private:
  CudaForward(const DeviceModel& model, OperationMarks& marks, const ForwardLimits& limits, const RankBuffers& ranks)
      : model_(&model), marks_(&marks), limits_(limits), ranks_(ranks) {}
  /// This rank's buffer of those that are shared, or the one that it has alone.
  float* own(const kernels::PerRank<float>& shared, const DeviceBuffer<float>& alone) const {
    return ranks_.links == nullptr ? alone.data() : shared[static_cast<std::size_t>(ranks_.links->rank)];
  }
  /// Where half a layer's last product goes, and what is to be done when it is there.
  LayerOutput next_output(bool is_part) const;
  Result<> add_parts(const LayerOutput& out, int n_rows, cudaStream_t stream);
  Result<> end_sums(cudaStream_t stream);
  Result<> embed(const PassRows& rows, const int* drawn, cudaStream_t stream);
  Result<> layer(const DeviceLayer& weights, int cache_layer, const PassRows& rows, cudaStream_t stream);
  Result<> norm(const DeviceBuffer<float>& weight, const int* rows, int n, cudaStream_t stream);
  Bf16* plane(int index) const;

  const DeviceModel* model_;
  OperationMarks* marks_;
  ForwardLimits limits_;
  RankBuffers ranks_;
  std::size_t n_sums_ = 0;  // over ranks, of this pass
  DeviceCache cache_;
  std::unique_ptr<DeviceProducts> products_;  // where the layers find it, wherever this is moved
  std::variant<std::monostate, GqaLayer, MlaLayer> attention_;
  std::variant<std::monostate, FfnLayer> ffn_;
  DeviceBuffer<float> x_;       // [rows, hidden], the residual stream; with ranks it is theirs
  DeviceBuffer<Bf16> normed_;   // [rows, hidden]
  DeviceBuffer<Bf16> states_;   // [rows + kept_states, hidden], or empty
  DeviceBuffer<Bf16> pair_;     // [rows, 2·hidden], the MTP module's input, or empty
  DeviceBuffer<float> logits_;  // [logits_rows, head_rows]: with ranks, this one's columns
  // Only where ranks are processes.
  DeviceBuffer<float> part_;        // [rows, hidden], of a sum
  DeviceBuffer<float> all_logits_;  // [logits_rows, vocab_rows]
};

}  // namespace assay::runners
