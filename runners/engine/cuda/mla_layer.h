#pragma once
// Multi-head latent attention of a layer on the device: CPU form, and the maths, in cpu/mla_attention.h. Prompt
// positions are materialised, generated ones absorbed.

#include "runners/engine/cuda/device_product.h"
#include "runners/engine/cuda/pass_rows.h"
#include "runners/engine/operations.h"

namespace assay::runners {

/// Holds the buffers of one pass at a time.
class MlaLayer {
 public:
  static Result<MlaLayer> create(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks,
                                 const ForwardLimits& limits);

  /// Attention of `normed`, added to `out`. `cache` is the layer's plane.
  Result<> run(const DeviceMla& weights, const PassRows& rows, const Bf16* normed, Bf16* cache, int n_pages,
               const LayerOutput& out, cudaStream_t stream);

 private:
  MlaLayer(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks)
      : model_(&model), products_(&products), marks_(&marks) {}
  Result<> project(const DeviceMla& weights, const PassRows& rows, const Bf16* normed, Bf16* cache,
                   cudaStream_t stream);
  Result<> attend_absorbed(const DeviceMla& weights, const MlaDecodeRows& plan, int n_rows, const Bf16* cache,
                           int n_pages, cudaStream_t stream);
  Result<> attend_materialised(const DeviceMla& weights, const MlaPromptRows& plan, int n_rows, const Bf16* cache,
                               int n_pages, cudaStream_t stream);

  const DeviceModel* model_;
  const DeviceProducts* products_;
  const OperationMarks* marks_;
  int max_items_ = 0, max_keys_ = 0;
  DeviceBuffer<float> q_a_;        // [rows, q_lora_rank]
  DeviceBuffer<Bf16> q_a_normed_;  // [rows, q_lora_rank]
  DeviceBuffer<float> q_;          // [rows, heads·192]
  DeviceBuffer<float> kv_;         // [rows, 576]
  DeviceBuffer<Bf16> q_head_;      // [prompt rows, heads, 192]
  DeviceBuffer<Bf16> q_nope_;      // [generated rows, heads, 128]
  DeviceBuffer<Bf16> q_latent_;    // [generated rows, heads, 576]
  DeviceBuffer<Bf16> o_latent_;    // [generated rows, heads, 512]
  DeviceBuffer<Bf16> attended_;    // [rows, heads, 128]
  DeviceBuffer<float> scratch_;    // of decode attention
  DeviceBuffer<Bf16> gathered_;    // [prompt keys, 576]
  DeviceBuffer<Bf16> expanded_;    // [keys, some heads, 256]
};

}  // namespace assay::runners
