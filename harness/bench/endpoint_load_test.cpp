// Loads over real sockets, on a server whose delays are known: what the client adds is small.

#include <algorithm>
#include <cmath>

#include "harness/bench/load.h"
#include "harness/bench/prompts.h"
#include "harness/bench/serve_figures.h"
#include "results/analysis/moments.h"
#include "runners/api/endpoint_runner.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_server.h"

using namespace assay;
using namespace assay::bench;
using test_support::Reply;
using test_support::ScriptedServer;

namespace {

constexpr const char* kToken = R"({"choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]})";

std::string last_event(int n_tokens) {
  return R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":)" +
         std::to_string(n_tokens) + "}}";
}

/// `first_ms` to the first token, then one every `gap_ms`.
Reply stream(double first_ms, double gap_ms, int n_tokens) {
  Reply reply;
  reply.wait_ms(first_ms).stream_head();
  for (int i = 0; i < n_tokens; ++i) {
    if (i > 0) reply.wait_ms(gap_ms);
    reply.event(kToken);
  }
  return reply.event(last_event(n_tokens)).event("[DONE]").end();
}

LoadResult run_load(const ScriptedServer& server, const Arrivals& arrivals, double duration_ms) {
  runners::EndpointOptions options;
  options.connection.endpoint = *runners::api::parse_endpoint(server.url() + "/v1#m");
  options.max_in_flight = 1000;
  options.retry.most_attempts = 1;
  const auto runner = runners::open_live_endpoint_runner(std::move(options));
  REQUIRE(runner.has_value());
  MachineTime time;
  LoadPlan plan;
  plan.arrivals = arrivals;
  plan.duration_ms = duration_ms;
  plan.make_request = [](std::int64_t index) {
    runners::Request request;
    request.id = std::to_string(index);
    request.messages = {{runners::Role::user, make_prompt({}, index)}};
    request.sampling.max_output_tokens = 400;
    return request;
  };
  auto load = generate_load(**runner, plan, time, {});
  REQUIRE(load.has_value());
  return std::move(*load);
}

Reply model_list() { return Reply().answer(200, R"({"data":[{"id":"m"}]})"); }

}  // namespace

TEST_CASE("generate_load: an endpoint's stream of 1 ms a token is measured within 2 %", "[bench][http]") {
  ScriptedServer server([](const test_support::ReceivedRequest& request) {
    return request.method == "GET" ? model_list() : stream(30, 1, 300);
  });
  const LoadResult load = run_load(server, {.concurrency = 1}, 3000);
  REQUIRE(load.records.size() >= 3);
  for (const RequestRecord& record : load.records) {
    REQUIRE(record.failure.empty());
    REQUIRE(record.events.size() == 300);
  }
  // Held against when the server's system had taken the bytes: a busy machine may send late. The head is sent first.
  std::vector<double> ratios;
  std::size_t next = 0;
  for (const auto& exchange : server.exchanges()) {
    if (exchange.request.method == "GET" || next == load.records.size()) continue;
    REQUIRE(exchange.sent_at.size() > 300);
    const std::chrono::duration<double, std::milli> sending = exchange.sent_at[300] - exchange.sent_at[1];
    ratios.push_back(*load.records[next++].tpot_ms() / (sending.count() / 299));
  }
  REQUIRE(ratios.size() == load.records.size());
  CHECK(std::abs(*results::quantile(ratios, 0.5) - 1) < 0.02);
}

TEST_CASE("generate_load: an endpoint's queue is in every percentile", "[bench][http]") {
  const Arrivals arrivals{.process = ArrivalProcess::poisson, .rate_per_s = 12, .seed = 3};
  constexpr double kDurationMs = 6000, kServiceMs = 70, kFirstMs = 50;
  const std::vector<double> times = *arrival_times_ms(arrivals, kDurationMs);
  // One server's queue, by Lindley's recursion: the delays that the server is told to have.
  std::vector<double> ttft;
  double free_ms = 0;
  for (const double at_ms : times) {
    const double begun_ms = std::max(at_ms, free_ms);
    free_ms = begun_ms + kServiceMs;
    ttft.push_back(begun_ms + kFirstMs - at_ms);
  }
  std::size_t n_asked = 0;
  ScriptedServer server([&](const test_support::ReceivedRequest& request) {
    if (request.method == "GET") return model_list();
    return stream(ttft.at(n_asked++), 5, 5);
  });
  const LoadResult load = run_load(server, arrivals, kDurationMs);
  REQUIRE(load.records.size() == times.size());
  std::vector<double> measured;
  for (const RequestRecord& record : load.records) measured.push_back(*record.ttft_ms());
  for (const double p : {0.1, 0.25, 0.5, 0.75, 0.9, 0.99}) {
    const double truth = *results::quantile(ttft, p), seen = *results::quantile(measured, p);
    INFO("p" << 100 * p << ": true " << truth << " ms, measured " << seen << " ms");
    // Never less: the queue is in it. More by what the threads of a busy machine wait for each other; that nothing else
    // is added is shown in a time of the test's own (load_test.cpp).
    CHECK(seen > 0.99 * truth);
    CHECK(seen < 1.25 * truth + 50);
  }
}

namespace {

/// What the server did against what the client measured, at every percentile: the largest relative difference.
double worst_percentile(const ScriptedServer& server, const LoadResult& load) {
  std::vector<const test_support::Exchange*> asked;
  const auto exchanges = server.exchanges();
  for (const auto& exchange : exchanges) {
    if (exchange.request.method != "GET") asked.push_back(&exchange);
  }
  REQUIRE(asked.size() == load.records.size());
  // Both clocks are this machine's; where the client's load began on it is what its least delayed request says.
  const auto ms_of = [](test_support::SteadyTime time) {
    return std::chrono::duration<double, std::milli>(time.time_since_epoch()).count();
  };
  double begin_ms = ms_of(asked[0]->request.received_at) - load.records[0].intended_ms;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    begin_ms = std::min(begin_ms, ms_of(asked[i]->request.received_at) - load.records[i].intended_ms);
  }
  std::vector<double> ttft, e2e, true_ttft, true_e2e;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const RequestRecord& record = load.records[i];
    const auto& sent_at = asked[i]->sent_at;  // the head, the tokens, the usage, [DONE], the end
    REQUIRE(sent_at.size() > 5);
    ttft.push_back(*record.ttft_ms());
    true_ttft.push_back(ms_of(sent_at[1]) - begin_ms - record.intended_ms);
    e2e.push_back(record.e2e_ms());
    true_e2e.push_back(ms_of(sent_at.back()) - begin_ms - record.intended_ms);
  }
  double worst = 0;
  for (const double p : {0.1, 0.25, 0.5, 0.75, 0.9, 0.99}) {
    worst = std::max(worst, std::abs(*results::quantile(ttft, p) / *results::quantile(true_ttft, p) - 1));
    worst = std::max(worst, std::abs(*results::quantile(e2e, p) / *results::quantile(true_e2e, p) - 1));
  }
  return worst;
}

}  // namespace

TEST_CASE("generate_load: every percentile is within 1 % of what an endpoint did, queue included", "[bench][http]") {
  const Arrivals arrivals{.process = ArrivalProcess::poisson, .rate_per_s = 12, .seed = 5};
  constexpr double kDurationMs = 3000, kServiceMs = 80, kFirstMs = 250;
  const std::vector<double> times = *arrival_times_ms(arrivals, kDurationMs);
  // On a busy machine a thread may wait for its turn: the best of some tries is what the client adds itself.
  double best = 1;
  for (int attempt = 0; attempt < 6 && best >= 0.01; ++attempt) {
    double free_ms = 0;
    std::size_t n_asked = 0;
    ScriptedServer server([&](const test_support::ReceivedRequest& request) {
      if (request.method == "GET") return model_list();
      const double at_ms = times.at(n_asked++);
      const double begun_ms = std::max(at_ms, free_ms);
      free_ms = begun_ms + kServiceMs;
      return stream(begun_ms + kFirstMs - at_ms, 5, 20);
    });
    const LoadResult load = run_load(server, arrivals, kDurationMs);
    REQUIRE(load.records.size() == times.size());
    const double worst = worst_percentile(server, load);
    UNSCOPED_INFO("attempt " << attempt << ": " << 100 * worst << " %");
    best = std::min(best, worst);
  }
  CHECK(best < 0.01);
}
