#include "runners/formats/gguf/gguf_config.h"

#include <array>
#include <cmath>

#include "harness/base/text.h"
#include "runners/formats/gguf/gguf_keys.h"

namespace assay::runners {

namespace {

struct Architecture {
  std::string_view gguf_name;
  std::string_view class_name;  ///< as in config.json's architectures
};
constexpr std::array<Architecture, 4> kGqaArchitectures = {{
    {"llama", "LlamaForCausalLM"},
    {"qwen2", "Qwen2ForCausalLM"},
    {"qwen3", "Qwen3ForCausalLM"},
    {"qwen3moe", "Qwen3MoeForCausalLM"},
}};
constexpr std::string_view kMlaArchitecture = "deepseek2";

/// Keys that change the computation where they are there at all; no model measured here has one.
constexpr std::array<std::string_view, 6> kVariants = {
    "attention.scale", "attention.clamp_kqv",    "embedding_scale",
    "residual_scale",  "attn_logit_softcapping", "final_logit_softcapping",
};
/// Counts that must be 0.
constexpr std::array<std::string_view, 2> kAbsentParts = {"attention.sliding_window", "nextn_predict_layers"};

Result<> refuse_variants(const GgufKeys& keys) {
  for (const std::string_view name : kVariants) {
    if (keys.has(name)) return keys.error(name, "stands for a computation that is not supported");
  }
  for (const std::string_view name : kAbsentParts) {
    ASSAY_ASSIGN(const std::int64_t count, keys.integer_or(name, 0));
    if (count != 0) return keys.error(name, "is " + to_text(count) + "; only 0 is supported");
  }
  for (const std::string_view name : {"logit_scale", "rope.scale_linear"}) {
    ASSAY_ASSIGN(const double scale, keys.number_or(name, 1));
    if (scale != 1) return keys.error(name, "is " + to_text(scale) + "; only 1 is supported");
  }
  return {};
}

/// The key, or what the embedding or the vocabulary say.
Result<std::int64_t> read_vocab_size(const GgufKeys& keys, const GgufFiles& files) {
  if (keys.has("vocab_size")) return keys.integer("vocab_size");
  if (const TensorView* embedding = files.find("token_embd.weight")) return embedding->shape[0];
  const GgufValue* tokens = files.metadata().find("tokenizer.ggml.tokens");
  if (tokens != nullptr) return static_cast<std::int64_t>(tokens->n_elements);
  return keys.integer("vocab_size");
}

Result<> put_common(const GgufKeys& keys, const GgufFiles& files, Json& config) {
  ASSAY_TRY(refuse_variants(keys));
  ASSAY_ASSIGN(config["vocab_size"], read_vocab_size(keys, files));
  ASSAY_ASSIGN(config["hidden_size"], keys.integer("embedding_length"));
  ASSAY_ASSIGN(config["num_hidden_layers"], keys.integer("block_count"));
  ASSAY_ASSIGN(config["intermediate_size"], keys.uniform("feed_forward_length"));
  ASSAY_ASSIGN(config["num_attention_heads"], keys.uniform("attention.head_count"));
  ASSAY_ASSIGN(config["max_position_embeddings"], keys.integer("context_length"));
  ASSAY_ASSIGN(config["rms_norm_eps"], keys.number("attention.layer_norm_rms_epsilon"));
  ASSAY_ASSIGN(config["rope_theta"], keys.number_or("rope.freq_base", 10000));
  config["hidden_act"] = "silu";
  config["tie_word_embeddings"] = files.find("token_embd.weight") != nullptr && files.find("output.weight") == nullptr;
  return {};
}

Result<> put_special_tokens(const GgufMetadata& metadata, Json& config) {
  if (metadata.has("tokenizer.ggml.bos_token_id")) {
    ASSAY_ASSIGN(config["bos_token_id"], metadata.integer("tokenizer.ggml.bos_token_id"));
  }
  Json ends = Json::array();
  for (const std::string_view name : {"eos", "eot", "eom"}) {
    const std::string key = "tokenizer.ggml." + std::string(name) + "_token_id";
    if (!metadata.has(key)) continue;
    ASSAY_ASSIGN(const std::int64_t id, metadata.integer(key));
    ends.push_back(id);
  }
  config["eos_token_id"] = ends;
  return {};
}

/// mscale_all_dim is what the softmax scale is made of; the converter stores 0.1 of it. The published models have the
/// same mscale, which leaves cosines and sines alone. Rounded to nine places, where an f32 has no more digits.
Result<> put_mla_yarn(const GgufKeys& keys, Json& scaling) {
  ASSAY_ASSIGN(const double multiplier, keys.number("rope.scaling.yarn_log_multiplier"));
  ASSAY_ASSIGN(const double attn_factor, keys.number_or("rope.scaling.attn_factor", 1));
  if (attn_factor != 1) {
    return keys.error("rope.scaling.attn_factor", "is " + to_text(attn_factor) + "; for deepseek2 only 1 is supported");
  }
  scaling["mscale"] = std::round(multiplier * 1e10) / 1e9;
  scaling["mscale_all_dim"] = scaling["mscale"];
  return {};
}

/// attn_factor multiplies what attention_factor replaces, 0.1 ln factor + 1.
Result<> put_gqa_yarn(const GgufKeys& keys, double factor, Json& scaling) {
  ASSAY_ASSIGN(const double attn_factor, keys.number_or("rope.scaling.attn_factor", 1));
  if (attn_factor != 1) scaling["attention_factor"] = attn_factor * (0.1 * std::log(factor) + 1);
  return {};
}

Result<> put_rope_scaling(const GgufKeys& keys, Attention attention, Json& config) {
  ASSAY_ASSIGN(const double factor, keys.number_or("rope.scaling.factor", 1));
  if (!keys.has("rope.scaling.type")) {
    if (factor == 1) return {};
    return keys.error("rope.scaling.type", "is missing; it must say how rope.scaling.factor is meant");
  }
  ASSAY_ASSIGN(const std::string_view type, keys.string("rope.scaling.type"));
  if (type == "none") return {};
  if (type != "yarn" && (type != "linear" || attention == Attention::mla)) {
    return keys.error("rope.scaling.type", "is " + quoted_excerpt(type) + "; supported: none, " +
                                               (attention == Attention::mla ? "yarn" : "linear, yarn"));
  }
  Json& scaling = config["rope_scaling"];
  scaling["type"] = type;
  ASSAY_ASSIGN(scaling["factor"], keys.number("rope.scaling.factor"));
  if (type == "linear") return {};
  ASSAY_ASSIGN(scaling["original_max_position_embeddings"], keys.integer("rope.scaling.original_context_length"));
  ASSAY_ASSIGN(scaling["beta_fast"], keys.number_or("rope.scaling.yarn_beta_fast", 32));
  ASSAY_ASSIGN(scaling["beta_slow"], keys.number_or("rope.scaling.yarn_beta_slow", 1));
  return attention == Attention::mla ? put_mla_yarn(keys, scaling) : put_gqa_yarn(keys, factor, scaling);
}

Result<> put_gqa(const GgufKeys& keys, Json& config) {
  ASSAY_ASSIGN(config["num_key_value_heads"], keys.has("attention.head_count_kv")
                                                  ? keys.uniform("attention.head_count_kv")
                                                  : keys.uniform("attention.head_count"));
  ASSAY_ASSIGN(const std::int64_t head_dim, gguf_head_dim(keys.metadata()));
  config["head_dim"] = head_dim;
  for (const std::string_view name : {"attention.value_length", "rope.dimension_count"}) {
    ASSAY_ASSIGN(const std::int64_t width, keys.integer_or(name, head_dim));
    if (width != head_dim) {
      return keys.error(name, "is " + to_text(width) + ", must be the width of a head, " + to_text(head_dim));
    }
  }
  return put_rope_scaling(keys, Attention::gqa, config);
}

Result<> put_qwen3_moe(const GgufKeys& keys, Json& config) {
  ASSAY_ASSIGN(config["num_experts"], keys.integer("expert_count"));
  ASSAY_ASSIGN(config["num_experts_per_tok"], keys.integer("expert_used_count"));
  ASSAY_ASSIGN(config["moe_intermediate_size"], keys.integer("expert_feed_forward_length"));
  ASSAY_ASSIGN(config["norm_topk_prob"], keys.boolean_or("expert_weights_norm", true));  // as every released model
  ASSAY_ASSIGN(const std::int64_t n_shared, keys.integer_or("expert_shared_count", 0));
  if (n_shared != 0) return keys.error("expert_shared_count", "is " + to_text(n_shared) + "; only 0 is supported");
  ASSAY_ASSIGN(const double scale, keys.number_or("expert_weights_scale", 1));
  if (scale == 1 || scale == 0) return {};  // 0 stands for unset
  return keys.error("expert_weights_scale", "is " + to_text(scale) + "; for qwen3moe only 1 is supported");
}

Result<> put_mla(const GgufKeys& keys, Json& config) {
  ASSAY_ASSIGN(config["num_key_value_heads"], keys.uniform("attention.head_count"));  // files with split kv_b say 1
  ASSAY_ASSIGN(config["q_lora_rank"], keys.integer_or("attention.q_lora_rank", 0));
  ASSAY_ASSIGN(config["kv_lora_rank"], keys.integer("attention.kv_lora_rank"));
  // Files with split kv_b describe the latent row by key_length and value_length, and a head by those with _mla.
  const bool split = keys.has("attention.key_length_mla");
  ASSAY_ASSIGN(const std::int64_t key_length,
               keys.integer(split ? "attention.key_length_mla" : "attention.key_length"));
  ASSAY_ASSIGN(config["v_head_dim"], keys.integer(split ? "attention.value_length_mla" : "attention.value_length"));
  ASSAY_ASSIGN(const std::int64_t rope_dim, keys.integer("rope.dimension_count"));
  config["qk_rope_head_dim"] = rope_dim;
  if (key_length <= rope_dim) {
    return keys.error("rope.dimension_count",
                      "is " + to_text(rope_dim) + ", must be below the key length, " + to_text(key_length));
  }
  config["qk_nope_head_dim"] = key_length - rope_dim;
  return put_rope_scaling(keys, Attention::mla, config);
}

struct Groups {
  std::int64_t n_experts;
  std::int64_t n_group;
  std::int64_t topk_group;
};
/// Of the published models, by their number of experts: DeepSeek-V2-Lite, -V2 and -V3 (with R1).
constexpr std::array<Groups, 3> kPublishedGroups = {{{64, 1, 1}, {160, 8, 3}, {256, 8, 4}}};

/// Group counts came into the files long after the models.
Result<> put_groups(const GgufKeys& keys, std::int64_t n_experts, Json& config, std::vector<std::string>& warnings) {
  if (keys.has("expert_group_count")) {
    ASSAY_ASSIGN(config["n_group"], keys.integer("expert_group_count"));
    ASSAY_ASSIGN(config["topk_group"], keys.integer("expert_group_used_count"));
    return {};
  }
  Groups groups{n_experts, 1, 1};
  for (const Groups& published : kPublishedGroups) {
    if (published.n_experts == n_experts) groups = published;
  }
  config["n_group"] = groups.n_group;
  config["topk_group"] = groups.topk_group;
  if (n_experts == kPublishedGroups[0].n_experts) return {};
  warnings.push_back(keys.error("expert_group_count", "is missing; " + to_text(n_experts) +
                                                          " experts are taken to be in " + to_text(groups.n_group) +
                                                          " groups, of which a token uses " +
                                                          to_text(groups.topk_group))
                         .message);
  return {};
}

/// deepseek2 stands for both generations; the gating tells them apart.
Result<> put_deepseek_moe(const GgufKeys& keys, Json& config, std::vector<std::string>& warnings) {
  config["architectures"] = Json::array({"DeepseekV2ForCausalLM"});
  ASSAY_ASSIGN(const std::int64_t n_experts, keys.integer_or("expert_count", 0));
  if (n_experts == 0) return {};
  ASSAY_ASSIGN(const std::int64_t gating, keys.integer_or("expert_gating_func", 0));
  if (gating < 0 || gating > 2) {
    return keys.error("expert_gating_func",
                      "is " + to_text(gating) + "; supported: 1 (softmax, also if 0 or missing), 2 (sigmoid)");
  }
  const bool sigmoid = gating == 2;
  config["n_routed_experts"] = n_experts;
  ASSAY_ASSIGN(config["num_experts_per_tok"], keys.integer("expert_used_count"));
  ASSAY_ASSIGN(config["n_shared_experts"], keys.integer_or("expert_shared_count", 0));
  ASSAY_ASSIGN(config["moe_intermediate_size"], keys.integer("expert_feed_forward_length"));
  ASSAY_ASSIGN(config["routed_scaling_factor"], keys.number("expert_weights_scale"));
  ASSAY_ASSIGN(config["norm_topk_prob"], keys.boolean_or("expert_weights_norm", false));
  ASSAY_ASSIGN(config["first_k_dense_replace"], keys.integer("leading_dense_block_count"));
  ASSAY_TRY(put_groups(keys, n_experts, config, warnings));
  if (sigmoid) {
    config["architectures"] = Json::array({"DeepseekV3ForCausalLM"});
    config["scoring_func"] = "sigmoid";
    config["topk_method"] = "noaux_tc";
    return {};
  }
  config["scoring_func"] = "softmax";
  config["topk_method"] = config["n_group"] == 1 ? "greedy" : "group_limited_greedy";
  return {};
}

Result<> put_architecture(const GgufKeys& keys, Json& config, std::vector<std::string>& warnings) {
  if (keys.architecture() == kMlaArchitecture) {
    ASSAY_TRY(put_mla(keys, config));
    return put_deepseek_moe(keys, config, warnings);
  }
  for (const Architecture& known : kGqaArchitectures) {
    if (known.gguf_name != keys.architecture()) continue;
    config["architectures"] = Json::array({known.class_name});
    ASSAY_TRY(put_gqa(keys, config));
    if (known.gguf_name == "qwen3moe") return put_qwen3_moe(keys, config);
    ASSAY_ASSIGN(const std::int64_t n_experts, keys.integer_or("expert_count", 0));
    if (n_experts == 0) return {};
    return keys.error("expert_count", "is " + to_text(n_experts) + "; only 0 is supported");
  }
  return keys.metadata().key_error(
      "general.architecture",
      "is " + quoted_excerpt(keys.architecture()) + "; supported are: llama, qwen2, qwen3, qwen3moe, deepseek2");
}

Result<> read_rope_factors(const GgufFiles& files, ModelConfig& config) {
  const TensorView* tensor = files.find("rope_freqs.weight");
  if (tensor == nullptr) return {};
  const auto fail = [&](const auto&... parts) {
    return bad_input(files.metadata().where(), ": tensor rope_freqs.weight ", parts...);
  };
  if (config.attention != Attention::gqa || !std::holds_alternative<NoRopeScaling>(config.rope_scaling)) {
    return fail("stands beside another scaling of positions; only one of them may");
  }
  if (tensor->dtype != DType::f32 || tensor->shape != std::vector{config.head_dim / 2}) {
    return fail("is ", name(tensor->dtype), " of shape ", shape_text(tensor->shape), ", must be F32 of shape [",
                config.head_dim / 2, "]");
  }
  ASSAY_ASSIGN(std::vector<float> divisors, read_floats(*tensor));
  for (const float divisor : divisors) {
    if (!(divisor > 0) || !std::isfinite(divisor)) return fail("has a divisor that is not positive and finite");
  }
  config.rope_scaling = RopeFactors{std::move(divisors)};
  return {};
}

}  // namespace

Result<std::int64_t> gguf_head_dim(const GgufMetadata& metadata) {
  ASSAY_ASSIGN(const GgufKeys keys, GgufKeys::of(metadata));
  if (keys.has("attention.key_length")) return keys.integer("attention.key_length");
  ASSAY_ASSIGN(const std::int64_t width, keys.integer("embedding_length"));
  ASSAY_ASSIGN(const std::int64_t heads, keys.uniform("attention.head_count"));
  if (heads > 0 && width > 0 && width % heads == 0) return width / heads;
  return keys.error("attention.key_length", "is missing and embedding_length is no multiple of attention.head_count");
}

Result<ModelConfig> read_gguf_config(const GgufFiles& files) {
  ASSAY_ASSIGN(const GgufKeys keys, GgufKeys::of(files.metadata()));
  Json words;
  std::vector<std::string> warnings;
  ASSAY_TRY(put_architecture(keys, words, warnings));
  ASSAY_TRY(put_common(keys, files, words));
  ASSAY_TRY(put_special_tokens(files.metadata(), words));
  ASSAY_ASSIGN(ModelConfig config, parse_model_config(words, files.metadata().where() + " (in config.json's words)"));
  ASSAY_TRY(read_rope_factors(files, config));
  config.warnings = std::move(warnings);
  return config;
}

}  // namespace assay::runners
