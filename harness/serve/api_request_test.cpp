#include "harness/serve/api_request.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::serve;

TEST_CASE("parse_api_request: every field of a chat", "[serve]") {
  const auto parsed = parse_api_request(ApiForm::chat, R"({"model":"m","n":3,"temperature":0.5,"top_p":0.9,"top_k":-1,
    "min_p":0.1,"max_tokens":7,"max_completion_tokens":9,"seed":-1,"stop":["a","b"],"stream":true,
    "stream_options":{"include_usage":true},"logprobs":true,"top_logprobs":2,"user":"u","parallel_tool_calls":true,"tools":[],"logit_bias":null,
    "messages":[{"role":"developer","content":"be brief","name":null},
                {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"type":"text"}]})");
  REQUIRE(parsed);
  CHECK(parsed->model == "m");
  CHECK(parsed->n == 3);
  CHECK(parsed->sampling.temperature == 0.5);
  CHECK(parsed->sampling.top_p == 0.9);
  CHECK(parsed->sampling.top_k == 0);
  CHECK(parsed->sampling.min_p == 0.1);
  CHECK(parsed->sampling.max_output_tokens == 9);
  CHECK(parsed->seed == ~std::uint64_t{0});
  CHECK(parsed->stop == std::vector<std::string>{"a", "b"});
  CHECK(parsed->stream);
  CHECK(parsed->include_usage);
  CHECK(parsed->logprobs == 2);
  REQUIRE(parsed->messages.size() == 2);
  CHECK(parsed->messages[0].role == runners::Role::system);
  CHECK(parsed->messages[1].content == "ab");
  const auto requests = choice_requests(*parsed, 5, "r");
  REQUIRE(requests.size() == 3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    CHECK(requests[i].key.seed == 5);
    CHECK(requests[i].key.sample_word == i);
    CHECK(requests[i].n_logprobs == 2);
  }
}

TEST_CASE("parse_api_request: what a completion means by default", "[serve]") {
  const auto parsed = parse_api_request(ApiForm::completion, R"({"prompt":["a","b"],"n":2,"stop":"x","logprobs":0})");
  REQUIRE(parsed);
  CHECK(parsed->sampling.temperature == 1);
  CHECK(parsed->sampling.max_output_tokens == 16);
  CHECK(parsed->stop == std::vector<std::string>{"x"});
  CHECK(parsed->logprobs == 0);
  CHECK(parsed->n_choices() == 4);
  const auto requests = choice_requests(*parsed, 1, "r");
  CHECK(requests[0].raw_prompt == "a");
  CHECK(requests[3].raw_prompt == "b");
  CHECK(requests[2].key.sample_word == 0);
  CHECK(requests[3].n_logprobs == 1);
}

TEST_CASE("parse_api_request: what is wrong is named", "[serve]") {
  const auto [body, word] = GENERATE(table<std::string, std::string>({
      {"", "body"},
      {"[]", "object"},
      {R"({"messages":[]})", "messages"},
      {R"({"messages":"hello"})", "messages"},
      {R"({"messages":[{"role":"tool","content":"x"}]})", "role"},
      {R"({"messages":[{"role":"user"}]})", "content"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]}]})", "only text"},
      {R"({"messages":[{"role":"user","content":"x","tool_calls":[]}]})", "tool_calls"},
      {R"({"messages":[{"role":"user","content":"x"}],"tempreature":1})", "tempreature"},
      {R"({"messages":[{"role":"user","content":"x"}],"temperature":-1})", "temperature"},
      {R"({"messages":[{"role":"user","content":"x"}],"temperature":"hot"})", "temperature"},
      {R"({"messages":[{"role":"user","content":"x"}],"top_p":0})", "top_p"},
      {R"({"messages":[{"role":"user","content":"x"}],"min_p":1})", "min_p"},
      {R"({"messages":[{"role":"user","content":"x"}],"n":0})", "n"},
      {R"({"messages":[{"role":"user","content":"x"}],"n":129})", "128"},
      {R"({"messages":[{"role":"user","content":"x"}],"max_tokens":0})", "max_tokens"},
      {R"({"messages":[{"role":"user","content":"x"}],"stop":[""]})", "stop"},
      {R"({"messages":[{"role":"user","content":"x"}],"stop":7})", "stop"},
      {R"({"messages":[{"role":"user","content":"x"}],"top_logprobs":3})", "logprobs"},
      {R"({"messages":[{"role":"user","content":"x"}],"stream_options":{}})", "stream"},
      {R"({"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function"}]})", "tools"},
      {R"({"messages":[{"role":"user","content":"x"}],"frequency_penalty":0.5})", "frequency_penalty"},
      {R"({"messages":[{"role":"user","content":"x"}],"prompt":"y"})", "prompt"},
      {R"({"messages":[{"role":"user","content":"x"}],"n":1,"n":2})", "n"},
      {"{\"messages\":[{\"role\":\"user\",\"content\":\"\xFF\"}]}", "body"},
      {std::string(100'000, '['), "body"},
      {"{\"messages\":" + std::string(1000, '[') + std::string(1000, ']') + "}", "body"},
  }));
  CAPTURE(body.substr(0, 200));
  const auto parsed = parse_api_request(ApiForm::chat, body);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind == ErrorKind::bad_input);
  CHECK_THAT(parsed.error().message, Catch::Matchers::Contains(word));
  CHECK(parsed.error().message.size() < 500);
}

TEST_CASE("parse_api_request: a completion refuses in words what it can't compute", "[serve]") {
  const auto [body, word] = GENERATE(table<std::string, std::string>({
      {R"({})", "prompt"},
      {R"({"prompt":[]})", "prompt"},
      {R"({"prompt":"x","echo":true,"logprobs":1,"stream":true})", "streamed"},
      {R"({"prompt":"x","max_tokens":0})", "max_tokens"},
      {R"({"prompt":[1,-2]})", "token id"},
      {R"({"prompt":[[1],[2147483648]]})", "token id"},
      {R"({"prompt":[[1],"x"]})", "of either"},
      {R"({"prompt":"x","best_of":2})", "best_of"},
      {R"({"prompt":"x","suffix":"y"})", "suffix"},
      {R"({"prompt":"x","logprobs":true})", "logprobs"},
      {R"({"prompt":"x","messages":[]})", "messages"},
  }));
  const auto parsed = parse_api_request(ApiForm::completion, body);
  REQUIRE_FALSE(parsed);
  CHECK_THAT(parsed.error().message, Catch::Matchers::Contains(word));
}
