#include "runners/engine/pass_work.h"

#include <cmath>

#include "runners/formats/test_configs.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::WithinRel;

namespace {

ModelConfig parsed(const Json& document) {
  const auto config = parse_model_config(document, "config.json");
  if (!config) FAIL(config.error().message);
  return *config;
}

Json llama_8b() {
  Json document = gqa_config("LlamaForCausalLM", "llama", 32, 4096, 14336, 32, 8, 128256, false);
  document["head_dim"] = 128;
  return document;
}
Json qwen_7b() { return gqa_config("Qwen2ForCausalLM", "qwen2", 28, 3584, 18944, 28, 4, 152064, false); }

// Read ceilings of these cards, kernels/PERFORMANCE.md.
constexpr DeviceRates kH100{.read_bytes_per_s = 3.069e12, .bf16_flop_per_s = 989e12, .fp8_flop_per_s = 1979e12};
constexpr DeviceRates kH200{.read_bytes_per_s = 4.458e12, .bf16_flop_per_s = 989e12, .fp8_flop_per_s = 1979e12};

}  // namespace

// By hand: 7,504,924,672 parameters without the embedding; 2 · 8 · 128 values a layer, 32 · 2 · 32 · 256 operations a
// pair.
TEST_CASE("pass_work: a dense model's bytes and operations", "[engine][work]") {
  const PassWork work = pass_work(parsed(llama_8b()), Fp8Weights::blocks);
  CHECK(work.weight_bytes == 2 * 7'504'924'672.0);
  CHECK(work.flop_per_token == 2 * 7'504'924'672.0);
  CHECK(work.expert_bytes == 0);
  CHECK(work.kv_bytes_per_token == 131'072);
  CHECK(work.attention_flop_per_pair == 2.0 * 32 * 32 * 256);
}

// By hand: an expert is 3 · 2048 · 1408 parameters, 64 of them in 26 layers. One token hits six.
TEST_CASE("pass_work: experts are read as tokens hit them", "[engine][work]") {
  const PassWork work = pass_work(parsed(deepseek_v2_lite_config()), Fp8Weights::blocks);
  CHECK(work.expert_bytes == 2.0 * 3 * 2048 * 1408);
  CHECK(work.n_expert_layers == 26);
  const double one = decode_pass_s(work, kH100, 1, 0), none = decode_pass_s(work, kH100, 0, 0);
  CHECK_THAT(one - none, WithinRel(26 * 6 * work.expert_bytes / kH100.read_bytes_per_s +
                                       1.1 * work.flop_per_token / kH100.bf16_flop_per_s,
                                   1e-9));
}

TEST_CASE("pass_work: is read back as it was stored, and a broken one is refused by its field", "[engine][work]") {
  const PassWork work = pass_work(parsed(deepseek_v2_lite_config()), Fp8Weights::blocks);
  const Json stored = to_json(work);
  const auto fields = JsonObject::of(stored, "pass_work");
  REQUIRE(fields);
  const auto read = read_pass_work(*fields);
  REQUIRE(read);
  CHECK(to_json(*read) == stored);
  CHECK(read->expert_bytes == work.expert_bytes);
  CHECK(read->hidden_size == 2048);
  for (const char* const key : {"weight_bytes", "vocab_size"}) {
    Json broken = stored;
    broken[key] = -1;
    const auto refused = read_pass_work(*JsonObject::of(broken, "pass_work"));
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Matchers::Contains(key));
    broken.erase(key);
    CHECK_FALSE(read_pass_work(*JsonObject::of(broken, "pass_work")));
  }
}

TEST_CASE("pass_work: FP8 blocks are read and multiplied as such", "[engine][work]") {
  const ModelConfig config = parsed(deepseek_v3_config());
  const PassWork blocks = pass_work(config, Fp8Weights::blocks), widened = pass_work(config, Fp8Weights::widen);
  CHECK(widened.expert_bytes == 2 * blocks.expert_bytes);
  CHECK(decode_pass_s(blocks, kH200, 128, 128 * 4096) < 0.6 * decode_pass_s(widened, kH200, 128, 128 * 4096));
}

// Steps in milliseconds, measured: kernels/PERFORMANCE.md, "CUDA, end to end" (V2-Lite drawn, not greedy), at some
// 1,056 tokens of context.
TEST_CASE("decode_pass_s: within 6 % of every step that was measured", "[engine][work]") {
  struct Step {
    Json config;
    DeviceRates rates;
    double n_sequences, ms;
  };
  const std::vector<Step> steps = {
      {llama_8b(), kH100, 1, 5.31},
      {llama_8b(), kH100, 32, 7.26},
      {llama_8b(), kH100, 128, 12.89},
      {llama_8b(), kH100, 256, 21.19},
      {qwen_7b(), kH100, 1, 1000 / 196.9},
      {deepseek_v2_lite_config(), kH100, 1, 2.95},
      {deepseek_v2_lite_config(), kH100, 8, 7.33},
      {deepseek_v2_lite_config(), kH100, 32, 11.56},
      {deepseek_v2_lite_config(), kH100, 64, 12.83},
      {deepseek_v2_lite_config(), kH100, 128, 14.16},
      {llama_8b(), kH200, 1, 1000 / 242.4},
      {llama_8b(), kH200, 32, 32'000 / 5'818.0},
      {llama_8b(), kH200, 128, 128'000 / 12'722.0},
      {llama_8b(), kH200, 256, 256'000 / 15'290.0},
      {qwen_7b(), kH200, 1, 1000 / 254.6},
      {deepseek_v2_lite_config(), kH200, 1, 1000 / 388.9},
  };
  for (const Step& step : steps) {
    const PassWork work = pass_work(parsed(step.config), Fp8Weights::blocks);
    const double ms = 1000 * decode_pass_s(work, step.rates, step.n_sequences, step.n_sequences * 1056);
    CAPTURE(step.config["model_type"], step.rates.read_bytes_per_s, step.n_sequences, step.ms, ms);
    CHECK_THAT(ms, WithinRel(step.ms, 0.06));
  }
}

// Prompts of 1,024 tokens, 4,096 rows a pass: 39,283 and 83,142 tokens/s on the H100.
TEST_CASE("prefill_s: within 10 % of what was measured", "[engine][work]") {
  const auto tokens_per_s = [](const Json& config) {
    return 262'144 / prefill_s(pass_work(parsed(config), Fp8Weights::blocks), kH100, 262'144, 1024, 4096);
  };
  CHECK_THAT(tokens_per_s(llama_8b()), WithinRel(39'283.0, kStepErrorRatio));
  CHECK_THAT(tokens_per_s(deepseek_v2_lite_config()), WithinRel(83'142.0, kStepErrorRatio));
}
