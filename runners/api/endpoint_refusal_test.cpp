// What endpoints refuse, and endpoints that are not there or not to be trusted.
#include "runners/api/endpoint_runner.h"

#include "harness/base/json.h"
#include "runners/api/test_endpoint.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temporary_folder.h"

namespace assay::runners {

using namespace endpoint_test;
using Catch::Matchers::Contains;

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

}  // namespace assay::runners
