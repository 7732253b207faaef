// Models with quantised weights on the GPU: against the CPU over the same weights, and against themselves, bit by bit.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "harness/base/json.h"
#include "harness/base/log.h"
#include "kernels/device/gpu_test.cuh"
#include "kernels/sampling/sampling.h"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/cuda/device_model.h"
#include "runners/engine/memory_fit.h"
#include "runners/engine/scheduler.h"
#include "runners/engine/test_executor.h"
#include "runners/engine/test_gguf_writer.h"
#include "runners/formats/safetensors.h"
#include "runners/formats/test_configs.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/unpacked_folder.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::tests;

namespace {

const std::filesystem::path kData = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data";

/// A small model of a family with random weights of a GGUF file's types.
Model dummy_model(const std::string& family, DummyTypes types) {
  set_log_level(LogLevel::quiet);
  const std::map<std::string, std::string> architectures = {
      {"llama", "LlamaForCausalLM"}, {"qwen2", "Qwen2ForCausalLM"}, {"qwen3_moe", "Qwen3MoeForCausalLM"}};
  Json config = gqa_config(architectures.at(family), family, 4, 256, 768, 4, 2, 1000, family == "qwen2");
  config["head_dim"] = 64;
  config["max_position_embeddings"] = 2048;
  if (family == "qwen3_moe") {
    config = merged(config, Json{{"num_experts", 16},
                                 {"num_experts_per_tok", 4},
                                 {"moe_intermediate_size", 256},
                                 {"norm_topk_prob", true},
                                 {"decoder_sparse_step", 1},
                                 {"mlp_only_layers", Json::array()}});
  }
  const test_support::TemporaryFolder folder;
  std::ofstream(folder / "config.json") << to_json_text(config);
  LoadOptions load;
  load.weights = WeightSource::dummy;
  load.dummy_types = types;
  return must(load_model(folder.path(), load));
}

std::unique_ptr<Executor> executor_for(const Model& model, ExecutorOptions options,
                                       QuantizedWeights quantized = QuantizedWeights::blocks) {
  options.kv_memory_bytes = std::int64_t{1} << 30;
  return must(create_cuda_executor(model, options, {.quantized = quantized}));
}

std::vector<float> logits_of(const Model& model, const std::vector<std::int32_t>& ids,
                             const LogitsOptions& options = {}, QuantizedWeights quantized = QuantizedWeights::blocks) {
  ExecutorOptions limits;
  limits.max_batch = 1;
  return must(compute_logits(model, *executor_for(model, limits, quantized), ids, options)).logits;
}

std::vector<std::int32_t> some_tokens(const Model& model, int n, unsigned seed = 3) {
  std::mt19937 generator(seed);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < n; ++i) {
    ids.push_back(static_cast<std::int32_t>(generator() % static_cast<unsigned>(model.config.vocab_size)));
  }
  return ids;
}

/// Sums over rows of the KL divergence of softmax(b) from softmax(a), and of equal likeliest tokens.
struct Agreement {
  double divergence = 0;
  std::size_t n_rows = 0, n_same = 0;

  void add(const std::vector<float>& a, const std::vector<float>& b, std::size_t vocab) {
    const auto& ops = kernels::cpu_ops(kernels::best_simd_level());
    for (std::size_t at = 0; at < a.size(); at += vocab, ++n_rows) {
      const std::span<const float> row_a(a.data() + at, vocab), row_b(b.data() + at, vocab);
      const double total_a = kernels::log_sum_exp(row_a), total_b = kernels::log_sum_exp(row_b);
      for (std::size_t i = 0; i < vocab; ++i) {
        const double log_a = static_cast<double>(row_a[i]) - total_a, log_b = static_cast<double>(row_b[i]) - total_b;
        divergence += std::exp(log_a) * (log_a - log_b);
      }
      n_same += kernels::argmax(ops, row_a) == kernels::argmax(ops, row_b);
    }
  }
  double mean() const { return divergence / static_cast<double>(n_rows); }
  double same() const { return static_cast<double>(n_same) / static_cast<double>(n_rows); }
  void print(const std::string& what) const {
    std::printf("%s: mean KL divergence %.2e, same top token %.3f %% of %zu\n", what.c_str(), mean(), 100 * same(),
                n_rows);
  }
};

std::vector<TokenOutput> generate(const Model& model, const std::vector<TokenRequest>& requests, int max_batch,
                                  int chunk) {
  ExecutorOptions limits;
  limits.max_batch = max_batch;
  limits.prefill_chunk_tokens = chunk;
  limits.kv_memory_bytes = std::int64_t{1} << 30;
  Scheduler scheduler = must(Scheduler::create(model, executor_for(model, limits), {limits, {1}}));
  std::vector<TokenOutput> outputs(requests.size());
  must(scheduler.run(requests,
                     [&](TokenOutput output) -> Result<> {
                       outputs[output.request] = std::move(output);
                       return {};
                     },
                     {}, {}));
  return outputs;
}

/// A trained model of 400,000 weights (tests/data/README.md) from a GGUF file in which the tensors that `is_quantized`
/// takes are Q8_0.
Model trained_model(const std::function<bool(const TestTensor&)>& is_quantized) {
  const test_support::UnpackedFolder unpacked(kData / "models/tiny-llama-arith");
  const auto folder = unpacked.path();
  TestGguf gguf = llama_gguf(*read_model_config(folder), *Checkpoint::open(folder));
  for (TestTensor& tensor : gguf.tensors) {
    if (tensor.dims.size() == 2 && tensor.dims[0] % 32 == 0 && is_quantized(tensor)) quantize(tensor);
  }
  const test_support::TemporaryFolder written;
  std::ofstream(written / "m.gguf", std::ios::binary) << gguf.bytes();
  set_log_level(LogLevel::quiet);
  return must(load_model(written / "m.gguf"));
}

}  // namespace

// Activations are bfloat16 on the GPU, as for any model there (cuda_executor_test.cpp has the bound's reason). Weights
// are the same numbers on both sides at generated positions; at those of prompts, and with the portable kernels at all,
// they are rounded like activations, which makes twice the squares.
TEST_CASE("cuda gguf: models of the mixes that files have, against the CPU", "[gpu]") {
  const std::string family = GENERATE("llama", "qwen2", "qwen3_moe");
  const auto types = GENERATE(DummyTypes::q8_0, DummyTypes::q4_k_m);
  const Model model = dummy_model(family, types);
  const auto ids = some_tokens(model, 200);
  const int first_generated = GENERATE(-1, 150);
  CAPTURE(family, static_cast<int>(types), first_generated);
  const auto expected = must(cpu_logits(model, ids, {.first_generated = first_generated})).logits;
  const auto logits = logits_of(model, ids, {.first_generated = first_generated});
  const double error = relative_error_of(logits, std::vector<double>(expected.begin(), expected.end()));
  CHECK(error < (family == "qwen3_moe" ? 0.07 : 0.0225));
  Agreement agreement;
  agreement.add(expected, logits, static_cast<std::size_t>(model.config.vocab_size));
  agreement.print(family + (types == DummyTypes::q8_0 ? ", Q8_0" : ", Q4_K and Q6_K") +
                  (first_generated < 0 ? ", a prompt" : ", generated from 150 on"));
  std::printf("  relative error %.4f\n", error);
  CHECK(agreement.mean() < 1e-4);
}

TEST_CASE("cuda gguf: logits and samples don't depend on chunks, batches or order", "[gpu][invariance]") {
  const std::string family = GENERATE("llama", "qwen2", "qwen3_moe");
  const Model model = dummy_model(family, DummyTypes::q4_k_m);
  const auto ids = some_tokens(model, 300);
  const auto expected = logits_of(model, ids);
  for (const int chunk : {1, 7, 64, 100}) {
    CAPTURE(family, chunk);
    const auto logits = logits_of(model, ids, {.chunk_tokens = chunk});
    CHECK(same_bits(logits.data(), expected.data(), expected.size()));
  }
  std::vector<TokenRequest> requests;
  for (unsigned i = 0; i < 24; ++i) {
    TokenRequest request;
    request.prompt = some_tokens(model, 1 + static_cast<int>(i * 13 % 130), i / 3);
    request.max_output_tokens = 20;
    request.sampling = {0.8, 0.95, 40, 0.01};
    request.key = {7, i};
    request.n_logprobs = 2;
    requests.push_back(std::move(request));
  }
  const auto alone = generate(model, requests, 1, 512);
  for (const int max_batch : {5, 16, 64}) {
    const auto together = generate(model, requests, max_batch, 37);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      CAPTURE(family, max_batch, i);
      CHECK(together[i].tokens == alone[i].tokens);
      REQUIRE(together[i].logprobs.size() == alone[i].logprobs.size());
      bool same = true;
      for (std::size_t k = 0; k < alone[i].logprobs.size(); ++k) {
        same = same && together[i].logprobs[k].logprob == alone[i].logprobs[k].logprob &&
               together[i].logprobs[k].top == alone[i].logprobs[k].top;
      }
      CHECK(same);
    }
  }
}

TEST_CASE("cuda gguf: what models show counts is what is uploaded", "[gpu]") {
  const std::string family = GENERATE("llama", "qwen2", "qwen3_moe");
  const auto types = GENERATE(DummyTypes::q8_0, DummyTypes::q4_k_m);
  const auto quantized = GENERATE(QuantizedWeights::blocks, QuantizedWeights::widen);
  const Model model = dummy_model(family, types);
  const DeviceModel uploaded = must(upload_model(model, {.quantized = quantized}, false));
  const auto rope_bytes = static_cast<std::int64_t>(uploaded.rope.size_bytes());
  const bool keeps = quantized == QuantizedWeights::blocks && kernels::cuda_path() == kernels::CudaPath::hopper;
  const std::int64_t saved_bytes = keeps ? cuda_saved_bytes(model.config, model.checkpoint) : 0;
  const MemoryFit fit = cuda_memory_fit(model.config, 0, Fp8Weights::blocks, saved_bytes);
  const double counted = static_cast<double>(fit.weight_bytes),
               taken = static_cast<double>(static_cast<std::int64_t>(uploaded.weight_bytes) - rope_bytes);
  CAPTURE(family, static_cast<int>(types));
  CHECK(taken / counted > 0.98);
  CHECK(taken / counted < 1.05);  // a router of float32 is three of bfloat16
}

TEST_CASE("cuda gguf: a trained model in Q8_0 agrees with the CPU", "[gpu]") {
  const Model model = trained_model([](const TestTensor&) { return true; });
  Agreement agreement;
  for (unsigned seed = 0; seed < 4; ++seed) {
    const auto ids = some_tokens(model, 250, seed);
    agreement.add(must(cpu_logits(model, ids)).logits, logits_of(model, ids),
                  static_cast<std::size_t>(model.config.vocab_size));
  }
  agreement.print("tiny-llama-arith in Q8_0");
  CHECK(agreement.mean() < 1e-4);
  CHECK(agreement.same() >= 0.99);
}

// The embedding and the head, which stay as they are at every position, are not quantised here.
TEST_CASE("cuda gguf: prompts have the bits of widened weights, generated positions have others", "[gpu][hopper]") {
  const Model model = trained_model([](const TestTensor& tensor) { return tensor.name.starts_with("blk."); });
  REQUIRE(cuda_saved_bytes(model.config, model.checkpoint) != 0);
  const auto ids = some_tokens(model, 150);
  const auto bits_of = [&](int first_generated, QuantizedWeights quantized) {
    return logits_of(model, ids, {.first_generated = first_generated}, quantized);
  };
  const auto blocks = bits_of(-1, QuantizedWeights::blocks), widened = bits_of(-1, QuantizedWeights::widen);
  CHECK(same_bits(blocks.data(), widened.data(), blocks.size()));
  const auto generated = bits_of(100, QuantizedWeights::blocks), other = bits_of(100, QuantizedWeights::widen);
  const std::size_t prompt = std::size_t{100} * static_cast<std::size_t>(model.config.vocab_size);
  CHECK(same_bits(generated.data(), other.data(), prompt));
  CHECK_FALSE(same_bits(generated.data() + prompt, other.data() + prompt, generated.size() - prompt));
}

// $ASSAY_SMOLLM2_GGUF: see smollm2_test.cpp. A file that was cut (fewer layers or tokens) does as well.
TEST_CASE("cuda gguf: SmolLM2 in Q4_1 agrees with the CPU", "[gpu][smollm2]") {
  const char* path = std::getenv("ASSAY_SMOLLM2_GGUF");
  if (path == nullptr) return;
  set_log_level(LogLevel::quiet);
  const Model model = must(load_model(path));
  const SafetensorsFile judged = must(SafetensorsFile::open(kData / "smollm2/llama_cpp.safetensors"));
  Agreement agreement;
  for (int text = 0; text < 3; ++text) {
    const auto read = must(read_integers(*judged.find("tokens." + std::to_string(text))));
    std::vector<std::int32_t> ids;
    for (const std::int64_t id : read) ids.push_back(static_cast<std::int32_t>(id % model.config.vocab_size));
    agreement.add(must(cpu_logits(model, ids)).logits, logits_of(model, ids),
                  static_cast<std::size_t>(model.config.vocab_size));
  }
  agreement.print("SmolLM2 in Q4_1");
  CHECK(agreement.mean() < 1e-4);
  CHECK(agreement.same() >= 0.99);
}
