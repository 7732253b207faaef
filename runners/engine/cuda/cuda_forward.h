#pragma once
// The forward pass on the GPU: the loop of cpu/forward.h over the operations of kernels/, launched on a stream.
//   The residual stream is float32; products take bfloat16. Nothing here allocates, waits or reads the device, so a
//   pass of generated positions can be captured as a graph.

#include <functional>
#include <variant>

#include "kernels/attention/decode_attention.cuh"
#include "kernels/attention/prefill_attention.cuh"
#include "kernels/sampling/sample_rows.cuh"
#include "runners/engine/cuda/device_model.h"

namespace assay::runners {

/// Attention's plan of a pass of generated positions. Device memory.
struct DecodeRows {
  const kernels::DecodeItem* items = nullptr;
  const std::int32_t* first_item = nullptr;  ///< [rows + 1]
};
/// Attention's plan of a pass of prompt positions. Device memory.
struct PromptRows {
  const kernels::PrefillTile* tiles = nullptr;
  int n_tiles = 0;
  const std::int32_t* pages = nullptr;  ///< of all sequences; a tile's `sequence` is where its own begin
};

/// Rows of one role. Arrays are device memory, [n_rows].
struct PassRows {
  int n_rows = 0;
  const int* ids = nullptr;
  const int* drawn = nullptr;  ///< what ids refer to where they are negative
  const int* positions = nullptr;
  const int* slots = nullptr;  ///< page · 64 + place in it
  std::variant<DecodeRows, PromptRows> plan;
};

/// What the buffers of a forward pass hold at most.
struct ForwardLimits {
  int rows = 0;
  int logits_rows = 0;
  int decode_items = 0;
};

class CudaForward {
 public:
  /// The model must outlive it. Error{environment} if the buffers don't fit.
  static Result<CudaForward> create(const DeviceModel& model, const ForwardLimits& limits);

  /// The cache that passes read and write: planes of n_pages pages (kernels/attention/copy_pages.cuh).
  void use_cache(Bf16* memory, int n_pages);

  /// All layers on all rows; what comes out is x(). Called after each layer: `after_layer`, if it isn't empty.
  Result<> run(const PassRows& rows, cudaStream_t stream, const std::function<Result<>(int layer)>& after_layer = {});
  /// The final norm of the rows that `rows` lists (null: the first n) into hidden().
  Result<> final_norm(const int* rows, int n, cudaStream_t stream);
  /// lm_head of rows first … first + n - 1 of hidden() into logits(); n is at most limits.logits_rows.
  Result<> head(int first, int n, cudaStream_t stream);

  float* x() const { return x_.data(); }                ///< [rows, hidden]
  const Bf16* hidden() const { return normed_.data(); }  ///< [rows, hidden]
  float* logits() const { return logits_.data(); }      ///< [rows, vocab_rows]
  const ForwardLimits& limits() const { return limits_; }

 private:
  explicit CudaForward(const DeviceModel& model, const ForwardLimits& limits) : model_(&model), limits_(limits) {}
  Result<> attention(const DeviceGqa& weights, int layer, const PassRows& rows, cudaStream_t stream);
  Result<> feed_forward(const DeviceFfn& weights, int n_rows, cudaStream_t stream);
  Result<> norm(const DeviceBuffer<float>& weight, const int* rows, int n, cudaStream_t stream);
  Bf16* plane(int index) const;

  const DeviceModel* model_;
  ForwardLimits limits_;
  Bf16* cache_ = nullptr;
  int n_pages_ = 0;
  DeviceBuffer<float> x_;        // [rows, hidden], the residual stream
  DeviceBuffer<Bf16> normed_;    // [rows, hidden]
  DeviceBuffer<float> qkv_;      // [rows, (heads + 2·kv_heads)·head_dim]
  DeviceBuffer<Bf16> query_;     // [rows, heads·head_dim]
  DeviceBuffer<Bf16> attended_;  // [rows, heads·head_dim]
  DeviceBuffer<Bf16> gated_;     // [rows, ffn width]
  DeviceBuffer<float> scratch_;  // of decode attention
  DeviceBuffer<float> logits_;   // [logits_rows, vocab_rows]
};

}  // namespace assay::runners
