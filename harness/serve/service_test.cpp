// The service over HTTP on the loopback, before the native engine with the reference model.

#include "harness/serve/service.h"

#include <chrono>
#include <map>
#include <thread>

#include "harness/base/data_path.h"
#include "harness/serve/test_client.h"
#include "runners/engine/native_live_runner.h"
#include "runners/engine/test_executor.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::serve;
using namespace assay::runners;

namespace {

const std::string kChat = "/v1/chat/completions", kCompletions = "/v1/completions";

NativeOptions serve_options() {
  NativeOptions options;
  options.model = "reference";
  options.path = *shipped_path("models/reference");
  options.device = "cpu";
  options.max_batch = 16;
  options.kv_memory_bytes = std::int64_t{1} << 30;
  return options;
}

/// The whole thing, on a free port.
class Served {
 public:
  explicit Served(
      ServiceOptions options = {.model = "reference", .reference = "ref", .api_key = "", .max_samples = 200})
      : runner_(open_runner()), service(*runner_, std::move(options)) {
    auto started = HttpServer::start("127.0.0.1", 0, {}, service.handlers());
    if (!started) FAIL(started.error().message);
    server = std::move(*started);
  }
  ~Served() {
    service.cut_all();
    server.reset();
    runner_.reset();
  }

  ClientAnswer post(const std::string& path, const Json& body, const std::string& headers = "") const {
    TestClient client(server->port());
    client.send_post(path, to_json_text(body), headers);
    return client.read_answer();
  }
  Json post_for_json(const std::string& path, const Json& body) const {
    const ClientAnswer answer = post(path, body);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return *parse_json(answer.body, "answer");
  }
  ClientAnswer get(const std::string& path, const std::string& headers = "") const {
    TestClient client(server->port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return client.read_answer();
  }
  void wait_until_nothing_runs() const {
    while (service.n_unfinished() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  static std::unique_ptr<LiveRunner> open_runner() {
    auto opened = open_native_live_runner(serve_options());
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }
  std::unique_ptr<LiveRunner> runner_;

 public:
  Service service;
  std::unique_ptr<HttpServer> server;
};

/// What Runner::run() gives for requests.
std::vector<Completion> offline(const std::vector<Request>& requests) {
  auto runner = open_native_runner(serve_options());
  if (!runner) FAIL(runner.error().message);
  std::map<std::string, Completion> done;
  const auto ran = (*runner)->run(requests,
                                  [&](Completion completion) -> Result<> {
                                    done[completion.id] = std::move(completion);
                                    return {};
                                  },
                                  {}, {});
  REQUIRE(ran);
  std::vector<Completion> ordered;
  for (const Request& request : requests) ordered.push_back(done.at(request.id));
  return ordered;
}

/// Without <think> and </think>.
std::string bare(const Completion& completion) {
  std::string text = completion.text;
  const std::size_t close = text.find("</think>");
  return close == std::string::npos ? text : text.erase(close, 8);
}

Json chat_body(int i, bool stream) {
  Json body = {{"model", "reference"},
               {"messages", {{{"role", "user"}, {"content", "What is " + std::to_string(i % 9) + " + 2?"}}}},
               {"temperature", i % 3},
               {"seed", i},
               {"max_tokens", 20 + i % 30},
               {"stream", stream}};
  if (stream) body["stream_options"] = {{"include_usage", true}};
  return body;
}

/// A reply that takes long: the reference model rambles when it is hot.
Json long_body(int seed) {
  return {{"prompt", "once"}, {"temperature", 8}, {"seed", seed}, {"max_tokens", 1900}, {"stream", true}};
}

}  // namespace

TEST_CASE("service: 64 streams at a time are what run() gives, bit by bit", "[serve]") {
  constexpr int kStreams = 64;
  std::vector<Request> requests;
  for (int i = 0; i < kStreams; ++i) {
    ApiRequest parsed = *parse_api_request(ApiForm::chat, to_json_text(chat_body(i, true)));
    requests.push_back(choice_requests(parsed, *parsed.seed, std::to_string(i)).front());
  }
  const std::vector<Completion> expected = offline(requests);
  const Served served;
  std::vector<ClientAnswer> answers(kStreams);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kStreams; ++i) {
      threads.emplace_back([&, i] { answers[static_cast<std::size_t>(i)] = served.post(kChat, chat_body(i, true)); });
    }
  }
  for (int i = 0; i < kStreams; ++i) {
    const ClientAnswer& answer = answers[static_cast<std::size_t>(i)];
    const Completion& want = expected[static_cast<std::size_t>(i)];
    INFO("stream " << i << ": " << answer.body);
    REQUIRE(answer.status == 200);
    const std::vector<Json> events = stream_events(answer.body);
    std::string text;
    std::string finish;
    for (const Json& event : events) {
      CHECK(event["object"] == "chat.completion.chunk");
      CHECK(event["id"] == events.front()["id"]);
      if (event["choices"].empty()) continue;
      const Json& choice = event["choices"][0];
      text += choice["delta"].value("reasoning_content", "") + choice["delta"].value("content", "");
      if (!choice["finish_reason"].is_null()) finish = choice["finish_reason"];
    }
    CHECK(events.front()["choices"][0]["delta"]["role"] == "assistant");
    CHECK(text == bare(want));
    CHECK(finish == (want.finish_reason == FinishReason::eos ? "stop" : "length"));
    const Json& usage = events.back()["usage"];
    CHECK(usage["prompt_tokens"] == want.n_prompt_tokens);
    CHECK(usage["completion_tokens"] == want.n_output_tokens);
  }
  // Whole replies say the same.
  for (const int i : {0, 5}) {
    const Json reply = served.post_for_json(kChat, chat_body(i, false));
    const Json& message = reply["choices"][0]["message"];
    CHECK(message.value("reasoning_content", "") + message["content"].get<std::string>() ==
          bare(expected[static_cast<std::size_t>(i)]));
    CHECK(reply["usage"]["prompt_tokens_details"]["cached_tokens"] == reply["usage"]["prompt_tokens"]);
  }
}

TEST_CASE("service: n choices, stop strings, log-probabilities, echo", "[serve]") {
  const Served served;
  const Json body = {{"prompt", {"Hello", "What is"}}, {"max_tokens", 24}, {"seed", 3}, {"temperature", 1}, {"n", 2}};
  const Json plain = served.post_for_json(kCompletions, body);
  REQUIRE(plain["choices"].size() == 4);
  SECTION("choices are numbered, and differ by their index alone") {
    for (std::size_t i = 0; i < 4; ++i) CHECK(plain["choices"][i]["index"] == i);
    Json single = body;
    single["n"] = 1;
    single["prompt"] = "What is";
    CHECK(served.post_for_json(kCompletions, single)["choices"][0]["text"] == plain["choices"][2]["text"]);
    CHECK(served.post_for_json(kCompletions, body)["choices"] == plain["choices"]);
  }
  SECTION("a stop string ends a choice, wherever the tokens' borders are, streamed or not") {
    Json stopping = body;
    stopping["prompt"] = "Hello";
    stopping["n"] = 1;
    const std::string whole = plain["choices"][0]["text"];
    REQUIRE(whole.size() > 8);
    for (std::size_t at = 1; at + 3 < whole.size(); ++at) {
      const std::string stop = whole.substr(at, 3);
      stopping["stop"] = {"never to be found", stop};
      stopping["stream"] = false;
      const Json reply = served.post_for_json(kCompletions, stopping);
      CHECK(reply["choices"][0]["text"] == whole.substr(0, whole.find(stop)));
      CHECK(reply["choices"][0]["finish_reason"] == "stop");
      CHECK(reply["usage"]["completion_tokens"] <= 24);
      stopping["stream"] = true;
      std::string streamed;
      for (const Json& event : stream_events(served.post(kCompletions, stopping).body)) {
        streamed += event["choices"][0]["text"].get<std::string>();
      }
      CHECK(streamed == whole.substr(0, whole.find(stop)));
    }
  }
  SECTION("log-probabilities go with the tokens") {
    Json wanting = body;
    wanting["logprobs"] = 2;
    for (const Json& choice : served.post_for_json(kCompletions, wanting)["choices"]) {
      std::string joined;
      for (const Json& token : choice["logprobs"]["tokens"]) joined += token.get<std::string>();
      CHECK(joined.starts_with(choice["text"].get<std::string>()));
      const std::size_t n = choice["logprobs"]["tokens"].size();
      REQUIRE(choice["logprobs"]["token_logprobs"].size() == n);
      REQUIRE(choice["logprobs"]["text_offset"].size() == n);
      for (std::size_t i = 0; i < n; ++i) {
        CHECK(choice["logprobs"]["token_logprobs"][i] <= 0);
        CHECK(choice["logprobs"]["top_logprobs"][i].size() == 2);
        CHECK(choice["text"]
                  .get<std::string>()
                  .substr(choice["logprobs"]["text_offset"][i])
                  .starts_with(choice["logprobs"]["tokens"][i].get<std::string>()));
      }
    }
    Json chat = chat_body(4, false);
    chat["logprobs"] = true;
    chat["top_logprobs"] = 3;
    const Json choice = served.post_for_json(kChat, chat)["choices"][0];
    REQUIRE(choice["logprobs"]["content"].size() > 5);
    for (const Json& token : choice["logprobs"]["content"]) {
      CHECK(token["top_logprobs"].size() == 3);
      CHECK(token["bytes"].size() >= 1);
      CHECK(token["logprob"] <= 0);
    }
  }
  SECTION("echo puts the prompt in front") {
    Json echoing = body;
    echoing["echo"] = true;
    const Json reply = served.post_for_json(kCompletions, echoing);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::string prompt = i < 2 ? "Hello" : "What is";
      CHECK(reply["choices"][i]["text"] == prompt + plain["choices"][i]["text"].get<std::string>());
    }
  }
}

namespace {

/// Log-probabilities of ids 1, 2, … as `assay logits` computes them: an executor of its own, chunks of `chunk_tokens`.
std::vector<double> scores_of(const std::vector<std::int32_t>& ids, int chunk_tokens) {
  const auto model = load_model(*shipped_path("models/reference"));
  REQUIRE(model);
  ExecutorOptions limits;
  limits.kv_memory_bytes = std::int64_t{1} << 28;
  TestExecutor executor(*model, limits);
  const auto logits =
      compute_logits(*model, *executor, ids, {.hidden = false, .mtp = false, .chunk_tokens = chunk_tokens});
  REQUIRE(logits);
  const auto vocab = static_cast<std::size_t>(model->config.vocab_size);
  std::vector<double> scores;
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    scores.push_back(logprobs_of(std::span(logits->logits).subspan(i * vocab, vocab), ids[i + 1], 1).logprob);
  }
  return scores;
}

}  // namespace

// Shape: platform.openai.com, API reference, "The completion object", with echo and logprobs.
TEST_CASE("service: an echoed prompt's own log-probabilities are those of its logits, to the bit", "[serve][scored]") {
  const Served served;
  const std::string text = "The quick brown fox jumps over the lazy dog, and the grid has four houses. ";
  Json body = {{"prompt", text + text + text}, {"max_tokens", 1}, {"temperature", 0}, {"logprobs", 2}, {"echo", true}};
  const auto completion = offline({[&] {
    Request request;
    request.id = "ids";
    request.raw_prompt = text + text + text;
    request.sampling.max_output_tokens = 1;
    return request;
  }()});
  const std::vector<std::int32_t> ids = completion[0].prompt_tokens;
  REQUIRE(ids.size() > 64);  // more than a page, and more rows than are multiplied with the head at a time on a GPU
  const std::vector<double> scores = scores_of(ids, 512);
  CHECK(scores_of(ids, 17) == scores);

  const auto check_choice = [&](const Json& choice, std::size_t n_output) {
    const Json& told = choice["logprobs"];
    REQUIRE(told["token_logprobs"].size() == ids.size() + n_output);
    REQUIRE(told["tokens"].size() == ids.size() + n_output);
    REQUIRE(told["top_logprobs"].size() == ids.size() + n_output);
    REQUIRE(told["text_offset"].size() == ids.size() + n_output);
    CHECK(told["token_logprobs"][0].is_null());
    CHECK(told["top_logprobs"][0].is_null());
    const std::string whole = choice["text"].get<std::string>();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i > 0) CHECK(told["token_logprobs"][i].get<double>() == scores[i - 1]);
      if (i > 0) CHECK(told["top_logprobs"][i].size() == 2);
      CHECK(whole.substr(told["text_offset"][i]).starts_with(told["tokens"][i].get<std::string>()));
    }
    if (n_output > 0) CHECK(told["text_offset"].back() == text.size() * 3);
  };
  const Json first = served.post_for_json(kCompletions, body);
  check_choice(first["choices"][0], 1);
  CHECK(first["usage"]["prompt_tokens"] == ids.size());
  CHECK(first["usage"]["completion_tokens"] == 1);
  SECTION("again, beside the same prompt in the cache, and several at a time") {
    Json plain = body;
    plain.erase("logprobs");
    served.post_for_json(kCompletions, plain);
    CHECK(served.post_for_json(kCompletions, body)["choices"] == first["choices"]);
    body["n"] = 3;
    for (const Json& choice : served.post_for_json(kCompletions, body)["choices"]) check_choice(choice, 1);
  }
  SECTION("as token ids, one or several prompts") {
    body["prompt"] = ids;
    CHECK(served.post_for_json(kCompletions, body)["choices"] == first["choices"]);
    body["prompt"] = Json::array({ids, Json::array({ids[3], ids[4]})});
    const Json two = served.post_for_json(kCompletions, body);
    check_choice(two["choices"][0], 1);
    const std::vector<double> short_scores = scores_of({ids[3], ids[4]}, 512);
    CHECK(two["choices"][1]["logprobs"]["token_logprobs"][1].get<double>() == short_scores[0]);
    CHECK(two["choices"][1]["logprobs"]["token_logprobs"].size() == 3);
  }
  SECTION("max_tokens 0: the prompt alone") {
    body["max_tokens"] = 0;
    const Json alone = served.post_for_json(kCompletions, body);
    check_choice(alone["choices"][0], 0);
    CHECK(alone["choices"][0]["text"] == text + text + text);
    CHECK(alone["choices"][0]["finish_reason"] == "length");
    CHECK(alone["usage"]["completion_tokens"] == 0);
    body.erase("logprobs");
    CHECK(served.post_for_json(kCompletions, body)["choices"][0]["text"] == text + text + text);
  }
  SECTION("ids that the model doesn't have are refused") {
    body["prompt"] = {1, 2'000'000};
    const ClientAnswer answer = served.post(kCompletions, body);
    CHECK(answer.status == 400);
    CHECK_THAT(answer.body, Catch::Matchers::Contains("2000000"));
  }
}

TEST_CASE("service: requests that are wrong get their status and a reason", "[serve]") {
  const Served served;
  const auto check = [&](const ClientAnswer& answer, int status, const std::string& word) {
    INFO(answer.body);
    CHECK(answer.status == status);
    const auto document = parse_json(answer.body, "error");
    REQUIRE(document);
    CHECK_THAT((*document)["error"]["message"].get<std::string>(), Catch::Matchers::Contains(word));
    CHECK((*document)["error"]["type"].is_string());
  };
  check(served.get("/v2"), 404, "/v2");
  check(served.get(kChat), 405, "POST");
  check(served.get("/v1/models/other"), 404, "other");
  check(served.post(kChat, {{"messages", "x"}}), 400, "messages");
  Json other = chat_body(1, false);
  other["model"] = "gpt-4";
  check(served.post(kChat, other), 404, "gpt-4");
  other["model"] = "ref";
  CHECK(served.post(kChat, other).status == 200);
  Json too_long = {{"prompt", ""}};
  for (int i = 0; i < 5000; ++i) too_long["prompt"] = too_long["prompt"].get<std::string>() + "word ";
  check(served.post(kCompletions, too_long), 400, "context");
  check(served.post(kCompletions, {{"prompt", ""}}), 400, "no tokens");
  TestClient form(served.server->port());
  form.send("POST " + kChat + " HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
  check(form.read_answer(), 415, "application/json");
  CHECK(served.get("/health").status == 200);
  CHECK(Json::parse(served.get("/v1/models").body)["data"][0]["id"] == "reference");
  CHECK(Json::parse(served.get("/v1/models/reference").body)["max_model_len"] == 2048);
}

TEST_CASE("service: who has no key is let in nowhere but at /health", "[serve]") {
  const Served served({.model = "m", .reference = "m", .api_key = "secret", .max_samples = 9});
  CHECK(served.get("/health").status == 200);
  for (const std::string header : {"", "Authorization: Bearer\r\n", "Authorization: Bearer wrong1\r\n",
                                   "Authorization: secret\r\n", "Authorization: Bearer secretsecret\r\n"}) {
    CHECK(served.get("/v1/models", header).status == 401);
    CHECK(served.get("/metrics", header).status == 401);
    CHECK(served.post(kCompletions, {{"prompt", "x"}}, header).status == 401);
  }
  CHECK(served.get("/v1/models", "Authorization: Bearer secret\r\n").status == 200);
  CHECK(served.post(kCompletions, {{"prompt", "x"}}, "Authorization: Bearer secret\r\n").status == 200);
}

TEST_CASE("service: who hangs up gets nothing generated any more", "[serve]") {
  const Served served;
  const bool stream = GENERATE(true, false);
  for (int i = 0; i < 8; ++i) {
    TestClient client(served.server->port());
    Json body = long_body(i);
    body["stream"] = stream;
    client.send_post(kCompletions, to_json_text(body));
    if (stream) CHECK_FALSE(client.receive().empty());
    while (served.service.n_unfinished() == 0) std::this_thread::yield();
    client.hang_up();
  }
  served.wait_until_nothing_runs();
  const std::string metrics = served.get("/metrics").body;
  INFO(metrics);
  CHECK(metrics.ends_with("# EOF\n"));
  const std::size_t at = metrics.find("assay_samples_cancelled_total ");
  REQUIRE(at != std::string::npos);
  CHECK(std::stoi(metrics.substr(at + 30)) >= 6);  // a hot model may draw its end token early
}

TEST_CASE("service: beyond its queue it says when to come back", "[serve]") {
  const Served served({.model = "m", .reference = "m", .api_key = "", .max_samples = 2});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<TestClient>(served.server->port()));
    clients.back()->send_post(kCompletions, to_json_text(long_body(40 + i)));
    CHECK_FALSE(clients.back()->receive().empty());
  }
  const ClientAnswer late = served.post(kCompletions, {{"prompt", "x"}});
  if (served.service.n_unfinished() == 2) {
    CHECK(late.status == 429);
    CHECK(late.head.find("Retry-After: ") != std::string::npos);
  }
  CHECK(served.post(kCompletions, {{"prompt", "x"}, {"n", 3}}).status == 400);
  clients.clear();
  served.wait_until_nothing_runs();
  CHECK(served.post(kCompletions, {{"prompt", "x"}}).status == 200);
}

TEST_CASE("service: told to stop, it takes nothing new, and cuts what is left with an error", "[serve]") {
  Served served;
  TestClient client(served.server->port());
  client.send_post(kCompletions, to_json_text(long_body(1)));
  const std::string first = client.receive();
  CHECK(first.starts_with("HTTP/1.1 200"));
  served.service.drain();
  CHECK(served.get("/health").status == 503);
  CHECK(served.post(kCompletions, {{"prompt", "x"}}).status == 503);
  const bool was_running = served.service.n_unfinished() > 0;
  served.service.cut_all();
  served.server->wait_until_idle();
  std::string rest = first;
  for (std::string more = client.receive(); !more.empty(); more = client.receive()) rest += more;
  if (was_running && served.service.n_cut() > 0) {
    CHECK_THAT(rest, Catch::Matchers::Contains("the server is stopping"));
    CHECK(rest.find("[DONE]") == std::string::npos);
  }
}
