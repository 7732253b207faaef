// assay-engine-bench: whole passes of a model on the GPU, with random weights: decode by batch, and prefill.
//   assay-engine-bench [--weights TYPES] [--tensor-parallel N] [--expert-parallel N] DIR [CONTEXT [BATCH…]]
// DIR has config.json; TYPES are bf16 (or what config.json says), q8_0 or q4_k_m (a GGUF file's); context 1024,
// batches 1 32 128 256.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/executor.h"
#include "runners/engine/host.h"
#include "runners/engine/model.h"
#include "runners/engine/pass_timing.h"

using namespace assay;
using namespace assay::runners;

namespace {

using Clock = std::chrono::steady_clock;

double since_ms(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double sum_ms(const PassTimes& times) { return std::accumulate(times.wall_ms.begin(), times.wall_ms.end(), 0.0); }

Result<> run(DummyTypes types, const ParallelOptions& parallel, const std::string& folder, int context,
             const std::vector<int>& batches) {
  ASSAY_TRY(check_parallel(parallel));
  std::vector<int> ordinals(static_cast<std::size_t>(parallel.n_ranks()));
  std::iota(ordinals.begin(), ordinals.end(), 0);
  ASSAY_ASSIGN(const std::vector<CudaDevice> devices, open_cuda_devices(ordinals));
  LoadOptions load;
  load.weights = WeightSource::dummy;
  load.dummy_types = types;
  const Clock::time_point start = Clock::now();
  ASSAY_ASSIGN(const Model model, load_model(folder, load));
  const double made_ms = since_ms(start);
  ExecutorOptions limits;
  limits.max_batch = *std::max_element(batches.begin(), batches.end());
  limits.kv_memory_pct = 90;
  limits.prefill_chunk_tokens = 4096;
  const Clock::time_point upload = Clock::now();
  ASSAY_ASSIGN(const std::unique_ptr<Executor> executor,
               parallel.n_ranks() == 1 ? create_cuda_executor(model, limits, load)
                                       : create_parallel_executor(model, ordinals, parallel, limits, load));
  std::printf("%s on %d %s (tensor parallel %d, expert parallel %d): weights made in %.1f s, there in %.1f s\n",
              folder.c_str(), parallel.n_ranks(), devices.front().name.c_str(), parallel.tensor_parallel,
              parallel.expert_parallel, made_ms / 1000, since_ms(upload) / 1000);

  constexpr int kWarm = 8, kSteps = 64;
  ASSAY_ASSIGN(const auto pages, pages_of_sequences(*executor, limits.max_batch, context + kWarm + kSteps + 1));
  const auto prefill = [&](int n) {
    return time_prefill(*executor, n, context, limits.prefill_chunk_tokens, 0, model.config.vocab_size, pages);
  };
  ASSAY_TRY(prefill(std::min(8, limits.max_batch)));  // loads the kernels
  ASSAY_ASSIGN(const PassTimes prompts, prefill(limits.max_batch));
  std::printf("prefill of %d prompts of %d tokens: %.0f tokens/s\n", limits.max_batch, context,
              limits.max_batch * context / sum_ms(prompts) * 1000);
  std::printf("%8s %14s %12s %12s %12s %10s\n", "batch", "sampling", "tokens/s", "step ms", "device ms", "idle %");
  for (const int batch : batches) {
    for (const double temperature : {0.0, 0.6}) {
      ASSAY_TRY(time_decode(*executor, batch, context, kWarm, temperature, pages));
      ASSAY_ASSIGN(const PassTimes t, time_decode(*executor, batch, context, kSteps, temperature, pages));
      const double steps = kSteps, wall_ms = sum_ms(t);
      std::printf("%8d %14s %12.1f %12.3f %12.3f %10.2f\n", batch, temperature > 0 ? "0.6, top-p" : "greedy",
                  batch * steps / wall_ms * 1000, wall_ms / steps, t.device_ms / steps,
                  100 * t.idle_ms / (t.idle_ms + t.device_ms));
    }
  }
  std::fflush(stdout);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  DummyTypes types = DummyTypes::as_config;
  bool is_usable = true;
  ParallelOptions parallel;
  while (is_usable && words.size() >= 2 && words[0].starts_with("--")) {
    if (words[0] == "--tensor-parallel") {
      parallel.tensor_parallel = std::atoi(words[1].c_str());
    } else if (words[0] == "--expert-parallel") {
      parallel.expert_parallel = std::atoi(words[1].c_str());
    } else if (words[0] != "--weights") {
      is_usable = false;
    } else if (words[1] == "q8_0") {
      types = DummyTypes::q8_0;
    } else if (words[1] == "q4_k_m") {
      types = DummyTypes::q4_k_m;
    } else {
      is_usable = words[1] == "bf16";
    }
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.empty() || !is_usable) {
    std::fprintf(
        stderr,
        "usage: assay-engine-bench [--weights bf16|q8_0|q4_k_m] [--tensor-parallel N] [--expert-parallel N] DIR "
        "[CONTEXT [BATCH...]]\n");
    return 2;
  }
  std::vector<int> batches;
  for (std::size_t i = 2; i < words.size(); ++i) batches.push_back(std::max(1, std::atoi(words[i].c_str())));
  if (batches.empty()) batches = {1, 32, 128, 256};
  const Result<> done =
      run(types, parallel, words[0], words.size() > 1 ? std::max(1, std::atoi(words[1].c_str())) : 1024, batches);
  if (done) return 0;
  std::fprintf(stderr, "assay-engine-bench: %s\n", done.error().message.c_str());
  return 3;
}
