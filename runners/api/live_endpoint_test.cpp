// The live endpoint runner against a server that misbehaves.
#include "runners/api/endpoint_runner.h"

#include <algorithm>
#include <future>
#include <mutex>

#include "runners/api/test_endpoint.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_server.h"

namespace assay::runners {

using namespace endpoint_test;
using Catch::Matchers::Contains;

namespace {

/// What a live request's sinks were handed.
struct Watched {
  std::mutex mutex;
  std::vector<StreamEvent> events;
  int n_finished = 0;
  std::promise<Completion> finished;
};

LiveSink sink_of(Watched& watched) {
  return {.on_event =
              [&](const StreamEvent& event) {
                const std::lock_guard lock(watched.mutex);
                watched.events.push_back(event);
              },
          .on_finished =
              [&](Completion completion) {
                ++watched.n_finished;
                watched.finished.set_value(std::move(completion));
              }};
}

}  // namespace

TEST_CASE("live endpoint: events as they come, and times within a millisecond of the server's", "[api]") {
  constexpr int kEvents = 100;
  Reply reply;
  reply.wait_ms(20).stream_head();
  for (int i = 0; i < kEvents; ++i) reply.wait_ms(2).event(kText);
  reply.event(kEnd).event("[DONE]").end();
  ScriptedServer server(behind_probe([&](int, const ReceivedRequest&) { return reply; }));
  auto runner = open_live_endpoint_runner(quick_options(server.url()));
  REQUIRE(runner);
  Watched watched;
  (*runner)->submit(requests(1).front(), sink_of(watched));
  const Completion completion = watched.finished.get_future().get();
  CHECK(completion.text == std::string(kEvents, '4'));
  REQUIRE(watched.events.size() == kEvents);
  const Exchange exchange = server.exchanges().back();
  std::vector<double> late_ms;
  for (int i = 0; i < kEvents; ++i) {
    CHECK(watched.events[i].n_new_tokens == 0);
    late_ms.push_back(
        std::chrono::duration<double, std::milli>(watched.events[i].time - exchange.sent_at[i + 1]).count());
  }
  std::sort(late_ms.begin(), late_ms.end());
  CHECK(late_ms.front() < 1);  // other work on this machine may delay any of them, but hardly all
  const auto whole = watched.events.back().time - watched.events.front().time;
  const double gap_ms = std::chrono::duration<double, std::milli>(whole).count() / (kEvents - 1);
  CHECK_THAT(*completion.timings.itl_ms_mean, Catch::Matchers::WithinRel(gap_ms, 1e-9));
}

TEST_CASE("live endpoint: text that was handed on is not asked for again", "[api]") {
  ScriptedServer server(bad_then_good(Reply().stream_head().event(kText).reset(), 1 << 30));
  auto runner = open_live_endpoint_runner(quick_options(server.url()));
  REQUIRE(runner);
  Watched watched;
  (*runner)->submit(requests(1).front(), sink_of(watched));
  const Completion completion = watched.finished.get_future().get();
  CHECK_THAT(completion.failure, Contains("broke"));
  CHECK(watched.events.size() == 1);
  CHECK(server.n_requests() == 2);
}

TEST_CASE("live endpoint: each fault without text is asked again, each request finishes once", "[api]") {
  for (const Fault& fault : faults()) {
    CAPTURE(fault.name);
    ScriptedServer server(bad_then_good(fault.reply, 1));
    auto runner = open_live_endpoint_runner(quick_options(server.url()));
    REQUIRE(runner);
    Watched watched;
    (*runner)->submit(requests(1).front(), sink_of(watched));
    const Completion completion = watched.finished.get_future().get();
    const bool had_text = !watched.events.empty() && !completion.failure.empty();
    if (!had_text) CHECK(completion.text == "4");
    runner->reset();
    CHECK(watched.n_finished == 1);
  }
}

TEST_CASE("live endpoint: a cancelled request finishes with what it had, the destructor cancels the rest", "[api]") {
  ScriptedServer server(
      behind_probe([](int, const ReceivedRequest&) { return Reply().stream_head().event(kText).stall(); }));
  EndpointOptions options = quick_options(server.url());
  options.idle_timeout_ms = 60'000;
  auto runner = open_live_endpoint_runner(options);
  REQUIRE(runner);
  Watched first, second;
  const Ticket ticket = (*runner)->submit(requests(1).front(), sink_of(first));
  const Ticket other = (*runner)->submit(requests(2).back(), sink_of(second));
  CHECK(ticket != other);
  while (true) {
    const std::lock_guard lock(first.mutex);
    if (!first.events.empty()) break;
  }
  (*runner)->cancel(ticket);
  const Completion completion = first.finished.get_future().get();
  CHECK(completion.finish_reason == FinishReason::cancelled);
  CHECK(completion.text == "4");
  CHECK(completion.failure.empty());
  (*runner)->cancel(ticket);  // nothing happens
  runner->reset();
  CHECK(second.n_finished == 1);
  CHECK(first.n_finished == 1);
}

}  // namespace assay::runners
