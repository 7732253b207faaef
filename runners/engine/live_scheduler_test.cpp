// Live work: requests that come and go while others run have the tokens that they would have offline.

#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "harness/base/data_path.h"
#include "runners/engine/delegating_executor.h"
#include "runners/engine/scheduler.h"
#include "runners/engine/test_executor.h"
#include "runners/engine/test_records.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace assay;
using namespace assay::runners;

namespace {

const Model& live_model() {
  static const Model model = [] {
    Result<Model> loaded = load_model(*shipped_path("models/reference"));
    if (!loaded) FAIL(loaded.error().message);
    return std::move(*loaded);
  }();
  return model;
}

constexpr std::int64_t kPageBytes = std::int64_t{7} * 64 * 576 * 4;

struct LiveSettings {
  int max_batch = 64;
  int chunk = 512;
  bool speculate = false;
  int n_pages = 2000;
  bool two_in_flight = false;
  std::int64_t host_memory_bytes = std::int64_t{1} << 30;
};

/// What passes were submitted: their rows, by role.
struct PassLog {
  std::vector<std::pair<PositionRole, int>> passes;
  int n_saved = 0;  ///< sequences whose pages were saved
};

class LoggingExecutor final : public DelegatingExecutor {
 public:
  LoggingExecutor(std::unique_ptr<Executor> executor, PassLog& log)
      : DelegatingExecutor(*executor), executor_(std::move(executor)), log_(log) {}
  Result<> submit(const Pass& pass) override {
    log_.passes.emplace_back(pass.role, count_rows(pass.spans));
    return inner().submit(pass);
  }
  Result<SavedPages> save_pages(std::span<const std::int32_t> pages) override {
    ++log_.n_saved;
    return inner().save_pages(pages);
  }

 private:
  std::unique_ptr<Executor> executor_;
  PassLog& log_;
};

/// A scheduler on the reference model with what it runs on.
class Bench {
 public:
  Bench(const LiveSettings& settings, Workload workload)
      : limits_{.max_batch = settings.max_batch,
                .kv_memory_bytes = settings.n_pages * kPageBytes,
                .prefill_chunk_tokens = settings.chunk,
                .speculate = settings.speculate},
        executor_(live_model(), limits_) {
    std::unique_ptr<Executor> taken = executor_.take();
    if (settings.two_in_flight) {
      taken = std::make_unique<TwoInFlight>(std::move(taken), live_model().config.max_position_embeddings);
    }
    taken = std::make_unique<LoggingExecutor>(std::move(taken), log);
    SchedulerOptions options;
    options.limits = limits_;
    options.end_tokens = {1};
    options.workload = workload;
    options.host_memory_bytes = settings.host_memory_bytes;
    auto made = Scheduler::create(live_model(), std::move(taken), options);
    if (!made) FAIL(made.error().message);
    scheduler.emplace(std::move(*made));
  }

  PassLog log;
  std::optional<Scheduler> scheduler;

 private:
  ExecutorOptions limits_;
  TestExecutor executor_;
};

std::vector<TokenOutput> offline(const std::vector<TokenRequest>& requests) {
  Bench bench({}, Workload::offline);
  std::vector<TokenOutput> outputs(requests.size());
  const auto ran = bench.scheduler->run(requests,
                                        [&](TokenOutput output) -> Result<> {
                                          outputs[output.request] = std::move(output);
                                          return {};
                                        },
                                        {}, {});
  if (!ran) FAIL(ran.error().message);
  return outputs;
}

/// Greedy and sampled requests, most of them with a prompt that others have too.
std::vector<TokenRequest> mixed_requests(std::size_t n) {
  std::vector<TokenRequest> requests;
  for (std::size_t i = 0; i < n; ++i) {
    TokenRequest request;
    request.prompt = records()[(i * i) % 7 * 31].prompt;
    request.max_output_tokens = 4 + static_cast<std::int64_t>(i % 5) * 7;
    if (i % 3 != 0) {
      request.sampling = {1.2, 0.98, 40, 0.01};
      request.key = {7, static_cast<std::uint32_t>(i)};
    }
    if (i % 4 == 1) request.n_logprobs = 2;
    request.scores_prompt = i % 8 == 1;
    requests.push_back(std::move(request));
  }
  return requests;
}

/// Log-probabilities of the prompt's own tokens.
std::vector<double> scores_of(const TokenOutput& output) {
  std::vector<double> scores;
  for (const TokenLogprobs& one : output.prompt_logprobs) scores.push_back(one.logprob);
  return scores;
}

/// What a live client saw of a request.
struct Seen {
  std::vector<std::int32_t> tokens;
  std::int64_t n_new = 0;
  std::size_t n_logprobs = 0;
  std::optional<TokenOutput> output;
};

/// Plays requests that come at random to a live scheduler, of which some are cancelled; checks that each client saw
/// what it would have seen offline, as far as it went. Returns how many were not cancelled.
std::size_t play(Scheduler& scheduler, const std::vector<TokenRequest>& requests,
                 const std::vector<TokenOutput>& expected, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::map<std::uint64_t, Seen> seen;
  const OutputSink sink{[&](const NewTokens& news) {
                          Seen& s = seen[news.request];
                          REQUIRE_FALSE(s.output.has_value());
                          s.tokens.insert(s.tokens.end(), news.tokens.begin(), news.tokens.end());
                          s.n_new += news.n_new;
                          s.n_logprobs += news.logprobs.size();
                        },
                        [&](TokenOutput output) -> Result<> {
                          Seen& s = seen[output.request];
                          REQUIRE_FALSE(s.output.has_value());
                          s.output = std::move(output);
                          return {};
                        }};
  std::set<std::uint64_t> cancelled;
  std::size_t n_submitted = 0;
  while (n_submitted < requests.size() || scheduler.has_work()) {
    for (std::size_t n = below(4); n > 0 && n_submitted < requests.size(); --n, ++n_submitted) {
      REQUIRE(scheduler.check(requests[n_submitted]));
      scheduler.submit(n_submitted, requests[n_submitted], std::chrono::steady_clock::now());
    }
    if (n_submitted > 0 && below(9) == 0) {
      const std::size_t victim = below(n_submitted);
      if (!seen[victim].output) cancelled.insert(victim);
      REQUIRE(scheduler.cancel(victim, sink));
    }
    if (!scheduler.has_work()) continue;
    const auto done = scheduler.step(sink);
    if (!done) FAIL(done.error().message);
  }
  REQUIRE(seen.size() == requests.size());
  std::size_t n_whole = 0;
  for (const auto& [i, s] : seen) {
    INFO("request " << i << ", seed " << seed);
    REQUIRE(s.output.has_value());
    const std::vector<std::int32_t>& whole = expected[i].tokens;
    CHECK(s.tokens == s.output->tokens);
    CHECK(s.n_new == s.output->n_output_tokens);
    CHECK(s.n_logprobs == (requests[i].n_logprobs > 0 ? static_cast<std::size_t>(s.n_new) : 0));
    CHECK(s.output->failure.empty());
    if (s.output->finish_reason == FinishReason::cancelled) {
      CHECK(cancelled.contains(i));
      REQUIRE(s.tokens.size() <= whole.size());
      CHECK(std::equal(s.tokens.begin(), s.tokens.end(), whole.begin()));
      continue;
    }
    ++n_whole;
    CHECK(s.tokens == whole);
    const std::vector<double> scores = scores_of(*s.output);
    CHECK(scores == scores_of(expected[i]));
    CHECK(scores.size() == (requests[i].scores_prompt ? requests[i].prompt.size() - 1 : 0));
    CHECK(s.output->finish_reason == expected[i].finish_reason);
  }
  return n_whole;
}

}  // namespace

TEST_CASE("live scheduler: random arrivals and cancellations leave every token as it is offline", "[engine][live]") {
  const auto requests = mixed_requests(40);
  static const std::vector<TokenOutput> expected = offline(requests);
  const LiveSettings settings =
      GENERATE(LiveSettings{}, LiveSettings{.max_batch = 1}, LiveSettings{.max_batch = 3, .chunk = 40, .n_pages = 24},
               LiveSettings{.max_batch = 5, .chunk = 100, .two_in_flight = true},
               LiveSettings{.max_batch = 4, .chunk = 64, .n_pages = 16, .two_in_flight = true},
               LiveSettings{.max_batch = 6, .chunk = 50, .speculate = true},
               LiveSettings{.max_batch = 3, .speculate = true, .n_pages = 16});
  const unsigned seed = GENERATE(1u, 2u, 3u);
  Bench bench(settings, Workload::live);
  Scheduler& scheduler = *bench.scheduler;
  CHECK(play(scheduler, requests, expected, seed) >= 15);
  // Every page is free again, or kept with a prompt and given up for this one.
  TokenRequest large{.prompt = records()[1].prompt, .sampling = {}, .key = {}, .max_output_tokens = 2};
  large.prompt.resize(static_cast<std::size_t>(std::min(settings.n_pages / 2 * 64 - 2, 1000)), 5);
  REQUIRE(scheduler.check(large));
  scheduler.submit(1000, large, std::chrono::steady_clock::now());
  std::int64_t n_output_tokens = 0;
  const OutputSink sink{{}, [&](const TokenOutput& output) -> Result<> {
                          n_output_tokens = output.n_output_tokens;
                          return {};
                        }};
  while (scheduler.has_work()) REQUIRE(scheduler.step(sink));
  CHECK(n_output_tokens > 0);
}

TEST_CASE("live scheduler: clients don't notice that samples had to leave a full cache", "[engine][live]") {
  std::vector<TokenRequest> requests = mixed_requests(12);
  for (TokenRequest& request : requests) {
    request.sampling = {4, 1, 0, 0};  // so hot that few end by themselves
    request.key = {5, static_cast<std::uint32_t>(&request - requests.data())};
    request.max_output_tokens = 200;
  }
  static const std::vector<TokenOutput> expected = offline(requests);
  const auto host_memory_bytes = GENERATE(std::int64_t{0}, 7 * kPageBytes, std::int64_t{1} << 30);
  const bool speculate = GENERATE(false, true);
  const LiveSettings settings{
      .speculate = speculate, .n_pages = 16, .two_in_flight = !speculate, .host_memory_bytes = host_memory_bytes};
  Bench bench(settings, Workload::live);
  play(*bench.scheduler, requests, expected, GENERATE(4u, 5u));
  CHECK((bench.log.n_saved > 0) == (host_memory_bytes > 0));
}

TEST_CASE("live scheduler: a scored prompt that loses its pages half-way has the scores that it would have had",
          "[engine][live]") {
  // One that grows beyond what it was taken to need, and in small parts a prompt that is scored beside it.
  TokenRequest growing{.prompt = std::vector<std::int32_t>(60, 7), .sampling = {4, 1, 0, 0}, .key = {5, 0}};
  growing.max_output_tokens = 800;
  TokenRequest scored{.prompt = {}, .sampling = {}, .key = {}, .max_output_tokens = 1};
  for (int i = 0; i < 400; ++i) scored.prompt.push_back(5 + i * 7 % 900);
  scored.n_logprobs = 2;
  scored.scores_prompt = true;
  const std::vector<TokenRequest> requests = {growing, scored};
  const std::vector<TokenOutput> expected = offline(requests);
  REQUIRE(expected[0].n_output_tokens > 300);
  REQUIRE(expected[1].prompt_logprobs.size() == scored.prompt.size() - 1);

  Bench bench({.chunk = 6, .n_pages = 11}, Workload::live);
  Scheduler& scheduler = *bench.scheduler;
  std::map<std::uint64_t, TokenOutput> outputs;
  const OutputSink sink{{}, [&](TokenOutput output) -> Result<> {
                          const std::uint64_t id = output.request;
                          outputs.emplace(id, std::move(output));
                          return {};
                        }};
  for (std::uint64_t id = 0; id < requests.size(); ++id) {
    scheduler.submit(id, requests[id], std::chrono::steady_clock::now());
    for (int step = 0; id == 0 && step < 100; ++step) REQUIRE(scheduler.step(sink));
  }
  while (scheduler.has_work()) REQUIRE(scheduler.step(sink));
  int n_prompt_rows = 0;
  for (const auto& [role, n_rows] : bench.log.passes) n_prompt_rows += role == PositionRole::prompt ? n_rows : 0;
  CHECK(n_prompt_rows > 460);  // all of both, and some again
  REQUIRE(outputs.size() == 2);
  CHECK(outputs.at(0).tokens == expected[0].tokens);
  CHECK(outputs.at(1).tokens == expected[1].tokens);
  CHECK(scores_of(outputs.at(1)) == scores_of(expected[1]));
}

TEST_CASE("live scheduler: between two passes of prompts every running sequence takes a step", "[engine][live]") {
  const bool two_in_flight = GENERATE(false, true);
  Bench bench({.max_batch = 8, .chunk = 2000, .two_in_flight = two_in_flight}, Workload::live);
  Scheduler& scheduler = *bench.scheduler;
  const OutputSink sink{{}, [](TokenOutput) -> Result<> { return {}; }};
  const auto submit = [&](std::uint64_t id, std::size_t n_prompt, std::int64_t n_output) {
    TokenRequest request{.prompt = {}, .sampling = {}, .key = {}, .max_output_tokens = n_output};
    for (std::size_t i = 0; i < n_prompt; ++i) {
      request.prompt.push_back(static_cast<std::int32_t>(5 + (i * 7 + id) % 900));
    }
    REQUIRE(scheduler.check(request));
    scheduler.submit(id, request, std::chrono::steady_clock::now());
  };
  submit(0, 1500, 30);
  for (int i = 0; i < 4; ++i) REQUIRE(scheduler.step(sink));
  REQUIRE(bench.log.passes.front() == std::pair(PositionRole::prompt, 1500));  // nobody ran: all of the chunk
  const std::size_t n_before = bench.log.passes.size();
  for (std::uint64_t id = 1; id < 4; ++id) submit(id, 1400, 2);
  while (scheduler.has_work()) REQUIRE(scheduler.step(sink));
  int n_bounded = 0;
  for (std::size_t i = n_before; i < bench.log.passes.size() && n_bounded < 9; ++i) {
    if (bench.log.passes[i].first != PositionRole::prompt) continue;
    ++n_bounded;
    CHECK(bench.log.passes[i].second <= kPromptRowsBesideSequences);
    CHECK(bench.log.passes[i - 1].first == PositionRole::generated);
  }
  CHECK(n_bounded == 9);  // 4,200 positions in parts of 512
}

TEST_CASE("live scheduler: a prompt that was served is found in the cache", "[engine][live]") {
  const bool speculate = GENERATE(false, true);
  Bench bench({.speculate = speculate}, Workload::live);
  Scheduler& scheduler = *bench.scheduler;
  std::vector<TokenOutput> outputs;
  const OutputSink sink{{}, [&](TokenOutput output) -> Result<> {
                          outputs.push_back(std::move(output));
                          return {};
                        }};
  const TokenRequest request{.prompt = records()[5].prompt, .sampling = {}, .key = {}, .max_output_tokens = 20};
  for (std::uint64_t id = 0; id < 3; ++id) {
    bench.log.passes.clear();
    scheduler.submit(id, request, std::chrono::steady_clock::now());
    while (scheduler.has_work()) REQUIRE(scheduler.step(sink));
    REQUIRE(outputs.size() == id + 1);
    const auto n_prompt = static_cast<int>(request.prompt.size());
    CHECK(bench.log.passes.front() == std::pair(PositionRole::prompt, id == 0 ? n_prompt : 1));
    CHECK(outputs[id].n_cached_prompt_tokens == (id == 0 ? 0 : n_prompt));
    CHECK(outputs[id].tokens == outputs[0].tokens);
    CHECK(*outputs[id].timings.started_ms >= 0);
    CHECK(*outputs[id].timings.finished_ms >= *outputs[id].timings.first_token_ms);
  }
}

TEST_CASE("live scheduler: a prompt that waits gives up its pages to one that is before it", "[engine][live]") {
  Bench bench({.n_pages = 13}, Workload::live);  // 6 for a small one, at least 8 for the large one
  Scheduler& scheduler = *bench.scheduler;
  std::vector<std::uint64_t> finished;
  const OutputSink sink{{}, [&](const TokenOutput& output) -> Result<> {
                          finished.push_back(output.request);
                          return {};
                        }};
  const TokenRequest small{
      .prompt = std::vector<std::int32_t>(300, 7), .sampling = {}, .key = {}, .max_output_tokens = 2};
  const TokenRequest large{
      .prompt = std::vector<std::int32_t>(500, 9), .sampling = {}, .key = {}, .max_output_tokens = 12};
  const auto run = [&] {
    for (int n_steps = 0; scheduler.has_work() && n_steps < 1000; ++n_steps) REQUIRE(scheduler.step(sink));
  };
  const auto now = std::chrono::steady_clock::now();
  scheduler.submit(0, small, now);
  run();
  REQUIRE(scheduler.check(large));
  scheduler.submit(1, large, now);
  scheduler.submit(2, small, now);  // its prompt is in the cache, and waits behind the large one
  run();
  CHECK(finished == std::vector<std::uint64_t>{0, 1, 2});
}
