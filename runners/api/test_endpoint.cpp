#include "runners/api/test_endpoint.h"

#include <memory>

#include "tests/support/catch.h"

namespace assay::runners::endpoint_test {

Reply good_reply() { return Reply().stream_head().event(kText).event(kEnd).event(kUsage).event("[DONE]").end(); }
Reply whole_answer() {
  return Reply().answer(
      200,
      R"({"choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"Hm","content":"4"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}})");
}

bool is_probe(const ReceivedRequest& request) { return request.method == "GET"; }
Reply model_list() { return Reply().answer(200, R"({"object":"list","data":[{"id":"m","owned_by":"us"}]})"); }

ScriptedServer::Handler behind_probe(std::function<Reply(int n, const ReceivedRequest&)> handler) {
  auto n = std::make_shared<int>(0);
  return [handler = std::move(handler), n](const ReceivedRequest& request) {
    return is_probe(request) ? model_list() : handler((*n)++, request);
  };
}

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

Ran run_all(Runner& runner, const std::vector<Request>& asked, std::stop_token stop) {
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

}  // namespace assay::runners::endpoint_test
