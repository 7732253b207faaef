#pragma once
// What config.json, or a GGUF file's metadata, says of a model, checked and as plain data. Fields are spelled as in
// config.json; a field that one family spells differently is under the DeepSeek spelling (qwen3_moe's num_experts is
// n_routed_experts). Sources: deepseek-ai/DeepSeek-V3 inference/model.py and inference/configs;
// huggingface/transformers models/deepseek_v2, deepseek_v3, llama, qwen2, qwen3, qwen3_moe and modeling_rope_utils.py.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::runners {

enum class ModelType { deepseek_v2, deepseek_v3, llama, qwen2, qwen3, qwen3_moe };  ///< config.json's model_type
enum class Attention { mla, gqa };
enum class FeedForward { dense, moe };
enum class TopkMethod { greedy, group_limited_greedy, noaux_tc };
enum class ScoringFunc { softmax, sigmoid };

std::string_view to_string(ModelType type);
std::string_view to_string(TopkMethod method);
std::string_view to_string(ScoringFunc function);

struct NoRopeScaling {};
struct Yarn {
  double factor = 1;  ///< ≥ 1
  std::int64_t original_max_position_embeddings = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  double mscale = 1;
  double mscale_all_dim = 0;
  std::optional<double> attention_factor;  ///< GQA only: replaces 0.1 ln factor + 1 on cos and sin
};
struct Llama3Rope {
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  std::int64_t original_max_position_embeddings = 0;
};
struct LinearRope {
  double factor = 1;
};
/// What GGUF files hold in place of Llama3Rope: frequency i is rope_theta^(-2i / head_dim) / divisors[i].
struct RopeFactors {
  std::vector<float> divisors;  ///< [head_dim / 2], positive and finite
};
using RopeScaling = std::variant<NoRopeScaling, Yarn, Llama3Rope, LinearRope, RopeFactors>;

/// quant_method "fp8", fmt "e4m3", activation_scheme "dynamic": the only quantisation that is read.
struct Fp8Quantization {
  std::array<std::int64_t, 2> weight_block_size = {128, 128};
  bool ue8m0_scales = false;  ///< scale_fmt "ue8m0" (V3.1): activation scales are powers of two
};

struct ModelConfig {
  std::string architecture;  ///< architectures[0], "DeepseekV3ForCausalLM"
  ModelType model_type = ModelType::deepseek_v3;
  Attention attention = Attention::mla;

  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;  ///< of dense layers
  std::int64_t num_hidden_layers = 0;  ///< the MTP layer is not counted
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 0;
  bool tie_word_embeddings = false;
  std::string hidden_act;  ///< always "silu"
  std::string
      torch_dtype;  ///< as the file says ("bfloat16"), unchecked; empty if it doesn't. Dummy weights alone use it

  // MLA (0 for GQA)
  std::optional<std::int64_t> q_lora_rank;  ///< none: the query is not compressed (null or 0 in the file)
  std::int64_t kv_lora_rank = 0;
  std::int64_t qk_nope_head_dim = 0;
  std::int64_t qk_rope_head_dim = 0;
  std::int64_t v_head_dim = 0;

  // GQA (0 or false for MLA)
  std::int64_t head_dim = 0;
  bool qkv_bias = false;  ///< qwen2
  bool qk_norm = false;   ///< qwen3 and qwen3_moe

  // Mixture of experts (n_routed_experts is 0 for a model without)
  std::int64_t n_routed_experts = 0;
  std::int64_t n_shared_experts = 0;
  std::int64_t num_experts_per_tok = 0;
  std::int64_t moe_intermediate_size = 0;
  std::int64_t n_group = 1;
  std::int64_t topk_group = 1;
  TopkMethod topk_method = TopkMethod::greedy;
  ScoringFunc scoring_func = ScoringFunc::softmax;
  bool norm_topk_prob = false;
  double routed_scaling_factor = 1;
  std::vector<FeedForward>
      feed_forward;  ///< [num_hidden_layers]; from first_k_dense_replace, moe_layer_freq, mlp_only_layers …
  std::int64_t first_k_dense_replace = 0;
  std::int64_t moe_layer_freq = 1;

  std::int64_t num_nextn_predict_layers = 0;  ///< 0 or 1; the MTP layer is a MoE layer if the model has experts

  double rope_theta = 0;
  RopeScaling rope_scaling;

  std::optional<std::int64_t> bos_token_id;
  std::vector<std::int64_t> eos_token_ids;  ///< config.json's, then those that generation_config.json adds; each once

  std::optional<Fp8Quantization> quantization_config;

  /// What the file leaves open and was filled in from what is known of the published models; empty for config.json.
  std::vector<std::string> warnings;

  const Yarn* yarn() const { return std::get_if<Yarn>(&rope_scaling); }
  /// Width of one head's query and key: nope + rope for MLA, head_dim for GQA.
  std::int64_t qk_head_dim() const {
    return attention == Attention::mla ? qk_nope_head_dim + qk_rope_head_dim : head_dim;
  }
};

/// Reads and checks `folder`/config.json and, if it is there, `folder`/generation_config.json; or, if `folder` is a
/// .gguf file, its metadata (gguf/gguf_config.h). Error{bad_input} names file, field and what is right: unknown
/// architecture, topk_method, scoring_func, rope type, hidden_act or quantisation; numbers that are absent, not
/// positive, beyond any real model, or that contradict each other. No number that changes the result is guessed; but a
/// topk_method or scoring_func that is absent is the architecture's own: greedy and softmax for deepseek_v2, noaux_tc
/// and sigmoid for deepseek_v3.
Result<ModelConfig> read_model_config(const std::filesystem::path& folder);

/// The same from parsed documents; `generation` may be nullptr. `where` and `generation_where` name them in errors.
Result<ModelConfig> parse_model_config(const Json& config, std::string_view where, const Json* generation = nullptr,
                                       std::string_view generation_where = "generation_config.json");

/// Parameters of the main model: embedding, layers, final norm, and the head unless it is tied. Block scales are not
/// counted.
std::int64_t num_parameters(const ModelConfig& config);
/// Those that one token uses: as above, with num_experts_per_tok of the n_routed_experts in each MoE layer.
std::int64_t active_parameters(const ModelConfig& config);
/// The MTP layer's own parameters, without its copies of embedding and head; 0 if there is none.
std::int64_t mtp_parameters(const ModelConfig& config);
/// Bytes of KV cache per token over all main layers: the latent row (kv_lora_rank + qk_rope_head_dim values) for MLA,
/// keys and values for GQA; each value takes `bytes_per_value`.
std::int64_t kv_bytes_per_token(const ModelConfig& config, std::int64_t bytes_per_value = 2);

}  // namespace assay::runners
