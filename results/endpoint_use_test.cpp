#include "results/endpoint_use.h"

#include "results/baseline_file.h"
#include "results/compare.h"
#include "results/cost/run_cost.h"
#include "results/report.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

EnvironmentFacts endpoint_environment(const std::string& host, bool is_loopback = false) {
  EnvironmentFacts environment = some_environment("remote");
  environment.device_name = host;
  environment.details["device"] = {
      {"host", host}, {"base_url", "https://" + host + "/v1"}, {"is_loopback", is_loopback}};
  return environment;
}

/// One item, two samples, the first of them right: 20 prompt tokens, 8 of them cached, and 10 output tokens in all.
struct EndpointRun {
  test_support::TemporaryFolder folder;
  std::optional<Store> store;
  RunId run;

  EndpointRun(const EnvironmentFacts& environment, const std::string& model, bool has_counts = true) {
    auto opened = Store::open_or_create(folder / "a.db");
    REQUIRE(ok(opened));
    store.emplace(std::move(*opened));
    RunFacts facts = some_run("hosted", 1, 2);
    facts.model.name = model;
    facts.suites[0].is_protected = true;
    auto writer = store->begin_run(facts, environment, kDecember2026Ms);
    REQUIRE(ok(writer));
    for (std::int64_t i = 0; i < 2; ++i) {
      SampleFacts sample = some_sample("i0", i);
      if (!has_counts) sample.n_output_tokens.reset();
      REQUIRE(ok(writer->add_sample(sample, some_verdict(i == 0 ? Verdict::correct : Verdict::incorrect),
                                    kDecember2026Ms, 1000)));
    }
    REQUIRE(ok(writer->finish(RunState::finished, kDecember2026Ms + 1, 1000)));
    run = writer->run_id();
  }

  RunSummary summary() const {
    auto read = summarise(*store, run);
    REQUIRE(ok(read));
    return std::move(*read);
  }
  RunCost cost(const CostOptions& options = {}) const {
    auto read = run_cost(*store, run, options);
    REQUIRE(ok(read));
    return std::move(*read);
  }

  static constexpr std::int64_t kDecember2026Ms = 1'796'083'200'000;  // 2026-12-01 00:00 UTC
};

constexpr std::int64_t kDayMs = 24 * 3600 * 1000;
constexpr std::int64_t kMarch2025Ms = 1'741'132'800'000;  // 2025-03-05 00:00 UTC

}  // namespace

TEST_CASE("price_of_endpoint: by host, model, day and hour, of DeepSeek's published lists", "[cost]") {
  const auto prices = shipped_api_price_list();
  REQUIRE(ok(prices));
  const auto output_usd = [&](const char* host, const char* model, std::int64_t unix_ms) {
    const auto price = price_of_endpoint(*prices, host, model, unix_ms);
    return price ? price->price.usd_per_mtok_output : 0;
  };
  constexpr std::int64_t kHourMs = 3600 * 1000;
  // Until 2025-09-05: 1.10 and 2.19; from 2025-02-26 on 0.55 between 16:30 and 00:30 UTC. Since then 1.68.
  CHECK(output_usd("api.deepseek.com", "deepseek-chat", kMarch2025Ms + 12 * kHourMs) == 1.10);
  CHECK(output_usd("api.deepseek.com", "deepseek-reasoner", kMarch2025Ms + 12 * kHourMs) == 2.19);
  CHECK(output_usd("api.deepseek.com", "deepseek-reasoner", kMarch2025Ms + 17 * kHourMs) == 0.55);
  CHECK(output_usd("api.deepseek.com", "deepseek-reasoner", kMarch2025Ms + kHourMs / 4) == 0.55);
  CHECK(output_usd("api.deepseek.com", "deepseek-reasoner", kMarch2025Ms + kHourMs) == 2.19);
  CHECK(output_usd("api.deepseek.com", "deepseek-reasoner", kMarch2025Ms - 30 * kDayMs) == 2.19);
  CHECK(output_usd("api.deepseek.com", "deepseek-reasoner", kMarch2025Ms + 184 * kDayMs) == 1.68);
  CHECK(output_usd("api.deepseek.com", "deepseek-reasoner", kMarch2025Ms + 183 * kDayMs + 12 * kHourMs) == 2.19);
  CHECK(output_usd("api.openai.com", "o1", kMarch2025Ms) == 60);
  CHECK(output_usd("api.deepseek.com", "o1", kMarch2025Ms) == 0);
  CHECK(output_usd("api.elsewhere.com", "deepseek-reasoner", kMarch2025Ms) == 0);
}

TEST_CASE("summary: a run on an endpoint with a known sheet shows its dollars, and where its prompts went", "[cost]") {
  const EndpointRun stored(endpoint_environment("api.deepseek.com"), "deepseek-reasoner");
  // 12 tokens at 0.56, 8 at 0.07, 10 at 1.68 dollars per million.
  constexpr double kUsd = (12 * 0.56 + 8 * 0.07 + 10 * 1.68) / 1e6;
  const RunSummary summary = stored.summary();
  REQUIRE(summary.usd_total);
  CHECK_THAT(*summary.usd_total, WithinRel(kUsd, 1e-12));
  CHECK_THAT(*summary.usd_per_correct, WithinRel(kUsd, 1e-12));
  CHECK_THAT(*summary.usd_per_mtok_input, WithinRel((12 * 0.56 + 8 * 0.07) / 20, 1e-12));
  CHECK(summary.usd_per_mtok_output == 1.68);
  const std::string report = report_text(summary);
  CHECK_THAT(report, Contains("prompts of sums went to api.deepseek.com; sums asks not to be published in plain text"));
  CHECK_THAT(report, Contains("price sheet") && Contains("api-docs.deepseek.com"));
  const Json json = to_json(summary);
  CHECK(json["cost"]["provenance"] == "published");
  CHECK(json["sent_to"]["host"] == "api.deepseek.com");
  CHECK(json["sent_to"]["protected_suites"] == Json::array({"sums"}));
  CHECK(json["energy"].is_null());

  const RunCost cost = stored.cost();
  CHECK_THAT(*cost.usd_total, WithinRel(kUsd, 1e-12));
  CHECK_THAT(cost_text(cost), Contains("Cost (published price, counted tokens)") && Contains("cached input"));
  CHECK(to_json(cost)["cost"]["provenance"] == "published");
}

TEST_CASE("compare: a model here against an endpoint shows both kinds of dollars, and what left the machine",
          "[cost]") {
  const EndpointRun there(endpoint_environment("api.deepseek.com"), "deepseek-reasoner");
  EndpointRun here(some_environment(), "local");
  constexpr double kUsd = (12 * 0.56 + 8 * 0.07 + 10 * 1.68) / 1e6;
  auto hosted = read_comparable_run(*there.store, there.run);
  const auto local = read_comparable_run(*here.store, here.run);
  REQUIRE(ok(hosted));
  REQUIRE(ok(local));
  REQUIRE(hosted->usd_total);
  CHECK_THAT(*hosted->usd_total, WithinRel(kUsd, 1e-12));
  CHECK_THAT(hosted->usd_by, Contains("tokens at the prices of DeepSeek for deepseek"));
  CHECK_THAT(hosted->sent, Contains("prompts of sums went to api.deepseek.com"));
  CHECK(local->sent.empty());
  CHECK_FALSE(local->usd_total);

  const std::vector<ComparableRun> candidates = {*hosted};
  const auto report = compare_runs(*local, candidates, {});
  REQUIRE(ok(report));
  const std::string text = comparison_text(*report);
  CHECK_THAT(text, Contains("nothing left the machine") && Contains("went to api.deepseek.com") &&
                       Contains("dollars by tokens at the prices of DeepSeek") &&
                       Contains("the network and its queue"));
  // A baseline file keeps both.
  const auto read = parse_baseline(to_json_text(to_baseline_json(*hosted)), "file");
  REQUIRE(ok(read));
  CHECK(read->sent == hosted->sent);
  CHECK(read->usd_by == hosted->usd_by);
  CHECK(read->usd_total == hosted->usd_total);
  // Two runs on the same endpoint at the same prices have nothing to be told apart by.
  const std::vector<ComparableRun> again = {*hosted};
  CHECK(compare_runs(*hosted, again)->runs.front().notes.empty());
}

TEST_CASE("summary: no dollars where the sheet or a count is missing, and the reason", "[cost]") {
  const EndpointRun unknown(endpoint_environment("127.0.0.1", true), "some-model");
  CHECK_FALSE(unknown.summary().usd_total);
  CHECK_THAT(report_text(unknown.summary()),
             Contains("the endpoint's price is not known") && Contains("127.0.0.1, an address of this machine"));
  CHECK_THAT(cost_text(unknown.cost()), Contains("give a row with its hosts and models in --what-if"));

  const EndpointRun uncounted(endpoint_environment("api.deepseek.com"), "deepseek-reasoner", false);
  CHECK_FALSE(uncounted.summary().usd_total);
  CHECK_THAT(cost_text(uncounted.cost()), Contains("did not give all token counts"));

  const EndpointRun here(some_environment(), "deepseek-reasoner");
  CHECK_FALSE(here.summary().usd_total);
  CHECK(to_json(here.summary())["sent_to"].is_null());
  CHECK(report_text(here.summary()).find("went to") == std::string::npos);
}

TEST_CASE("run_cost: a price row of the user's own is taken for the endpoint that it names", "[cost]") {
  const EndpointRun stored(endpoint_environment("127.0.0.1", true), "some-model");
  const auto what_if = parse_what_if(
      R"({"hosted":[{"provider":"Us","model":"ours","hosts":["127.0.0.1"],"models":["some-model"],"usd_per_mtok_input":1,
          "usd_per_mtok_output":2,"source":"contract","date":"2026-11","confidence":"verified"}]})",
      "w.json");
  REQUIRE(ok(what_if));
  CostOptions options;
  options.what_if = *what_if;
  CHECK_THAT(*stored.cost(options).usd_total, WithinRel((20 * 1 + 10 * 2) / 1e6, 1e-12));
}
