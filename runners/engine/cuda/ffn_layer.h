#pragma once
// The feed-forward half of a layer on the device: CPU form, and the maths, in cpu/feed_forward.h.

#include "kernels/router/expert_rows.cuh"
#include "runners/engine/cuda/device_product.h"
#include "runners/engine/cuda/pass_rows.h"
#include "runners/engine/operations.h"

namespace assay::runners {

/// Holds the buffers of one pass at a time.
class FfnLayer {
 public:
  static Result<FfnLayer> create(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks,
                                 const ForwardLimits& limits);

  /// The network of `normed`, added to `out`.
  Result<> run(const DeviceFfn& weights, const PassRows& rows, const Bf16* normed, const LayerOutput& out,
               cudaStream_t stream);
  Result<> run(const DeviceMoe& weights, const PassRows& rows, const Bf16* normed, const LayerOutput& out,
               cudaStream_t stream);

 private:
  FfnLayer(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks)
      : model_(&model), products_(&products), marks_(&marks) {}
  kernels::ExpertRows expert_rows() const;

  const DeviceModel* model_;
  const DeviceProducts* products_;
  const OperationMarks* marks_;
  DeviceBuffer<Bf16> gated_;           // [rows, width] of a dense or shared network
  DeviceBuffer<float> shared_output_;  // [rows, hidden]
  DeviceBuffer<float> router_logits_;  // [rows, router parts · experts]
  DeviceBuffer<std::int32_t> slots_;   // [rows, num_experts_per_tok]
  DeviceBuffer<float> slot_weights_;   // likewise
  DeviceBuffer<int> failed_;           // a router logit was no number: that row's logits are none either
  DeviceBuffer<std::int32_t> first_place_, places_, tokens_, n_tiles_;
  DeviceBuffer<kernels::ExpertTile> tiles_;
  DeviceBuffer<Bf16> sorted_;          // [places, hidden]
  DeviceBuffer<Bf16> sorted_gated_;    // [places, moe width]
  DeviceBuffer<float> sorted_output_;  // [places, hidden]
};

}  // namespace assay::runners
