// The endpoint runners against a server that misbehaves.
#include "runners/api/endpoint_runner.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "harness/base/json.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temporary_folder.h"

namespace assay::runners {

namespace {

using Catch::Matchers::Contains;
using test_support::Exchange;
using test_support::ReceivedRequest;
using test_support::Reply;
using test_support::ScriptedServer;

const std::string kText = R"({"choices":[{"index":0,"delta":{"content":"4"}}]})";
const std::string kEnd = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
const std::string kUsage = R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}})";

Reply good_reply() { return Reply().stream_head().event(kText).event(kEnd).event(kUsage).event("[DONE]").end(); }
Reply whole_answer() {
  return Reply().answer(
      200,
      R"({"choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"Hm","content":"4"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}})");
}

bool is_probe(const ReceivedRequest& request) { return request.method == "GET"; }
Reply model_list() { return Reply().answer(200, R"({"object":"list","data":[{"id":"m","owned_by":"us"}]})"); }

/// A handler that answers the first contact, and asks `handler` for the rest with their number from 0.
ScriptedServer::Handler behind_probe(std::function<Reply(int n, const ReceivedRequest&)> handler) {
  auto n = std::make_shared<int>(0);
  return [handler = std::move(handler), n](const ReceivedRequest& request) {
    return is_probe(request) ? model_list() : handler((*n)++, request);
  };
}

/// The `bad` reply first, as often as `n_bad`; then good ones.
ScriptedServer::Handler bad_then_good(Reply bad, int n_bad) {
  return behind_probe(
      [bad = std::move(bad), n_bad](int n, const ReceivedRequest&) { return n < n_bad ? bad : good_reply(); });
}

EndpointOptions quick_options(const std::string& url) {
  EndpointOptions options;
  options.connection.endpoint = *api::parse_endpoint(url + "/v1#m");
  options.max_in_flight = 4;
  options.retry = {.most_attempts = 3, .first_ms = 2, .most_ms = 10, .most_asked_ms = 5000};
  options.idle_timeout_ms = 150;
  options.total_timeout_ms = 20'000;
  return options;
}

std::vector<Request> requests(int n) {
  std::vector<Request> list;
  for (int i = 0; i < n; ++i) {
    Request request;
    request.id = "item-" + std::to_string(i);
    request.messages = {{Role::user, "question " + std::to_string(i)}};
    request.sampling.max_output_tokens = 50;
    request.key = {1, static_cast<std::uint32_t>(i)};
    list.push_back(request);
  }
  return list;
}

struct Ran {
  Result<> result;
  std::map<std::string, Completion> completions;
  int n_completions = 0;
};

Ran run_all(Runner& runner, const std::vector<Request>& asked, std::stop_token stop = {}) {
  Ran ran;
  REQUIRE(runner.check(asked));
  ran.result = runner.run(
      asked,
      [&](Completion completion) -> Result<> {
        ++ran.n_completions;
        ran.completions[completion.id] = std::move(completion);
        return {};
      },
      {}, stop);
  return ran;
}

Ran run_all(const EndpointOptions& options, const std::vector<Request>& asked) {
  auto runner = open_endpoint_runner(options);
  REQUIRE(runner);
  return run_all(**runner, asked);
}

/// Ways to misbehave, each with what a sample's failure must say once the attempts are used up.
struct Fault {
  const char* name;
  Reply reply;
  const char* says;
};
std::vector<Fault> faults() {
  const auto half = [] { return Reply().stream_head().event(kText); };
  return {
      {"drop before an answer", Reply().close(), "closed the connection without an answer"},
      {"reset before an answer", Reply().reset(), "broke"},
      {"429", Reply().answer(429, R"({"error":{"message":"slow down"}})"), "HTTP 429: slow down"},
      {"503 with a wait", Reply().answer(503, "busy", {{"Retry-After", "0"}}), "HTTP 503: busy"},
      {"500", Reply().answer(500, "<html>\noops</html>"), "HTTP 500"},
      {"half a stream, closed", half().close(), "broke"},
      {"half a stream, reset", half().reset(), "broke"},
      {"half a stream, ended as if whole", half().end(), "without a finish_reason"},
      {"half a stream with its end mark", half().event("[DONE]").end(), "without a finish_reason"},
      {"half a stream, then silence", half().stall(), "nothing came for 0.15 s"},
      {"silence", Reply().stall(), "nothing came for 0.15 s"},
      {"slow loris in the stream",
       half().drip("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", 20).stall(),
       "nothing came for 0.15 s"},
      {"slow loris in the head", Reply().drip("HTTP/1.1 200 OK", 20).stall(), "nothing came for 0.15 s"},
      {"a head alone", Reply().head(200).close(), "empty"},
      {"wrong JSON in the stream", half().event("{\"choices\":[{").end(), "JSON"},
      {"wrong JSON in a whole answer", Reply().answer(200, "{\"choices\":"), "JSON"},
      {"a web page", Reply().answer(200, "<html>Sign in</html>", {{"Content-Type", "text/html"}}), "JSON"},
      {"an answer of another kind", Reply().answer(200, R"({"status":"ok"})"), "no \"choices\""},
      {"invalid UTF-8", Reply().stream_head().event("{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}").end(),
       "JSON"},
      {"a body shorter than said", Reply().head(200, {{"Content-Length", "100"}}).bytes("{").close(), "broke"},
      {"an error within the stream", half().event(R"({"error":{"message":"out of memory"}})").end(), "out of memory"},
      {"no HTTP at all", Reply().bytes("SSH-2.0-OpenSSH_9.2\r\n").close(), "127.0.0.1"},
      {"an empty stream", Reply().stream_head().end(), "empty"},
  };
}

}  // namespace

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

TEST_CASE("endpoint: words that it refuses are said otherwise, or left out", "[api]") {
  ScriptedServer server(behind_probe([](int, const ReceivedRequest& request) {
    const Json body = Json::parse(request.body);
    if (body.contains("max_tokens")) {
      return Reply().answer(
          400,
          R"({"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}})");
    }
    if (body.contains("stream_options"))
      return Reply().answer(422, R"({"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs"}]})");
    if (body.contains("seed"))
      return Reply().answer(400, R"({"error":{"message":"Unrecognized request argument supplied: seed"}})");
    return Reply().stream_head().event(kText).event(kEnd).event("[DONE]").end();
  }));
  EndpointOptions options = quick_options(server.url());
  options.max_in_flight = 1;
  options.retry.most_attempts = 1;
  const Ran ran = run_all(options, requests(3));
  REQUIRE(ran.result);
  for (const auto& [id, reply] : ran.completions) CHECK(reply.failure.empty());
  CHECK(server.n_requests() == 1 + 3 + 3);  // learnt once
  CHECK(Json::parse(server.exchanges().back().request.body)["max_completion_tokens"] == 50);
}

TEST_CASE("endpoint: a request that it refuses fails alone", "[api]") {
  ScriptedServer server(behind_probe([](int, const ReceivedRequest& request) {
    return request.body.find("question 1") == std::string::npos
               ? good_reply()
               : Reply().answer(400, R"({"error":{"message":"This model's maximum context length is 10 tokens."}})");
  }));
  const Ran ran = run_all(quick_options(server.url()), requests(3));
  REQUIRE(ran.result);
  CHECK_THAT(ran.completions.at("item-1").failure, Contains("HTTP 400: This model's maximum context length"));
  CHECK(ran.completions.at("item-2").failure.empty());
  CHECK(server.n_requests() == 4);
}

TEST_CASE("endpoint: where no request could succeed the run stops, and samples stay open", "[api]") {
  struct Row {
    Reply reply;
    ErrorKind kind;
    const char* says;
  };
  for (
      const Row& row : std::vector<Row>{
          {Reply().answer(401, R"({"error":{"message":"wrong key"}})"), ErrorKind::environment, "HTTP 401: wrong key"},
          {Reply().answer(404, R"({"error":{"message":"no model m"}})"), ErrorKind::environment, "no model m"},
          {Reply().answer(402, "{}"), ErrorKind::environment, "HTTP 402"},
          {Reply().head(302, {{"Location", "https://elsewhere.example/v1"}, {"Content-Length", "0"}}),
           ErrorKind::environment, "redirects to \"https://elsewhere.example/v1\""},
          {Reply().answer(
               400,
               R"({"error":{"message":"Unsupported value: 'temperature' does not support 0.6","param":"temperature"}})"),
           ErrorKind::bad_input, "refuses temperature"}}) {
    CAPTURE(row.says);
    ScriptedServer server(bad_then_good(row.reply, 1 << 30));
    const Ran ran = run_all(quick_options(server.url()), requests(10));
    REQUIRE_FALSE(ran.result);
    CHECK(ran.result.error().kind == row.kind);
    CHECK_THAT(ran.result.error().message, Contains(row.says));
    CHECK(ran.n_completions == 0);
  }
}

TEST_CASE("endpoint: a server that is gone half-way stops the run, with what was answered kept", "[api]") {
  auto server =
      std::make_unique<ScriptedServer>(behind_probe([](int, const ReceivedRequest&) { return good_reply(); }));
  EndpointOptions options = quick_options(server->url());
  options.max_in_flight = 1;
  auto runner = open_endpoint_runner(options);
  REQUIRE(runner);
  int n_completions = 0;
  const Result<> ran = (*runner)->run(requests(20),
                                      [&](Completion completion) -> Result<> {
                                        CHECK(completion.failure.empty());
                                        if (++n_completions == 5) server.reset();
                                        return {};
                                      },
                                      {}, {});
  REQUIRE_FALSE(ran);
  CHECK(ran.error().kind == ErrorKind::environment);
  CHECK_THAT(ran.error().message, Contains("is gone: after 3 attempts"));
  CHECK((n_completions >= 5 && n_completions < 20));
}

TEST_CASE("endpoint: down at the start is one line", "[api]") {
  const auto down =
      open_endpoint_runner(quick_options("http://127.0.0.1:" + std::to_string(test_support::closed_port())));
  REQUIRE_FALSE(down);
  CHECK(down.error().kind == ErrorKind::environment);
  CHECK_THAT(down.error().message, Contains("can't be reached"));
  CHECK(down.error().message.find('\n') == std::string::npos);
}

TEST_CASE("endpoint: the first contact needs no list of models, but an accepted key", "[api]") {
  for (const int status : {404, 405, 429, 500, 501}) {
    ScriptedServer server({Reply().answer(status, "{}")});
    CHECK(open_endpoint_runner(quick_options(server.url())));
  }
  ScriptedServer dropping({Reply().close()});
  CHECK(open_endpoint_runner(quick_options(dropping.url())));
  ScriptedServer moved(
      {Reply().head(301, {{"Location", "https://elsewhere.example/v1/models"}, {"Content-Length", "0"}})});
  const auto elsewhere = open_endpoint_runner(quick_options(moved.url()));
  REQUIRE_FALSE(elsewhere);
  CHECK_THAT(elsewhere.error().message, Contains("redirects to \"https://elsewhere.example/v1/models\""));
  ScriptedServer strict({Reply().answer(401, R"({"error":"who are you?"})")});
  const auto refused = open_endpoint_runner(quick_options(strict.url()));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("$ASSAY_API_KEY") && Contains("who are you?"));
}

TEST_CASE("endpoint: the key goes to the host alone, and into no message", "[api]") {
  const std::string key = "sk-secret-0123456789abcdef";
  ScriptedServer elsewhere({good_reply()});
  ScriptedServer server([&](const ReceivedRequest& request) {
    CHECK(request.headers.at("authorization") == "Bearer " + key);
    if (is_probe(request)) return model_list();
    if (request.body.find("question 0") != std::string::npos) {
      return Reply().answer(400, R"({"error":{"message":"wrong key )" + key + "\"}}");
    }
    if (request.body.find("question 1") != std::string::npos) {
      return Reply().stream_head().event("{\"choices\":[{\"delta\":{\"content\":\"" + key + "\"}}]}").event(kEnd).end();
    }
    return Reply().head(307, {{"Location", elsewhere.url() + "/v1/chat/completions?" + key}, {"Content-Length", "0"}});
  });
  EndpointOptions options = quick_options(server.url());
  options.connection.api_key = key;
  options.max_in_flight = 1;
  const Ran ran = run_all(options, requests(3));
  REQUIRE_FALSE(ran.result);
  CHECK_THAT(ran.result.error().message, Contains("redirects") && !Contains(key));
  CHECK_THAT(ran.completions.at("item-0").failure, Contains("wrong key [key]"));
  CHECK(ran.completions.at("item-1").text == "[key]");
  CHECK(elsewhere.n_requests() == 0);
}

TEST_CASE("endpoint: TLS is verified", "[api]") {
  ScriptedServer server(behind_probe([](int, const ReceivedRequest&) { return good_reply(); }), {.tls = true});
  EndpointOptions options = quick_options(server.url());
  const auto untrusted = open_endpoint_runner(options);
  REQUIRE_FALSE(untrusted);
  CHECK(untrusted.error().kind == ErrorKind::environment);
  CHECK_THAT(untrusted.error().message, Contains("is not trusted (TLS)"));
  CHECK(server.n_requests() == 0);

  const test_support::TemporaryFolder folder;
  options.connection.ca_file = folder.write("ca.pem", server.certificate_pem()).string();
  const Ran ran = run_all(options, requests(3));
  REQUIRE(ran.result);
  for (const auto& [id, reply] : ran.completions) CHECK(reply.text == "4");

  ScriptedServer plain(behind_probe([](int, const ReceivedRequest&) { return good_reply(); }));
  EndpointOptions to_plain = quick_options("https://127.0.0.1:" + std::to_string(plain.port()));
  to_plain.connection.connect_timeout_ms = 200;
  const auto no_tls = open_endpoint_runner(to_plain);
  REQUIRE_FALSE(no_tls);
  CHECK_THAT(no_tls.error().message, Contains("SSL"));
}

TEST_CASE("endpoint: TLS that fails in the middle fails the samples with the reason", "[api]") {
  ScriptedServer server(behind_probe([](int, const ReceivedRequest&) { return good_reply().close(); }), {.tls = true});
  const test_support::TemporaryFolder folder;
  EndpointOptions options = quick_options(server.url());
  options.connection.ca_file = folder.write("ca.pem", server.certificate_pem()).string();
  auto runner = open_endpoint_runner(options);
  REQUIRE(runner);
  ScriptedServer other({good_reply()}, {.tls = true});
  folder.write("ca.pem", other.certificate_pem());  // now another authority is trusted
  const Ran ran = run_all(**runner, requests(3));
  REQUIRE(ran.result);
  CHECK(ran.n_completions == 3);
  for (const auto& [id, reply] : ran.completions) CHECK_THAT(reply.failure, Contains("is not trusted (TLS)"));
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
