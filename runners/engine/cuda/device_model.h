#pragma once
// A model's weights on the device, in the form that the kernels take: bfloat16 products, float32 norms and biases.
//   q, k and v are one product; rows of gate and up alternate by eights (swiglu_bf16). Heads whose size the attention
//   kernels don't have are filled up with zeros, which changes no score and no output.

#include <variant>
#include <vector>

#include "runners/engine/cuda/upload.h"
#include "runners/engine/load_options.h"
#include "runners/engine/model.h"

namespace assay::runners {

struct DeviceGqa {
  DeviceMatrix qkv;               ///< [(heads + 2·kv_heads)·head_dim, hidden]
  DeviceBuffer<float> qkv_bias;   ///< [n_out of qkv], or empty
  DeviceBuffer<float> q_norm;     ///< [head_dim], or empty
  DeviceBuffer<float> k_norm;     ///< [head_dim], or empty
  float norm_eps = 0;             ///< of q_norm and k_norm
  DeviceMatrix o_proj;            ///< [hidden, heads·head_dim]
};

struct DeviceFfn {
  DeviceMatrix gate_up;  ///< [2·width, hidden]
  DeviceMatrix down;     ///< [hidden, width]
};

struct DeviceLayer {
  DeviceBuffer<float> input_layernorm, post_attention_layernorm;
  std::variant<DeviceGqa> attention;
  std::variant<DeviceFfn> ffn;
};

/// Sizes as the device has them: filled up where that is needed.
struct DeviceSizes {
  int hidden = 0;
  int vocab = 0;       ///< logits of a row
  int vocab_rows = 0;  ///< rows of lm_head, a multiple of eight
  int heads = 0, kv_heads = 0;
  int head_dim = 0;  ///< 64 or 128
  int max_ffn_width = 0;
  int n_layers = 0;
};

/// Weights and sizes. Immutable once loaded.
struct DeviceModel {
  DeviceSizes sizes;
  float eps = 0;
  float attention_scale = 0;
  DeviceMatrix embed_tokens;  ///< [vocab_rows, hidden]
  DeviceMatrix lm_head;       ///< the same, or empty where it is embed_tokens
  DeviceBuffer<float> norm;
  std::vector<DeviceLayer> layers;
  DeviceBuffer<float> rope;  ///< [max_position_embeddings, head_dim]: cos_0, sin_0, cos_1, …

  const DeviceMatrix& head() const { return lm_head.n_out > 0 ? lm_head : embed_tokens; }
  /// Planes of cache pages (keys and values of every layer) and elements of a page in each.
  int n_cache_planes() const { return 2 * sizes.n_layers; }
  int page_elements() const;
  std::size_t weight_bytes = 0;
};

/// Copies a loaded model to the current device. Error{bad_input} for a model that the kernels can't run, by name;
/// Error{environment} if it does not fit.
Result<DeviceModel> upload_model(const Model& model, const LoadOptions& options);

}  // namespace assay::runners
