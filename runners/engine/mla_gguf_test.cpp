// deepseek2 in GGUF, with kv_b whole and in parts, in float32 and quantised, against the same weights without a file.

#include <cmath>
#include <fstream>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "runners/engine/test_executor.h"
#include "runners/engine/test_gguf_writer.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::runners;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data/golden/deepseek_v3_yarn";

/// The golden model's configuration with rows that quantised blocks can fill, in `folder`; dummy weights in float32.
Model dummy_model(const test_support::TemporaryFolder& folder) {
  Json config = *parse_json(*read_file(kGolden / "config.json"), "config.json");
  config["kv_lora_rank"] = 64;
  config["rope_scaling"]["mscale_all_dim"] = config["rope_scaling"]["mscale"];  // as GGUF takes for granted
  config["torch_dtype"] = "float32";
  std::ofstream(folder / "config.json") << to_json_text(config);
  Result<Model> model = load_model(folder.path(), {.weights = WeightSource::dummy});
  if (!model) FAIL(model.error().message);
  return std::move(*model);
}

TestGguf deepseek_metadata(const ModelConfig& c, bool split) {
  TestGguf gguf;
  gguf.set("general.architecture", gguf_text("deepseek2"));
  const auto count = [&](const std::string& key, std::int64_t n) {
    gguf.set("deepseek2." + key, gguf_u32(static_cast<std::uint32_t>(n)));
  };
  const auto number = [&](const std::string& key, double value) {
    gguf.set("deepseek2." + key, gguf_f32(static_cast<float>(value)));
  };
  count("vocab_size", c.vocab_size);
  count("context_length", c.max_position_embeddings);
  count("embedding_length", c.hidden_size);
  count("block_count", c.num_hidden_layers);
  count("feed_forward_length", c.intermediate_size);
  count("attention.head_count", c.num_attention_heads);
  count("attention.head_count_kv", split ? 1 : c.num_attention_heads);
  count("attention.key_length", split ? c.kv_lora_rank + c.qk_rope_head_dim : c.qk_head_dim());
  count("attention.value_length", split ? c.kv_lora_rank : c.v_head_dim);
  if (split) {
    count("attention.key_length_mla", c.qk_head_dim());
    count("attention.value_length_mla", c.v_head_dim);
  }
  count("attention.q_lora_rank", *c.q_lora_rank);
  count("attention.kv_lora_rank", c.kv_lora_rank);
  number("attention.layer_norm_rms_epsilon", c.rms_norm_eps);
  count("rope.dimension_count", c.qk_rope_head_dim);
  number("rope.freq_base", c.rope_theta);
  gguf.set("deepseek2.rope.scaling.type", gguf_text("yarn"));
  number("rope.scaling.factor", c.yarn()->factor);
  count("rope.scaling.original_context_length", c.yarn()->original_max_position_embeddings);
  number("rope.scaling.yarn_log_multiplier", 0.1 * c.yarn()->mscale_all_dim);
  count("leading_dense_block_count", c.first_k_dense_replace);
  count("expert_feed_forward_length", c.moe_intermediate_size);
  count("expert_count", c.n_routed_experts);
  count("expert_used_count", c.num_experts_per_tok);
  count("expert_shared_count", c.n_shared_experts);
  count("expert_group_count", c.n_group);
  count("expert_group_used_count", c.topk_group);
  number("expert_weights_scale", c.routed_scaling_factor);
  gguf.set("deepseek2.expert_weights_norm", gguf_bool(c.norm_topk_prob));
  count("expert_gating_func", 2);
  return gguf;
}

/// kv_b_proj [heads·(nope + v), latent] as attn_k_b [heads, latent, nope] and attn_v_b [heads, v, latent].
void append_kv_b_parts(const ModelConfig& c, const std::string& layer, const std::vector<float>& kv_b, TestGguf& gguf) {
  const auto heads = static_cast<std::size_t>(c.num_attention_heads),
             nope = static_cast<std::size_t>(c.qk_nope_head_dim), v = static_cast<std::size_t>(c.v_head_dim),
             latent = static_cast<std::size_t>(c.kv_lora_rank);
  std::vector<float> k_b, v_b;
  for (std::size_t h = 0; h < heads; ++h) {
    const auto at = [&](std::size_t row, std::size_t j) { return kv_b[(h * (nope + v) + row) * latent + j]; };
    for (std::size_t j = 0; j < latent; ++j) {
      for (std::size_t i = 0; i < nope; ++i) k_b.push_back(at(i, j));
    }
    for (std::size_t i = 0; i < v; ++i) {
      for (std::size_t j = 0; j < latent; ++j) v_b.push_back(at(nope + i, j));
    }
  }
  gguf.tensors.push_back(
      f32_values(layer + "attn_k_b.weight", {c.num_attention_heads, c.kv_lora_rank, c.qk_nope_head_dim}, k_b));
  gguf.tensors.push_back(
      f32_values(layer + "attn_v_b.weight", {c.num_attention_heads, c.v_head_dim, c.kv_lora_rank}, v_b));
}

TestGguf deepseek_gguf(const Model& model, bool split) {
  const ModelConfig& c = model.config;
  TestGguf gguf = deepseek_metadata(c, split);
  for (const auto& [name, tensor] : model.checkpoint.tensors()) {
    if (name.find("mlp.experts.") != std::string::npos) continue;  // below, in order of their numbers
    const std::vector<float> values = *read_floats(*tensor);
    const std::string gguf_name = hub_to_gguf(name);
    if (split && gguf_name.ends_with("attn_kv_b.weight")) {
      append_kv_b_parts(c, gguf_name.substr(0, gguf_name.find("attn_kv_b")), values, gguf);
    } else {
      gguf.tensors.push_back(f32_values(gguf_name, tensor->shape, values));
    }
  }
  for (std::int64_t l = c.first_k_dense_replace; l < c.num_hidden_layers; ++l) {
    for (const std::string part : {"gate", "up", "down"}) {
      std::vector<float> all;
      std::vector<std::int64_t> shape = {c.n_routed_experts, 0, 0};
      for (std::int64_t e = 0; e < c.n_routed_experts; ++e) {
        const TensorView& expert = *model.checkpoint.find("model.layers." + std::to_string(l) + ".mlp.experts." +
                                                          std::to_string(e) + "." + part + "_proj.weight");
        const std::vector<float> values = *read_floats(expert);
        all.insert(all.end(), values.begin(), values.end());
        shape[1] = expert.shape[0];
        shape[2] = expert.shape[1];
      }
      gguf.tensors.push_back(f32_values("blk." + std::to_string(l) + ".ffn_" + part + "_exps.weight", shape, all));
    }
  }
  return gguf;
}

std::vector<float> logits_of(const Model& model, int first_generated,
                             kernels::SimdLevel level = kernels::best_simd_level(), int chunk = 64) {
  std::vector<std::int32_t> tokens;
  for (int i = 0; i < 40; ++i) tokens.push_back((7 * i + 3) % static_cast<int>(model.config.vocab_size));
  const auto logits = cpu_logits(model, tokens, {.first_generated = first_generated, .chunk_tokens = chunk}, level);
  if (!logits) FAIL(logits.error().message);
  return logits->logits;
}

Model written_and_loaded(const TestGguf& gguf, const test_support::TemporaryFolder& folder) {
  const std::filesystem::path file = folder / "m.gguf";
  std::ofstream(file, std::ios::binary | std::ios::trunc) << gguf.bytes();
  Result<Model> model = load_model(file);
  if (!model) FAIL(model.error().message);
  return std::move(*model);
}

bool is_kv_b(const TestTensor& tensor) {
  return tensor.name.find("attn_kv_b.") != std::string::npos || tensor.name.find("attn_k_b.") != std::string::npos ||
         tensor.name.find("attn_v_b.") != std::string::npos;
}

}  // namespace

TEST_CASE("engine: deepseek2 in GGUF, kv_b whole or in parts, is the same model bit for bit", "[engine][gguf]") {
  const test_support::TemporaryFolder folder;
  const Model model = dummy_model(folder);
  const bool split = GENERATE(false, true);
  const int first_generated = GENERATE(-1, 7);
  const Model loaded = written_and_loaded(deepseek_gguf(model, split), folder);
  CHECK(logits_of(loaded, first_generated) == logits_of(model, first_generated));
}

TEST_CASE("engine: deepseek2 with quantised kv_b, whole or in parts, at every level", "[engine][gguf]") {
  const test_support::TemporaryFolder folder;
  const Model model = dummy_model(folder);
  const bool split = GENERATE(false, true);
  const int first_generated = GENERATE(-1, 7);
  TestGguf gguf = deepseek_gguf(model, split);
  for (TestTensor& tensor : gguf.tensors) {
    if (is_kv_b(tensor)) quantize(tensor);
  }
  const Model loaded = written_and_loaded(gguf, folder);
  const std::vector<float> expected = logits_of(model, first_generated), quantised = logits_of(loaded, first_generated);
  CHECK(tests::relative_error(quantised, expected) < 0.02);
  CHECK(tests::relative_error(quantised, expected) > 1e-6);  // the quantised weights are what ran
  for (const kernels::SimdLevel level : tests::available_levels()) {
    CHECK(logits_of(loaded, first_generated, level, 7) == quantised);
  }
}
