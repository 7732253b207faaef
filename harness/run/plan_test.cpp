#include "harness/run/plan.h"

#include "harness/run/run_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;

namespace {

suites::Suite suite_of(const std::string& name, const std::vector<std::string>& ids) {
  suites::Suite suite;
  suite.name = name;
  suite.sha256 = "abc";
  suite.sampling = {.temperature = 0.5, .top_p = 0.9, .max_output_tokens = 100, .samples = 2};
  for (const std::string& id : ids) suite.items.push_back({ItemId(id), "", "What is " + id + "?", Json::object(), ""});
  return suite;
}

std::vector<std::string> order(const Plan& plan) {
  std::vector<std::string> ids;
  for (const PlannedSample& planned : plan.samples) {
    ids.push_back(planned.request.id + ":" + std::to_string(planned.request.sample));
  }
  return ids;
}

}  // namespace

// Expected words: printf 'abc/q1:0' | sha256sum, and likewise for sample 10.
TEST_CASE("sample_word: the first four bytes of SHA-256, big-endian", "[run]") {
  CHECK(sample_word("abc", "q1", 0) == 0xb4c9a439u);
  CHECK(sample_word("abc", "q1", 10) == 0xe3cfe6e5u);
}

TEST_CASE("make_plan: suite order, item order, sample order", "[run]") {
  const auto plan = make_plan({suite_of("b", {"x", "y"}), suite_of("a", {"z"})}, {});
  REQUIRE(plan);
  CHECK(order(*plan) == std::vector<std::string>{"x:0", "x:1", "y:0", "y:1", "z:0", "z:1"});
  const runners::Request& request = plan->samples[3].request;
  REQUIRE(request.messages.size() == 1);
  CHECK(request.messages[0].role == runners::Role::user);
  CHECK(request.messages[0].content == "What is y?");
  CHECK(request.key.sample_word == sample_word("abc", "y", 1));
  CHECK(request.sampling.temperature == 0.5);
  CHECK(request.sampling.max_output_tokens == 100);
}

TEST_CASE("make_plan: limit, samples and seed replace the suite's own", "[run]") {
  PlanSettings settings;
  settings.limit = 1;
  settings.samples = 3;
  settings.seed = 77;
  const auto plan = make_plan({suite_of("a", {"x", "y"})}, settings);
  REQUIRE(plan);
  CHECK(order(*plan) == std::vector<std::string>{"x:0", "x:1", "x:2"});
  CHECK(plan->suites[0].suite.items.size() == 1);
  CHECK(plan->samples[0].request.key.seed == 77);
  settings.limit = 99;
  CHECK(make_plan({suite_of("a", {"x", "y"})}, settings)->samples.size() == 6);
}

TEST_CASE("make_plan: item ids that two suites share are told apart", "[run]") {
  PlanSettings settings;
  settings.samples = 1;
  const auto plan = make_plan({suite_of("a", {"x", "y"}), suite_of("b", {"x"})}, settings);
  REQUIRE(plan);
  CHECK(order(*plan) == std::vector<std::string>{"a/x:0", "y:0", "b/x:0"});
}

TEST_CASE("run_facts: of a suite from an encrypted archive no prompt is stored, only its hash", "[run]") {
  suites::Suite open = suite_of("open", {"x"}), closed = suite_of("closed", {"y"});
  closed.archive = suites::ItemArchive{"a.zip", "member"};
  const auto plan = make_plan({open, closed}, {});
  REQUIRE(plan);
  const results::RunFacts facts = run_facts(*plan, {}, {});
  CHECK(facts.suites[0].items[0].prompt == "What is x?");
  CHECK_FALSE(facts.suites[1].items[0].prompt.has_value());
  CHECK(facts.suites[1].items[0].prompt_sha256.size() == 64);
}

TEST_CASE("make_plan: a suite named twice and an empty plan are refused", "[run]") {
  CHECK_FALSE(make_plan({suite_of("a", {"x"}), suite_of("a", {"x"})}, {}));
  CHECK_FALSE(make_plan({suite_of("a", {})}, {}));
}

TEST_CASE("resolve_sampling: the user's word goes over the protocol's, that over the suite's", "[run]") {
  const suites::SamplingDefaults suite{.temperature = 0.1, .top_p = 0.2, .max_output_tokens = 300, .samples = 1};
  const auto protocol = find_protocol("deepseek-r1");
  REQUIRE(protocol);
  SamplingChoice user;
  user.top_p = 1.0;
  user.top_k = 40;
  const runners::SamplingParams params = resolve_sampling(suite, protocol->sampling, user);
  CHECK(params.temperature == 0.6);
  CHECK(params.top_p == 1.0);
  CHECK(params.top_k == 40);
  CHECK(params.min_p == 0.0);
  CHECK(params.max_output_tokens == 32768);
  CHECK(resolve_sampling(suite, {}, {}).temperature == 0.1);
  CHECK_FALSE(find_protocol("deepseek-r2"));
}

// The numbers of samples are those of open-r1's README for 30, 198 and 500 items.
TEST_CASE("make_plan: a protocol gives samples by the suite's size, and opens replies", "[run]") {
  const auto protocol = find_protocol("deepseek-r1");
  REQUIRE(protocol);
  const auto samples = [&](std::size_t n_items) {
    suites::Suite suite = suite_of("a", {});
    suite.items.resize(n_items);
    return protocol_samples(*protocol, suite);
  };
  CHECK(samples(30) == 64);
  CHECK(samples(198) == 8);
  CHECK(samples(500) == 4);
  CHECK(samples(1) == 64);
  CHECK(samples(100'000) == 4);

  suites::Suite suite = suite_of("a", {"x", "y"});
  suite.protocol_samples["deepseek-r1"] = 16;
  PlanSettings settings;
  settings.protocol = *protocol;
  settings.limit = 1;
  auto plan = make_plan({suite}, settings);
  REQUIRE(plan);
  CHECK(plan->samples.size() == 16);
  CHECK(plan->samples[0].request.reply_opening == "<think>\n");
  CHECK(plan->samples[0].request.sampling.max_output_tokens == 32768);
  settings.samples = 3;
  CHECK(make_plan({suite}, settings)->samples.size() == 3);
}
