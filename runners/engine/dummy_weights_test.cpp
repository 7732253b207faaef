// Dummy weights for the configurations of every family: tests/data/golden has one config.json each.

#include "runners/engine/dummy_weights.h"

#include <cmath>
#include <map>

#include "harness/base/file.h"
#include "runners/engine/test_executor.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;

namespace {

const std::filesystem::path kGolden = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data/golden";

std::string any_golden() {
  return GENERATE("deepseek_v3_yarn", "deepseek_v3_noqlora", "deepseek_v3_fp8", "deepseek_v2_lite", "deepseek_v2_group",
                  "llama_llama3rope", "llama_tied", "qwen2", "qwen3", "qwen3_moe");
}

/// A folder with this golden model's config.json and nothing else.
void copy_config(const std::string& golden, const TestFolder& folder) {
  std::filesystem::copy(kGolden / golden / "config.json", folder.path() / "config.json");
}

Checkpoint made(const ModelConfig& config, int n_threads) {
  Result<Checkpoint> checkpoint = dummy_checkpoint(config, "there", n_threads);
  if (!checkpoint) FAIL(checkpoint.error().message);
  return std::move(*checkpoint);
}

}  // namespace

TEST_CASE("dummy weights: every family loads from config.json alone and computes finite logits that differ",
          "[engine][dummy]") {
  const TestFolder folder;
  copy_config(any_golden(), folder);
  const Result<Model> model = load_model(folder.path(), {.weights = WeightSource::dummy, .n_threads = 2});
  if (!model) FAIL(model.error().message);
  CHECK(model->mtp.has_value() == (model->config.num_nextn_predict_layers > 0));
  CHECK(*model->checkpoint.weights_sha256() == "");
  const std::vector<std::int32_t> tokens = {1, 2, 3, 5, 8, 13};
  const auto result = cpu_logits(*model, tokens);
  if (!result) FAIL(result.error().message);
  for (const float logit : result->logits) REQUIRE(std::isfinite(logit));
  CHECK(result->logits.front() != result->logits.back());
}

TEST_CASE("dummy weights: the same bytes for any number of threads", "[engine][dummy]") {
  const Result<ModelConfig> config = read_model_config(kGolden / "deepseek_v3_fp8");
  REQUIRE(config);
  const Checkpoint one = made(*config, 1), three = made(*config, 3);
  REQUIRE(one.tensors().size() == three.tensors().size());
  for (const auto& [name, tensor] : one.tensors()) {
    INFO(name);
    CHECK(std::ranges::equal(tensor->bytes, three.find(name)->bytes));
  }
}

// The distribution wanted: mean 0, deviation 0.02; n values estimate them within a few times 0.02/√n.
TEST_CASE("dummy weights: progress grows to the end, and --threads bounds the threads that make them",
          "[engine][dummy]") {
  const TestFolder folder;
  copy_config("deepseek_v3_fp8", folder);
  const int n_threads = GENERATE(1, 3);
  const auto n_running = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  const auto n_before = n_running();
  std::map<std::string, LoadState, std::less<>> last;
  auto most = n_before;
  const auto on_progress = [&](const LoadState& state) {
    most = std::max(most, n_running());
    const auto [known, is_new] = last.try_emplace(std::string(state.step), state);
    CHECK(known->second.done_bytes <= state.done_bytes);
    CHECK(state.done_bytes <= state.total_bytes);
    known->second = state;
  };
  REQUIRE(
      load_model(folder.path(), {.weights = WeightSource::dummy, .n_threads = n_threads, .on_progress = on_progress}));
  CHECK(most == n_before + n_threads - 1);
  CHECK(last.at("check").done_bytes > 0);
  CHECK(last.contains("load"));
  CHECK(last.at("make").done_bytes == last.at("make").total_bytes);
}

TEST_CASE("dummy weights: spread and types", "[engine][dummy]") {
  Result<ModelConfig> config = read_model_config(kGolden / "deepseek_v3_fp8");
  REQUIRE(config);
  const auto [torch_dtype, dtype] = GENERATE(table<std::string, DType>(
      {{"", DType::bf16}, {"bfloat16", DType::bf16}, {"float16", DType::f16}, {"float32", DType::f32}}));
  config->torch_dtype = torch_dtype;
  const bool fp8 = GENERATE(true, false);
  if (!fp8) config->quantization_config.reset();
  const Checkpoint checkpoint = made(*config, 2);

  const TensorView& embedding = *checkpoint.find("model.embed_tokens.weight");
  CHECK(embedding.dtype == dtype);
  CHECK(checkpoint.find("model.norm.weight")->dtype == dtype);
  const std::vector<float> norm = *read_floats(*checkpoint.find("model.norm.weight"));
  CHECK(norm == std::vector<float>(norm.size(), 1.0f));

  const std::string name = "model.layers.0.mlp.gate_proj.weight";
  const TensorView& projection = *checkpoint.find(name);
  CHECK(projection.dtype == (fp8 ? DType::f8_e4m3 : dtype));
  CHECK((checkpoint.find(name + "_scale_inv") != nullptr) == fp8);
  for (const TensorView* tensor : {&embedding, &projection}) {
    const std::vector<float> values = *read_floats(*tensor);
    const float scale = tensor->dtype == DType::f8_e4m3 ? read_floats(*checkpoint.find(name + "_scale_inv"))->at(0) : 1;
    double sum = 0, squares = 0;
    for (const float value : values) {
      sum += double(value) * scale;
      squares += double(value) * scale * value * scale;
    }
    const auto n = static_cast<double>(values.size());
    CHECK(std::abs(sum / n) < 5 * 0.02 / std::sqrt(n));
    CHECK(std::sqrt(squares / n) == Approx(0.02).epsilon(5 / std::sqrt(n) + 0.002));
  }
}

TEST_CASE("dummy weights: an unknown type and a model beyond this machine are refused before memory is taken",
          "[engine][dummy]") {
  Result<ModelConfig> config = read_model_config(kGolden / "qwen3");
  REQUIRE(config);
  config->torch_dtype = "int4";
  const auto unknown = dummy_checkpoint(*config, "there", 1);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == ErrorKind::bad_input);
  CHECK_THAT(unknown.error().message, Contains("torch_dtype") && Contains("int4") && Contains("bfloat16"));

  config->torch_dtype = "float32";
  config->vocab_size = 1 << 24;
  config->hidden_size = 1 << 17;
  const auto huge = dummy_checkpoint(*config, "there", 1);
  REQUIRE_FALSE(huge);
  CHECK(huge.error().kind == ErrorKind::environment);
  CHECK_THAT(huge.error().message, Contains("GB"));
}
