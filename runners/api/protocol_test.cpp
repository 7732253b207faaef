// The pure parts of the endpoint runner: addresses, event streams, bodies, replies, refusals, waits.
#include <random>

#include "runners/api/endpoint.h"
#include "runners/api/event_stream.h"
#include "runners/api/refusal.h"
#include "runners/api/reply_reader.h"
#include "runners/api/request_body.h"
#include "runners/api/retry.h"
#include "tests/support/catch.h"

namespace assay::runners::api {

namespace {

using Catch::Matchers::Contains;

std::vector<std::string> events_of(const std::vector<std::string>& parts) {
  EventStream stream;
  std::vector<std::string> events;
  for (const std::string& part : parts) {
    REQUIRE(stream.add(part, [&](std::string_view data) { events.emplace_back(data); }));
  }
  return events;
}

Request chat_request() {
  Request request;
  request.id = "item";
  request.messages = {{Role::system, "Be brief."}, {Role::user, "2 + 2?"}};
  request.sampling = {.temperature = 0.5, .top_p = 0.9, .top_k = 0, .min_p = 0, .max_output_tokens = 100};
  request.key = {7, 1234};
  return request;
}

/// A reply read from events; the first failure ends it.
struct ReadReply {
  std::optional<AttemptFailure> failure;
  std::string streamed;
  ReplyReader reader;
};
ReadReply read_events(const std::vector<std::string>& events) {
  ReadReply reply;
  for (const std::string& event : events) {
    if (reply.failure = reply.reader.add_event(event, {}, reply.streamed); reply.failure) return reply;
  }
  reply.failure = reply.reader.missing();
  return reply;
}

std::string delta(const std::string& fields) { return R"({"choices":[{"index":0,"delta":{)" + fields + "}}]}"; }
const std::string kStop = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";

}  // namespace

TEST_CASE("parse_endpoint: address, host and model", "[api]") {
  const auto hosted = parse_endpoint("https://API.Example.com/v1/#org/model-1:latest");
  REQUIRE(hosted);
  CHECK(hosted->base_url == "https://API.Example.com/v1");
  CHECK(hosted->host == "api.example.com");
  CHECK(hosted->model == "org/model-1:latest");
  CHECK(hosted->is_tls);
  CHECK_FALSE(hosted->is_loopback);
  for (const char* here : {"http://127.0.0.1:8080/v1#m", "http://localhost/v1#m", "http://[::1]:80/v1#m"}) {
    const auto local = parse_endpoint(here);
    REQUIRE(local);
    CHECK(local->is_loopback);
  }
  CHECK_FALSE(parse_endpoint("http://127.evil.example/v1#m")->is_loopback);
}

TEST_CASE("parse_endpoint: what is wrong is said, and no secret is repeated", "[api]") {
  for (const auto& [text, says] : std::vector<std::pair<std::string, std::string>>{
           {"ftp://host/v1#m", "http(s)"},
           {"http:///v1#m", "names no host"},
           {"http://host:99999/v1#m", "names no host"},
           {"http://host/v1", "does not say which model"},
           {"http://host/v1#", "does not say which model"},
           {"http://ho st/v1#m", "no web address"},
           {"http://host/v1/chat/completions#m", "ends in /chat/completions"},
           {"http://user:hunter2@host/v1#m", "$ASSAY_API_KEY"},
           {"http://host/v1?key=hunter2#m", "a query"}}) {
    CAPTURE(text);
    const auto endpoint = parse_endpoint(text);
    REQUIRE_FALSE(endpoint);
    CHECK_THAT(endpoint.error().message, Contains(says));
    CHECK_THAT(endpoint.error().message, !Contains("hunter2"));
  }
}

TEST_CASE("EventStream: events as the standard says, however the bytes are cut", "[api]") {
  // The comment, the field without a space, several data lines, the unknown field and the event without an end are
  // of WHATWG HTML's own examples.
  const std::string stream =
      "\xEF\xBB\xBF: hello\r\n\r\ndata: first\n\ndata:second\rdata\rdata:  third\r\revent: add\nid: 1\ndata: "
      "x\n\ndata: lost";
  const std::vector<std::string> expected = {"first", "second\n\n third", "x"};
  CHECK(events_of({stream}) == expected);
  std::vector<std::string> single_bytes;
  for (const char c : stream) single_bytes.emplace_back(1, c);
  CHECK(events_of(single_bytes) == expected);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    CAPTURE(cut);
    CHECK(events_of({stream.substr(0, cut), stream.substr(cut)}) == expected);
  }
}

TEST_CASE("EventStream: an event without end is refused before it fills the memory", "[api]") {
  EventStream stream;
  const std::string part(1 << 20, 'x');
  bool goes_on = true;
  int n_parts = 0;
  while (goes_on && n_parts < 100) {
    goes_on = stream.add(part, [](std::string_view) {});
    ++n_parts;
  }
  CHECK(n_parts == 17);
}

TEST_CASE("request_body: the protocol's words", "[api]") {
  const Request request = chat_request();
  Json body = request_body(request, "m", {});
  CHECK(body["seed"].get<std::int64_t>() == sample_seed(request.key));
  body.erase("seed");
  CHECK(body == Json::parse(R"({"model":"m","messages":[{"role":"system","content":"Be brief."},
    {"role":"user","content":"2 + 2?"}],"n":1,"temperature":0.5,"top_p":0.9,"max_tokens":100,"stream":true,
    "stream_options":{"include_usage":true}})"));

  const Json other =
      request_body(request, "m", {.has_max_completion_tokens = true, .has_stream_options = false, .has_seed = false});
  CHECK(other["max_completion_tokens"] == 100);
  for (const char* absent : {"max_tokens", "stream_options", "seed", "top_k", "min_p"})
    CHECK_FALSE(other.contains(absent));

  Request raw = request;
  raw.raw_prompt = "Once";
  raw.sampling.top_p = 1;
  raw.sampling.top_k = 40;
  const Json raw_body = request_body(raw, "m", {});
  CHECK(request_path(raw) == "/completions");
  CHECK(raw_body["prompt"] == "Once");
  CHECK(raw_body["top_k"] == 40);
  CHECK_FALSE(raw_body.contains("messages"));
  CHECK_FALSE(raw_body.contains("top_p"));
}

TEST_CASE("sample_seed: depends on every part of the key and fits 31 bits", "[api]") {
  const SampleKey key{.seed = 5, .sample_word = 9};
  CHECK(sample_seed(key) == sample_seed(key));
  CHECK(sample_seed(key) != sample_seed({.seed = 5, .sample_word = 10}));
  CHECK(sample_seed(key) != sample_seed({.seed = 6, .sample_word = 9}));
  CHECK(sample_seed(key) != sample_seed({.seed = 5 + (1ULL << 32), .sample_word = 9}));
  for (std::uint32_t word = 0; word < 1000; ++word) {
    const std::int64_t seed = sample_seed({.seed = 0, .sample_word = word});
    CHECK((seed >= 0 && seed < (1LL << 31)));
  }
}

TEST_CASE("check_request: what no endpoint can be asked for is refused in words", "[api]") {
  Request request = chat_request();
  CHECK(check_request(request));
  request.n_logprobs = 3;
  CHECK_THAT(check_request(request).error().message, Contains("--logprobs"));
  request = chat_request();
  request.raw_prompt = "Once";
  request.sampling.max_output_tokens = 0;
  CHECK_THAT(check_request(request).error().message, Contains("--max-output-tokens"));
}

TEST_CASE("ReplyReader: thoughts of their own field stand before the text", "[api]") {
  for (const std::string field : {"reasoning_content", "reasoning"}) {
    const ReadReply reply =
        read_events({delta(R"("role":"assistant","content":"")"), delta("\"" + field + R"(":"Two and")"),
                     delta("\"" + field + R"(":" two.","content":null)"), delta(R"("content":"It is ")"),
                     delta(R"("content":"4")"), kStop, "[DONE]"});
    REQUIRE_FALSE(reply.failure);
    CHECK(reply.reader.text() == "<think>\nTwo and two.\n</think>\n\nIt is 4");
    CHECK(reply.streamed == reply.reader.text());
    CHECK(reply.reader.has_ended());
  }
}

TEST_CASE("ReplyReader: thoughts that the token limit cut stay open, those that ended are closed", "[api]") {
  const std::string thought = delta(R"("reasoning_content":"Hm")");
  CHECK(read_events({thought, R"({"choices":[{"delta":{},"finish_reason":"length"}]})"}).reader.text() ==
        "<think>\nHm");
  CHECK(read_events({thought, kStop}).reader.text() == "<think>\nHm\n</think>\n\n");
}

TEST_CASE("ReplyReader: completions have their text in the choice", "[api]") {
  const ReadReply reply =
      read_events({R"({"choices":[{"index":0,"text":" upon"}]})", R"({"choices":[{"index":1,"text":"not asked for"}]})",
                   R"({"choices":[{"index":0,"text":" a time","finish_reason":"length"}]})"});
  REQUIRE_FALSE(reply.failure);
  CHECK(reply.reader.text() == " upon a time");
}

TEST_CASE("ReplyReader: what is broken, and what to do about it", "[api]") {
  const std::string text = delta(R"("content":"4")");
  const auto ends_with = [&](const std::string& reason) {
    return read_events({text, R"({"choices":[{"delta":{},"finish_reason":")" + reason + "\"}]}"}).failure;
  };
  CHECK(read_events({text}).failure->next == Next::retry);
  CHECK_THAT(read_events({text}).failure->reason, Contains("broke off"));
  CHECK_THAT(read_events({}).failure->reason, Contains("empty"));
  CHECK_THAT(read_events({"{\"choices\":[{"}).failure->reason, Contains("JSON"));
  CHECK(read_events({"[]"}).failure->next == Next::retry);
  CHECK(read_events({R"({"choices":{}})"}).failure);
  CHECK(read_events({delta(R"("content":5)")}).failure->next == Next::give_up);
  CHECK(ends_with("content_filter")->next == Next::give_up);
  CHECK(ends_with("tool_calls")->next == Next::give_up);
  CHECK(ends_with("insufficient_system_resource")->next == Next::retry);
  CHECK_FALSE(ends_with("stop"));
  const auto overloaded = read_events({R"({"error":{"message":"overloaded","code":503}})"}).failure;
  CHECK_THAT(overloaded->reason, Contains("overloaded"));
  CHECK(overloaded->is_rate_limit);
  CHECK(read_events({R"({"error":{"message":"too long","code":400}})"}).failure->next == Next::give_up);
}

TEST_CASE("ReplyReader: damaged events fail or are read, and nothing worse", "[api]") {
  const std::string good =
      R"({"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"4","reasoning":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":2}}})";
  for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK(read_events({good.substr(0, cut)}).failure);
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = good;
    for (int n = 0; n < 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
    const ReadReply reply = read_events({damaged});
    const Completion completion = reply.reader.completion(chat_request(), "m");
    CHECK(completion.n_output_tokens <= 1'000'000'000);
  }
}

TEST_CASE("checked_usage: counts are believed only where they can be", "[api]") {
  const CountedReply reply{.n_events = 5, .has_text = true, .max_output_tokens = 100};
  struct Row {
    const char* usage;
    std::int64_t n_prompt, n_cached, n_output;
    const char* remark;
  };
  for (const Row& row : std::vector<Row>{
           {R"({"prompt_tokens":10,"completion_tokens":6})", 10, -1, 6, ""},
           {R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8}})", 10, 8, 5, ""},
           {R"({"prompt_tokens":10,"completion_tokens":6,"prompt_cache_hit_tokens":0})", 10, 0, 6, ""},
           {R"({"prompt_tokens":10,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":11}})", 10, -1, 6,
            "cached"},
           {R"({"prompt_tokens":-1,"completion_tokens":6})", -1, -1, 6, "prompt_tokens is -1"},
           {R"({"prompt_tokens":0,"completion_tokens":6})", -1, -1, 6, "prompt_tokens is 0"},
           {R"({"prompt_tokens":10,"completion_tokens":0})", 10, -1, -1, "yet there is text"},
           {R"({"prompt_tokens":10,"completion_tokens":4})", 10, -1, -1, "5 events"},
           {R"({"prompt_tokens":10,"completion_tokens":101})", 10, -1, -1, "at most 100"},
           {R"({"prompt_tokens":10,"completion_tokens":18446744073709551615})", 10, -1, -1, "no count"},
           {R"({"prompt_tokens":10,"completion_tokens":6.5})", 10, -1, -1, "no count"},
           {R"({"prompt_tokens":"10","completion_tokens":6})", -1, -1, 6, "no count"},
           {R"({"prompt_tokens":null})", -1, -1, -1, ""},
           {"null", -1, -1, -1, "no token counts"},
           {"[1]", -1, -1, -1, "no token counts"}}) {
    CAPTURE(row.usage);
    std::vector<std::string> remarks;
    const Usage usage = checked_usage(Json::parse(row.usage), reply, remarks);
    CHECK(usage.n_prompt_tokens == row.n_prompt);
    CHECK(usage.n_cached_prompt_tokens == row.n_cached);
    CHECK(usage.n_output_tokens == row.n_output);
    CHECK(remarks.empty() == (*row.remark == '\0'));
    if (!remarks.empty()) CHECK_THAT(remarks.front(), Contains(row.remark));
  }
}

TEST_CASE("names_parameter: a refusal's own words, and no others", "[api]") {
  // Messages of OpenAI's API (old and new), of FastAPI's validation, and of vLLM.
  CHECK(names_parameter(
      R"({"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}})",
      "max_completion_tokens"));
  CHECK(names_parameter(R"({"error":{"message":"Unrecognized request argument supplied: top_k"}})", "top_k"));
  CHECK(names_parameter(R"({"error":{"message":"no","param":"temperature"}})", "temperature"));
  CHECK(names_parameter(
      R"({"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]})",
      "seed"));
  CHECK(names_parameter(R"({"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'min_p')}]"})",
                        "min_p"));
  CHECK_FALSE(
      names_parameter(R"({"error":{"message":"too long: what is the temperature of the sun?"}})", "temperature"));
  CHECK_FALSE(names_parameter(R"({"detail":[{"loc":["body","model"],"input":{"temperature":1}}]})", "temperature"));
  CHECK_FALSE(names_parameter("", "seed"));
}

TEST_CASE("error_message: the endpoint's words on one line", "[api]") {
  CHECK(error_message(R"({"error":{"message":"slow down"}})") == "slow down");
  CHECK(error_message(R"({"error":"slow down"})") == "slow down");
  CHECK(error_message(R"({"detail":"slow down"})") == "slow down");
  CHECK(error_message("<html>\n502\n</html>").find('\n') == std::string::npos);
  CHECK(error_message(std::string(100'000, 'x')).size() < 400);
}

TEST_CASE("parse_retry_after: seconds and dates", "[api]") {
  // 784111777 is the date of RFC 9110's examples.
  constexpr std::int64_t kThen = 784111777;
  CHECK(parse_retry_after("120", 0) == 120'000.0);
  CHECK(parse_retry_after(" 0.5 ", 0) == 500.0);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", kThen - 30) == 30'000.0);
  CHECK(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", kThen - 30) == 30'000.0);
  CHECK(parse_retry_after("Sun Nov  6 08:49:37 1994", kThen - 30) == 30'000.0);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", kThen + 30) == 0.0);
  for (const char* wrong : {"", "soon", "-5", "1e999", "nan"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_retry_after(wrong, 0));
  }
}

TEST_CASE("retry_wait_ms: full jitter, drawn from the key", "[api]") {
  const RetryPolicy policy{.most_attempts = 8, .first_ms = 100, .most_ms = 1000, .most_asked_ms = 1e9};
  for (const auto& [n_failed, most_ms] : {std::pair{1, 100.0}, {2, 200.0}, {4, 800.0}, {5, 1000.0}, {60, 1000.0}}) {
    double sum_ms = 0, largest_ms = 0;
    constexpr int kDraws = 4000;
    for (std::uint32_t word = 0; word < kDraws; ++word) {
      const double wait_ms = retry_wait_ms(policy, {.seed = 1, .sample_word = word}, n_failed, {});
      CHECK(wait_ms == retry_wait_ms(policy, {.seed = 1, .sample_word = word}, n_failed, {}));
      CHECK((wait_ms >= 0 && wait_ms < most_ms));
      sum_ms += wait_ms;
      largest_ms = std::max(largest_ms, wait_ms);
    }
    // Of a uniform distribution: the mean within five standard errors.
    CHECK(std::abs(sum_ms / kDraws - most_ms / 2) < 5 * most_ms / std::sqrt(12.0 * kDraws));
    CHECK(largest_ms > 0.99 * most_ms);
  }
  CHECK(retry_wait_ms(policy, {}, 1, 5000.0) >= 5000);
}

TEST_CASE("status_failure: what to do about each status", "[api]") {
  for (const long status : {408L, 425L, 429L, 500L, 502L, 503L, 504L, 529L}) {
    CHECK(status_failure(status, "", false).next == Next::retry);
  }
  for (const long status : {400L, 413L, 422L}) CHECK(status_failure(status, "", false).next == Next::give_up);
  for (const long status : {401L, 402L, 403L, 404L}) CHECK(status_failure(status, "", false).next == Next::stop);
  CHECK(status_failure(403, "", true).next == Next::give_up);
  CHECK(status_failure(429, "", false).is_rate_limit);
  CHECK_FALSE(status_failure(500, "", false).is_rate_limit);
  CHECK(status_failure(400, "too long", false).reason == "the endpoint answered HTTP 400: too long");
}

}  // namespace assay::runners::api
