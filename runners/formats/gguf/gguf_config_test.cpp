#include "runners/formats/gguf/gguf_config.h"

#include <cmath>

#include "runners/formats/gguf/test_gguf_models.h"
#include "runners/formats/test_configs.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

/// As the engine reads it: by the file's path.
Result<ModelConfig> read(const TestGguf& file) {
  const TestFolder folder;
  return read_model_config(folder.write("x.gguf", file.bytes()));
}

ModelConfig accepted(const TestGguf& file) {
  const auto config = read(file);
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  return *config;
}

std::string refusal(const TestGguf& file) {
  const auto config = read(file);
  return config ? "accepted" : config.error().message;
}

std::string refusal_with(TestGguf file, const std::string& key, const std::string& value) {
  file.set(key, value);
  return refusal(file);
}

std::string refusal_without(TestGguf file, const std::string& key) {
  file.remove(key);
  return refusal(file);
}

ModelConfig from_json(const Json& json) {
  const auto config = parse_model_config(json, "config.json");
  REQUIRE(config);
  return *config;
}

/// A qwen2 or qwen3 of the sizes of gqa_config's arguments.
TestGguf gqa_gguf(const std::string& architecture, std::uint32_t layers, std::uint32_t hidden,
                  std::uint32_t intermediate, std::uint32_t heads, std::uint32_t key_value_heads, std::uint32_t vocab) {
  TestGguf file;
  file.set("general.architecture", gguf_text(architecture));
  for (const auto& [name, value] : {std::pair<std::string, std::uint32_t>("block_count", layers),
                                    {"embedding_length", hidden},
                                    {"feed_forward_length", intermediate},
                                    {"attention.head_count", heads},
                                    {"attention.head_count_kv", key_value_heads},
                                    {"vocab_size", vocab},
                                    {"context_length", 32768}}) {
    file.set(architecture + "." + name, gguf_u32(value));
  }
  file.set(architecture + ".attention.layer_norm_rms_epsilon", gguf_f32(1e-6f));
  file.set(architecture + ".rope.freq_base", gguf_f32(1e6f));
  return file;
}

}  // namespace

TEST_CASE("gguf config: SmolLM2-135M", "[gguf]") {
  const ModelConfig config = accepted(smollm2_gguf());
  CHECK(config.architecture == "LlamaForCausalLM");
  CHECK(config.model_type == ModelType::llama);
  CHECK(config.head_dim == 64);
  CHECK(config.num_key_value_heads == 3);
  CHECK(config.rms_norm_eps == 1e-5);
  CHECK(config.rope_theta == 1e5);
  CHECK(config.max_position_embeddings == 8192);
  CHECK(config.bos_token_id == 1);
  CHECK(config.eos_token_ids == std::vector<std::int64_t>{2});
  CHECK(std::holds_alternative<NoRopeScaling>(config.rope_scaling));
  CHECK(config.warnings.empty());

  // 134,515,008 parameters with a tied head: the published count.
  TestGguf tied = smollm2_gguf();
  tied.tensors = {{"token_embd.weight", {32, 1}, 8, std::string(34, '\0')}};
  CHECK(accepted(tied).tie_word_embeddings);
  CHECK(num_parameters(accepted(tied)) == 134'515'008);
  tied.tensors.push_back({"output.weight", {32, 1}, 8, std::string(34, '\0')});
  CHECK_FALSE(accepted(tied).tie_word_embeddings);
}

TEST_CASE("gguf config: R1 without group counts is V3's configuration, with a warning", "[gguf]") {
  Json json = deepseek_v3_config();
  json.erase("quantization_config");       // GGUF holds it dequantised
  json.erase("num_nextn_predict_layers");  // and without the MTP layer
  const ModelConfig expected = from_json(json);
  const ModelConfig config = accepted(deepseek_r1_gguf());
  CHECK(config.architecture == expected.architecture);
  CHECK(config.model_type == ModelType::deepseek_v3);
  CHECK(config.attention == Attention::mla);
  CHECK(config.q_lora_rank == expected.q_lora_rank);
  CHECK(config.kv_lora_rank == expected.kv_lora_rank);
  CHECK(config.qk_nope_head_dim == expected.qk_nope_head_dim);
  CHECK(config.qk_rope_head_dim == expected.qk_rope_head_dim);
  CHECK(config.v_head_dim == expected.v_head_dim);
  CHECK(config.n_group == expected.n_group);
  CHECK(config.topk_group == expected.topk_group);
  CHECK(config.topk_method == expected.topk_method);
  CHECK(config.scoring_func == expected.scoring_func);
  CHECK(config.norm_topk_prob == expected.norm_topk_prob);
  CHECK(config.routed_scaling_factor == expected.routed_scaling_factor);
  CHECK(config.feed_forward == expected.feed_forward);
  CHECK(config.rms_norm_eps == expected.rms_norm_eps);
  CHECK(config.bos_token_id == expected.bos_token_id);
  CHECK(config.eos_token_ids == expected.eos_token_ids);
  CHECK(config.num_nextn_predict_layers == 0);
  CHECK(num_parameters(config) == num_parameters(expected));
  CHECK(active_parameters(config) == active_parameters(expected));
  REQUIRE(config.yarn() != nullptr);
  CHECK(config.yarn()->factor == 40);
  CHECK(config.yarn()->original_max_position_embeddings == 4096);
  CHECK(config.yarn()->beta_fast == 32);
  CHECK(config.yarn()->beta_slow == 1);
  CHECK(config.yarn()->mscale == 1);
  CHECK(config.yarn()->mscale_all_dim == 1);
  REQUIRE(config.warnings.size() == 1);
  CHECK_THAT(config.warnings[0], Contains("deepseek2.expert_group_count") && Contains("256 experts") &&
                                     Contains("8 groups, of which a token uses 4"));

  TestGguf told = deepseek_r1_gguf();
  told.set("deepseek2.expert_group_count", gguf_u32(4));
  told.set("deepseek2.expert_group_used_count", gguf_u32(2));
  CHECK(accepted(told).n_group == 4);
  CHECK(accepted(told).topk_group == 2);
  CHECK(accepted(told).warnings.empty());
  told.remove("deepseek2.expert_group_used_count");
  CHECK_THAT(refusal(told), Contains("expert_group_used_count\" is missing"));
}

TEST_CASE("gguf config: V2 and V2-Lite", "[gguf]") {
  TestGguf file = deepseek_r1_gguf();
  file.remove("deepseek2.expert_gating_func");
  file.remove("deepseek2.expert_weights_norm");
  file.set("deepseek2.expert_count", gguf_u32(160));
  file.set("deepseek2.expert_used_count", gguf_u32(6));
  file.set("deepseek2.rope.scaling.yarn_log_multiplier", gguf_f32(0.0707f));
  const ModelConfig v2 = accepted(file);
  CHECK(v2.architecture == "DeepseekV2ForCausalLM");
  CHECK(v2.topk_method == TopkMethod::group_limited_greedy);
  CHECK(v2.scoring_func == ScoringFunc::softmax);
  CHECK(v2.n_group == 8);
  CHECK(v2.topk_group == 3);
  CHECK(v2.warnings.size() == 1);
  CHECK(v2.yarn()->mscale_all_dim == 0.707);

  file.remove("deepseek2.attention.q_lora_rank");
  file.set("deepseek2.expert_count", gguf_u32(64));
  file.set("deepseek2.expert_gating_func", gguf_u32(1));
  const ModelConfig lite = accepted(file);
  CHECK_FALSE(lite.q_lora_rank);
  CHECK(lite.topk_method == TopkMethod::greedy);
  CHECK(lite.n_group == 1);
  CHECK(lite.warnings.empty());

  file.set("deepseek2.expert_count", gguf_u32(72));
  CHECK(accepted(file).n_group == 1);
  CHECK(accepted(file).warnings.size() == 1);
}

TEST_CASE("gguf config: the keys of split kv_b describe the same heads", "[gguf]") {
  TestGguf file = deepseek_r1_gguf();
  file.set("deepseek2.attention.head_count_kv", gguf_u32(1));
  file.set("deepseek2.attention.key_length", gguf_u32(576));
  file.set("deepseek2.attention.value_length", gguf_u32(512));
  file.set("deepseek2.attention.key_length_mla", gguf_u32(192));
  file.set("deepseek2.attention.value_length_mla", gguf_u32(128));
  CHECK(accepted(file).qk_nope_head_dim == 128);
  CHECK(accepted(file).v_head_dim == 128);
  CHECK(accepted(file).num_key_value_heads == 128);
}

TEST_CASE("gguf config: qwen2, qwen3 and qwen3moe", "[gguf]") {
  // Parameters are the published counts: Qwen2.5-7B, Qwen3-8B and Qwen3-30B-A3B.
  const ModelConfig qwen2 = accepted(gqa_gguf("qwen2", 28, 3584, 18944, 28, 4, 152064));
  CHECK(qwen2.model_type == ModelType::qwen2);
  CHECK(qwen2.qkv_bias);
  CHECK(num_parameters(qwen2) == 7'615'616'512);

  const ModelConfig qwen3 = accepted(gqa_gguf("qwen3", 36, 4096, 12288, 32, 8, 151936));
  CHECK(qwen3.model_type == ModelType::qwen3);
  CHECK(qwen3.qk_norm);
  CHECK(num_parameters(qwen3) == 8'190'735'360);

  const ModelConfig moe = accepted(qwen3_moe_gguf());
  CHECK(moe.model_type == ModelType::qwen3_moe);
  CHECK(moe.norm_topk_prob);
  CHECK(moe.head_dim == 128);
  CHECK(num_parameters(moe) == 30'532'122'624);
  CHECK(active_parameters(moe) == 3'353'032'704);
  CHECK_THAT(refusal_with(qwen3_moe_gguf(), "qwen3moe.expert_shared_count", gguf_u32(1)),
             Contains("expert_shared_count"));
  CHECK_THAT(refusal_with(qwen3_moe_gguf(), "qwen3moe.expert_weights_scale", gguf_f32(2)),
             Contains("expert_weights_scale"));
}

TEST_CASE("gguf config: numbers of any width, and one for each layer if they are equal", "[gguf]") {
  TestGguf file = smollm2_gguf();
  file.set("llama.embedding_length", gguf_u64(576));
  file.set("llama.attention.head_count_kv", gguf_numbers<std::int32_t>(5, std::vector<std::int32_t>(30, 3)));
  CHECK(accepted(file).num_key_value_heads == 3);
  file.set("llama.attention.head_count_kv", gguf_numbers<std::int32_t>(5, {3, 3, 1}));
  CHECK_THAT(refusal(file),
             Contains("llama.attention.head_count_kv") && Contains("is 3 for layer 0 and 1 for layer 2"));
  file.set("llama.attention.head_count_kv", gguf_numbers<std::int32_t>(5, {}));
  CHECK_THAT(refusal(file), Contains("empty array"));
  file.remove("llama.attention.head_count_kv");
  CHECK(accepted(file).num_key_value_heads == 9);
}

TEST_CASE("gguf config: the vocabulary's size may be left to the embedding or the tokens", "[gguf]") {
  TestGguf file = smollm2_gguf();
  file.remove("llama.vocab_size");
  CHECK_THAT(refusal(file), Contains("llama.vocab_size\" is missing"));
  file.set("tokenizer.ggml.tokens", gguf_texts({"a", "b", "c", "d"}));
  CHECK(accepted(file).vocab_size == 4);
  file.tensors = {numbered_rows("token_embd.weight", 5)};
  CHECK(accepted(file).vocab_size == 5);
}

TEST_CASE("gguf config: every id that ends an answer", "[gguf]") {
  TestGguf file = smollm2_gguf();
  file.set("tokenizer.ggml.eot_token_id", gguf_u32(7));
  file.set("tokenizer.ggml.eom_token_id", gguf_u32(2));
  CHECK(accepted(file).eos_token_ids == std::vector<std::int64_t>{2, 7});
  CHECK_THAT(refusal_with(file, "tokenizer.ggml.eot_token_id", gguf_u32(49152)), Contains("49152"));
}

TEST_CASE("gguf config: scaled positions", "[gguf]") {
  TestGguf file = smollm2_gguf();
  SECTION("linear") {
    file.set("llama.rope.scaling.type", gguf_text("linear"));
    file.set("llama.rope.scaling.factor", gguf_f32(4));
    const ModelConfig config = accepted(file);
    const auto* linear = std::get_if<LinearRope>(&config.rope_scaling);
    REQUIRE(linear != nullptr);
    CHECK(linear->factor == 4);
  }
  SECTION("none") {
    file.set("llama.rope.scaling.type", gguf_text("none"));
    CHECK(std::holds_alternative<NoRopeScaling>(accepted(file).rope_scaling));
  }
  SECTION("yarn, whose factor on cosines and sines is multiplied") {
    file.set("llama.rope.scaling.type", gguf_text("yarn"));
    file.set("llama.rope.scaling.factor", gguf_f32(4));
    file.set("llama.rope.scaling.original_context_length", gguf_u32(2048));
    CHECK_FALSE(accepted(file).yarn()->attention_factor);
    file.set("llama.rope.scaling.attn_factor", gguf_f32(0.5f));
    CHECK_THAT(*accepted(file).yarn()->attention_factor, WithinRel(0.5 * (0.1 * std::log(4.0) + 1), 1e-12));
  }
  SECTION("a factor without a type") {
    file.set("llama.rope.scaling.factor", gguf_f32(4));
    CHECK_THAT(refusal(file), Contains("llama.rope.scaling.type\" is missing"));
  }
  SECTION("unknown") {
    CHECK_THAT(refusal_with(file, "llama.rope.scaling.type", gguf_text("longrope")),
               Contains("is \"longrope\"; supported: none, linear, yarn"));
    CHECK_THAT(refusal_with(deepseek_r1_gguf(), "deepseek2.rope.scaling.type", gguf_text("linear")),
               Contains("is \"linear\"; supported: none, yarn"));
  }
  SECTION("divisors replace llama3's formula") {
    std::string divisors;
    for (int i = 0; i < 32; ++i) divisors += raw(1.0f + static_cast<float>(i));
    file.tensors = {{"rope_freqs.weight", {32}, 0, divisors}};
    const ModelConfig config = accepted(file);
    const auto* factors = std::get_if<RopeFactors>(&config.rope_scaling);
    REQUIRE(factors != nullptr);
    REQUIRE(factors->divisors.size() == 32);
    CHECK(factors->divisors[31] == 32.0f);

    file.tensors = {{"rope_freqs.weight", {31}, 0, divisors.substr(4)}};
    CHECK_THAT(refusal(file), Contains("rope_freqs.weight is F32 of shape [31], must be F32 of shape [32]"));
    file.tensors = {{"rope_freqs.weight", {32}, 0, std::string(128, '\0')}};
    CHECK_THAT(refusal(file), Contains("positive and finite"));
    file.tensors = {{"rope_freqs.weight", {32}, 0, divisors}};
    file.set("llama.rope.scaling.type", gguf_text("linear"));
    file.set("llama.rope.scaling.factor", gguf_f32(4));
    CHECK_THAT(refusal(file), Contains("only one of them may"));
  }
}

TEST_CASE("gguf config: what is not known is refused by name", "[gguf]") {
  CHECK_THAT(refusal_without(smollm2_gguf(), "general.architecture"), Contains("general.architecture\" is missing"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "general.architecture", gguf_text("gpt2")),
             Contains("is \"gpt2\"; supported are: llama, qwen2, qwen3, qwen3moe, deepseek2"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "llama.expert_count", gguf_u32(8)), Contains("llama.expert_count\" is 8"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "llama.attention.sliding_window", gguf_u32(4096)),
             Contains("sliding_window\" is 4096; only 0"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "llama.attention.scale", gguf_f32(1)), Contains("llama.attention.scale"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "llama.rope.scale_linear", gguf_f32(2)), Contains("rope.scale_linear"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "llama.rope.dimension_count", gguf_u32(32)),
             Contains("rope.dimension_count\" is 32, must be the width of a head, 64"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "llama.embedding_length", gguf_text("576")),
             Contains("llama.embedding_length") && Contains("must be an integer"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "llama.embedding_length", gguf_u32(577)),
             Contains("llama.attention.key_length\" is missing"));
  CHECK_THAT(refusal_with(smollm2_gguf(), "llama.block_count", gguf_u32(0)),
             Contains("x.gguf") && Contains("num_hidden_layers"));
  CHECK_THAT(refusal_with(deepseek_r1_gguf(), "deepseek2.expert_gating_func", gguf_u32(3)),
             Contains("expert_gating_func\" is 3; supported: 1"));
  CHECK_THAT(refusal_with(deepseek_r1_gguf(), "deepseek2.rope.scaling.attn_factor", gguf_f32(2)),
             Contains("attn_factor\" is 2"));
  CHECK_THAT(refusal_with(deepseek_r1_gguf(), "deepseek2.rope.dimension_count", gguf_u32(192)),
             Contains("must be below the key length, 192"));
  CHECK_THAT(refusal_with(deepseek_r1_gguf(), "deepseek2.nextn_predict_layers", gguf_u32(1)),
             Contains("nextn_predict_layers\" is 1"));
}

// ggml-org/llama.cpp, src/llama-hparams.h and llama-model.cpp: rope_freq_base_train where the key is missing.
TEST_CASE("gguf config: a missing rope.freq_base is 10000", "[gguf]") {
  TestGguf file = smollm2_gguf();
  file.remove("llama.rope.freq_base");
  CHECK(accepted(file).rope_theta == 10000);
}

TEST_CASE("gguf config: no number is guessed", "[gguf]") {
  const std::string name =
      GENERATE("llama.context_length", "llama.embedding_length", "llama.block_count", "llama.feed_forward_length",
               "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon");
  CHECK_THAT(refusal_without(smollm2_gguf(), name), Contains("key \"" + name + "\" is missing"));
}

TEST_CASE("gguf config: no number of deepseek2 is guessed", "[gguf]") {
  const std::string name =
      GENERATE("attention.kv_lora_rank", "attention.key_length", "attention.value_length", "rope.dimension_count",
               "rope.scaling.factor", "rope.scaling.original_context_length", "rope.scaling.yarn_log_multiplier",
               "leading_dense_block_count", "expert_feed_forward_length", "expert_used_count", "expert_weights_scale");
  CHECK_THAT(refusal_without(deepseek_r1_gguf(), "deepseek2." + name),
             Contains("key \"deepseek2." + name + "\" is missing"));
}
