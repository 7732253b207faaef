#pragma once
// For tests alone: config.json of published models and of one tiny model, as JSON that a test may alter.
// Source of the numbers: deepseek-ai/DeepSeek-V3 inference/configs (16B, 236B, 671B), README.md and the models'
// config.json as mlc-ai/mlc-llm (python/mlc_llm/model/model_preset.py) and Lightning-AI/litgpt (litgpt/config.py) give
// them.

#include <string>

#include "harness/base/json.h"

namespace assay::runners {

inline Json merged(Json base, const Json& changes) {
  for (const auto& [key, value] : changes.items()) base[key] = value;
  return base;
}

inline Json deepseek_common() {
  return Json::parse(R"({
    "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "moe_layer_freq": 1,
    "rms_norm_eps": 1e-06, "rope_theta": 10000, "max_position_embeddings": 163840, "tie_word_embeddings": false,
    "attention_bias": false, "hidden_act": "silu",
    "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32, "beta_slow": 1,
                     "mscale": 1.0, "mscale_all_dim": 1.0}})");
}

inline Json deepseek_v3_config() {
  return merged(deepseek_common(), Json::parse(R"({
    "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "vocab_size": 129280, "hidden_size": 7168,
    "intermediate_size": 18432, "moe_intermediate_size": 2048, "num_hidden_layers": 61, "first_k_dense_replace": 3,
    "num_attention_heads": 128, "num_key_value_heads": 128, "q_lora_rank": 1536, "n_routed_experts": 256,
    "n_shared_experts": 1, "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4, "topk_method": "noaux_tc",
    "scoring_func": "sigmoid", "norm_topk_prob": true, "routed_scaling_factor": 2.5, "num_nextn_predict_layers": 1,
    "bos_token_id": 0, "eos_token_id": 1,
    "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
                            "weight_block_size": [128, 128]}})"));
}

inline Json deepseek_v2_config() {
  return merged(deepseek_common(), Json::parse(R"({
    "architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "vocab_size": 102400, "hidden_size": 5120,
    "intermediate_size": 12288, "moe_intermediate_size": 1536, "num_hidden_layers": 60, "first_k_dense_replace": 1,
    "num_attention_heads": 128, "num_key_value_heads": 128, "q_lora_rank": 1536, "n_routed_experts": 160,
    "n_shared_experts": 2, "num_experts_per_tok": 6, "n_group": 8, "topk_group": 3, "topk_method": "group_limited_greedy",
    "scoring_func": "softmax", "norm_topk_prob": false, "routed_scaling_factor": 16.0,
    "bos_token_id": 100000, "eos_token_id": 100001})"));
}

inline Json deepseek_v2_lite_config() {
  Json config = merged(deepseek_v2_config(), Json::parse(R"({
    "hidden_size": 2048, "intermediate_size": 10944, "moe_intermediate_size": 1408, "num_hidden_layers": 27,
    "num_attention_heads": 16, "num_key_value_heads": 16, "q_lora_rank": null, "n_routed_experts": 64, "n_group": 1,
    "topk_group": 1, "topk_method": "greedy", "routed_scaling_factor": 1.0})"));
  config["rope_scaling"]["mscale"] = 0.707;
  config["rope_scaling"]["mscale_all_dim"] = 0.707;
  return config;
}

/// A dense or MoE model with grouped-query attention.
inline Json gqa_config(const std::string& architecture, const std::string& model_type, int layers, int hidden,
                       int intermediate, int heads, int key_value_heads, int vocab, bool tied) {
  return Json{{"architectures", Json::array({architecture})},
              {"model_type", model_type},
              {"num_hidden_layers", layers},
              {"hidden_size", hidden},
              {"intermediate_size", intermediate},
              {"num_attention_heads", heads},
              {"num_key_value_heads", key_value_heads},
              {"vocab_size", vocab},
              {"tie_word_embeddings", tied},
              {"rms_norm_eps", 1e-6},
              {"rope_theta", 1e6},
              {"max_position_embeddings", 32768},
              {"hidden_act", "silu"},
              {"bos_token_id", 0},
              {"eos_token_id", 1}};
}

/// DeepSeek-V3 in small, with an MTP layer: two layers, the second with four experts; FP8 with cut blocks.
inline Json tiny_config() {
  return merged(deepseek_v3_config(), Json::parse(R"({
    "vocab_size": 6, "hidden_size": 8, "intermediate_size": 12, "moe_intermediate_size": 4, "num_hidden_layers": 2,
    "first_k_dense_replace": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "q_lora_rank": 4, "kv_lora_rank": 130,
    "qk_nope_head_dim": 4, "qk_rope_head_dim": 2, "v_head_dim": 4, "n_routed_experts": 4, "num_experts_per_tok": 2,
    "n_group": 2, "topk_group": 1, "max_position_embeddings": 64, "rope_scaling": null})"));
}

}  // namespace assay::runners
