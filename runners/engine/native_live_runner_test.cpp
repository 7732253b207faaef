// The native engine behind live requests: text in whole characters, from any thread.

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "harness/base/data_path.h"
#include "runners/engine/native_live_runner.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;

namespace {

/// Collects what a live runner says of a request.
struct Client {
  std::mutex mutex;
  std::condition_variable changed;
  std::string text;
  std::int64_t n_tokens = 0;
  std::optional<Completion> completion;

  LiveSink sink() {
    return {[this](const StreamEvent& event) {
              const std::lock_guard lock(mutex);
              std::string joined;
              for (const StreamToken& token : event.tokens) joined += token.text;
              if (event.n_new_tokens > 0) CHECK(joined == event.text);
              text += event.text;
              n_tokens += event.n_new_tokens;
              changed.notify_all();
            },
            [this](Completion done) {
              const std::lock_guard lock(mutex);
              completion = std::move(done);
              changed.notify_all();
            }};
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return completion.has_value(); });
  }
  void wait_for_tokens(std::int64_t n) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return n_tokens >= n || completion.has_value(); });
  }
};

NativeOptions live_options(bool speculate) {
  NativeOptions options;
  options.model = "reference";
  options.path = *shipped_path("models/reference");
  options.device = "cpu";
  options.max_batch = 8;
  options.kv_memory_bytes = std::int64_t{1} << 30;
  options.speculate = speculate;
  return options;
}

std::vector<Request> live_requests() {
  std::vector<Request> requests;
  for (int i = 0; i < 24; ++i) {
    Request request;
    request.id = std::to_string(i);
    request.messages = {{Role::user, "What is " + std::to_string(i % 5) + " + 3? €uro ünd ∑"}};
    request.sampling = {.temperature = i % 2 == 0 ? 0.0 : 2.5, .max_output_tokens = 12 + i % 7};
    request.key = {static_cast<std::uint64_t>(i), 3};
    if (i % 6 == 0) request.n_logprobs = 1;
    requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace

TEST_CASE("native live runner: requests of several threads get what run() gives, in whole characters",
          "[engine][live]") {
  const bool speculate = GENERATE(false, true);
  const std::vector<Request> requests = live_requests();
  std::map<std::string, Completion> expected;
  {
    const auto runner = open_native_runner(live_options(speculate));
    REQUIRE(runner);
    REQUIRE((*runner)->run(requests,
                           [&](Completion done) -> Result<> {
                             expected[done.id] = std::move(done);
                             return {};
                           },
                           {}, {}));
  }
  const auto runner = open_native_live_runner(live_options(speculate));
  REQUIRE(runner);
  std::vector<Client> clients(requests.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < requests.size(); i += 4) {
          if (!(*runner)->check(requests[i])) continue;
          (*runner)->submit(requests[i], clients[i].sink());
          if (i % 3 == 0) clients[i].wait();
        }
      });
    }
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    clients[i].wait();
    const Completion& got = *clients[i].completion;
    const Completion& want = expected.at(requests[i].id);
    INFO(requests[i].id);
    CHECK(got.id == want.id);
    CHECK(got.tokens == want.tokens);
    CHECK(got.text == want.text);
    CHECK(clients[i].text == want.text);
    CHECK(clients[i].n_tokens == want.n_output_tokens);
    CHECK(got.finish_reason == want.finish_reason);
    CHECK(got.prompt_sha256 == want.prompt_sha256);
    CHECK(got.logprobs.size() == want.logprobs.size());
    CHECK(got.failure.empty());
    CHECK(*got.timings.started_ms >= 0);
    CHECK(*got.timings.first_token_ms >= *got.timings.started_ms);
  }
}

TEST_CASE("native live runner: a cancelled request finishes with what it has, and nobody else notices",
          "[engine][live]") {
  std::vector<Client> clients(3);
  Client queued;
  auto runner = std::move(*open_native_live_runner(live_options(false)));
  Request request = live_requests()[0];
  request.sampling = {.temperature = 3};
  for (Client& client : clients) runner->submit(request, client.sink());
  const Ticket last = 3;  // tickets are counted from 1
  clients[2].wait_for_tokens(3);
  runner->cancel(last);
  runner->cancel(last);
  runner->cancel(99);
  clients[2].wait();
  CHECK(clients[2].completion->finish_reason == FinishReason::cancelled);
  CHECK(clients[2].completion->n_output_tokens >= 3);
  CHECK(clients[2].completion->text == clients[2].text);
  clients[0].wait_for_tokens(5);
  runner->submit(request, queued.sink());
  runner.reset();  // cancels what has not finished, and returns when it has
  for (Client* client : {&clients[0], &clients[1], &queued}) {
    REQUIRE(client->completion.has_value());
    CHECK(client->completion->failure.empty());
  }
  CHECK(clients[0].text.starts_with(clients[2].text));
}

TEST_CASE("native live runner: what can't be served is refused by check(), and fails if it is submitted all the same",
          "[engine][live]") {
  const auto runner = std::move(*open_native_live_runner(live_options(false)));
  Request request;
  request.id = "long";
  request.raw_prompt = "";
  CHECK(runner->check(request).error().kind == ErrorKind::bad_input);
  for (int i = 0; i < 4000; ++i) *request.raw_prompt += "many words ";
  CHECK(runner->check(request).error().kind == ErrorKind::bad_input);
  Client client;
  runner->submit(request, client.sink());
  client.wait();
  CHECK_THAT(client.completion->failure, Catch::Matchers::Contains("context"));
}
