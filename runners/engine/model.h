#pragma once
// A model as data: what config.json says and weights in the form in which the files have them. forward.h runs it.
// Families: DeepSeek V2 / V3 / R1 (latent attention), Llama, Qwen2, Qwen3 and Qwen3-MoE (grouped-query attention).
// Sources: DeepSeek-V2 technical report, 2.1; arXiv:2412.19437, 2.1 and 2.2; DeepSeek-V3 inference/model.py;
// huggingface/transformers models/llama, qwen2, qwen3, qwen3_moe.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harness/base/result.h"
#include "kernels/matmul/matmul.h"
#include "kernels/quantized/repack.h"
#include "kernels/rope/rope.h"
#include "kernels/router/router.h"
#include "runners/engine/load_options.h"
#include "runners/formats/checkpoint.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

using kernels::WeightMatrix;

/// The query's way: through a compressed form (q_lora_rank), or straight.
struct CompressedQuery {
  WeightMatrix q_a_proj;             ///< [q_lora_rank, hidden]
  std::vector<float> q_a_layernorm;  ///< [q_lora_rank]
  WeightMatrix q_b_proj;             ///< [heads·(nope + rope), q_lora_rank]
};
struct PlainQuery {
  WeightMatrix q_proj;  ///< [heads·(nope + rope), hidden]
};

/// Multi-head latent attention. kv_b_proj is used in two forms: as stored, for prompt positions (keys and values are
/// materialised), and per head as key and value maps in float32, for generated positions (absorbed into query and
/// output).
struct MlaWeights {
  std::variant<CompressedQuery, PlainQuery> query;
  WeightMatrix kv_a_proj_with_mqa;    ///< [kv_lora_rank + rope, hidden]
  std::vector<float> kv_a_layernorm;  ///< [kv_lora_rank]
  WeightMatrix kv_b_proj;             ///< [heads·(nope + v), kv_lora_rank]
  std::vector<float> key_map;         ///< [heads][kv_lora_rank, nope]: q_latent = key_map · q_nope
  std::vector<float> value_map;       ///< [heads][v, kv_lora_rank]: o = value_map · o_latent
  WeightMatrix o_proj;                ///< [hidden, heads·v]
};

/// Grouped-query attention. Empty vectors are parts that the family does not have.
struct GqaWeights {
  WeightMatrix q_proj;                        ///< [heads·head_dim, hidden]
  WeightMatrix k_proj, v_proj;                ///< [kv_heads·head_dim, hidden]
  std::vector<float> q_bias, k_bias, v_bias;  ///< Qwen2
  std::vector<float> q_norm, k_norm;          ///< [head_dim], Qwen3: the same for every head
  WeightMatrix o_proj;                        ///< [hidden, heads·head_dim]
};

struct FfnWeights {
  WeightMatrix gate_proj, up_proj;  ///< [width, hidden]
  WeightMatrix down_proj;           ///< [hidden, width]
};

struct MoeWeights {
  WeightMatrix router;                         ///< [n_routed_experts, hidden]
  std::vector<float> e_score_correction_bias;  ///< [n_routed_experts], or empty
  std::vector<FfnWeights> experts;
  std::optional<FfnWeights> shared_experts;  ///< one network of n_shared_experts times the width
};

struct LayerWeights {
  std::vector<float> input_layernorm, post_attention_layernorm;  ///< [hidden]
  std::variant<MlaWeights, GqaWeights> attention;
  std::variant<FfnWeights, MoeWeights> ffn;
};

/// Multi-token prediction: from the hidden state at position i (after the final norm) and token i + 1 to token i + 2.
struct MtpWeights {
  std::vector<float> enorm, hnorm;  ///< [hidden]
  WeightMatrix eh_proj;             ///< [hidden, 2·hidden]; the embedding's half comes first
  LayerWeights layer;
  std::vector<float> shared_head_norm;  ///< [hidden]
};

/// A loaded model. Immutable after load_model; any thread may read it.
struct Model {
  std::filesystem::path path;  ///< its folder, or its GGUF file
  ModelConfig config;
  Checkpoint checkpoint;      ///< owns the mapped files that the weights point into
  WeightMatrix embed_tokens;  ///< [vocab, hidden]
  WeightMatrix lm_head;       ///< [vocab, hidden]; embed_tokens where they are tied
  std::vector<float> norm;    ///< [hidden]
  std::vector<LayerWeights> layers;
  std::optional<MtpWeights> mtp;
  std::vector<float> rope_frequencies;  ///< [rotated dimensions / 2]
  double rope_magnitude = 1;            ///< factor on cosines and sines
  float attention_scale = 0;
  std::vector<std::unique_ptr<std::byte[]>> copies;  ///< tensors that can't be used where they lie in their file
  std::vector<kernels::RepackedWeight> repacked;     ///< quantised tensors

  /// Layers that keep a row per token in the cache: the main ones, then the MTP layer if there is one.
  int n_cache_layers() const { return static_cast<int>(layers.size()) + (mtp ? 1 : 0); }
  /// Floats of a cache row: the normed latent and the rotated shared key, or keys and values of all KV heads.
  int cache_row_width() const;
  kernels::RouterArgs router_args(const MoeWeights& moe) const;
};

/// The stored form of a tensor that validate_checkpoint lets pass.
kernels::WeightType weight_type(DType dtype);

/// Loads a folder (config.json and safetensors) or a GGUF file for the CPU, after checking every tensor's name, shape
/// and type. Error{bad_input} names the file and what is wrong; dummy weights want a folder.
Result<Model> load_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace assay::runners
