#pragma once
// Grouped-query attention of a layer on the device: CPU form in cpu/gqa_attention.h.

#include "runners/engine/cuda/device_product.h"
#include "runners/engine/cuda/pass_rows.h"
#include "runners/engine/operations.h"

namespace assay::runners {

/// Holds the buffers of one pass at a time.
class GqaLayer {
 public:
  static Result<GqaLayer> create(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks,
                                 const ForwardLimits& limits);

  /// Attention of `normed`, added to `out`. `pages` is the layer's plane of the cache. Each row appends one key, so
  /// that a row of generated positions has no more keys of this pass than the pass has rows.
  Result<> run(const DeviceGqa& weights, const PassRows& rows, const Bf16* normed, Bf16* pages, int n_pages,
               const LayerOutput& out, cudaStream_t stream);

 private:
  GqaLayer(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks)
      : model_(&model), products_(&products), marks_(&marks) {}

  const DeviceModel* model_;
  const DeviceProducts* products_;
  const OperationMarks* marks_;
  int max_items_ = 0;
  DeviceBuffer<float> qkv_;      // [rows, (heads + 2·kv_heads)·head_dim]
  DeviceBuffer<Bf16> query_;     // [rows, heads·head_dim]
  DeviceBuffer<Bf16> attended_;  // [rows, heads·head_dim]
  DeviceBuffer<float> scratch_;  // of decode attention
  DeviceBuffer<unsigned> dealt_;
};

}  // namespace assay::runners
