// The canary of the reference model: its stored reference is another library's, and its hash is the same however the
// model is run.
#include "runners/engine/canary.h"

#include <cmath>

#include "harness/base/data_path.h"
#include "harness/base/file.h"
#include "runners/engine/test_executor.h"
#include "runners/engine/test_records.h"
#include "runners/formats/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"
#include "tests/support/simd_levels.h"
#include "tests/support/temporary_folder.h"

void fuzz_canary(std::span<const std::byte> file);

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinAbs;
using test_support::TemporaryFolder;

namespace {

const std::filesystem::path& reference_path() {
  static const std::filesystem::path path = *shipped_path("models/reference");
  return path;
}

const Model& reference_model() {
  static const Model model = [] {
    Result<Model> loaded = load_model(reference_path());
    if (!loaded) FAIL(loaded.error().message);
    return std::move(*loaded);
  }();
  return model;
}

CanaryText reference_text() {
  const auto text = read_canary_text(reference_path(), *reference_model().checkpoint.weights_sha256(),
                                     reference_model().config.vocab_size);
  REQUIRE(text);
  REQUIRE(*text);
  return **text;
}

CanaryResult run_on_cpu(const CanaryText& text, int n_threads, kernels::SimdLevel level, int max_batch, int chunk) {
  ExecutorOptions limits;
  limits.max_batch = max_batch;
  limits.prefill_chunk_tokens = chunk;
  limits.kv_memory_bytes = std::int64_t{64} << 20;
  TestExecutor executor(reference_model(), limits, n_threads, level);
  const auto result = run_canary(reference_model(), *executor, text, chunk);
  if (!result) FAIL(result.error().message);
  return *result;
}

/// The error of a canary.json with this content.
std::string refusal(const TemporaryFolder& folder, const std::string& content) {
  REQUIRE(write_file(folder / "canary.json", content));
  const auto text = read_canary_text(folder.path(), "aa", 10);
  REQUIRE_FALSE(text);
  CHECK(text.error().kind == ErrorKind::bad_input);
  return text.error().message;
}

}  // namespace

// logits.safetensors holds what another library computed: top 16 logits and the logarithm of the sum of all.
TEST_CASE("canary.json: the reference model's is what another library computed", "[engine][canary]") {
  const CanaryText text = reference_text();
  const SafetensorsFile& file = recorded_logits();
  const auto tokens = *read_integers(*file.find("tokens.6"));
  const auto ids = *read_integers(*file.find("main.ids.6"));
  const auto logits = *read_floats(*file.find("main.logits.6"));
  const auto sums = *read_floats(*file.find("main.logsumexp.6"));
  REQUIRE(text.tokens.size() == 32);
  for (std::size_t row = 0; row < text.tokens.size(); ++row) {
    CAPTURE(row);
    CHECK(text.tokens[row] == tokens[row]);
    REQUIRE(text.top_logprobs[row].size() == 16);
    for (std::size_t k = 0; k < 16; ++k) {
      const double logprob = static_cast<double>(logits[row * 16 + k]) - static_cast<double>(sums[row]);
      CHECK(text.top_logprobs[row][k].token == ids[row * 16 + k]);
      CHECK_THAT(text.top_logprobs[row][k].logprob, WithinAbs(logprob, 1e-6));
    }
  }
}

// By hand: 0.5 ln(0.5 / 0.25) + 0.3 ln(0.3 / 0.25) + 0.2 ln(0.2 / 0.5) against four equal logits.
TEST_CASE("kl_divergence: top tokens and the rest as one", "[engine][canary]") {
  const std::vector<TopLogprob> reference{{2, std::log(0.5)}, {0, std::log(0.3)}};
  const std::vector<float> equal(4, 1.5f);
  const double expected = 0.5 * std::log(2.0) + 0.3 * std::log(1.2) + 0.2 * std::log(0.4);
  CHECK(std::abs(kl_divergence(reference, equal) - expected) < 1e-9);
  const std::vector<TopLogprob> whole{{1, std::log(0.75)}, {0, std::log(0.25)}};
  const std::vector<float> same{0, static_cast<float>(std::log(3.0))};
  CHECK(kl_divergence(whole, same) < 1e-7);
}

TEST_CASE("canary: close to the reference, and the same bits in any batch, chunk, thread count and SIMD level",
          "[engine][canary]") {
  const CanaryText text = reference_text();
  const CanaryResult first = run_on_cpu(text, 2, kernels::best_simd_level(), 64, 512);
  CHECK(first.n_positions == 32);
  CHECK(first.logits_sha256.size() == 64);
  CHECK(first.n_same_top == 32);
  // Both are float32 arithmetic over the same FP8 weights: what is left is rounding.
  CHECK(first.mean_kl_divergence.value() < 3e-6);
  CHECK(first.max_kl_divergence.value() < 3e-5);
  for (const kernels::SimdLevel level : tests::available_levels()) {
    CHECK(run_on_cpu(text, 1, level, 1, 7).logits_sha256 == first.logits_sha256);
  }
}

TEST_CASE("canary: another text, another role or a wrong reference shows", "[engine][canary]") {
  const CanaryText text = reference_text();
  const auto run = [](const CanaryText& other) { return run_on_cpu(other, 2, kernels::best_simd_level(), 64, 512); };
  const CanaryResult first = run(text);
  CanaryText other = text;
  other.tokens.back() = 7;
  CHECK(run(other).logits_sha256 != first.logits_sha256);
  other = text;
  other.n_prompt_tokens = 32;
  CHECK(run(other).logits_sha256 != first.logits_sha256);
  // A reference that is sure of another token at the last position: at least log(0.9 / what is left for it).
  other = text;
  const std::int32_t likely = text.top_logprobs.back().front().token;
  other.top_logprobs.back() = {{likely == 7 ? 8 : 7, std::log(0.9)}};
  const CanaryResult wrong = run(other);
  CHECK(wrong.logits_sha256 == first.logits_sha256);
  CHECK(wrong.n_same_top == 31);
  CHECK(wrong.max_kl_divergence.value() > 1);

  const CanaryText any = any_canary_text(reference_model().config);
  CHECK(any.tokens.size() == 20);
  const CanaryResult fingerprint = run(any);
  CHECK_FALSE(fingerprint.mean_kl_divergence);
  CHECK(fingerprint.logits_sha256.size() == 64);
  CHECK(to_json(fingerprint).size() == 2);
}

TEST_CASE("any_canary_text: ids of the vocabulary, within the context", "[engine][canary]") {
  ModelConfig config;
  config.vocab_size = 3;
  config.max_position_embeddings = 5;
  const CanaryText text = any_canary_text(config);
  CHECK(text.tokens.size() == 5);
  CHECK(text.n_prompt_tokens == 5);
  for (const std::int32_t token : text.tokens) CHECK((token >= 0 && token < 3));
}

TEST_CASE("read_canary_text: none, of other weights, or broken with its field", "[engine][canary]") {
  const TemporaryFolder folder;
  CHECK_FALSE(*read_canary_text(folder.path(), "aa", 10));
  CHECK_FALSE(*read_canary_text(folder / "model.gguf", "aa", 10));
  const std::string good = R"({"weights_sha256":"aa","n_prompt_tokens":1,"tokens":[1],"top_logprobs":[[[2,-0.5]]]})";
  REQUIRE(write_file(folder / "canary.json", good));
  CHECK(read_canary_text(folder.path(), "aa", 10)->has_value());
  CHECK_FALSE(read_canary_text(folder.path(), "bb", 10)->has_value());
  CHECK_FALSE(read_canary_text(folder.path(), "", 10)->has_value());  // dummy weights
  const auto with = [&](const std::string& what, const std::string& instead) {
    std::string text = good;
    return text.replace(text.find(what), what.size(), instead);
  };
  CHECK_THAT(refusal(folder, "{"), Contains("canary.json"));
  CHECK_THAT(refusal(folder, "[]"), Contains("canary.json"));
  CHECK_THAT(refusal(folder, with("[1]", "[10]")), Contains("tokens"));
  CHECK_THAT(refusal(folder, with("[1]", "[]")), Contains("tokens"));
  CHECK_THAT(refusal(folder, with("[1]", "[1.5]")), Contains("tokens"));
  CHECK_THAT(refusal(folder, with("\"n_prompt_tokens\":1", "\"n_prompt_tokens\":2")), Contains("n_prompt_tokens"));
  CHECK_THAT(refusal(folder, with("[[[2,-0.5]]]", "[]")), Contains("top_logprobs"));
  CHECK_THAT(refusal(folder, with("[2,-0.5]", "[2]")), Contains("top_logprobs"));
  CHECK_THAT(refusal(folder, with("[2,-0.5]", "[12,-0.5]")), Contains("top_logprobs"));
  CHECK_THAT(refusal(folder, with("-0.5", "0.5")), Contains("top_logprobs"));
  for (std::size_t n = 1; n < good.size(); ++n) refusal(folder, good.substr(0, n));
}

TEST_CASE("canary.json: random edits don't crash the reader", "[engine][canary][fuzz]") {
  const std::string good =
      R"({"weights_sha256":"aa","n_prompt_tokens":1,"tokens":[1,3],"top_logprobs":[[[2,-0.5],[3,-9]],[[2,-0.5]]]})";
  REQUIRE(parse_canary_file(good, "good", 10));
  tests::fuzz_edits(fuzz_canary, good, 20000, tests::kJsonAlphabet);
  SUCCEED("no crash");
}
