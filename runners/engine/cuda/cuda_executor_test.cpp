// Whole models on the GPU: against other implementations' float32 (tests/data/golden), and against itself, bit by bit,
// however the work is cut.

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "harness/base/log.h"
#include "kernels/device/gpu_test.cuh"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/logits.h"
#include "runners/engine/scheduler.h"
#include "runners/formats/safetensors.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::tests;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data/golden";

Model load(const std::string& name) {
  set_log_level(LogLevel::quiet);  // no note of memory for each of many executors
  return must(load_model(kGolden / name));
}

std::unique_ptr<Executor> executor_for(const Model& model, ExecutorOptions options) {
  if (options.kv_memory_bytes == 0) options.kv_memory_bytes = std::int64_t{1} << 30;
  return must(create_cuda_executor(model, options, {}));
}

SequenceLogits logits_of(const Model& model, const std::vector<std::int32_t>& ids, const LogitsOptions& options) {
  ExecutorOptions limits;
  limits.max_batch = 1;
  limits.speculate = model.mtp.has_value();
  return must(compute_logits(model, *executor_for(model, limits), ids, options));
}

std::vector<double> wide(const std::vector<float>& values) { return {values.begin(), values.end()}; }

/// Mean over rows of the KL divergence of softmax(b) from softmax(a).
double mean_divergence(const std::vector<float>& a, const std::vector<float>& b, std::size_t vocab) {
  double sum = 0;
  const std::size_t n_rows = a.size() / vocab;
  for (std::size_t row = 0; row < n_rows; ++row) {
    const auto of = [&](const std::vector<float>& all) { return std::span(all).subspan(row * vocab, vocab); };
    const double total_a = kernels::log_sum_exp(of(a)), total_b = kernels::log_sum_exp(of(b));
    for (std::size_t i = 0; i < vocab; ++i) {
      const double log_a = static_cast<double>(of(a)[i]) - total_a, log_b = static_cast<double>(of(b)[i]) - total_b;
      sum += std::exp(log_a) * (log_a - log_b);
    }
  }
  return sum / static_cast<double>(n_rows);
}

struct Settings {
  int max_batch = 64;
  int chunk = 512;
  bool speculate = false;
};

std::vector<TokenOutput> generate(const Model& model, const std::vector<TokenRequest>& requests,
                                  const Settings& settings) {
  ExecutorOptions limits;
  limits.max_batch = settings.max_batch;
  limits.prefill_chunk_tokens = settings.chunk;
  limits.speculate = settings.speculate;
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

/// Prompts of many lengths, three samples each; some are greedy, and all report log-probabilities.
std::vector<TokenRequest> some_requests(const Model& model) {
  std::mt19937 generator(211);
  std::vector<TokenRequest> requests;
  for (const std::size_t length : {1u, 5u, 63u, 64u, 65u, 130u, 200u, 30u}) {
    std::vector<std::int32_t> prompt;
    for (std::size_t i = 0; i < length; ++i) {
      prompt.push_back(static_cast<std::int32_t>(generator() % static_cast<unsigned>(model.config.vocab_size)));
    }
    for (std::uint32_t sample = 0; sample < 3; ++sample) {
      TokenRequest request;
      request.prompt = prompt;
      request.max_output_tokens = 20 + static_cast<std::int64_t>(length % 7) * 10;
      if (length % 2 == 1) request.sampling = {0.8, 0.95, 40, 0.01};
      request.key = {7, static_cast<std::uint32_t>(length) * 16 + sample};
      request.n_logprobs = 3;
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

/// The same tokens, and log-probabilities equal to the bit.
void check_same(const std::vector<TokenOutput>& a, const std::vector<TokenOutput>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(a[i].tokens == b[i].tokens);
    REQUIRE(a[i].logprobs.size() == b[i].logprobs.size());
    bool same = true;
    for (std::size_t k = 0; k < a[i].logprobs.size(); ++k) {
      same = same && a[i].logprobs[k].logprob == b[i].logprobs[k].logprob && a[i].logprobs[k].top == b[i].logprobs[k].top;
    }
    CHECK(same);
  }
}

}  // namespace

TEST_CASE("cuda engine: the golden models, every layer, for prompt and generated positions", "[gpu][golden]") {
  const std::string name = GENERATE("llama_llama3rope", "llama_tied", "qwen2", "qwen3");
  const Model model = load(name);
  const SafetensorsFile golden = *SafetensorsFile::open(kGolden / name / "golden.safetensors");
  const auto floats = [&](const std::string& tensor) { return *read_floats(*golden.find(tensor)); };
  const std::string s = GENERATE("0", "1");
  const auto ids = *read_integers(*golden.find("tokens." + s));
  const int first_generated = GENERATE(-1, 5);
  const SequenceLogits out = logits_of(model, std::vector<std::int32_t>(ids.begin(), ids.end()),
                                       {.hidden = true, .first_generated = first_generated});
  INFO(name << " sequence " << s << " generated from " << first_generated);
  constexpr double kTolerance = 0.01;         // a bfloat16 holds 8 bits
  constexpr double kMostDivergence = 2e-4;    // of random weights, whose logits hang on every bit
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    const auto expected = floats("hidden." + s + "." + std::to_string(layer));
    CHECK(relative_error_of(out.hidden[layer], wide(expected)) < kTolerance);
  }
  const auto logits = floats("logits." + s);
  const double error = relative_error_of(out.logits, wide(logits));
  const double divergence = mean_divergence(logits, out.logits, static_cast<std::size_t>(model.config.vocab_size));
  std::printf("%s %s from %d: logits' relative error %.2e, mean KL divergence %.2e\n", name.c_str(), s.c_str(),
              first_generated, error, divergence);
  CHECK(error < kTolerance);
  CHECK(divergence < kMostDivergence);
}

TEST_CASE("cuda engine: logits are the same bits however the prompt is cut", "[gpu][invariance]") {
  const std::string name = GENERATE("llama_llama3rope", "qwen2", "qwen3");
  const Model model = load(name);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 300; ++i) ids.push_back((7 * i * i + 3) % static_cast<int>(model.config.vocab_size));
  const int first_generated = GENERATE(-1, 270);
  const auto expected = logits_of(model, ids, {.first_generated = first_generated}).logits;
  for (const int chunk : {1, 7, 64, 100, 128}) {
    CAPTURE(name, chunk, first_generated);
    const auto logits = logits_of(model, ids, {.first_generated = first_generated, .chunk_tokens = chunk}).logits;
    CHECK(same_bits(logits.data(), expected.data(), expected.size()));
  }
}

TEST_CASE("cuda engine: a sample's tokens and logits don't depend on batch, order, chunk or graphs",
          "[gpu][invariance]") {
  const std::string name = GENERATE("llama_llama3rope", "qwen3");
  const Model model = load(name);
  const auto requests = some_requests(model);
  const auto expected = generate(model, requests, {.max_batch = 1});
  for (const int max_batch : {2, 7, 24, 64}) {
    CAPTURE(name, max_batch);
    check_same(generate(model, requests, {.max_batch = max_batch}), expected);
  }
  check_same(generate(model, requests, {.max_batch = 5, .chunk = 37}), expected);

  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937(5));
  std::vector<TokenRequest> shuffled;
  for (const std::size_t i : order) shuffled.push_back(requests[i]);
  const auto outputs = generate(model, shuffled, {.max_batch = 9});
  std::vector<TokenOutput> in_order(outputs.size());
  for (std::size_t i = 0; i < order.size(); ++i) in_order[order[i]] = outputs[i];
  check_same(in_order, expected);
}

TEST_CASE("cuda engine: what does not fit is refused before anything runs", "[gpu]") {
  const Model model = load("llama_tied");
  ExecutorOptions limits;
  limits.max_batch = 1 << 16;
  limits.kv_memory_bytes = std::int64_t{1} << 50;
  const auto refused = create_cuda_executor(model, limits, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::environment);
  CHECK(open_cuda_device(99).error().kind == ErrorKind::environment);
}
