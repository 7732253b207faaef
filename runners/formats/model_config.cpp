#include "runners/formats/model_config.h"

#include <algorithm>
#include <array>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "runners/formats/config_fields.h"
#include "runners/formats/gguf/gguf_config.h"
#include "runners/formats/rope_config.h"

namespace assay::runners {

namespace {

constexpr std::uint64_t kMaxConfigBytes = 1 << 20;

// Limits beyond any real model. Together they keep every count of parameters and bytes below 2^63:
// layers · experts · 3 · hidden · expert width ≤ 2^18 · 3 · 2^17 · 2^20.
constexpr std::int64_t kMaxVocab = 1 << 24;
constexpr std::int64_t kMaxHidden = 1 << 17;
constexpr std::int64_t kMaxIntermediate = 1 << 20;
constexpr std::int64_t kMaxLayers = 1 << 10;
constexpr std::int64_t kMaxHeads = 1 << 12;
constexpr std::int64_t kMaxHeadDim = 1 << 13;
constexpr std::int64_t kMaxExperts = 1 << 12;
constexpr std::int64_t kMaxSharedExperts = 1 << 6;
constexpr std::int64_t kMaxExpertsInAllLayers = 1 << 18;

struct ArchitectureFacts {
  std::string_view architecture;
  ModelType model_type;
  std::string_view model_type_name;
};
constexpr std::array<ArchitectureFacts, 6> kArchitectures = {{
    {"DeepseekV2ForCausalLM", ModelType::deepseek_v2, "deepseek_v2"},
    {"DeepseekV3ForCausalLM", ModelType::deepseek_v3, "deepseek_v3"},
    {"LlamaForCausalLM", ModelType::llama, "llama"},
    {"Qwen2ForCausalLM", ModelType::qwen2, "qwen2"},
    {"Qwen3ForCausalLM", ModelType::qwen3, "qwen3"},
    {"Qwen3MoeForCausalLM", ModelType::qwen3_moe, "qwen3_moe"},
}};

Result<> read_architecture(const JsonObject& json, ModelConfig& config) {
  ASSAY_ASSIGN(const auto architectures, json.strings("architectures"));
  if (architectures.size() != 1) return json.field_error("architectures", "must name one architecture");
  for (const ArchitectureFacts& known : kArchitectures) {
    if (architectures[0] != known.architecture) continue;
    config.architecture = known.architecture;
    config.model_type = known.model_type;
    const bool mla = known.model_type == ModelType::deepseek_v2 || known.model_type == ModelType::deepseek_v3;
    config.attention = mla ? Attention::mla : Attention::gqa;
    return require_word(json, "model_type", std::string(known.model_type_name), {known.model_type_name});
  }
  std::string list;
  for (const ArchitectureFacts& known : kArchitectures)
    list += (list.empty() ? "" : ", ") + std::string(known.architecture);
  return json.field_error("architectures", "names " + quoted_excerpt(architectures[0]) + "; supported are: " + list);
}

/// Switches that change the computation and that no model measured here turns on.
Result<> refuse_variants(const JsonObject& json) {
  for (const std::string_view flag : {"attention_bias", "mlp_bias", "use_sliding_window"}) {
    ASSAY_ASSIGN(const bool on, json.boolean_or(flag, false));
    if (on) return json.field_error(flag, "is true; only false is supported");
  }
  ASSAY_ASSIGN(const bool interleaved, json.boolean_or("rope_interleave", true));
  if (!interleaved) return json.field_error("rope_interleave", "is false; only true is supported");
  if (!json.has("layer_types")) return {};
  ASSAY_ASSIGN(const auto layer_types, json.strings("layer_types"));
  for (const std::string& type : layer_types) {
    if (type != "full_attention") {
      return json.field_error("layer_types", "has " + quoted_excerpt(type) + "; supported: full_attention");
    }
  }
  return {};
}

Result<> read_common(const JsonObject& json, ModelConfig& config) {
  ASSAY_ASSIGN(config.vocab_size, read_count(json, "vocab_size", 1, kMaxVocab));
  ASSAY_ASSIGN(config.hidden_size, read_count(json, "hidden_size", 1, kMaxHidden));
  ASSAY_ASSIGN(config.intermediate_size, read_count(json, "intermediate_size", 1, kMaxIntermediate));
  ASSAY_ASSIGN(config.num_hidden_layers, read_count(json, "num_hidden_layers", 1, kMaxLayers));
  ASSAY_ASSIGN(config.num_attention_heads, read_count(json, "num_attention_heads", 1, kMaxHeads));
  ASSAY_ASSIGN(config.num_key_value_heads,
               read_count_or(json, "num_key_value_heads", 1, kMaxHeads, config.num_attention_heads));
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    return json.field_error("num_attention_heads", "is " + std::to_string(config.num_attention_heads) +
                                                       ", must be a multiple of num_key_value_heads, " +
                                                       std::to_string(config.num_key_value_heads));
  }
  ASSAY_ASSIGN(config.max_position_embeddings, read_count(json, "max_position_embeddings", 1, kMaxPositions));
  ASSAY_ASSIGN(config.rms_norm_eps, read_number(json, "rms_norm_eps", 1e-12, 1e-1));
  ASSAY_ASSIGN(config.tie_word_embeddings, json.boolean_or("tie_word_embeddings", false));
  config.hidden_act = "silu";
  ASSAY_TRY(require_word(json, "hidden_act", "", {config.hidden_act}));
  ASSAY_ASSIGN(config.torch_dtype, json.string_or(json.has("torch_dtype") ? "torch_dtype" : "dtype", ""));
  return refuse_variants(json);
}

Result<> read_mla(const JsonObject& json, ModelConfig& config) {
  // The vendor writes 0 in its own configurations where the hub's have null.
  ASSAY_ASSIGN(const std::int64_t q_lora_rank, read_count_or(json, "q_lora_rank", 0, kMaxHidden, 0));
  if (q_lora_rank > 0) config.q_lora_rank = q_lora_rank;
  ASSAY_ASSIGN(config.kv_lora_rank, read_count(json, "kv_lora_rank", 1, kMaxHidden));
  ASSAY_ASSIGN(config.qk_nope_head_dim, read_count(json, "qk_nope_head_dim", 1, kMaxHeadDim));
  ASSAY_ASSIGN(config.qk_rope_head_dim, read_count(json, "qk_rope_head_dim", 2, kMaxHeadDim));
  ASSAY_ASSIGN(config.v_head_dim, read_count(json, "v_head_dim", 1, kMaxHeadDim));
  if (config.qk_rope_head_dim % 2 != 0) {
    return json.field_error("qk_rope_head_dim", "is " + std::to_string(config.qk_rope_head_dim) + ", must be even");
  }
  // transformers gives the norms of the compressed query and key a fixed epsilon; only equal ones leave no doubt.
  if (config.rms_norm_eps != 1e-6) {
    return json.field_error("rms_norm_eps", "is " + to_text(config.rms_norm_eps) + "; for " + config.architecture +
                                                " only 1e-06 is supported");
  }
  return {};
}

Result<> read_gqa(const JsonObject& json, ModelConfig& config) {
  config.qkv_bias = config.model_type == ModelType::qwen2;
  config.qk_norm = config.model_type == ModelType::qwen3 || config.model_type == ModelType::qwen3_moe;
  if (json.has("head_dim")) {
    ASSAY_ASSIGN(config.head_dim, read_count(json, "head_dim", 2, kMaxHeadDim));
  } else if (config.hidden_size % config.num_attention_heads == 0) {
    config.head_dim = config.hidden_size / config.num_attention_heads;
  } else {
    return json.field_error("head_dim", "is missing and hidden_size is no multiple of num_attention_heads");
  }
  if (config.head_dim % 2 != 0) {
    return json.field_error("head_dim", "is " + std::to_string(config.head_dim) + ", must be even");
  }
  return {};
}

/// Fields that deepseek_v2, deepseek_v3 and qwen3_moe share, once the number of experts is known.
Result<> read_experts(const JsonObject& json, ModelConfig& config) {
  ASSAY_ASSIGN(config.moe_intermediate_size, read_count(json, "moe_intermediate_size", 1, kMaxIntermediate));
  ASSAY_ASSIGN(config.num_experts_per_tok, read_count(json, "num_experts_per_tok", 1, kMaxExperts));
  ASSAY_ASSIGN(config.norm_topk_prob, json.boolean("norm_topk_prob"));
  if (config.n_routed_experts * config.num_hidden_layers > kMaxExpertsInAllLayers) {
    return json.field_error("num_hidden_layers",
                            "times the number of experts is beyond " + std::to_string(kMaxExpertsInAllLayers));
  }
  return {};
}

/// Which of an architecture's own words are in the file; an absent one is the architecture's.
Result<> read_routing_words(const JsonObject& json, ModelConfig& config) {
  if (config.model_type == ModelType::deepseek_v3) {
    config.topk_method = TopkMethod::noaux_tc;
    config.scoring_func = ScoringFunc::sigmoid;
    ASSAY_TRY(require_word(json, "topk_method", "noaux_tc", {"noaux_tc"}));
    return require_word(json, "scoring_func", "sigmoid", {"sigmoid"});
  }
  config.scoring_func = ScoringFunc::softmax;
  ASSAY_TRY(require_word(json, "scoring_func", "softmax", {"softmax"}));
  ASSAY_TRY(require_word(json, "topk_method", "greedy", {"greedy", "group_limited_greedy"}));
  ASSAY_ASSIGN(const std::string topk_method, json.string_or("topk_method", "greedy"));
  config.topk_method = topk_method == "greedy" ? TopkMethod::greedy : TopkMethod::group_limited_greedy;
  // The hub's code normalises instead of scaling there and transformers ignores the flag: no released model sets it.
  if (config.norm_topk_prob)
    return json.field_error("norm_topk_prob", "is true; for deepseek_v2 only false is supported");
  return {};
}

Result<> read_groups(const JsonObject& json, ModelConfig& config) {
  const bool grouped = config.topk_method != TopkMethod::greedy;
  if (grouped || json.has("n_group")) {
    ASSAY_ASSIGN(config.n_group, read_count(json, "n_group", 1, config.n_routed_experts));
  }
  if (grouped || json.has("topk_group")) {
    ASSAY_ASSIGN(config.topk_group, read_count(json, "topk_group", 1, config.n_group));
  }
  if (config.n_routed_experts % config.n_group != 0) {
    return json.field_error("n_routed_experts", "is " + std::to_string(config.n_routed_experts) +
                                                    ", must be a multiple of n_group, " +
                                                    std::to_string(config.n_group));
  }
  const std::int64_t group_size = config.n_routed_experts / config.n_group;
  if (config.topk_method == TopkMethod::noaux_tc && group_size < 2) {
    return json.field_error("n_group", "leaves one expert a group; noaux_tc scores a group by its best two");
  }
  const std::int64_t eligible = grouped ? group_size * config.topk_group : config.n_routed_experts;
  if (config.num_experts_per_tok > eligible) {
    return json.field_error("num_experts_per_tok", "is " + std::to_string(config.num_experts_per_tok) + ", but only " +
                                                       std::to_string(eligible) + " experts can be chosen from");
  }
  return {};
}

Result<> read_deepseek_moe(const JsonObject& json, ModelConfig& config) {
  config.feed_forward.assign(static_cast<std::size_t>(config.num_hidden_layers), FeedForward::dense);
  ASSAY_ASSIGN(config.num_nextn_predict_layers, read_count_or(json, "num_nextn_predict_layers", 0, 1, 0));
  ASSAY_ASSIGN(config.n_routed_experts, read_count_or(json, "n_routed_experts", 0, kMaxExperts, 0));
  if (config.n_routed_experts == 0) return {};

  ASSAY_TRY(read_experts(json, config));
  ASSAY_ASSIGN(config.n_shared_experts, read_count_or(json, "n_shared_experts", 0, kMaxSharedExperts, 0));
  ASSAY_ASSIGN(config.routed_scaling_factor, read_number(json, "routed_scaling_factor", 1e-6, 1e6));
  ASSAY_TRY(read_routing_words(json, config));
  ASSAY_TRY(read_groups(json, config));
  ASSAY_ASSIGN(config.first_k_dense_replace, read_count(json, "first_k_dense_replace", 0, config.num_hidden_layers));
  ASSAY_ASSIGN(config.moe_layer_freq, read_count_or(json, "moe_layer_freq", 1, config.num_hidden_layers, 1));
  for (std::int64_t layer = config.first_k_dense_replace; layer < config.num_hidden_layers; ++layer) {
    if (layer % config.moe_layer_freq == 0) config.feed_forward[static_cast<std::size_t>(layer)] = FeedForward::moe;
  }
  return {};
}

Result<> read_qwen3_moe(const JsonObject& json, ModelConfig& config) {
  ASSAY_ASSIGN(config.n_routed_experts, read_count(json, "num_experts", 1, kMaxExperts));
  ASSAY_TRY(read_experts(json, config));
  if (config.num_experts_per_tok > config.n_routed_experts) {
    return json.field_error("num_experts_per_tok", "is " + std::to_string(config.num_experts_per_tok) + ", but only " +
                                                       std::to_string(config.n_routed_experts) + " experts exist");
  }
  ASSAY_ASSIGN(const std::int64_t sparse_step,
               read_count_or(json, "decoder_sparse_step", 1, config.num_hidden_layers, 1));
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    config.feed_forward.push_back((layer + 1) % sparse_step == 0 ? FeedForward::moe : FeedForward::dense);
  }
  if (const Json* dense_layers = json.find("mlp_only_layers")) {
    ASSAY_ASSIGN(const auto layers, read_integer_list(json, "mlp_only_layers", *dense_layers));
    for (const std::int64_t layer : layers) {
      if (layer < 0 || layer >= config.num_hidden_layers) {
        return json.field_error("mlp_only_layers", "names layer " + std::to_string(layer) + ", which does not exist");
      }
      config.feed_forward[static_cast<std::size_t>(layer)] = FeedForward::dense;
    }
  }
  return {};
}

Result<> read_feed_forward(const JsonObject& json, ModelConfig& config) {
  if (config.attention == Attention::mla) return read_deepseek_moe(json, config);
  if (config.model_type == ModelType::qwen3_moe) return read_qwen3_moe(json, config);
  config.feed_forward.assign(static_cast<std::size_t>(config.num_hidden_layers), FeedForward::dense);
  return {};
}

Result<> read_quantization(const JsonObject& json, ModelConfig& config) {
  if (!json.has("quantization_config")) return {};
  ASSAY_ASSIGN(const JsonObject quantization, json.object("quantization_config"));
  ASSAY_TRY(require_word(quantization, "quant_method", "", {"fp8"}));
  ASSAY_TRY(require_word(quantization, "fmt", "e4m3", {"e4m3"}));
  ASSAY_TRY(require_word(quantization, "activation_scheme", "", {"dynamic"}));
  const Json* size = quantization.find("weight_block_size");
  if (size == nullptr || *size != Json::array({128, 128})) {
    return quantization.field_error("weight_block_size", "must be [128, 128]");
  }
  ASSAY_TRY(require_word(quantization, "scale_fmt", "ue8m0", {"ue8m0"}));
  config.quantization_config = Fp8Quantization{.ue8m0_scales = quantization.has("scale_fmt")};
  return {};
}

/// A token id, or a list of them; empty if the field is absent.
Result<std::vector<std::int64_t>> read_token_ids(const JsonObject& json, std::string_view key,
                                                 std::int64_t vocab_size) {
  const Json* field = json.find(key);
  if (field == nullptr) return std::vector<std::int64_t>{};
  ASSAY_ASSIGN(auto ids, read_integer_list(json, key, field->is_array() ? *field : Json::array({*field})));
  for (const std::int64_t id : ids) {
    if (id < 0 || id >= vocab_size) {
      return json.field_error(
          key, "has the id " + std::to_string(id) + ", must be below vocab_size, " + std::to_string(vocab_size));
    }
  }
  return ids;
}

Result<> read_special_tokens(const JsonObject& json, ModelConfig& config) {
  ASSAY_ASSIGN(const auto bos, read_token_ids(json, "bos_token_id", config.vocab_size));
  if (bos.size() > 1) return json.field_error("bos_token_id", "must be one id");
  if (!bos.empty() && !config.bos_token_id) config.bos_token_id = bos[0];
  ASSAY_ASSIGN(const auto eos, read_token_ids(json, "eos_token_id", config.vocab_size));
  for (const std::int64_t id : eos) {
    auto& known = config.eos_token_ids;
    if (std::find(known.begin(), known.end(), id) == known.end()) known.push_back(id);
  }
  return {};
}

}  // namespace

std::string_view to_string(ModelType type) {
  const auto entry = std::find_if(kArchitectures.begin(), kArchitectures.end(),
                                  [&](const ArchitectureFacts& known) { return known.model_type == type; });
  ASSAY_ASSERT(entry != kArchitectures.end(), "the table names every enumerator");
  return entry->model_type_name;
}

std::string_view to_string(TopkMethod method) {
  switch (method) {
    case TopkMethod::greedy:
      return "greedy";
    case TopkMethod::group_limited_greedy:
      return "group_limited_greedy";
    case TopkMethod::noaux_tc:
      return "noaux_tc";
  }
  ASSAY_ASSERT(false, "the switch names every enumerator");
  return "";
}

std::string_view to_string(ScoringFunc function) { return function == ScoringFunc::softmax ? "softmax" : "sigmoid"; }

Result<ModelConfig> parse_model_config(const Json& document, std::string_view where, const Json* generation,
                                       std::string_view generation_where) {
  ASSAY_ASSIGN(const JsonObject json, JsonObject::of(document, std::string(where)));
  ModelConfig config;
  ASSAY_TRY(read_architecture(json, config));
  ASSAY_TRY(read_common(json, config));
  ASSAY_TRY(config.attention == Attention::mla ? read_mla(json, config) : read_gqa(json, config));
  ASSAY_TRY(read_feed_forward(json, config));
  ASSAY_TRY(read_rope(json, config));
  ASSAY_TRY(read_quantization(json, config));
  ASSAY_TRY(read_special_tokens(json, config));
  if (generation != nullptr) {
    ASSAY_ASSIGN(const JsonObject extra, JsonObject::of(*generation, std::string(generation_where)));
    ASSAY_TRY(read_special_tokens(extra, config));
  }
  return config;
}

Result<ModelConfig> read_model_config(const std::filesystem::path& folder) {
  if (is_gguf_path(folder)) {
    ASSAY_ASSIGN(const GgufFiles files, GgufFiles::open(folder));
    return read_gguf_config(files);
  }
  const std::filesystem::path path = folder / "config.json";
  ASSAY_ASSIGN(const std::string text, read_file(path, kMaxConfigBytes));
  ASSAY_ASSIGN(const Json document, parse_json(text, path.string()));

  const std::filesystem::path generation_path = folder / "generation_config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(generation_path, ignored)) return parse_model_config(document, path.string());
  ASSAY_ASSIGN(const std::string generation_text, read_file(generation_path, kMaxConfigBytes));
  ASSAY_ASSIGN(const Json generation, parse_json(generation_text, generation_path.string()));
  return parse_model_config(document, path.string(), &generation, generation_path.string());
}

}  // namespace assay::runners
