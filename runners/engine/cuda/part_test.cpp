// A model spread over two processes, which NCCL takes for two hosts: against the same spread over two ranks of one
// process, bit by bit. Both on one GPU where there is no second. Skipped where NCCL is not.

#include <spawn.h>
#include <sys/wait.h>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "harness/base/log.h"
#include "kernels/collective/collective.h"
#include "kernels/collective/process_ranks.cuh"
#include "kernels/device/gpu_test.cuh"
#include "kernels/device/handles.cuh"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/native_device.h"
#include "runners/engine/parts/follow.h"
#include "runners/engine/parts/leading_executor.h"
#include "runners/engine/scheduler.h"
#include "runners/engine/test_executor.h"
#include "runners/engine/test_records.h"

extern char** environ;

using namespace assay;
using namespace assay::runners;
using namespace assay::tests;
using Catch::Matchers::Contains;

namespace {

const std::filesystem::path kSource = ASSAY_SOURCE_DIR;
constexpr ParallelOptions kTensor{2, 1}, kExpert{1, 2}, kBoth{2, 2};
constexpr const char* kPort = "ASSAY_TEST_PART_PORT";

/// As two hosts without NVLink or InfiniBand between them. Read when NCCL starts.
const int kTwoHosts = [] {
  set_log_level(LogLevel::quiet);
  let_ranks_share_a_device();
  setenv("NCCL_HOSTID", std::getenv(kPort) == nullptr ? "one" : "two", 1);
  for (const char* off : {"NCCL_P2P_DISABLE", "NCCL_SHM_DISABLE", "NCCL_IB_DISABLE"}) setenv(off, "1", 1);
  return setenv("NCCL_SOCKET_IFNAME", "lo", 1);
}();

int n_devices() {
  int n = 0;
  must(kernels::check(cudaGetDeviceCount(&n), "devices"));
  return n;
}

void skip_without_nccl() {
  const auto place = make_meeting_place();
  if (place) return;
  std::fprintf(stderr, "skipped: %s\n", place.error().message.c_str());
  std::fflush(nullptr);
  std::_Exit(77);
}

/// Part 0 here, and part 1 in a process of its own, which is this program once more.
class TwoProcesses {
 public:
  TwoProcesses() {
    const PartSocket listener = must(PartSocket::listen(0));
    setenv(kPort, std::to_string(listener.port()).c_str(), 1);
    char* words[] = {const_cast<char*>("/proc/self/exe"), const_cast<char*>("[.part]"), nullptr};
    REQUIRE(posix_spawn(&other_, words[0], nullptr, nullptr, words, environ) == 0);
    unsetenv(kPort);
    group_ = must(PartGroup::lead(listener, 2, {.program = "test"}));
  }
  ~TwoProcesses() { wait(); }
  PartGroup& group() { return *group_; }
  void kill_other() const { ::kill(other_, SIGKILL); }
  /// How the other ended.
  int wait() {
    group_.reset();
    if (other_ > 0) ::waitpid(std::exchange(other_, -1), &status_, 0);
    return status_;
  }

 private:
  pid_t other_ = -1;
  int status_ = -1;
  std::unique_ptr<PartGroup> group_;
};

ExecutorOptions limits_of(int max_batch, int chunk, bool speculate) {
  ExecutorOptions limits;
  limits.max_batch = max_batch;
  limits.prefill_chunk_tokens = chunk;
  limits.speculate = speculate;
  limits.kv_memory_bytes = std::int64_t{1} << 30;
  return limits;
}

std::unique_ptr<Executor> in_one_process(const Model& model, const ParallelOptions& parallel,
                                         const ExecutorOptions& limits) {
  const std::vector<int> ordinals{0, n_devices() > 1 ? 1 : 0};
  return must(create_parallel_executor(model, ordinals, parallel, limits, {.fp8 = Fp8Weights::widen}));
}

std::unique_ptr<Executor> over_processes(const Model& model, const ParallelOptions& parallel,
                                         const ExecutorOptions& limits, TwoProcesses& processes) {
  static kernels::ThreadPool pool(1);
  NativeDevice device = must(open_native_device("cuda:0", "auto", parallel, &processes.group()));
  auto executor = must(create_executor(model, device, limits, {.fp8 = Fp8Weights::widen},
                                       {kernels::cpu_ops(kernels::best_simd_level()), pool}));
  must(settle_parts(device, must(model.checkpoint.weights_sha256())));
  return executor;
}

/// Two hot samples of every thirteenth record's prompt, and the greedy ones of a few. Processes that share a GPU take
/// turns on it, so they are few.
std::vector<TokenRequest> requests() {
  std::vector<TokenRequest> all;
  for (std::size_t i = 0; i < records().size(); i += 13) {
    TokenRequest request;
    request.prompt = records()[i].prompt;
    request.max_output_tokens = 24;
    if (i % 2 == 0) all.push_back(request);
    request.sampling = {3, 1, 0, 0};
    request.n_logprobs = 2;
    for (std::uint32_t sample = 0; sample < 2; ++sample) {
      request.key = {7, static_cast<std::uint32_t>(i) * 16 + sample};
      all.push_back(request);
    }
  }
  return all;
}

Result<std::vector<TokenOutput>> generate(const Model& model, std::unique_ptr<Executor> executor,
                                          const ExecutorOptions& limits,
                                          const std::function<void(std::size_t)>& on_finished = {}) {
  Scheduler scheduler = must(Scheduler::create(model, std::move(executor), {limits, {1}}));
  const auto asked = requests();
  std::vector<TokenOutput> outputs(asked.size());
  std::size_t n = 0;
  ASSAY_TRY(scheduler.run(asked,
                          [&](TokenOutput output) -> Result<> {
                            if (on_finished) on_finished(++n);
                            outputs[output.request] = std::move(output);
                            return {};
                          },
                          {}, {}));
  return {std::move(outputs)};
}

const Model& reference_model() {
  static const Model model = must(load_model(kSource / "models/reference"));
  return model;
}

}  // namespace

TEST_CASE("part engine: the other process", "[.part]") {
  const char* port = std::getenv(kPort);
  REQUIRE(port != nullptr);
  const std::vector<PartAddress> leader = {{"127.0.0.1", std::atoi(port)}};
  const auto group = must(PartGroup::follow(leader, 1, {.program = "test"}));
  must(follow_leader(*group, {.device = n_devices() > 1 ? "cuda:1" : "cuda:0", .n_threads = 2}));
}

TEST_CASE("part engine: parts are added in the order of the ranks, columns stand side by side", "[gpu][parts]") {
  std::mt19937 generator(5);
  for (const int n_ranks : {1, 2, 3, 8}) {
    for (const int n : {4, 1000, 70'000}) {
      const auto gathered = normal_floats(generator, static_cast<std::size_t>(n_ranks) * static_cast<std::size_t>(n));
      auto x = normal_floats(generator, static_cast<std::size_t>(n));
      const auto device_parts = must(kernels::DeviceBuffer<float>::create(gathered.size()));
      const auto device_x = must(kernels::DeviceBuffer<float>::create(x.size()));
      must(device_parts.upload(gathered));
      must(device_x.upload(x));
      must(kernels::add_gathered(device_parts.data(), n_ranks, n, device_x.data(), nullptr));
      std::vector<std::span<const float>> parts;
      for (int rank = 0; rank < n_ranks; ++rank) {
        parts.push_back(std::span(gathered).subspan(static_cast<std::size_t>(rank * n), static_cast<std::size_t>(n)));
      }
      kernels::add_in_rank_order(parts, x);
      const auto sums = must(device_x.download());
      CHECK(same_bits(sums.data(), x.data(), x.size()));

      const auto device_out = must(kernels::DeviceBuffer<float>::create(gathered.size()));
      must(kernels::place_columns(device_parts.data(), n_ranks, n / 4, 4, device_out.data(), nullptr));
      const auto out = must(device_out.download());
      bool stands = true;
      for (int row = 0; row < n / 4; ++row) {
        for (int column = 0; column < 4 * n_ranks; ++column) {
          const auto from = static_cast<std::size_t>(column / 4 * n + row * 4 + column % 4);
          stands = stands && out[static_cast<std::size_t>(row * 4 * n_ranks + column)] == gathered[from];
        }
      }
      CHECK(stands);
    }
  }
  CHECK_FALSE(kernels::add_gathered(nullptr, 2, 6, nullptr, nullptr));
  CHECK_FALSE(kernels::place_columns(nullptr, 2, 1, 6, nullptr, nullptr));
}

TEST_CASE("part engine: two processes give the tokens of two ranks in one, bit by bit", "[gpu][parts][reference]") {
  skip_without_nccl();
  for (const ParallelOptions& parallel : {kTensor, kExpert, kBoth}) {
    for (const bool speculate : {false, true}) {
      const ExecutorOptions limits = speculate ? limits_of(20, 100, true) : limits_of(64, 512, false);
      const auto expected =
          must(generate(reference_model(), in_one_process(reference_model(), parallel, limits), limits));
      TwoProcesses processes;
      const auto outputs =
          generate(reference_model(), over_processes(reference_model(), parallel, limits, processes), limits);
      if (!outputs) FAIL(outputs.error().message);
      CHECK(processes.wait() == 0);
      std::size_t n_equal = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        bool same = (*outputs)[i].tokens == expected[i].tokens;
        for (std::size_t k = 0; same && k < expected[i].logprobs.size(); ++k) {
          same = (*outputs)[i].logprobs[k].logprob == expected[i].logprobs[k].logprob;
        }
        n_equal += same;
      }
      std::printf("tensor %d, expert %d%s: %zu of %zu samples of two processes equal those of one\n",
                  parallel.tensor_parallel, parallel.expert_parallel, speculate ? ", drafted" : "", n_equal,
                  expected.size());
      std::fflush(stdout);
      CHECK(n_equal == expected.size());
    }
  }
}

TEST_CASE("part engine: logits of the golden models have the bits of two ranks in one process",
          "[gpu][parts][golden]") {
  skip_without_nccl();
  for (const char* name : {"deepseek_v3_yarn", "deepseek_v2_lite", "llama_llama3rope", "qwen3_moe"}) {
    const Model model = must(load_model(kSource / "tests/data/golden" / name));
    if (!check_parallel_model(model.config, kTensor)) continue;
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 150; ++i) ids.push_back((7 * i * i + 3) % static_cast<int>(model.config.vocab_size));
    const ExecutorOptions limits = limits_of(1, 512, model.mtp.has_value());
    const LogitsOptions how{.hidden = true, .first_generated = 120};
    const auto expected = must(compute_logits(model, *in_one_process(model, kTensor, limits), ids, how));
    TwoProcesses processes;
    const auto out = must(compute_logits(model, *over_processes(model, kTensor, limits, processes), ids, how));
    CAPTURE(name);
    CHECK(same_bits(out.logits.data(), expected.logits.data(), expected.logits.size()));
    CHECK(out.hidden.back() == expected.hidden.back());
    CHECK(out.mtp == expected.mtp);
    CHECK(processes.wait() == 0);
  }
}

TEST_CASE("part engine: a process that is killed ends the run in bounded time", "[gpu][parts]") {
  skip_without_nccl();
  const ExecutorOptions limits = limits_of(16, 512, false);
  TwoProcesses processes;
  std::chrono::steady_clock::time_point killed;
  const auto outputs = generate(reference_model(), over_processes(reference_model(), kTensor, limits, processes),
                                limits, [&](std::size_t n) {
                                  if (n != 5) return;
                                  processes.kill_other();
                                  killed = std::chrono::steady_clock::now();
                                });
  const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - killed).count();
  REQUIRE_FALSE(outputs);
  CHECK_THAT(outputs.error().message, Contains("part 1 (") && Contains("no longer takes part"));
  std::printf("ended %.2f s after the other process was killed\n", s);
  std::fflush(stdout);
  CHECK(s < 30);
}
