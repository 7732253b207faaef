// The endpoint runner against a server that misbehaves.
#include "runners/api/endpoint_runner.h"

#include <atomic>

#include "harness/base/json.h"
#include "runners/api/test_endpoint.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_server.h"

namespace assay::runners {

using namespace endpoint_test;
using Catch::Matchers::Contains;

TEST_CASE("endpoint: a reply with thoughts, counts and times", "[api]") {
  ScriptedServer server(behind_probe([](int, const ReceivedRequest&) {
    return Reply()
        .wait_ms(60)
        .stream_head({{"Server", "scripted"}})
        .event(R"({"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})")
        .wait_ms(40)
        .event(R"({"choices":[{"index":0,"delta":{"reasoning_content":"Two"}}]})")
        .wait_ms(30)
        .event(R"({"choices":[{"index":0,"delta":{"reasoning_content":" twos"}}]})")
        .wait_ms(30)
        .event(kText)
        .wait_ms(50)
        .event(kEnd)
        .event(
            R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}})")
        .event("[DONE]")
        .end();
  }));
  const Ran ran = run_all(quick_options(server.url()), requests(1));
  REQUIRE(ran.result);
  const Completion& reply = ran.completions.at("item-0");
  CHECK(reply.failure.empty());
  CHECK(reply.text == "<think>\nTwo twos\n</think>\n\n4");
  CHECK(reply.finish_reason == FinishReason::eos);
  CHECK(reply.n_prompt_tokens == 9);
  CHECK(reply.n_cached_prompt_tokens == 4);
  CHECK(reply.n_output_tokens == 12);
  CHECK(reply.details["n_events"] == 3);
  CHECK(*reply.timings.queued_ms <= *reply.timings.started_ms);
  // The server's waits are the least there can be; a busy machine adds to them.
  constexpr double kMostDelayMs = 2000;
  const Timings& times = reply.timings;
  CHECK((*times.ttft_ms >= 100 && *times.ttft_ms < 100 + kMostDelayMs));
  CHECK((*times.e2e_ms >= 210 && *times.e2e_ms < 210 + kMostDelayMs));
  CHECK((*times.itl_ms_mean > 0 && *times.itl_ms_mean <= (*times.e2e_ms - *times.ttft_ms) / 2));
  CHECK_THAT(*times.first_token_ms - *times.queued_ms, Catch::Matchers::WithinAbs(*times.ttft_ms, 1e-6));
  CHECK_THAT(*times.finished_ms - *times.queued_ms, Catch::Matchers::WithinAbs(*times.e2e_ms, 1e-6));

  const Exchange exchange = server.exchanges().back();
  CHECK(exchange.request.target == "/v1/chat/completions");
  CHECK_FALSE(exchange.request.headers.contains("authorization"));
  CHECK(Json::parse(exchange.request.body)["messages"][0]["content"] == "question 0");
}

TEST_CASE("endpoint: a whole answer in place of a stream", "[api]") {
  ScriptedServer server(behind_probe([](int, const ReceivedRequest&) { return whole_answer(); }));
  const Ran ran = run_all(quick_options(server.url()), requests(1));
  const Completion& reply = ran.completions.at("item-0");
  CHECK(reply.text == "<think>\nHm\n</think>\n\n4");
  CHECK(reply.n_output_tokens == 2);
  CHECK_FALSE(reply.timings.ttft_ms);
  CHECK(reply.timings.e2e_ms);
}

TEST_CASE("endpoint: each fault, met once, is asked again and costs no sample", "[api]") {
  for (const Fault& fault : faults()) {
    CAPTURE(fault.name);
    ScriptedServer server(bad_then_good(fault.reply, 1));
    const Ran ran = run_all(quick_options(server.url()), requests(1));
    REQUIRE(ran.result);
    REQUIRE(ran.n_completions == 1);
    const Completion& reply = ran.completions.at("item-0");
    CHECK(reply.failure.empty());
    CHECK(reply.text == "4");
    CHECK(reply.n_output_tokens == 2);
    CHECK(reply.details["n_attempts"] == 2);
    CHECK(server.n_requests() == 3);
  }
}

TEST_CASE("endpoint: each fault without end fails each sample once, with its reason", "[api]") {
  for (const Fault& fault : faults()) {
    CAPTURE(fault.name);
    ScriptedServer server(bad_then_good(fault.reply, 1 << 30));
    const Ran ran = run_all(quick_options(server.url()), requests(5));
    REQUIRE(ran.result);
    CHECK(ran.n_completions == 5);
    CHECK(ran.completions.size() == 5);
    for (const auto& [id, completion] : ran.completions) {
      CHECK_THAT(completion.failure, Contains("after 3 attempts: "));
      CHECK_THAT(completion.failure, Contains(fault.says));
      CHECK(completion.failure.find('\n') == std::string::npos);
      CHECK(completion.text.empty());
    }
    CHECK(server.n_requests() == 1 + 5 * 3);
  }
}

TEST_CASE("endpoint: faults at random lose and double no sample", "[api]") {
  const std::vector<Fault> all = faults();
  ScriptedServer server(behind_probe([&](int n, const ReceivedRequest& request) {
    if (n % 3 == 0) return all[static_cast<std::size_t>(n / 3) % all.size()].reply;
    const std::string question = Json::parse(request.body)["messages"][0]["content"];
    return Reply()
        .stream_head()
        .event(R"({"choices":[{"index":0,"delta":{"content":"answer to )" + question + "\"}}]}")
        .event(kEnd)
        .event(kUsage)
        .event("[DONE]")
        .end();
  }));
  EndpointOptions options = quick_options(server.url());
  options.max_in_flight = 8;
  options.retry.most_attempts = 12;
  const Ran ran = run_all(options, requests(100));
  REQUIRE(ran.result);
  CHECK(ran.n_completions == 100);
  REQUIRE(ran.completions.size() == 100);
  for (int i = 0; i < 100; ++i) {
    const Completion& reply = ran.completions.at("item-" + std::to_string(i));
    CHECK(reply.failure.empty());
    CHECK(reply.text == "answer to question " + std::to_string(i));
  }
  CHECK(server.most_at_once() <= 8);
}

TEST_CASE("endpoint: wrong counts of tokens are unknown, and the text stands", "[api]") {
  for (const auto& [usage, remark] : std::vector<std::pair<std::string, std::string>>{
           {R"("usage":{"prompt_tokens":-3,"completion_tokens":1000000})", "prompt_tokens is -3"},
           {R"("usage":{"prompt_tokens":"many","completion_tokens":0})", "no count of tokens"},
           {R"("usage":null)", "no token counts"}}) {
    CAPTURE(usage);
    ScriptedServer server(behind_probe([usage = usage](int, const ReceivedRequest&) {
      return Reply()
          .stream_head()
          .event(kText)
          .event(kEnd)
          .event("{\"choices\":[]," + usage + "}")
          .event("[DONE]")
          .end();
    }));
    const Ran ran = run_all(quick_options(server.url()), requests(1));
    const Completion& reply = ran.completions.at("item-0");
    CHECK(reply.failure.empty());
    CHECK(reply.text == "4");
    CHECK(reply.n_prompt_tokens < 0);
    CHECK(reply.n_output_tokens < 0);
    CHECK_THAT(reply.details["remarks"][0].get<std::string>(), Contains(remark));
  }
}

TEST_CASE("endpoint: a reply that is whole counts, however its connection ends", "[api]") {
  for (const auto& [name, reply] : std::vector<std::pair<std::string, Reply>>{
           {"closed behind the end", Reply().stream_head().event(kText).event(kEnd).event("[DONE]").close()},
           {"reset behind the last text", Reply().stream_head().event(kText).event(kEnd).wait_ms(30).reset()},
           {"left open behind the end",
            Reply().stream_head().event(kText).event(kEnd).event(kUsage).event("[DONE]").stall()}}) {
    CAPTURE(name);
    ScriptedServer server(behind_probe([reply = reply](int, const ReceivedRequest&) { return reply; }));
    EndpointOptions options = quick_options(server.url());
    options.idle_timeout_ms = 5000;
    const Ran ran = run_all(options, requests(1));
    CHECK(ran.completions.at("item-0").failure.empty());
    CHECK(ran.completions.at("item-0").text == "4");
    CHECK(server.n_requests() == 2);
  }
}

TEST_CASE("endpoint: a Retry-After is waited for, and fewer are asked at a time", "[api]") {
  constexpr double kAskedMs = 300;
  std::vector<test_support::SteadyTime> came;
  ScriptedServer server(behind_probe([&](int n, const ReceivedRequest& request) {
    came.push_back(request.received_at);
    return n == 0 ? Reply().answer(429, "{}", {{"Retry-After", "0.3"}}) : good_reply();
  }));
  EndpointOptions options = quick_options(server.url());
  options.max_in_flight = 1;
  const Ran ran = run_all(options, requests(3));
  REQUIRE(ran.result);
  REQUIRE(came.size() == 4);
  CHECK(std::chrono::duration<double, std::milli>(came[1] - came[0]).count() >= kAskedMs);
  for (const auto& [id, reply] : ran.completions) CHECK(reply.failure.empty());
}

TEST_CASE("endpoint: a storm of 429 halves the requests in flight until they pass", "[api]") {
  std::atomic<int> n_now = 0, n_refused = 0;
  ScriptedServer server(behind_probe([&](int n, const ReceivedRequest&) {
    if (n < 16) {
      ++n_refused;
      return Reply().wait_ms(30).answer(429, "{}");
    }
    return Reply().wait_ms(10).stream_head().event(kText).event(kEnd).event(kUsage).event("[DONE]").end();
  }));
  EndpointOptions options = quick_options(server.url());
  options.max_in_flight = 16;
  options.retry.most_attempts = 20;
  const Ran ran = run_all(options, requests(40));
  REQUIRE(ran.result);
  CHECK(ran.completions.size() == 40);
  CHECK(n_refused == 16);
  // The first sixteen came at once; afterwards at most eight, and one more for each eight that passed.
  const std::vector<Exchange> exchanges = server.exchanges();
  for (std::size_t i = 17 + 4; i < 30; ++i) {
    int n_open = 0;
    for (std::size_t j = 17; j < i; ++j) {
      n_open += !exchanges[j].sent_at.empty() && exchanges[j].sent_at.back() > exchanges[i].request.received_at ? 1 : 0;
    }
    CHECK(n_open <= 9);
  }
}

TEST_CASE("endpoint: a wait longer than patience fails the sample and says so", "[api]") {
  ScriptedServer server(bad_then_good(Reply().answer(429, "{}", {{"Retry-After", "86400"}}), 1 << 30));
  const Ran ran = run_all(quick_options(server.url()), requests(1));
  CHECK_THAT(ran.completions.at("item-0").failure, Contains("it asks to wait 86400 s"));
  CHECK(server.n_requests() == 2);
}

TEST_CASE("endpoint: a slow reply meets its total time-out", "[api]") {
  Reply slow;
  slow.stream_head();
  for (int i = 0; i < 400; ++i) slow.wait_ms(20).event(kText);
  ScriptedServer server(bad_then_good(slow, 1 << 30));
  EndpointOptions options = quick_options(server.url());
  options.total_timeout_ms = 300;
  const Ran ran = run_all(options, requests(2));
  CHECK(ran.n_completions == 2);
  CHECK_THAT(ran.completions.at("item-0").failure, Contains("no whole reply within 0.3 s"));
}

TEST_CASE("endpoint: a stop ends the run at once", "[api]") {
  ScriptedServer server(
      behind_probe([](int n, const ReceivedRequest&) { return n < 2 ? good_reply() : Reply().stall(); }));
  EndpointOptions options = quick_options(server.url());
  options.idle_timeout_ms = 60'000;
  auto runner = open_endpoint_runner(options);
  REQUIRE(runner);
  std::stop_source stop;
  int n_completions = 0;
  const Result<> ran = (*runner)->run(
      requests(10),
      [&](Completion) -> Result<> {
        if (++n_completions == 2) stop.request_stop();
        return {};
      },
      {}, stop.get_token());
  REQUIRE_FALSE(ran);
  CHECK(ran.error().kind == ErrorKind::interrupted);
  CHECK(n_completions == 2);
}

TEST_CASE("endpoint: facts hold what is known, and no key", "[api]") {
  ScriptedServer server([](const ReceivedRequest&) {
    return Reply().answer(200, R"({"data":[{"id":"m","max_model_len":4096}]})", {{"Server", "uvicorn"}});
  });
  EndpointOptions options = quick_options(server.url());
  options.connection.api_key = "sk-secret-0123456789abcdef";
  auto runner = open_endpoint_runner(options);
  REQUIRE(runner);
  const DeviceFacts device = (*runner)->device_facts();
  CHECK(device.kind == "remote");
  CHECK(device.name == "127.0.0.1");
  CHECK(device.details["server"] == "uvicorn");
  CHECK(device.details["hardware"].is_null());
  const ModelFacts model = (*runner)->model_facts();
  CHECK(model.name == "m");
  CHECK(model.reference == server.url() + "/v1#m");
  CHECK(model.weights_sha256.empty());
  CHECK(model.details["listed"]["max_model_len"] == 4096);
  CHECK_THAT(device.details.dump() + model.details.dump(), !Contains("secret"));
}

}  // namespace assay::runners
