// A golden model written as GGUF runs as it does from its folder.

#include <cstring>
#include <fstream>

#include "runners/engine/test_executor.h"
#include "runners/engine/test_gguf_writer.h"
#include "runners/formats/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::runners;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data/golden/llama_tied";

std::vector<float> logits_of(const std::filesystem::path& model_path, const std::vector<std::int32_t>& tokens,
                             kernels::SimdLevel level = kernels::best_simd_level(), int chunk = 64) {
  const Result<Model> model = load_model(model_path);
  if (!model) FAIL(model.error().message);
  const auto logits = cpu_logits(*model, tokens, {.chunk_tokens = chunk}, level);
  if (!logits) FAIL(logits.error().message);
  return logits->logits;
}

}  // namespace

TEST_CASE("engine: a GGUF file runs as its folder does, bit for bit, and its quantised form nearly so",
          "[engine][gguf]") {
  const ModelConfig config = *read_model_config(kFolder);
  const Checkpoint checkpoint = *Checkpoint::open(kFolder);
  TestGguf gguf = llama_gguf(config, checkpoint);
  const test_support::TemporaryFolder folder;
  const std::filesystem::path file = folder / "m.gguf";
  std::ofstream(file, std::ios::binary) << gguf.bytes();
  std::vector<std::int32_t> tokens;
  for (int i = 0; i < 40; ++i) tokens.push_back((7 * i + 3) % static_cast<int>(config.vocab_size));
  const auto expected = logits_of(kFolder, tokens);
  CHECK(logits_of(file, tokens) == expected);

  for (TestTensor& tensor : gguf.tensors) {
    if (tensor.dims.size() == 2 && tensor.dims[0] % 32 == 0) quantize(tensor);
  }
  std::ofstream(file, std::ios::binary | std::ios::trunc) << gguf.bytes();
  const auto quantised = logits_of(file, tokens);
  CHECK(tests::relative_error(quantised, expected) < 0.1);
  CHECK(tests::relative_error(quantised, expected) > 1e-5);  // the quantised weights are what ran
  for (const kernels::SimdLevel level : tests::available_levels())
    CHECK(logits_of(file, tokens, level, 7) == quantised);

  const auto n_running = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  for (const int n_threads : {1, 3}) {
    const auto n_before = n_running();
    auto most = n_before;
    const auto on_progress = [&](const LoadState&) { most = std::max(most, n_running()); };
    REQUIRE(load_model(file, {.n_threads = n_threads, .on_progress = on_progress}));
    CHECK(most == n_before + n_threads - 1);  // those that repack
  }
}
