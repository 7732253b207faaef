// Models spread over two GPUs, or over two ranks on one where there is no second: against one GPU, and against
// themselves, bit by bit.

#include <cstdlib>
#include <filesystem>

#include "harness/base/log.h"
#include "kernels/device/gpu_test.cuh"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/scheduler.h"
#include "runners/engine/test_executor.h"
#include "runners/engine/test_records.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::tests;

namespace {

const int kSharesDevice = let_ranks_share_a_device();

const std::filesystem::path kSource = ASSAY_SOURCE_DIR;

const Model& reference_model() {
  static const Model model = [] {
    set_log_level(LogLevel::quiet);
    return must(load_model(kSource / "models/reference"));
  }();
  return model;
}

constexpr ParallelOptions kOne{1, 1}, kTensor{2, 1}, kExpert{1, 2}, kBoth{2, 2};

struct Settings {
  ParallelOptions parallel = kOne;
  int max_batch = 64;
  int chunk = 512;
  bool speculate = false;
  Fp8Weights fp8 = Fp8Weights::widen;
};

std::unique_ptr<Executor> executor_for(const Model& model, const Settings& settings) {
  ExecutorOptions limits;
  limits.max_batch = settings.max_batch;
  limits.prefill_chunk_tokens = settings.chunk;
  limits.speculate = settings.speculate;
  limits.kv_memory_bytes = std::int64_t{1} << 30;
  if (settings.parallel.n_ranks() == 1) return must(create_cuda_executor(model, limits, {.fp8 = settings.fp8}));
  int n_devices = 0;
  must(kernels::check(cudaGetDeviceCount(&n_devices), "devices"));
  const std::vector<int> ordinals{0, n_devices > 1 ? 1 : 0};
  return must(create_parallel_executor(model, ordinals, settings.parallel, limits, {.fp8 = settings.fp8}));
}

std::vector<TokenOutput> generate(const Model& model, const std::vector<TokenRequest>& requests,
                                  const Settings& settings) {
  ExecutorOptions limits;
  limits.max_batch = settings.max_batch;
  limits.prefill_chunk_tokens = settings.chunk;
  limits.speculate = settings.speculate;
  Scheduler scheduler = must(Scheduler::create(model, executor_for(model, settings), {limits, {1}}));
  std::vector<TokenOutput> outputs(requests.size());
  must(scheduler.run(requests,
                     [&](TokenOutput output) -> Result<> {
                       outputs[output.request] = std::move(output);
                       return {};
                     },
                     {}, {}));
  return outputs;
}

/// The recorded prompts, one greedy sample each.
std::vector<TokenRequest> greedy_requests() {
  std::vector<TokenRequest> requests;
  for (const Record& record : records()) requests.push_back({.prompt = record.prompt, .sampling = {}, .key = {}});
  return requests;
}

/// Sampled so hot that every bit of the logits counts.
std::vector<TokenRequest> hot_requests() {
  std::vector<TokenRequest> requests;
  for (std::size_t i = 0; i < records().size(); i += 13) {
    for (std::uint32_t sample = 0; sample < 2; ++sample) {
      TokenRequest request;
      request.prompt = records()[i].prompt;
      request.max_output_tokens = 24;
      request.sampling = {3, 1, 0, 0};
      request.key = {7, static_cast<std::uint32_t>(i) * 16 + sample};
      request.n_logprobs = 2;
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

void check_same(const std::vector<TokenOutput>& a, const std::vector<TokenOutput>& b) {
  REQUIRE(a.size() == b.size());
  bool same = true;
  for (std::size_t i = 0; i < a.size(); ++i) {
    same = same && a[i].tokens == b[i].tokens && a[i].logprobs.size() == b[i].logprobs.size();
    for (std::size_t k = 0; same && k < a[i].logprobs.size(); ++k) {
      same = a[i].logprobs[k].logprob == b[i].logprobs[k].logprob && a[i].logprobs[k].top == b[i].logprobs[k].top;
    }
  }
  CHECK(same);
}

std::size_t count_equal(const std::vector<TokenOutput>& a, const std::vector<TokenOutput>& b) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += a[i].tokens == b[i].tokens;
  return n;
}

std::string name_of(const ParallelOptions& parallel) {
  return "tensor " + std::to_string(parallel.tensor_parallel) + ", expert " + std::to_string(parallel.expert_parallel);
}

}  // namespace

TEST_CASE("parallel engine: greedy answers of the reference model are those of one GPU", "[gpu][parallel][reference]") {
  const auto requests = greedy_requests();
  for (const auto fp8 : {Fp8Weights::widen, Fp8Weights::blocks}) {
    const bool widened = fp8 == Fp8Weights::widen;
    Settings settings{.max_batch = 256, .chunk = 4096, .fp8 = fp8};
    const auto alone = generate(reference_model(), requests, settings);
    for (const ParallelOptions& parallel : {kTensor, kExpert, kBoth}) {
      settings.parallel = parallel;
      const std::size_t n_equal = count_equal(generate(reference_model(), requests, settings), alone);
      std::printf("reference model, %s, %s: %zu of %zu greedy answers equal one GPU's, token for token\n",
                  widened ? "bfloat16" : "FP8 blocks", name_of(parallel).c_str(), n_equal, alone.size());
      std::fflush(stdout);
      // Experts of 128 columns are cut within a block by tensor parallelism, and become bfloat16.
      CHECK(n_equal >= (widened ? 396u : 360u));
    }
  }
}

TEST_CASE("parallel engine: the same bits run by run, with any batch, chunk and speculation",
          "[gpu][parallel][invariance]") {
  const ParallelOptions parallel = GENERATE(kTensor, kExpert, kBoth);
  CAPTURE(name_of(parallel));
  const auto requests = hot_requests();
  const auto expected = generate(reference_model(), requests, {.parallel = parallel});
  check_same(generate(reference_model(), requests, {.parallel = parallel}), expected);
  check_same(generate(reference_model(), requests, {.parallel = parallel, .max_batch = 7, .chunk = 100}), expected);
  check_same(generate(reference_model(), requests, {.parallel = parallel, .max_batch = 50, .speculate = true}),
             expected);
}

TEST_CASE("parallel engine: logits of the golden models are those of one GPU, but for rounding",
          "[gpu][parallel][golden]") {
  set_log_level(LogLevel::quiet);
  const std::string name = GENERATE("deepseek_v3_yarn", "deepseek_v3_noqlora", "deepseek_v3_fp8", "deepseek_v2_lite",
                                    "llama_llama3rope", "llama_tied", "qwen2", "qwen3", "qwen3_moe");
  const Model model = must(load_model(kSource / "tests/data/golden" / name));
  const ParallelOptions parallel = GENERATE(kTensor, kExpert);
  if (!check_parallel_model(model.config, parallel)) return;  // the test below names some
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 150; ++i) ids.push_back((7 * i * i + 3) % static_cast<int>(model.config.vocab_size));
  const int first_generated = GENERATE(-1, 120);
  const auto logits_of = [&](const ParallelOptions& how, int chunk) {
    const LogitsOptions options{.first_generated = first_generated, .chunk_tokens = chunk};
    const Settings settings{.parallel = how, .max_batch = 1, .speculate = model.mtp.has_value()};
    return must(compute_logits(model, *executor_for(model, settings), ids, options)).logits;
  };
  CAPTURE(name, name_of(parallel), first_generated);
  const auto logits = logits_of(parallel, 512), alone = logits_of(kOne, 512);
  const std::vector<double> expected(alone.begin(), alone.end());
  const double error = relative_error_of(logits, expected);
  CHECK(error > 0);     // the sums are cut: nothing would be split otherwise
  CHECK(error < 0.05);  // a row of these random models whose expert changes is off by more than rounding
  const auto cut = logits_of(parallel, 37);
  CHECK(same_bits(cut.data(), logits.data(), logits.size()));
}

TEST_CASE("parallel engine: what can't be split is refused in words", "[gpu][parallel]") {
  const auto refusal = [](const Result<>& result) { return result ? std::string() : result.error().message; };
  using Catch::Matchers::Contains;
  CHECK_THAT(refusal(check_parallel({3, 1})), Contains("--tensor-parallel must be 1, 2, 4 or 8, is 3"));
  CHECK_THAT(refusal(check_parallel({2, 4})), Contains("must be equal"));
  const ModelConfig& config = reference_model().config;
  CHECK_THAT(refusal(check_parallel_model(config, {8, 1})),
             Contains("num_attention_heads is 4, which 8 does not divide"));
  ModelConfig dense = config;
  dense.n_routed_experts = 0;
  CHECK_THAT(refusal(check_parallel_model(dense, {1, 2})), Contains("no routed experts"));
  ExecutorOptions limits;
  limits.kv_memory_bytes = std::int64_t{1} << 28;
  const auto too_few = create_parallel_executor(reference_model(), std::vector<int>{0}, kTensor, limits, {});
  REQUIRE_FALSE(too_few);
  CHECK(too_few.error().kind == ErrorKind::bad_input);
  const auto absent = create_parallel_executor(reference_model(), std::vector<int>{0, 99}, kTensor, limits, {});
  REQUIRE_FALSE(absent);
  CHECK(absent.error().kind == ErrorKind::environment);
}
