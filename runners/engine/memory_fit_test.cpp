#include "runners/engine/memory_fit.h"

#include "runners/formats/test_configs.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;

namespace {

ModelConfig parsed(const Json& document) {
  const auto config = parse_model_config(document, "config.json");
  if (!config) FAIL(config.error().message);
  return *config;
}

}  // namespace

// By hand: 2 layers, 2 key-value heads of width 8: 2 · 2 · 8 floats a layer, 256 bytes a token; a page of 64 tokens has
// 16,384 bytes. The context of 1000 tokens takes 16 pages.
TEST_CASE("cpu_memory_fit: pages, contexts and sequences, counted by hand", "[engine][fit]") {
  Json document = gqa_config("Qwen3ForCausalLM", "qwen3", 2, 32, 64, 4, 2, 100, false);
  document["head_dim"] = 8;
  document["max_position_embeddings"] = 1000;
  const ModelConfig config = parsed(document);
  const auto [available_bytes, context, sequences] =
      GENERATE(table<std::int64_t, std::int64_t, std::int64_t>({{1'000'000, 0, 0},
                                                                {1'000'000 + 16'383, 0, 0},
                                                                {1'000'000 + 16'384, 64, 0},
                                                                {1'000'000 + 15 * 16'384, 960, 0},
                                                                {1'000'000 + 16 * 16'384, 1000, 1},
                                                                {1'000'000 + 50 * 16'384, 1000, 3}}));
  const MemoryFit fit = cpu_memory_fit(config, 1'000'000, available_bytes);
  CAPTURE(available_bytes);
  CHECK(fit.weight_bytes == 1'000'000);
  CHECK(fit.kv_bytes_per_token == 256);
  CHECK(fit.max_context_tokens == context);
  CHECK(fit.max_sequences == sequences);
}

// 62 layers with the MTP layer's; 128 heads · (128 + 128) · 512 floats of maps and 512 + 64 floats of cache in each.
TEST_CASE("cpu_memory_fit: latent attention's maps and rows", "[engine][fit]") {
  const MemoryFit fit = cpu_memory_fit(parsed(deepseek_v3_config()), 700'000'000'000, 1'000'000'000);
  CHECK(fit.weight_bytes == 700'000'000'000 + std::int64_t{62} * 128 * 256 * 512 * 4);
  CHECK(fit.kv_bytes_per_token == 62 * 576 * 4);
  CHECK(fit.max_context_tokens == 0);
  CHECK(fit.max_sequences == 0);
}

// Llama-3.1-8B: 8,030,261,248 parameters; 32 layers · 2 · 8 heads · 128 values of 2 bytes.
TEST_CASE("cuda_memory_fit: weights and cache in bfloat16", "[engine][fit]") {
  Json document = gqa_config("LlamaForCausalLM", "llama", 32, 4096, 14336, 32, 8, 128256, false);
  document["head_dim"] = 128;
  document["max_position_embeddings"] = 131072;
  const ModelConfig config = parsed(document);
  const std::int64_t weights = std::int64_t{8'030'261'248} * 2, token = 32 * 2 * 8 * 128 * 2;
  const MemoryFit fit = cuda_memory_fit(config, weights + 3 * 131072 * token + 64 * token);
  CHECK(fit.weight_bytes == weights);
  CHECK(fit.kv_bytes_per_token == token);
  CHECK(fit.max_context_tokens == 131072);
  CHECK(fit.max_sequences == 3);
  CHECK(cuda_memory_fit(config, weights).max_context_tokens == 0);
}

// Cached rows have the kernels' widths: 512 + 64, and heads of 64 where a model's have 16.
TEST_CASE("cuda_memory_fit: what is filled up counts", "[engine][fit]") {
  CHECK(cuda_memory_fit(parsed(deepseek_v3_config()), 0).kv_bytes_per_token == 62 * 576 * 2);
  Json document = gqa_config("Qwen3ForCausalLM", "qwen3", 2, 32, 64, 4, 2, 100, false);
  document["head_dim"] = 16;
  CHECK(cuda_memory_fit(parsed(document), 0).kv_bytes_per_token == 2 * 2 * 2 * 64 * 2);
}

// DeepSeek-V3: what is not FP8 are embedding, head, norms, routers, eh_proj and kv_b_proj, which is there three times.
TEST_CASE("cuda_memory_fit: FP8 blocks take a byte a parameter", "[engine][fit]") {
  const ModelConfig config = parsed(deepseek_v3_config());
  const double blocks = static_cast<double>(cuda_memory_fit(config, 0).weight_bytes),
               widened = static_cast<double>(cuda_memory_fit(config, 0, Fp8Weights::widen).weight_bytes);
  const double n_parameters = 671.0e9 + 11.5e9;
  CHECK(widened / n_parameters > 2.0);
  CHECK(widened / n_parameters < 2.01);
  CHECK(blocks / n_parameters > 1.0);
  CHECK(blocks / n_parameters < 1.02);
}

TEST_CASE("run_devices: the processor's memory is known", "[engine][fit]") {
  const std::vector<DeviceMemory> devices = run_devices();
  REQUIRE_FALSE(devices.empty());
  CHECK(devices[0].device == "cpu");
  CHECK(devices[0].available_bytes > 0);
  CHECK(devices[0].memory_bytes >= devices[0].available_bytes);
}

// By hand: a chunk of 16 rows and 256 inputs has 4,352 bytes in Q8_0 and 2,368 in Q4_K (kernels/quantized/
// device_layout.h). Rows of 96 are no multiple of 64, experts become bfloat16, and so do a gate and an up of two types.
TEST_CASE("cuda_saved_bytes: which quantised weights stay so, and what that saves", "[engine][fit]") {
  Json document = gqa_config("LlamaForCausalLM", "llama", 1, 256, 96, 4, 2, 100, false);
  document["head_dim"] = 64;
  const ModelConfig config = parsed(document);
  std::vector<MemoryTensor> tensors;
  const auto add = [&](const std::string& name, DType dtype, std::int64_t n_out, std::int64_t n_in) {
    TensorView view;
    view.name = name;
    view.dtype = dtype;
    view.shape = {n_out, n_in};
    const auto n_bytes = static_cast<std::size_t>(n_out * n_in / block_elements(dtype) * bits(dtype) / 8);
    auto memory = std::make_unique<std::byte[]>(n_bytes);
    view.bytes = {memory.get(), n_bytes};
    tensors.push_back({view, std::move(memory)});
  };
  const std::string layer = "model.layers.0.";
  add(layer + "self_attn.q_proj.weight", DType::q8_0, 256, 256);
  add(layer + "self_attn.o_proj.weight", DType::q4_k, 250, 256);
  add(layer + "self_attn.k_proj.weight", DType::bf16, 128, 256);
  add(layer + "mlp.gate_proj.weight", DType::q8_0, 96, 256);
  add(layer + "mlp.up_proj.weight", DType::q4_k, 96, 256);
  add(layer + "mlp.down_proj.weight", DType::q8_0, 256, 96);
  add(layer + "mlp.experts.3.down_proj.weight", DType::q8_0, 256, 256);
  const Checkpoint checkpoint = Checkpoint::in_memory("folder", std::move(tensors));
  const std::int64_t saved_bytes = (256 * 256 * 2 - 16 * 4352) + (250 * 256 * 2 - 16 * 2368);
  CHECK(cuda_saved_bytes(config, checkpoint) == saved_bytes);
  CHECK(cuda_memory_fit(config, 0, Fp8Weights::blocks, saved_bytes).weight_bytes ==
        cuda_memory_fit(config, 0).weight_bytes - saved_bytes);

  document["head_dim"] = 32;  // heads are filled up, and so are the columns of o_proj
  CHECK(cuda_saved_bytes(parsed(document), checkpoint) == 256 * 256 * 2 - 16 * 4352);
  CHECK(cuda_saved_bytes(parsed(deepseek_v3_config()), checkpoint) == 0);
}

// DeepSeek-V3 has one MTP layer: 61 layers of cache are left, and its 11.5 billion parameters, in FP8, are not there.
TEST_CASE("without_mtp: a GPU that drafts nothing holds less", "[engine][fit]") {
  const ModelConfig config = parsed(deepseek_v3_config());
  const MemoryFit whole = cuda_memory_fit(config, 0), rest = cuda_memory_fit(without_mtp(config), 0);
  CHECK(whole.kv_bytes_per_token == 62 * 576 * 2);
  CHECK(rest.kv_bytes_per_token == 61 * 576 * 2);
  CHECK(whole.weight_bytes - rest.weight_bytes > 11'000'000'000);
  CHECK(whole.weight_bytes - rest.weight_bytes < 12'500'000'000);
}
