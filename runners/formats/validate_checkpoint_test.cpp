#include "runners/formats/validate_checkpoint.h"

#include <cstring>
#include <limits>
#include <map>

#include "runners/formats/expected_tensors.h"
#include "runners/formats/test_configs.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;

namespace {

struct OwnedTensor {
  DType dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;
};
using Tensors = std::map<std::string, OwnedTensor>;

OwnedTensor filled(DType dtype, const std::vector<std::int64_t>& shape, char fill = 0) {
  std::int64_t n = bits(dtype) / 8;
  for (const std::int64_t extent : shape) n *= extent;
  return {dtype, shape, std::string(static_cast<std::size_t>(n), fill)};
}

OwnedTensor scales(const std::vector<std::int64_t>& shape, float value = 0.5f) {
  OwnedTensor tensor = filled(DType::f32, shape);
  for (std::size_t i = 0; i < tensor.bytes.size(); i += sizeof value)
    std::memcpy(&tensor.bytes[i], &value, sizeof value);
  return tensor;
}

void add_projection(Tensors& tensors, const std::string& name, std::int64_t n_out, std::int64_t n_in) {
  tensors[name + ".weight"] = filled(DType::f8_e4m3, {n_out, n_in}, 0x38);
  tensors[name + ".weight_scale_inv"] = scales({(n_out + 127) / 128, (n_in + 127) / 128});
}

/// The names and shapes of one layer, written down from the published checkpoints for tiny_config: D 8, H 2, ql 4, kl
/// 130, nope 4, rope 2, v 4, F 12, Fe 4, E 4, S 1.
void add_layer(Tensors& tensors, const std::string& layer, bool moe) {
  tensors[layer + "input_layernorm.weight"] = filled(DType::bf16, {8});
  add_projection(tensors, layer + "self_attn.q_a_proj", 4, 8);
  tensors[layer + "self_attn.q_a_layernorm.weight"] = filled(DType::bf16, {4});
  add_projection(tensors, layer + "self_attn.q_b_proj", 12, 4);
  add_projection(tensors, layer + "self_attn.kv_a_proj_with_mqa", 132, 8);
  tensors[layer + "self_attn.kv_a_layernorm.weight"] = filled(DType::bf16, {130});
  add_projection(tensors, layer + "self_attn.kv_b_proj", 16, 130);
  add_projection(tensors, layer + "self_attn.o_proj", 8, 8);
  tensors[layer + "post_attention_layernorm.weight"] = filled(DType::bf16, {8});
  const auto add_ffn = [&](const std::string& name, std::int64_t width) {
    add_projection(tensors, layer + name + "gate_proj", width, 8);
    add_projection(tensors, layer + name + "up_proj", width, 8);
    add_projection(tensors, layer + name + "down_proj", 8, width);
  };
  if (!moe) return add_ffn("mlp.", 12);
  tensors[layer + "mlp.gate.weight"] = filled(DType::bf16, {4, 8});
  tensors[layer + "mlp.gate.e_score_correction_bias"] = filled(DType::f32, {4});
  for (const char* expert : {"0", "1", "2", "3"}) add_ffn(std::string("mlp.experts.") + expert + ".", 4);
  add_ffn("mlp.shared_experts.", 4);
}

Tensors tiny_tensors() {
  Tensors tensors;
  tensors["model.embed_tokens.weight"] = filled(DType::bf16, {6, 8});
  add_layer(tensors, "model.layers.0.", false);
  add_layer(tensors, "model.layers.1.", true);
  tensors["model.norm.weight"] = filled(DType::bf16, {8});
  tensors["lm_head.weight"] = filled(DType::bf16, {6, 8});
  const std::string mtp = "model.layers.2.";
  tensors[mtp + "enorm.weight"] = filled(DType::bf16, {8});
  tensors[mtp + "hnorm.weight"] = filled(DType::bf16, {8});
  tensors[mtp + "eh_proj.weight"] = filled(DType::bf16, {8, 16});
  add_layer(tensors, mtp, true);
  tensors[mtp + "shared_head.norm.weight"] = filled(DType::bf16, {8});
  tensors[mtp + "shared_head.head.weight"] = filled(DType::bf16, {6, 8});
  tensors[mtp + "embed_tokens.weight"] = filled(DType::bf16, {6, 8});
  return tensors;
}

Result<Checkpoint> checkpoint_of(const TestFolder& folder, const Tensors& tensors) {
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : tensors)
    views.push_back({name, tensor.dtype, tensor.shape, bytes_of(tensor.bytes)});
  ASSAY_TRY(write_safetensors(folder.path() / "model.safetensors", views));
  return Checkpoint::open(folder.path());
}

ModelConfig tiny(const std::string& changes = "{}") {
  const auto config = parse_model_config(merged(tiny_config(), Json::parse(changes)), "config.json");
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  return *config;
}

std::string verdict(const Tensors& tensors, const ModelConfig& config) {
  const TestFolder folder;
  const auto checkpoint = checkpoint_of(folder, tensors);
  REQUIRE(checkpoint);
  const auto valid = validate_checkpoint(config, *checkpoint);
  return valid ? "accepted" : valid.error().message;
}

}  // namespace

TEST_CASE("expected tensors: the published names and shapes, each once", "[validate]") {
  Tensors published = tiny_tensors();
  for (const ExpectedTensor& expected : expected_tensors(tiny())) {
    CAPTURE(expected.name);
    const auto found = published.find(expected.name);
    REQUIRE(found != published.end());
    CHECK(found->second.shape == expected.shape);
    CHECK((found->second.dtype == DType::f8_e4m3) == expected.may_be_fp8);
    if (expected.may_be_fp8) CHECK(published.erase(scale_name(expected.name)) == 1);
    published.erase(found);
  }
  CHECK(published.empty());
}

TEST_CASE("validate_checkpoint: a complete checkpoint is accepted", "[validate]") {
  CHECK(verdict(tiny_tensors(), tiny()) == "accepted");
}

TEST_CASE("validate_checkpoint: each tensor is needed, but for the MTP layer's copies", "[validate]") {
  const Tensors whole = tiny_tensors();
  const ModelConfig config = tiny();
  for (const auto& [name, tensor] : whole) {
    CAPTURE(name);
    Tensors without = whole;
    without.erase(name);
    const bool copy = name == "model.layers.2.embed_tokens.weight" || name == "model.layers.2.shared_head.head.weight";
    const std::string got = verdict(without, config);
    if (copy) {
      CHECK(got == "accepted");
    } else {
      CHECK_THAT(got, Contains(name) && Contains("missing"));
    }
  }
}

TEST_CASE("validate_checkpoint: the MTP layer may be left out as a whole, and is passed over if not announced",
          "[validate]") {
  Tensors tensors = tiny_tensors();
  CHECK(verdict(tensors, tiny(R"({"num_nextn_predict_layers": 0})")) == "accepted");
  std::erase_if(tensors, [](const auto& entry) { return entry.first.starts_with("model.layers.2."); });
  CHECK(verdict(tensors, tiny()) == "accepted");

  const TestFolder folder;
  const auto without = checkpoint_of(folder, tensors);
  CHECK_FALSE(has_mtp_layer(tiny(), *without));
  const TestFolder other;
  const auto with = checkpoint_of(other, tiny_tensors());
  CHECK(has_mtp_layer(tiny(), *with));
  CHECK_FALSE(has_mtp_layer(tiny(R"({"num_nextn_predict_layers": 0})"), *with));
}

TEST_CASE("validate_checkpoint: unexpected names are refused, the old ones that mean nothing are not", "[validate]") {
  for (const char* name :
       {"model.layers.0.self_attn.q_proj.weight", "model.layers.1.mlp.experts.4.up_proj.weight",
        "model.layers.0.mlp.gate.weight", "extra", "model.layers.x.norm", "model.layers.-1.norm.weight",
        "model.norm.weight_scale_inv", "model.layers.1.self_attn.o_proj.bias"}) {
    Tensors tensors = tiny_tensors();
    tensors[name] = filled(DType::bf16, {8});
    CAPTURE(name);
    CHECK_THAT(verdict(tensors, tiny()), Contains(name) && Contains("is not part of a DeepseekV3ForCausalLM"));
  }
  Tensors tensors = tiny_tensors();
  tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = filled(DType::f32, {1});
  tensors["model.layers.3.whatever"] = filled(DType::u8, {1});
  CHECK(verdict(tensors, tiny()) == "accepted");
}

TEST_CASE("validate_checkpoint: a head may stand beside tied embeddings, or not", "[validate]") {
  Tensors tensors = tiny_tensors();
  const ModelConfig tied = tiny(R"({"tie_word_embeddings": true})");
  CHECK(verdict(tensors, tied) == "accepted");
  tensors.erase("lm_head.weight");
  CHECK(verdict(tensors, tied) == "accepted");
  CHECK(num_parameters(tied) == num_parameters(tiny()) - 6 * 8);
}

TEST_CASE("validate_checkpoint: wrong shapes are named, a wrong vocabulary in its words", "[validate]") {
  Tensors tensors = tiny_tensors();
  tensors["model.layers.1.mlp.gate.weight"] = filled(DType::bf16, {8, 4});
  CHECK_THAT(verdict(tensors, tiny()),
             Contains("tensor model.layers.1.mlp.gate.weight: has shape [8, 4], must be [4, 8]"));

  tensors = tiny_tensors();
  CHECK_THAT(verdict(tensors, tiny(R"({"vocab_size": 7})")),
             Contains("tensor model.embed_tokens.weight: has shape [6, 8], but the configuration's vocab_size is 7"));
  tensors["lm_head.weight"] = filled(DType::bf16, {5, 8});
  CHECK_THAT(verdict(tensors, tiny()),
             Contains("tensor lm_head.weight: has shape [5, 8], but the configuration's vocab_size is 6"));
}

TEST_CASE("validate_checkpoint: types that can't be loaded there are refused", "[validate]") {
  for (const DType dtype : {DType::f64, DType::i32, DType::u8, DType::f8_e5m2}) {
    Tensors tensors = tiny_tensors();
    tensors["model.norm.weight"] = filled(dtype, {8});
    CHECK_THAT(verdict(tensors, tiny()),
               Contains("model.norm.weight: has type " + std::string(name(dtype)) + ", must be BF16"));
  }
  for (const DType dtype : {DType::f32, DType::f16}) {
    Tensors tensors = tiny_tensors();
    tensors["model.norm.weight"] = filled(dtype, {8});
    CHECK(verdict(tensors, tiny()) == "accepted");
  }
  Tensors tensors = tiny_tensors();
  tensors["model.norm.weight"] = filled(DType::f8_e4m3, {8});
  CHECK_THAT(verdict(tensors, tiny()), Contains("model.norm.weight: has type F8_E4M3, must be BF16, F16 or F32"));
}

TEST_CASE("validate_checkpoint: FP8 weights and their scales come together", "[validate]") {
  const std::string weight = "model.layers.0.self_attn.kv_a_proj_with_mqa.weight";
  const std::string scale = weight + "_scale_inv";
  Tensors tensors = tiny_tensors();
  tensors[weight] = filled(DType::bf16, {132, 8});
  CHECK_THAT(verdict(tensors, tiny()), Contains(scale + ": holds scales, but " + weight + " has type BF16"));
  tensors.erase(scale);
  CHECK(verdict(tensors, tiny()) == "accepted");

  tensors = tiny_tensors();
  tensors[scale] = scales({1, 1});
  CHECK_THAT(verdict(tensors, tiny()), Contains(scale + ": has shape [1, 1], must be [2, 1]"));
  tensors[scale] = filled(DType::bf16, {2, 1});
  CHECK_THAT(verdict(tensors, tiny()), Contains(scale + ": has type BF16, block scales must be F32"));
  for (const float bad :
       {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    tensors[scale] = scales({2, 1});
    std::memcpy(&tensors[scale].bytes[4], &bad, sizeof bad);
    CHECK_THAT(verdict(tensors, tiny()),
               Contains(scale + ": scale number 1 is ") && Contains("must be positive and finite"));
  }
  Json unquantised = tiny_config();
  unquantised.erase("quantization_config");
  CHECK_THAT(verdict(tiny_tensors(), *parse_model_config(unquantised, "config.json")),
             Contains("has type F8_E4M3, but config.json has no quantization_config"));
}

TEST_CASE("validate_checkpoint: NaN bytes in FP8 weights are refused, wherever they are", "[validate]") {
  const std::string weight = "model.layers.1.mlp.experts.3.down_proj.weight";
  for (const std::size_t at : {0u, 17u, 31u}) {
    for (const char nan : {'\x7f', '\xff'}) {
      Tensors tensors = tiny_tensors();
      tensors[weight].bytes[at] = nan;
      CHECK_THAT(verdict(tensors, tiny()), Contains(weight + ": holds NaN"));
    }
  }
  Tensors tensors = tiny_tensors();
  tensors[weight].bytes[5] = '\x7e';
  tensors[weight].bytes[6] = '\xfe';
  tensors[weight].bytes[7] = '\x80';
  CHECK(verdict(tensors, tiny()) == "accepted");
}
