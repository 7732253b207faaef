#include "runners/formats/model_config.h"

#include "runners/formats/test_configs.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;

namespace {

ModelConfig accepted(const Json& config) {
  const auto parsed = parse_model_config(config, "config.json");
  INFO((parsed ? "" : parsed.error().message));
  REQUIRE(parsed);
  return *parsed;
}

std::string refusal(const Json& config) {
  const auto parsed = parse_model_config(config, "config.json");
  return parsed ? "accepted" : parsed.error().message;
}

Json qwen3_moe_config() {
  return merged(
      gqa_config("Qwen3MoeForCausalLM", "qwen3_moe", 48, 2048, 6144, 32, 4, 151936, false),
      Json::parse(R"({"head_dim": 128, "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768,
                                "norm_topk_prob": true, "decoder_sparse_step": 1, "mlp_only_layers": []})"));
}

}  // namespace

TEST_CASE("model config: DeepSeek-V3", "[config]") {
  const ModelConfig config = accepted(deepseek_v3_config());
  CHECK(config.architecture == "DeepseekV3ForCausalLM");
  CHECK(config.model_type == ModelType::deepseek_v3);
  CHECK(config.attention == Attention::mla);
  CHECK(config.q_lora_rank == 1536);
  CHECK(config.qk_head_dim() == 192);
  CHECK(config.topk_method == TopkMethod::noaux_tc);
  CHECK(config.scoring_func == ScoringFunc::sigmoid);
  CHECK(to_string(config.model_type) == "deepseek_v3");
  CHECK(to_string(config.topk_method) == "noaux_tc");
  CHECK(to_string(config.scoring_func) == "sigmoid");
  CHECK(config.norm_topk_prob);
  CHECK(config.routed_scaling_factor == 2.5);
  REQUIRE(config.feed_forward.size() == 61);
  CHECK(config.feed_forward[2] == FeedForward::dense);
  CHECK(config.feed_forward[3] == FeedForward::moe);
  CHECK(config.feed_forward[60] == FeedForward::moe);
  CHECK(config.num_nextn_predict_layers == 1);
  REQUIRE(config.yarn() != nullptr);
  CHECK(config.yarn()->factor == 40);
  CHECK(config.yarn()->original_max_position_embeddings == 4096);
  CHECK(config.yarn()->beta_fast == 32);
  CHECK(config.yarn()->beta_slow == 1);
  CHECK(config.yarn()->mscale_all_dim == 1.0);
  CHECK(config.rope_theta == 10000);
  CHECK(config.bos_token_id == 0);
  CHECK(config.eos_token_ids == std::vector<std::int64_t>{1});
  REQUIRE(config.quantization_config);
  CHECK_FALSE(config.quantization_config->ue8m0_scales);
}

TEST_CASE("model config: DeepSeek-V2 and V2-Lite", "[config]") {
  const ModelConfig lite = accepted(deepseek_v2_lite_config());
  CHECK_FALSE(lite.q_lora_rank);
  CHECK(lite.topk_method == TopkMethod::greedy);
  CHECK(lite.scoring_func == ScoringFunc::softmax);
  CHECK(lite.yarn()->mscale == 0.707);
  CHECK(lite.num_nextn_predict_layers == 0);
  CHECK_FALSE(lite.quantization_config);
  CHECK(accepted(deepseek_v2_config()).topk_method == TopkMethod::group_limited_greedy);
  CHECK_FALSE(accepted(merged(deepseek_v2_lite_config(), {{"q_lora_rank", 0}})).q_lora_rank);
}

TEST_CASE("model config: dense families", "[config]") {
  const ModelConfig qwen2 = accepted(gqa_config("Qwen2ForCausalLM", "qwen2", 24, 896, 4864, 14, 2, 151936, true));
  CHECK(qwen2.attention == Attention::gqa);
  CHECK(qwen2.head_dim == 64);
  CHECK(qwen2.qkv_bias);
  CHECK_FALSE(qwen2.qk_norm);
  CHECK(qwen2.n_routed_experts == 0);
  CHECK(qwen2.feed_forward == std::vector<FeedForward>(24, FeedForward::dense));

  const ModelConfig qwen3 = accepted(
      merged(gqa_config("Qwen3ForCausalLM", "qwen3", 28, 1024, 3072, 16, 8, 151936, true), {{"head_dim", 128}}));
  CHECK(qwen3.head_dim == 128);
  CHECK(qwen3.qk_norm);
  CHECK_FALSE(qwen3.qkv_bias);

  const ModelConfig moe = accepted(merged(qwen3_moe_config(), Json::parse(R"({"mlp_only_layers": [1, 47]})")));
  CHECK(moe.n_routed_experts == 128);
  CHECK(moe.n_shared_experts == 0);
  CHECK(moe.topk_method == TopkMethod::greedy);
  CHECK(moe.norm_topk_prob);
  CHECK(moe.feed_forward[0] == FeedForward::moe);
  CHECK(moe.feed_forward[1] == FeedForward::dense);
  CHECK(moe.feed_forward[47] == FeedForward::dense);
  const ModelConfig sparse = accepted(merged(qwen3_moe_config(), {{"decoder_sparse_step", 2}}));
  CHECK(sparse.feed_forward[0] == FeedForward::dense);
  CHECK(sparse.feed_forward[1] == FeedForward::moe);
}

// Exact sums over the published tensor shapes, done apart from this code. The vendor rounds them: 16B with 2.4B active
// (without the embedding), 236B with 21B, 671B with 37B (deepseek-ai/DeepSeek-V2 and DeepSeek-V3, README.md).
TEST_CASE("model sizes: DeepSeek", "[config]") {
  struct Case {
    Json config;
    std::int64_t total, active, mtp, kv;
  };
  const auto expected = GENERATE(values<Case>({
      {deepseek_v2_lite_config(), 15706484224, 2661150208, 0, 31104},
      {deepseek_v2_config(), 235741434880, 21375800320, 0, 69120},
      {deepseek_v3_config(), 671026419200, 37552297472, 11610068224, 70272},
  }));
  const ModelConfig config = accepted(expected.config);
  CHECK(num_parameters(config) == expected.total);
  CHECK(active_parameters(config) == expected.active);
  CHECK(mtp_parameters(config) == expected.mtp);
  CHECK(kv_bytes_per_token(config) == expected.kv);
}

// The total of the second, R1-Distill-Qwen-32B, is the hub's own count; the others are sums over the published shapes.
TEST_CASE("model sizes: dense families and Qwen3-MoE", "[config]") {
  struct Case {
    Json config;
    std::int64_t total, active, kv;
  };
  const auto with_head_dim = [](const Json& config) { return merged(config, {{"head_dim", 128}}); };
  const auto expected = GENERATE_COPY(values<Case>({
      {gqa_config("Qwen2ForCausalLM", "qwen2", 24, 896, 4864, 14, 2, 151936, true), 494032768, 494032768, 12288},
      {gqa_config("Qwen2ForCausalLM", "qwen2", 64, 5120, 27648, 40, 8, 152064, false), 32763876352, 32763876352,
       262144},
      {gqa_config("Qwen2ForCausalLM", "qwen2", 28, 1536, 8960, 12, 2, 151936, false), 1777088000, 1777088000, 28672},
      {gqa_config("LlamaForCausalLM", "llama", 32, 4096, 14336, 32, 8, 128256, false), 8030261248, 8030261248, 131072},
      {gqa_config("LlamaForCausalLM", "llama", 16, 2048, 8192, 32, 8, 128256, true), 1235814400, 1235814400, 32768},
      {gqa_config("LlamaForCausalLM", "llama", 30, 576, 1536, 9, 3, 49152, true), 134515008, 134515008, 23040},
      {with_head_dim(gqa_config("Qwen3ForCausalLM", "qwen3", 28, 1024, 3072, 16, 8, 151936, true)), 596049920,
       596049920, 114688},
      {with_head_dim(gqa_config("Qwen3ForCausalLM", "qwen3", 64, 5120, 25600, 64, 8, 151936, false)), 32762123264,
       32762123264, 262144},
      {qwen3_moe_config(), 30532122624, 3353032704, 98304},
  }));
  const ModelConfig config = accepted(expected.config);
  CHECK(num_parameters(config) == expected.total);
  CHECK(active_parameters(config) == expected.active);
  CHECK(kv_bytes_per_token(config) == expected.kv);
}

TEST_CASE("model config: unknown names are refused with what is supported", "[config]") {
  const Json v3 = deepseek_v3_config();
  const Json llama = gqa_config("LlamaForCausalLM", "llama", 2, 64, 128, 4, 2, 100, false);
  const auto [base, changes, message] = GENERATE_COPY(table<Json, std::string, std::string>({
      {v3, R"({"architectures": ["GPT2LMHeadModel"]})",
       "names \"GPT2LMHeadModel\"; supported are: DeepseekV2ForCausalLM, "},
      {v3, R"({"architectures": ["DeepseekV32ForCausalLM"]})", "names \"DeepseekV32ForCausalLM\"; supported"},
      {v3, R"({"architectures": []})", "must name one architecture"},
      {v3, R"({"architectures": "DeepseekV3ForCausalLM"})", "field \"architectures\" must be a list of texts"},
      {v3, R"({"architectures": null})", "field \"architectures\" is missing"},
      {v3, R"({"model_type": "llama"})", "field \"model_type\" is \"llama\"; supported: deepseek_v3"},
      {v3, R"({"topk_method": "gready"})", "field \"topk_method\" is \"gready\"; supported: noaux_tc"},
      {v3, R"({"topk_method": "greedy"})", "field \"topk_method\" is \"greedy\"; supported: noaux_tc"},
      {v3, R"({"topk_method": 1})", "field \"topk_method\" must be text"},
      {deepseek_v2_config(), R"({"topk_method": "noaux_tc"})",
       "is \"noaux_tc\"; supported: greedy, group_limited_greedy"},
      {v3, R"({"scoring_func": "softmin"})", "field \"scoring_func\" is \"softmin\"; supported: sigmoid"},
      {deepseek_v2_config(), R"({"scoring_func": "sigmoid"})", "is \"sigmoid\"; supported: softmax"},
      {deepseek_v2_config(), R"({"norm_topk_prob": true})", "field \"norm_topk_prob\" is true"},
      {v3, R"({"hidden_act": "gelu"})", "field \"hidden_act\" is \"gelu\"; supported: silu"},
      {v3, R"({"hidden_act": null})", "field \"hidden_act\" is missing; supported: silu"},
      {v3, R"({"attention_bias": true})", "field \"attention_bias\" is true"},
      {v3, R"({"rope_interleave": false})", "field \"rope_interleave\" is false"},
      {llama, R"({"mlp_bias": true})", "field \"mlp_bias\" is true"},
      {llama, R"({"use_sliding_window": true})", "field \"use_sliding_window\" is true"},
      {llama, R"({"layer_types": ["full_attention", "sliding_attention"]})",
       "\"sliding_attention\"; supported: full_attention"},
      {v3, R"({"rope_scaling": {"type": "dynamic", "factor": 2}})",
       "\"type\" is \"dynamic\"; supported: default, yarn"},
      {v3, R"({"rope_scaling": {"rope_type": "llama3", "factor": 2}})",
       "\"rope_type\" is \"llama3\"; supported: default, yarn"},
      {llama, R"({"rope_scaling": {"rope_type": "longrope"}})",
       "\"longrope\"; supported: default, yarn, llama3, linear"},
      {v3, R"({"rope_scaling": {"rope_type": "yarn", "type": "linear"}})", "is \"yarn\", but \"type\" is \"linear\""},
      {v3, R"({"quantization_config": {"quant_method": "gptq"}})", "\"quant_method\" is \"gptq\"; supported: fp8"},
      {v3, R"({"quantization_config": {}})", "\"quant_method\" is missing; supported: fp8"},
  }));
  CHECK_THAT(refusal(merged(base, Json::parse(changes))),
             Catch::Matchers::StartsWith("config.json: ") && Contains(message));
}

TEST_CASE("model config: other forms of FP8 are refused, ue8m0 is noted", "[config]") {
  const auto with = [](const std::string& key, const Json& value) {
    Json config = deepseek_v3_config();
    config["quantization_config"][key] = value;
    return config;
  };
  CHECK_THAT(refusal(with("fmt", "e5m2")), Contains("quantization_config: field \"fmt\" is \"e5m2\"; supported: e4m3"));
  CHECK_THAT(refusal(with("activation_scheme", "static")), Contains("is \"static\"; supported: dynamic"));
  CHECK_THAT(refusal(with("weight_block_size", Json::array({64, 64}))),
             Contains("\"weight_block_size\" must be [128, 128]"));
  CHECK_THAT(refusal(with("weight_block_size", nullptr)), Contains("\"weight_block_size\" must be [128, 128]"));
  CHECK_THAT(refusal(with("scale_fmt", "e4m3")), Contains("\"scale_fmt\" is \"e4m3\"; supported: ue8m0"));
  CHECK(accepted(with("scale_fmt", "ue8m0")).quantization_config->ue8m0_scales);
}

TEST_CASE("model config: every number must be there and within any real model", "[config]") {
  const std::string field = GENERATE(values<std::string>(
      {"vocab_size", "hidden_size", "intermediate_size", "moe_intermediate_size", "num_hidden_layers",
       "num_attention_heads", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim",
       "num_experts_per_tok", "n_group", "topk_group", "max_position_embeddings"}));
  const std::string named = "config.json: field \"" + field + "\" ";
  for (const char* value : {"0", "-1", "2147483648", "9223372036854775808", "1e30", "1.5", "\"8\"", "true", "[1]"}) {
    CAPTURE(field, value);
    CHECK_THAT(refusal(merged(deepseek_v3_config(), {{field, Json::parse(value)}})), Contains(named));
  }
  CHECK_THAT(refusal(merged(deepseek_v3_config(), {{field, nullptr}})), Contains(named + "is missing"));
}

TEST_CASE("model config: numbers that contradict each other are refused", "[config]") {
  const Json v3 = deepseek_v3_config();
  const Json llama = gqa_config("LlamaForCausalLM", "llama", 2, 64, 128, 4, 2, 100, false);
  const auto [base, changes, message] = GENERATE_COPY(table<Json, std::string, std::string>({
      {v3, R"({"n_group": 7})", "\"n_routed_experts\" is 256, must be a multiple of n_group, 7"},
      {v3, R"({"topk_group": 9})", "\"topk_group\" is 9, must be 1 to 8"},
      {v3, R"({"num_experts_per_tok": 129})", "is 129, but only 128 experts can be chosen from"},
      {v3, R"({"n_group": 256, "topk_group": 8})", "one expert a group"},
      {v3, R"({"num_attention_heads": 128, "num_key_value_heads": 3})",
       "is 128, must be a multiple of num_key_value_heads, 3"},
      {v3, R"({"qk_rope_head_dim": 63})", "\"qk_rope_head_dim\" is 63, must be even"},
      {v3, R"({"rms_norm_eps": 1e-5})", "\"rms_norm_eps\" is 1e-05; for DeepseekV3ForCausalLM only 1e-06"},
      {v3, R"({"first_k_dense_replace": 62})", "\"first_k_dense_replace\" is 62, must be 0 to 61"},
      {v3, R"({"num_nextn_predict_layers": 2})", "\"num_nextn_predict_layers\" is 2, must be 0 to 1"},
      {v3, R"({"num_hidden_layers": 1024, "n_routed_experts": 4096})", "times the number of experts is beyond"},
      {v3, R"({"n_routed_experts": -8})", "\"n_routed_experts\" is -8"},
      {v3, R"({"routed_scaling_factor": 0})", "\"routed_scaling_factor\" is 0"},
      {v3, R"({"routed_scaling_factor": null})", "\"routed_scaling_factor\" is missing"},
      {v3, R"({"norm_topk_prob": null})", "\"norm_topk_prob\" is missing"},
      {v3, R"({"first_k_dense_replace": null})", "\"first_k_dense_replace\" is missing"},
      {v3, R"({"rope_theta": 0})", "\"rope_theta\" is 0"},
      {v3, R"({"rope_theta": -1e4})", "\"rope_theta\" is -10000"},
      {v3, R"({"eos_token_id": 129280})", "has the id 129280, must be below vocab_size, 129280"},
      {v3, R"({"eos_token_id": [1, -1]})", "has the id -1"},
      {v3, R"({"eos_token_id": "1"})", "must be an integer or a list of integers"},
      {v3, R"({"bos_token_id": [0, 1]})", "\"bos_token_id\" must be one id"},
      {llama, R"({"hidden_size": 66})", "\"head_dim\" is missing and hidden_size is no multiple"},
      {llama, R"({"head_dim": 15})", "\"head_dim\" is 15, must be even"},
      {qwen3_moe_config(), R"({"num_experts_per_tok": 129})", "is 129, but only 128 experts exist"},
      {qwen3_moe_config(), R"({"mlp_only_layers": [48]})", "names layer 48, which does not exist"},
      {qwen3_moe_config(), R"({"num_experts": null})", "\"num_experts\" is missing"},
      {v3, R"({"rope_parameters": {"rope_type": "default"}})", "stands beside rope_scaling"},
  }));
  CHECK_THAT(refusal(merged(base, Json::parse(changes))), Contains(message));
}

TEST_CASE("model config: the three spellings of YaRN read alike", "[config]") {
  const Json v3 = deepseek_v3_config();
  Json scaling = v3["rope_scaling"];
  scaling.erase("type");
  scaling["rope_type"] = "yarn";
  Json nested = scaling;
  nested["rope_theta"] = 20000;
  Json new_style = merged(v3, {{"rope_parameters", nested}, {"rope_scaling", nullptr}});
  new_style.erase("rope_theta");
  for (const Json& config : {v3, merged(v3, {{"rope_scaling", scaling}}), new_style}) {
    const ModelConfig read = accepted(config);
    REQUIRE(read.yarn() != nullptr);
    CHECK(read.yarn()->factor == 40);
    CHECK(read.yarn()->mscale == 1.0);
  }
  CHECK(accepted(new_style).rope_theta == 20000);
  const Json plain =
      merged(new_style, Json::parse(R"({"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}})"));
  CHECK(std::holds_alternative<NoRopeScaling>(accepted(plain).rope_scaling));
  CHECK(accepted(plain).rope_theta == 5e5);

  // transformers 5 nests once more where layers differ; and a scaling without a type is none that is known.
  const Json per_layer =
      Json::parse(R"({"rope_parameters": {"full_attention": {"rope_type": "yarn"}, "rope_theta": 1e4}})");
  CHECK_THAT(refusal(merged(new_style, per_layer)), Contains("rope_parameters: field \"rope_type\" is missing"));
  CHECK_THAT(refusal(merged(v3, Json::parse(R"({"rope_scaling": {"factor": 40}})"))),
             Contains("rope_scaling: field \"rope_type\" is missing"));
  CHECK_THAT(refusal(merged(v3, {{"rope_theta", nullptr}})), Contains("field \"rope_theta\" is missing"));
  CHECK_THAT(refusal(merged(v3, {{"partial_rotary_factor", 0.5}})), Contains("\"partial_rotary_factor\" is 0.5"));
}

TEST_CASE("model config: YaRN's numbers are checked, absent ones are the vendor's defaults", "[config]") {
  const auto with = [](const std::string& key, const Json& value) {
    Json config = deepseek_v3_config();
    config["rope_scaling"][key] = value;
    return config;
  };
  CHECK_THAT(refusal(with("factor", 0.5)), Contains("rope_scaling: field \"factor\" is 0.5, must be 1 to"));
  CHECK_THAT(refusal(with("factor", nullptr)), Contains("field \"factor\" is missing"));
  CHECK_THAT(refusal(with("original_max_position_embeddings", 0)),
             Contains("\"original_max_position_embeddings\" is 0"));
  CHECK_THAT(refusal(with("beta_slow", 33)), Contains("\"beta_slow\" must be at most beta_fast"));
  CHECK_THAT(refusal(with("mscale", -1)), Contains("\"mscale\" is -1"));
  CHECK_THAT(refusal(with("attention_factor", 1.0)), Contains("\"attention_factor\" is not supported here"));
  // deepseek-ai/DeepSeek-V3's YarnRotaryEmbedding: beta_fast 32, beta_slow 1, mscale 1, mscale_all_dim 0.
  Json bare = deepseek_v3_config();
  bare["rope_scaling"] = Json::parse(R"({"type": "yarn", "factor": 4, "original_max_position_embeddings": 4096})");
  const ModelConfig config = accepted(bare);
  CHECK(config.yarn()->beta_fast == 32);
  CHECK(config.yarn()->beta_slow == 1);
  CHECK(config.yarn()->mscale == 1);
  CHECK(config.yarn()->mscale_all_dim == 0);
}

TEST_CASE("model config: RoPE scaling of the dense families", "[config]") {
  const Json llama = gqa_config("LlamaForCausalLM", "llama", 2, 64, 128, 4, 2, 100, false);
  const auto with = [&](const std::string& scaling) { return merged(llama, {{"rope_scaling", Json::parse(scaling)}}); };
  const ModelConfig config = accepted(with(R"({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                                "high_freq_factor": 4.0, "original_max_position_embeddings": 8192})"));
  const auto* llama3 = std::get_if<Llama3Rope>(&config.rope_scaling);
  REQUIRE(llama3 != nullptr);
  CHECK(llama3->factor == 8);
  CHECK(llama3->original_max_position_embeddings == 8192);
  CHECK(std::get<LinearRope>(accepted(with(R"({"type": "linear", "factor": 2})")).rope_scaling).factor == 2);
  CHECK(accepted(with(R"({"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 32768,
                          "attention_factor": 1.25})"))
            .yarn()
            ->attention_factor == 1.25);
  CHECK_THAT(refusal(with(R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
                              "original_max_position_embeddings": 8192})")),
             Contains("\"high_freq_factor\" must be larger than low_freq_factor"));
}

TEST_CASE("model config: end tokens of both files are merged", "[config]") {
  const Json config = merged(deepseek_v3_config(), Json::parse(R"({"eos_token_id": [5, 6], "bos_token_id": null})"));
  const Json generation = Json::parse(R"({"eos_token_id": [6, 7, 5], "bos_token_id": 3})");
  const auto read = parse_model_config(config, "config.json", &generation);
  REQUIRE(read);
  CHECK(read->eos_token_ids == std::vector<std::int64_t>{5, 6, 7});
  CHECK(read->bos_token_id == 3);
  const Json broken = Json::parse(R"({"eos_token_id": 129280})");
  CHECK_THAT(parse_model_config(config, "config.json", &broken).error().message,
             Contains("generation_config.json: field \"eos_token_id\" has the id 129280"));
}

TEST_CASE("model config: files are read from the folder", "[config]") {
  const TestFolder folder;
  CHECK_THAT(read_model_config(folder.path()).error().message, Contains("config.json"));
  folder.write("config.json", "{");
  CHECK_THAT(read_model_config(folder.path()).error().message, Contains("config.json: byte "));
  folder.write("config.json", "[]");
  CHECK_THAT(read_model_config(folder.path()).error().message, Contains("must be a JSON object"));
  folder.write("config.json", deepseek_v3_config().dump());
  REQUIRE(read_model_config(folder.path()));
  folder.write("generation_config.json", R"({"eos_token_id": [2, 1]})");
  CHECK(read_model_config(folder.path())->eos_token_ids == std::vector<std::int64_t>{1, 2});
  folder.write("generation_config.json", "{]");
  CHECK_THAT(read_model_config(folder.path()).error().message, Contains("generation_config.json: byte "));
}

TEST_CASE("model config: cut or changed anywhere, it is read or refused", "[config][fuzz]") {
  const TestFolder folder;
  const std::string text = tiny_config().dump();
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto cut = parse_json(text.substr(0, at), "config.json");
    CHECK_FALSE(cut);
    for (const char value : {'0', '9', '-', 'e', '"', ',', '}', '[', '\0', '\xff'}) {
      std::string mutated = text;
      mutated[at] = value;
      const auto document = parse_json(mutated, "config.json");
      if (!document) continue;
      const auto config = parse_model_config(*document, "config.json");
      if (config) CHECK(num_parameters(*config) > 0);
    }
  }
}
