#pragma once
// A model's weights on the device, in the form that the kernels take: bfloat16 or FP8 products, float32 norms and
// biases.
//   q, k and v are one product; rows of gate and up alternate by eights (swiglu_bf16); the experts of a layer lie one
//   after the other. Widths that the attention kernels don't have are filled up with zeros, which changes no score and
//   no output. A weight of the file in FP8 blocks stays so if it is wanted (LoadOptions), its rows and columns stay
//   where they are, and its width is a multiple of 128; else it becomes bfloat16, as kv_b_proj always does, whose two
//   forms should be one. Quantised weights of models with grouped-query attention stay in their blocks (memory_fit.h
//   says which don't), the embedding and the head too. Of a rank (parallel.h) these are its own heads, columns and
//   experts; what is cut within an FP8 block, or along the columns of a quantised weight, becomes bfloat16.

#include <optional>
#include <variant>
#include <vector>

#include "kernels/router/router.h"
#include "runners/engine/cuda/device_sizes.h"
#include "runners/engine/cuda/upload.h"
#include "runners/engine/load_options.h"
#include "runners/engine/model.h"
#include "runners/engine/parallel.h"

namespace assay::runners {

struct DeviceGqa {
  DeviceWeight qkv;              ///< [(heads + 2·kv_heads)·head_dim, hidden]
  DeviceBuffer<float> qkv_bias;  ///< [n_out of qkv], or empty
  DeviceBuffer<float> q_norm;    ///< [head_dim], or empty
  DeviceBuffer<float> k_norm;    ///< [head_dim], or empty
  float norm_eps = 0;            ///< of q_norm and k_norm
  DeviceWeight o_proj;           ///< [hidden, heads·head_dim]
};

/// Widths as in kernels/attention/mla_cache.cuh: latent 512, rope 64, nope 128, v 128.
struct DeviceMla {
  std::optional<DeviceWeight> q_a_proj;  ///< [q_lora_rank, hidden]
  DeviceBuffer<float> q_a_layernorm;     ///< [q_lora_rank], or empty
  DeviceWeight q_proj;                   ///< [heads·192, q_lora_rank or hidden]
  /// [576, hidden]. None: its rows are q_proj's last, whose input is the same where there is no q_a_proj.
  std::optional<DeviceWeight> kv_a_proj;
  DeviceBuffer<float> kv_a_layernorm;  ///< [kv_lora_rank], the model's own width
  DeviceMatrix kv_b_proj;              ///< [heads·256, 512]: nope and v of each head
  DeviceMatrix key_map;                ///< [heads·512, 128]: q_latent = key_map · q_nope
  DeviceMatrix value_map;              ///< [heads·128, 512]: o = value_map · o_latent
  DeviceWeight o_proj;                 ///< [hidden, heads·128]
};

struct DeviceFfn {
  DeviceWeight gate_up;  ///< [2·width, hidden]
  DeviceWeight down;     ///< [hidden, width]
};

struct DeviceMoe {
  DeviceMatrix router;       ///< [router_parts·n_routed_experts, hidden]: parts that add up to the weight
  int router_parts = 1;      ///< kernels/router/route_rows.cuh
  DeviceBuffer<float> bias;  ///< [n_routed_experts], or empty
  kernels::RouterArgs args;  ///< its bias is on the device
  DeviceWeight gate_up;      ///< [n_own_experts·2·width, hidden]
  DeviceWeight down;         ///< [n_own_experts·hidden, width]
  std::optional<DeviceFfn> shared;
};

struct DeviceLayer {
  DeviceBuffer<float> input_layernorm, post_attention_layernorm;
  std::variant<DeviceGqa, DeviceMla> attention;
  std::variant<DeviceFfn, DeviceMoe> ffn;
};

/// The MTP module: MtpWeights.
struct DeviceMtp {
  DeviceBuffer<float> enorm, hnorm;
  DeviceWeight eh_proj;  ///< [hidden, 2·hidden]
  DeviceLayer layer;
  DeviceBuffer<float> shared_head_norm;
};

/// Weights and sizes. Immutable once loaded.
struct DeviceModel {
  DeviceSizes sizes;
  Shard shard;
  float eps = 0;
  float attention_scale = 0;
  DeviceWeight embed_tokens;            ///< [vocab_rows, hidden], bfloat16 or quantised
  std::optional<DeviceWeight> lm_head;  ///< [head_rows, hidden], or none where it is embed_tokens
  DeviceBuffer<float> norm;
  std::vector<DeviceLayer> layers;
  std::optional<DeviceMtp> mtp;
  DeviceBuffer<float> rope;  ///< [max_position_embeddings, rotated width]: cos_0, sin_0, cos_1, …
  std::uint64_t weight_bytes = 0;

  const DeviceWeight& head() const { return lm_head ? *lm_head : embed_tokens; }
};

/// Copies a loaded model, or a rank's part of it, to the current device, its MTP module `with_mtp` alone.
/// Error{bad_input} for a model that the kernels can't run, by name; Error{environment} if it does not fit.
Result<DeviceModel> upload_model(const Model& model, const LoadOptions& options, bool with_mtp,
                                 const Shard& shard = {});

}  // namespace assay::runners
