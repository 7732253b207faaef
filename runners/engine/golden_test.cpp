// Hidden states and logits against other implementations: tests/data/golden (tiny random models run in another library,
// float32) and the reference model's own records (models/reference).

#include <algorithm>
#include <filesystem>

#include "harness/base/data_path.h"
#include "runners/engine/test_executor.h"
#include "runners/formats/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"

using namespace assay;
using namespace assay::runners;
using assay::tests::relative_error;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data/golden";
constexpr double kTolerance = 2e-5;

std::vector<float> floats(const SafetensorsFile& file, const std::string& name) {
  const TensorView* tensor = file.find(name);
  REQUIRE(tensor != nullptr);
  return *read_floats(*tensor);
}

std::vector<std::int32_t> tokens(const SafetensorsFile& file, const std::string& name) {
  const TensorView* tensor = file.find(name);
  REQUIRE(tensor != nullptr);
  const auto ids = *read_integers(*tensor);
  return {ids.begin(), ids.end()};
}

Model load(const std::filesystem::path& folder) {
  Result<Model> model = load_model(folder);
  if (!model) FAIL(model.error().message);
  return std::move(*model);
}

SequenceLogits logits_of(const Model& model, const std::vector<std::int32_t>& ids, const LogitsOptions& options,
                         kernels::SimdLevel level = kernels::best_simd_level(), int n_threads = 2) {
  TestExecutor executor(model, {.max_batch = 1, .kv_memory_bytes = std::int64_t{1} << 40}, n_threads, level);
  Result<SequenceLogits> result = compute_logits(model, *executor, ids, options);
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}

}  // namespace

TEST_CASE("engine: the ten golden models, every layer, for prompt and generated positions", "[engine][golden]") {
  const std::string name =
      GENERATE("deepseek_v3_yarn", "deepseek_v3_noqlora", "deepseek_v3_fp8", "deepseek_v2_lite", "deepseek_v2_group",
               "llama_llama3rope", "llama_tied", "qwen2", "qwen3", "qwen3_moe");
  const Model model = load(kGolden / name);
  const SafetensorsFile golden = *SafetensorsFile::open(kGolden / name / "golden.safetensors");
  const std::string s = GENERATE("0", "1");
  const auto ids = tokens(golden, "tokens." + s);
  const int first_generated = GENERATE(-1, 5);
  const SequenceLogits out =
      logits_of(model, ids, {.hidden = true, .first_generated = first_generated, .chunk_tokens = 7});
  INFO(name << " sequence " << s << " generated from " << first_generated);
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    CHECK(relative_error(out.hidden[layer], floats(golden, "hidden." + s + "." + std::to_string(layer))) < kTolerance);
  }
  CHECK(relative_error(out.final_hidden, floats(golden, "final." + s)) < kTolerance);
  CHECK(relative_error(out.logits, floats(golden, "logits." + s)) < kTolerance);
}

TEST_CASE("engine: logits are the same bits for any chunk, thread count and dispatch level", "[engine][invariance]") {
  const std::string name =
      GENERATE("deepseek_v3_yarn", "deepseek_v3_fp8", "deepseek_v2_group", "llama_llama3rope", "qwen3_moe");
  const Model model = load(kGolden / name);
  const SafetensorsFile golden = *SafetensorsFile::open(kGolden / name / "golden.safetensors");
  const auto ids = tokens(golden, "tokens.1");
  const int first_generated = GENERATE(-1, 9);
  const auto expected =
      logits_of(model, ids, {.first_generated = first_generated}, kernels::SimdLevel::scalar, 1).logits;
  for (const kernels::SimdLevel level : tests::available_levels()) {
    for (const int chunk : {1, 3, 64}) {
      const LogitsOptions options{.first_generated = first_generated, .chunk_tokens = chunk};
      CHECK(logits_of(model, ids, options, level, 1 + chunk % 2).logits == expected);
    }
  }
}
