// The reference model (models/reference) against its own records, made with another library: tests/data/reference.

#include <algorithm>
#include <filesystem>
#include <map>

#include "harness/base/data_path.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "runners/engine/scheduler.h"
#include "runners/engine/test_executor.h"
#include "runners/engine/test_records.h"
#include "runners/formats/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"

using namespace assay;
using namespace assay::runners;
using assay::kernels::SimdLevel;

namespace {

const Model& reference_model() {
  static const Model model = [] {
    Result<Model> loaded = load_model(*shipped_path("models/reference"));
    if (!loaded) FAIL(loaded.error().message);
    return std::move(*loaded);
  }();
  return model;
}

struct Settings {
  int n_threads = 2;
  SimdLevel level = kernels::best_simd_level();
  int max_batch = 64;
  int chunk = 512;
  bool speculate = false;
  std::int64_t kv_memory_bytes = std::int64_t{4} << 30;
  bool two_in_flight = false;
  std::int64_t host_memory_bytes = std::int64_t{1} << 30;
};

/// Runs requests and returns the outputs in the order of the requests.
std::vector<TokenOutput> generate(const std::vector<TokenRequest>& requests, const Settings& settings,
                                  Progress* last_progress = nullptr) {
  ExecutorOptions limits;
  limits.max_batch = settings.max_batch;
  limits.kv_memory_bytes = settings.kv_memory_bytes;
  limits.prefill_chunk_tokens = settings.chunk;
  limits.speculate = settings.speculate;
  TestExecutor executor(reference_model(), limits, settings.n_threads, settings.level);
  std::unique_ptr<Executor> taken = executor.take();
  if (settings.two_in_flight)
    taken = std::make_unique<TwoInFlight>(std::move(taken), reference_model().config.max_position_embeddings);
  SchedulerOptions options;
  options.limits = limits;
  options.end_tokens = {1};
  options.host_memory_bytes = settings.host_memory_bytes;
  Result<Scheduler> scheduler = Scheduler::create(reference_model(), std::move(taken), options);
  if (!scheduler) FAIL(scheduler.error().message);
  std::vector<TokenOutput> outputs(requests.size());
  std::size_t n_done = 0;
  const auto result = scheduler->run(
      requests,
      [&](TokenOutput output) -> Result<> {
        ++n_done;
        outputs[output.request] = std::move(output);
        return {};
      },
      [&](const Progress& progress) {
        REQUIRE(progress.n_running >= 0);
        REQUIRE(progress.n_running <= settings.max_batch);
        if (last_progress != nullptr) *last_progress = progress;
      },
      {});
  if (!result) FAIL(result.error().message);
  REQUIRE(n_done == requests.size());
  return outputs;
}

std::vector<std::vector<std::int32_t>> tokens_of(const std::vector<TokenOutput>& outputs) {
  std::vector<std::vector<std::int32_t>> tokens;
  for (const TokenOutput& output : outputs) tokens.push_back(output.tokens);
  return tokens;
}

/// Every n-th record as a request; sampled ones draw three samples of each prompt at temperature 1.
std::vector<TokenRequest> some_requests(std::size_t every, bool sampled, std::int64_t max_output_tokens) {
  std::vector<TokenRequest> requests;
  for (std::size_t i = 0; i < records().size(); i += every) {
    for (std::uint32_t sample = 0; sample < (sampled ? 3u : 1u); ++sample) {
      TokenRequest request;
      request.prompt = records()[i].prompt;
      request.max_output_tokens = max_output_tokens;
      if (sampled) {
        request.sampling = {1.0, 0.98, 40, 0.01};
        request.key = {7, static_cast<std::uint32_t>(i) * 16 + sample};
      }
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

}  // namespace

TEST_CASE("reference model: greedy tokens of all 400 items, of every fourth with speculation", "[engine][reference]") {
  const bool speculate = GENERATE(false, true);
  std::vector<Record> chosen;
  for (std::size_t i = 0; i < records().size(); i += speculate ? 4 : 1) chosen.push_back(records()[i]);
  std::vector<TokenRequest> requests;
  for (const Record& record : chosen) requests.push_back({.prompt = record.prompt, .sampling = {}, .key = {}});
  const auto outputs = generate(requests, {.speculate = speculate});
  std::size_t n_equal = 0;
  std::int64_t n_drafted = 0, n_accepted = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    auto expected = chosen[i].output;
    REQUIRE(expected.back() == 1);
    expected.pop_back();
    INFO(chosen[i].id);
    CHECK(outputs[i].tokens == expected);
    n_equal += outputs[i].tokens == expected;
    n_drafted += outputs[i].n_drafted_tokens;
    n_accepted += outputs[i].n_accepted_tokens;
  }
  CHECK(n_equal == (speculate ? 100 : 400));
  CHECK((n_drafted > 0) == speculate);
  if (speculate) CHECK(static_cast<double>(n_accepted) / static_cast<double>(n_drafted) > 0.995);
}

TEST_CASE("reference model: logits of the main model and the MTP module on whole sequences", "[engine][reference]") {
  const SafetensorsFile& file = recorded_logits();
  const int sequence = GENERATE(range(0, 9));
  const std::string n = std::to_string(sequence);
  REQUIRE(file.find("tokens." + n) != nullptr);
  const auto ids = *read_integers(*file.find("tokens." + n));
  const auto out = cpu_logits(reference_model(), std::vector<std::int32_t>(ids.begin(), ids.end()));
  REQUIRE(out);
  const auto vocab = static_cast<std::size_t>(reference_model().config.vocab_size);
  for (const std::string kind : {"main", "mtp"}) {
    const std::vector<float>& logits = kind == "main" ? out->logits : out->mtp;
    const auto ids16 = *read_integers(*file.find(kind + ".ids." + n));
    const auto top16 = *read_floats(*file.find(kind + ".logits." + n));
    const auto log_sums = *read_floats(*file.find(kind + ".logsumexp." + n));
    std::vector<float> ours, our_sums;
    for (std::size_t row = 0; row < log_sums.size(); ++row) {
      const std::span<const float> row_logits = std::span(logits).subspan(row * vocab, vocab);
      for (std::size_t k = 0; k < 16; ++k) ours.push_back(row_logits[static_cast<std::size_t>(ids16[row * 16 + k])]);
      our_sums.push_back(static_cast<float>(kernels::log_sum_exp(row_logits)));
      CHECK(kernels::argmax(kernels::cpu_ops(kernels::best_simd_level()), row_logits) == ids16[row * 16]);
    }
    CHECK(tests::relative_error(ours, top16) < 2e-5);
    CHECK(tests::relative_error(our_sums, log_sums) < 2e-5);
  }
}

TEST_CASE("reference model: teacher-forced MTP acceptance", "[engine][reference]") {
  const auto vocab = static_cast<std::size_t>(reference_model().config.vocab_size);
  for (std::size_t i = 0; i < records().size(); i += 7) {
    const Record& record = records()[i];
    std::vector<std::int32_t> ids = record.prompt;
    ids.insert(ids.end(), record.output.begin(), record.output.end());
    const auto out = cpu_logits(reference_model(), ids);
    REQUIRE(out);
    // Row j drafts token j + 2; drafts of output tokens behind the first one count.
    std::int64_t accepted = 0, drafts = 0;
    for (std::size_t j = record.prompt.size() - 1; j + 2 < ids.size(); ++j, ++drafts) {
      accepted += kernels::argmax(kernels::cpu_ops(kernels::best_simd_level()),
                                  std::span(out->mtp).subspan(j * vocab, vocab)) == ids[j + 2];
    }
    INFO(record.id);
    CHECK(drafts == record.mtp_drafts);
    CHECK(accepted == record.mtp_accepted);
  }
}

TEST_CASE("scheduler: a sample's tokens don't depend on batch, order, chunk, threads, speculation or level",
          "[engine][invariance]") {
  const bool sampled = GENERATE(false, true);
  const auto requests = some_requests(67, sampled, 32);
  const auto expected = tokens_of(generate(requests, {.n_threads = 1, .max_batch = 1}));

  SECTION("any batch and thread count") {
    for (const int max_batch : {2, 7, 64}) {
      CHECK(tokens_of(generate(requests, {.n_threads = 1 + max_batch % 2, .max_batch = max_batch})) == expected);
    }
  }
  SECTION("any order") {
    std::vector<std::size_t> order(requests.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937(5));
    std::vector<TokenRequest> shuffled;
    for (const std::size_t i : order) shuffled.push_back(requests[i]);
    const auto tokens = tokens_of(generate(shuffled, {.max_batch = 9}));
    for (std::size_t i = 0; i < order.size(); ++i) CHECK(tokens[i] == expected[order[i]]);
  }
  SECTION("any prefill chunk") {
    for (const int chunk : {9, 64, 100}) CHECK(tokens_of(generate(requests, {.chunk = chunk})) == expected);
  }
  SECTION("speculation") {
    CHECK(tokens_of(generate(requests, {.max_batch = 1, .speculate = true})) == expected);
    CHECK(tokens_of(generate(requests, {.max_batch = 16, .chunk = 50, .speculate = true})) == expected);
  }
  SECTION("speculation whose drafts are often wrong") {
    // The model is sure of its next token; only heat makes the drawn one differ from the draft.
    std::vector<TokenRequest> hot = requests;
    for (TokenRequest& request : hot) request.sampling = {3, 1, 0, 0};
    const auto outputs = generate(hot, {.max_batch = 5, .speculate = true});
    std::int64_t n_rejected = 0;
    for (const TokenOutput& output : outputs) n_rejected += output.n_drafted_tokens - output.n_accepted_tokens;
    CHECK(n_rejected > 20);
    CHECK(tokens_of(outputs) == tokens_of(generate(hot, {.max_batch = 5})));
  }
  SECTION("two passes under way") {
    for (const int max_batch : {1, 7, 64}) {
      CHECK(tokens_of(generate(requests, {.max_batch = max_batch, .chunk = 100, .two_in_flight = true})) == expected);
    }
    CHECK(tokens_of(generate(requests, {.speculate = true, .two_in_flight = true})) == expected);
  }
  SECTION("a cache that is almost too small") {
    const std::int64_t one_sample = std::int64_t{30} * 7 * 64 * 576 * 4;
    CHECK(tokens_of(generate(requests, {.kv_memory_bytes = one_sample})) == expected);
    CHECK(tokens_of(generate(requests, {.kv_memory_bytes = one_sample, .two_in_flight = true})) == expected);
  }
  SECTION("every dispatch level") {
    const auto few = some_requests(134, sampled, 8);
    const auto few_expected = tokens_of(generate(few, {}));
    for (const SimdLevel level : tests::available_levels())
      CHECK(tokens_of(generate(few, {.level = level})) == few_expected);
  }
}

TEST_CASE("scheduler: samples that had to leave a full cache go on as if they had stayed", "[engine][invariance]") {
  // Hot samples run up to 300 tokens, where the first ones are taken to end after 37.
  static const auto requests = [] {
    std::vector<TokenRequest> hot = some_requests(67, true, 300);
    for (TokenRequest& request : hot) request.sampling = {4, 1, 0, 0};
    return hot;
  }();
  Progress progress;
  static const auto expected = generate(requests, {}, &progress);
  CHECK(progress.n_moved_out == 0);
  const std::int64_t page_bytes = std::int64_t{7} * 64 * 576 * 4;
  const auto check_same = [&](Settings settings) {
    settings.kv_memory_bytes = 24 * page_bytes;
    const auto outputs = generate(requests, settings, &progress);
    CHECK(tokens_of(outputs) == tokens_of(expected));
    CHECK(progress.n_moved_out > 0);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      CHECK(outputs[i].finish_reason == expected[i].finish_reason);
      CHECK(outputs[i].n_output_tokens == expected[i].n_output_tokens);
    }
  };
  SECTION("in the host's memory") { check_same({}); }
  SECTION("with two passes under way") { check_same({.two_in_flight = true}); }
  SECTION("with drafts") { check_same({.speculate = true}); }
  SECTION("with no room on the host: they begin again") { check_same({.host_memory_bytes = 0}); }
  SECTION("with room on the host for some") {
    check_same({.two_in_flight = true, .host_memory_bytes = 7 * page_bytes});
    check_same({.speculate = true, .host_memory_bytes = 7 * page_bytes});
  }
}

TEST_CASE("scheduler: limits end a sample with their own reason", "[engine]") {
  const auto run = [](TokenRequest request, bool speculate) {
    return generate({std::move(request)}, {.speculate = speculate, .two_in_flight = !speculate}).front();
  };
  const bool speculate = GENERATE(false, true);
  const Record& record = records().front();
  SECTION("max_output_tokens") {
    for (const std::int64_t limit : {1, 2, 3, 8}) {
      const TokenOutput out =
          run({.prompt = record.prompt, .sampling = {}, .key = {}, .max_output_tokens = limit}, speculate);
      CHECK(out.finish_reason == FinishReason::length);
      CHECK(out.n_output_tokens == limit);
      CHECK(std::equal(out.tokens.begin(), out.tokens.end(), record.output.begin(), record.output.begin() + limit));
    }
  }
  SECTION("context") {
    // A prompt of 2,046 of the 2,048 positions leaves room for two tokens.
    std::vector<std::int32_t> prompt;
    while (prompt.size() < 2046) prompt.push_back(record.prompt[prompt.size() % record.prompt.size()]);
    for (std::uint32_t i = 0; i < 8; ++i) {
      const TokenOutput hot = run({.prompt = prompt, .sampling = {50, 1, 0, 0}, .key = {5, i}}, speculate);
      CHECK((hot.finish_reason == FinishReason::context || hot.n_output_tokens < 2));
    }
    const TokenOutput out = run({.prompt = prompt, .sampling = {1, 1, 0, 0}, .key = {3, 4}}, speculate);
    CHECK((out.finish_reason == FinishReason::context || out.finish_reason == FinishReason::eos));
    CHECK(out.n_output_tokens <= 2);
  }
  SECTION("the end token is counted but no part of the output") {
    const TokenOutput out = run({.prompt = record.prompt, .sampling = {}, .key = {}}, speculate);
    CHECK(out.finish_reason == FinishReason::eos);
    CHECK(out.n_output_tokens == static_cast<std::int64_t>(record.output.size()));
    CHECK(out.tokens.size() + 1 == record.output.size());
  }
}

TEST_CASE("scheduler: samples of one prompt share its prefill", "[engine]") {
  auto requests = some_requests(200, true, 10);
  const auto outputs = generate(requests, {});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    CHECK(outputs[i].n_cached_prompt_tokens == (i % 3 == 0 ? 0 : static_cast<std::int64_t>(requests[i].prompt.size())));
    CHECK(outputs[i].timings.ttft_ms.has_value() ==
          (i % 3 == 0));  // the others of an item have no prefill of their own
  }
}

TEST_CASE("scheduler: what can't be served is refused with its reason", "[engine]") {
  ExecutorOptions limits;
  limits.kv_memory_bytes = std::int64_t{8} * 7 * 64 * 576 * 4;  // 8 pages
  TestExecutor executor(reference_model(), limits);
  const Scheduler scheduler = std::move(*Scheduler::create(reference_model(), executor.take(), {limits, {}}));
  CHECK(scheduler.check({.prompt = {}, .sampling = {}, .key = {}}).error().message == "the prompt has no tokens");
  CHECK_THAT(scheduler.check({.prompt = {2048}, .sampling = {}, .key = {}}).error().message,
             Catch::Matchers::Contains("token 2048"));
  CHECK(scheduler.check({.prompt = std::vector<std::int32_t>(2048, 5), .sampling = {}, .key = {}}).error().kind ==
        ErrorKind::bad_input);
  const auto too_large = scheduler.check({.prompt = {5}, .sampling = {}, .key = {}});
  CHECK(too_large.error().kind == ErrorKind::environment);
  CHECK_THAT(too_large.error().message, Catch::Matchers::Contains("--kv-memory"));
  CHECK(scheduler.check({.prompt = {5}, .sampling = {}, .key = {}, .max_output_tokens = 100}));
  limits.kv_memory_bytes = 1000;
  kernels::ThreadPool pool(1);
  const auto too_small =
      create_cpu_executor(reference_model(), {kernels::cpu_ops(kernels::best_simd_level()), pool}, limits);
  CHECK(too_small.error().kind == ErrorKind::environment);
}
