#include "results/cost/run_cost.h"

#include <cmath>
#include <random>

#include "harness/base/text.h"
#include "results/cost/worked_examples.h"
#include "results/sqlite.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

/// Two samples of each of four items. The first computes the prompt's 1000 tokens (20 ms), the second takes 800 of them
/// from the cache (4 ms + 2 ms); both generate 500 tokens in 87 ms. Items 0 to 2 are right both times, item 3 never.
Result<RunId> store_priced_run(Store& store, const std::string& device_kind = "cuda", bool with_energy = true) {
  RunFacts facts = some_run("priced", 4, 2);
  facts.price_usd_per_gpu_hour = 3.60;
  facts.n_priced_devices = 2;
  ASSAY_ASSIGN(auto writer, store.begin_run(facts, some_environment(device_kind), kNowMs));
  constexpr double kWallMs = 5'000'000;
  for (std::int64_t item = 0; item < 4; ++item) {
    for (std::int64_t i = 0; i < 2; ++i) {
      SampleFacts sample = some_sample(item_name(item), i);
      sample.n_prompt_tokens = 1000;
      sample.n_cached_prompt_tokens = i == 0 ? 0 : 800;
      sample.n_output_tokens = 500;
      sample.prefill_device_ms = i == 0 ? 20 : 6;
      sample.decode_device_ms = 87;
      ASSAY_TRY(
          writer.add_sample(sample, some_verdict(item < 3 ? Verdict::correct : Verdict::incorrect), kNowMs, kWallMs));
    }
  }
  if (with_energy) {
    std::vector<GpuSample> samples(2);
    samples[0].total_energy_joules = 1000;
    samples[1].at_ms = kWallMs;
    samples[1].total_energy_joules = 3'001'000;
    ASSAY_TRY(writer.add_gpu_samples(samples));
  }
  ASSAY_TRY(writer.finish(RunState::finished, kNowMs + 1, kWallMs));
  return writer.run_id();
}

struct Stored {
  TemporaryFolder folder;
  std::optional<Store> store;
  RunId run;
  explicit Stored(const std::string& device_kind = "cuda", bool with_energy = true) {
    auto opened = Store::open_or_create(folder / "a.db");
    REQUIRE(ok(opened));
    store.emplace(std::move(*opened));
    const auto id = store_priced_run(*store, device_kind, with_energy);
    REQUIRE(ok(id));
    run = *id;
  }
  RunCost cost(const CostOptions& options = {}) const {
    const auto computed = run_cost(*store, run, options);
    REQUIRE(ok(computed));
    return *computed;
  }
};

std::string what_if_error(const std::string& text) {
  const auto parsed = parse_what_if(text, "mine.json");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind == ErrorKind::bad_input);
  return parsed.error().message;
}

}  // namespace

// 3.60 $/h x 2 GPUs x 5000 s = 10.00 $. Device time: 4 x (20 + 6) = 104 ms of prefill, 8 x 87 = 696 ms of decode, 800
// in all: 1.30 $ and 8.70 $. A token takes 0.02 ms, a cached one 0.0025 ms: 4800 x 0.02 = 96 ms and 3200 x 0.0025 = 8
// ms: 1.20 $ and 0.10 $. Six answers are right: 1.67 $ each.
TEST_CASE("run_cost: a run by hand, to the cent, and its parts add up", "[cost]") {
  const Stored stored;
  const RunCost cost = stored.cost();
  CHECK_THAT(*cost.usd_total, WithinAbs(10.00, 1e-9));
  REQUIRE(cost.split);
  CHECK_THAT(*cost.split->usd_uncached_input, WithinAbs(1.20, 1e-9));
  CHECK_THAT(*cost.split->usd_cached_input, WithinAbs(0.10, 1e-9));
  CHECK_THAT(cost.split->usd_output, WithinAbs(8.70, 1e-9));
  CHECK_THAT(*cost.split->usd_per_mtok_uncached_input, WithinRel(250.0, 1e-9));  // 1.20 $ over 4800
  CHECK_THAT(*cost.split->usd_per_mtok_cached_input, WithinRel(31.25, 1e-9));    // 0.10 $ over 3200
  CHECK_THAT(*cost.split->usd_per_mtok_output, WithinRel(2175.0, 1e-9));         // 8.70 $ over 4000
  CHECK_THAT(*cost.usd_per_correct, WithinRel(10.0 / 6, 1e-9));
  CHECK(cost.output_tokens_per_sample == 500.0);
  CHECK_THAT(*cost.output_tokens_per_correct, WithinRel(4000.0 / 6, 1e-12));
  REQUIRE(cost.usd_per_correct_ci95);
  CHECK((*cost.usd_per_correct_ci95)[0] <= *cost.usd_per_correct);
  CHECK((*cost.usd_per_correct_ci95)[1] >= *cost.usd_per_correct);
  // One split: the summary's figures are the same.
  const auto summary = summarise(*stored.store, stored.run);
  REQUIRE(ok(summary));
  CHECK(summary->usd_total == cost.usd_total);
  CHECK(summary->usd_per_mtok_input == cost.split->usd_per_mtok_input);
  CHECK(summary->usd_per_mtok_output == cost.split->usd_per_mtok_output);
  CHECK(summary->usd_per_correct == cost.usd_per_correct);

  const std::string text = cost_text(cost);
  CHECK_THAT(text, Contains("$1.20") && Contains("$0.10") && Contains("$8.70") && Contains("$10.00"));
  const Json json = to_json(cost);
  CHECK(json["cost"]["provenance"] == "measured");
  CHECK(json["price"]["provenance"] == "stated");
  for (const Json& row : json["hosted"]) CHECK(row["provenance"] == "published");
}

// 3,000,000 J: 750 J a token, 500 kJ a right answer. 100 W idle for 5000 s are 500 kJ. 3 MJ are 0.8333 kWh; x 1.2 x
// 0.30 $.
TEST_CASE("run_cost: energy gross and net of idle, and what it costs", "[cost]") {
  const Stored stored;
  CostOptions options;
  options.what_if =
      *parse_what_if(R"({"energy":{"idle_watts":100,"usd_per_kwh":0.30,"pue":1.2,"gco2e_per_kwh":400}})", "w.json");
  const RunEnergy energy = stored.cost(options).energy;
  CHECK(energy.joules == 3e6);
  CHECK(energy.net_joules == 2.5e6);
  CHECK(energy.joules_per_output_token == 750.0);
  CHECK(energy.joules_per_correct == 5e5);
  CHECK_THAT(*energy.usd, WithinRel(0.30, 1e-12));
  CHECK_THAT(*energy.gco2e, WithinRel(400.0, 1e-12));

  CHECK_FALSE(stored.cost().energy.net_joules);
  CHECK_FALSE(stored.cost().energy.usd);
  options.what_if.idle_watts = 1e6;
  CHECK_FALSE(stored.cost(options).energy.net_joules);
  CHECK_FALSE(stored.cost(options).energy.net_reason.empty());

  const RunCost unmeasured = Stored("cuda", false).cost();
  CHECK_FALSE(unmeasured.energy.joules);
  CHECK(to_json(unmeasured)["energy"]["joules_total"].is_null());
  CHECK(to_json(unmeasured)["energy"]["reason"].is_string());
  CHECK_THAT(cost_text(unmeasured), Contains("14.4 kJ"));  // 20 W x 12 min x 60 s
}

TEST_CASE("run_cost: utilisation and another price scale the whole, and are said so", "[cost]") {
  const Stored stored;
  CostOptions options;
  options.utilisation_ratio = 0.5;
  const RunCost half = stored.cost(options);
  CHECK_THAT(*half.usd_total, WithinAbs(20.00, 1e-9));
  CHECK(to_json(half)["cost"]["provenance"] == "projected");
  CHECK(to_json(half)["utilisation"][0]["usd_total"].get<double>() == Approx(10.00));
  CHECK(to_json(half)["utilisation"][2]["usd_total"].get<double>() == Approx(50.00));

  const auto h100 = find_hardware(*load_hardware({}), "h100-sxm5");
  options.price = *rental_price(*h100);
  options.utilisation_ratio = 1;
  CHECK(options.price->usd == 2.95);  // the newest on demand
  CHECK(options.price->provenance == "published");
  CHECK_THAT(*stored.cost(options).usd_total, WithinAbs(2.95 * 2 * 5000 / 3600, 1e-9));
  const auto h200 = rental_price(*find_hardware(*load_hardware({}), "h200-sxm"));
  CHECK(h200->usd == 4.75);  // the middle of 2.50 to 7.00
  CHECK(h200->band_usd->high == 7.00);
  const auto unknown = rental_price(*find_hardware(*load_hardware({}), "h20"));
  REQUIRE_FALSE(unknown);
  CHECK_THAT(unknown.error().message, Contains("h20") && Contains("--price"));
}

TEST_CASE("run_cost: recordings cost nothing that is known", "[cost]") {
  const RunCost cost = Stored("replay", false).cost();
  CHECK_FALSE(cost.usd_total);
  CHECK_FALSE(cost.usd_per_correct_ci95);
  CHECK(to_json(cost)["cost"]["usd_total"].is_null());
  CHECK_THAT(cost_text(cost), Contains("were not timed"));
  CHECK_FALSE(cost.hosted.empty());  // their tokens are known
}

TEST_CASE("run_cost: what took no time of its own, as a projection, costs an unknown amount, not nothing", "[cost]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  RunFacts facts = some_run("projected", 0, 1);
  facts.suites.clear();
  facts.provenance = "projected";
  facts.price_usd_per_gpu_hour = 2;
  auto writer = store->begin_run(facts, some_environment("cuda"), kNowMs);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs, 0)));
  const auto cost = run_cost(*store, writer->run_id(), {});
  REQUIRE(ok(cost));
  CHECK_FALSE(cost->usd_total.has_value());
  CHECK_THAT(cost->usd_reason, Contains("projected"));
  const auto summary = summarise(*store, writer->run_id());
  REQUIRE(ok(summary));
  CHECK_FALSE(summary->usd_total.has_value());
}

TEST_CASE("run_cost: scenarios are labelled, hosted prices are the run's tokens times the list", "[cost]") {
  const Stored stored;
  CostOptions options;
  options.what_if = *parse_what_if(
      R"({"own_hardware":{"capital_usd":35040,"years":4,"power_watts":1500,"pue":1.2,"usd_per_kwh":0.10,
          "operation_usd_per_year":876}, "jevons":{"price_ratio":0.5},
          "hosted":[{"provider":"P","model":"m","usd_per_mtok_input":100,"usd_per_mtok_output":1000,
                     "source":"a contract","date":"2026-11","confidence":"verified"}]})",
      "w.json");
  const RunCost cost = stored.cost(options);
  CHECK_THAT(cost.own_usd_per_gpu_hour->low, WithinRel(1.28, 1e-12));
  CHECK_THAT(cost.own_usd_total->high, WithinRel(1.28 * 2 * 5000 / 3600, 1e-12));
  REQUIRE(cost.hosted.size() == 6);
  CHECK_THAT(cost.hosted[0].usd_total, WithinRel(8000 * 100e-6 + 4000 * 1000e-6, 1e-12));
  CHECK(cost.hosted[0].even);
  CHECK(cost.rebounds.size() == 3);
  const Json json = to_json(cost);
  CHECK(json["own_hardware"]["provenance"] == "scenario");
  CHECK(json["jevons"][0]["provenance"] == "scenario");
  CHECK(json["hosted"][0]["break_even"]["provenance"] == "scenario");
  CHECK_THAT(cost_text(cost), Contains("Own hardware (scenario)") && Contains("Jevons (scenario)"));
}

TEST_CASE("parse_what_if: an error names file and field", "[cost]") {
  CHECK_THAT(what_if_error("[]"), Contains("mine.json"));
  CHECK_THAT(what_if_error(R"({"speed":1})"), Contains("speed"));
  CHECK_THAT(what_if_error(R"({"own_hardware":{"capital_usd":1}})"), Contains("years"));
  CHECK_THAT(what_if_error(R"({"own_hardware":{"capital_usd":[2,1],"years":1}})"), Contains("capital_usd"));
  CHECK_THAT(what_if_error(R"({"own_hardware":{"capital_usd":-1,"years":1}})"), Contains("capital_usd"));
  CHECK_THAT(what_if_error(R"({"energy":{"pue":0.5}})"), Contains("pue"));
  CHECK_THAT(what_if_error(R"({"jevons":{"price_ratio":0}})"), Contains("price_ratio"));
  CHECK_THAT(what_if_error(R"({"jevons":{"price_ratio":0.5,"elasticities":[]}})"), Contains("elasticities"));
  CHECK_THAT(what_if_error(R"({"jevons":{"price_ratio":0.5,"elasticities":[1,"x"]}})"), Contains("elasticities"));
  CHECK_THAT(what_if_error(R"({"hosted":[{"provider":"P"}]})"), Contains("hosted[0]") && Contains("model"));
  CHECK_THAT(what_if_error(R"({"output_tokens_per_s":0})"), Contains("output_tokens_per_s"));
}

TEST_CASE("api prices: the shipped list is whole and dated", "[cost]") {
  const auto prices = shipped_api_price_list();
  REQUIRE(ok(prices));
  REQUIRE(prices->size() == 5);
  for (const ApiPrice& price : *prices) CHECK_FALSE(price.citation.source.empty());
  CHECK((*prices)[1].price.usd_per_mtok_output == 2.19);
  CHECK_FALSE(parse_api_prices(R"({"api_prices":[{"provider":"P","model":"m","usd_per_mtok_input":0}]})", "p.json"));
}

// The digits that DeepSeek printed, and those of the arithmetic that follows from them.
TEST_CASE("worked examples: DeepSeek's day 6 and V3's training come out to their printed digits", "[cost]") {
  const auto value = [](const char* name, const std::string& quantity) {
    const auto example = find_worked_example(name);
    REQUIRE(ok(example));
    for (const ExampleRow& row : example->rows) {
      if (row.quantity == quantity) return row.computed;
    }
    FAIL("no row " << quantity);
    return 0.0;
  };
  const auto day6 = [&](const char* quantity) { return value("deepseek-day-6", quantity); };
  CHECK_THAT(day6("cost"), WithinAbs(87'072, 0.5));
  CHECK_THAT(day6("cached share of input"), WithinAbs(56.3, 0.05001));
  CHECK_THAT(day6("income at R1's prices"), WithinAbs(562.1, 0.05));
  CHECK(static_cast<int>(day6("profit over cost")) == 545);
  CHECK_THAT(day6("profit over income"), WithinAbs(84.5, 0.05));
  CHECK_THAT(day6("nodes for input"), WithinAbs(95.5, 0.05));
  CHECK_THAT(day6("nodes for output"), WithinAbs(131.4, 0.05));
  CHECK_THAT(day6("both"), WithinAbs(226.9, 0.05));
  CHECK_THAT(day6("input"), WithinAbs(0.060, 0.0005));
  CHECK_THAT(day6("output"), WithinAbs(0.300, 0.0005));
  CHECK_THAT(day6("all cost on output"), WithinAbs(0.518, 0.0005));
  CHECK(day6("output rate of a GPU") == 1850);
  CHECK_THAT(day6("live streams"), WithinAbs(705, 0.5));
  const auto training = [&](const char* quantity) { return value("deepseek-v3-training", quantity); };
  CHECK(training("all") == 2788);
  CHECK_THAT(training("cost"), WithinAbs(5.576, 1e-9));
  CHECK_THAT(training("pre-training of 10^12 tokens"), WithinAbs(180, 0.5));
  CHECK_THAT(training("rate of a GPU"), WithinAbs(1543, 0.5));
  CHECK_THAT(training("compute of a GPU"), WithinAbs(343, 0.5));
  CHECK_THAT(training("of the BF16 peak"), WithinAbs(35, 0.5));
  CHECK_THAT(training("of the FP8 peak"), WithinAbs(17, 0.5));
  CHECK_FALSE(find_worked_example("day-7"));
  // What is published is printed beside what is computed, and they agree in every printed digit.
  for (const WorkedExample& example : worked_examples()) {
    for (const ExampleRow& row : example.rows) {
      INFO(row.quantity);
      if (row.published) CHECK_THAT(row.computed, WithinAbs(*row.published, 0.5001 * std::pow(10.0, -row.digits)));
    }
  }
}

// 180 s at 2.95 $/h are 0.1475 $, which is a little less in binary: half a unit that one way of rounding gives and the
// other takes.
TEST_CASE("cost_text: the printed parts add up to the printed whole, to its last digit", "[cost]") {
  std::mt19937 random(17);
  for (int round = 0; round < 500; ++round) {
    RunCost cost;
    cost.run.facts.provenance = "measured";
    cost.usd_total = round == 0 ? 2.95 * 180 / 3600 : std::pow(10.0, -4.0 + 8 * (random() % 1000) / 1000.0);
    if (round % 3 == 0) cost.usd_total = std::floor(*cost.usd_total * 1000) / 1000 + 0.0005;
    cost.use = {1.0 + random() % 1000, 1.0 + random() % 1000, 1000, 400, 5000};
    cost.split = split_cost(*cost.usd_total, cost.use, PrefillFit{1.0 + random() % 9, 0.1});
    const std::string text = cost_text(cost);
    INFO(text);
    std::int64_t parts = 0;
    std::optional<std::int64_t> whole;
    for (const std::string& line : split(text, '\n')) {
      const std::size_t dollar = line.find('$');
      const bool is_part =
          line.starts_with("input ") || line.starts_with("cached input ") || line.starts_with("output ");
      if (dollar == std::string::npos || whole || !(is_part || line.starts_with("whole "))) continue;
      std::string digits = line.substr(dollar + 1, line.find(' ', dollar) - dollar - 1);
      std::erase(digits, '.');
      const std::int64_t units = parse_integer(digits).value();
      if (is_part) parts += units;
      if (!is_part) whole = units;
    }
    REQUIRE(whole);
    CHECK(parts == *whole);
  }
}

TEST_CASE("run_cost: infinite times, which another program may have stored, are unknown", "[cost]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  const auto id = store_priced_run(*store);
  REQUIRE(ok(id));
  {
    const auto database = Database::open(folder / "a.db", Database::Mode::read_write);
    REQUIRE(ok(database));
    REQUIRE(
        ok((*database)->execute("UPDATE samples SET prefill_device_ms = 9e999, decode_device_ms = 9e999 "
                                "WHERE sample = 0; UPDATE run_segments SET wall_ms = 9e999")));
  }
  const auto cost = run_cost(*store, *id, {});
  REQUIRE(ok(cost));
  CHECK_FALSE(cost->split);
  for (const std::string& text : {cost_text(*cost), to_json_text(to_json(*cost))}) {
    CHECK_THAT(text, !Contains("inf", Catch::CaseSensitive::No) && !Contains("nan ", Catch::CaseSensitive::No));
  }
}

TEST_CASE("run_cost: a sample that failed leaves the tokens of the others known, and is paid for", "[cost]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  RunFacts facts = some_run("trial", 2, 1);
  facts.price_usd_per_gpu_hour = 3.6;
  auto writer = store->begin_run(facts, some_environment("cuda"), kNowMs);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::correct), kNowMs, 500)));
  SampleFacts failed;
  failed.key = {"sums", ItemId("i1"), 0};
  failed.failure = "the device is gone";
  REQUIRE(ok(writer->add_sample(failed, some_verdict(Verdict::error, {}), kNowMs, 1000)));
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 1, 1000)));
  const auto cost = run_cost(*store, writer->run_id(), {});
  REQUIRE(ok(cost));
  CHECK(cost->use.n_output_tokens == 5);
  CHECK(cost->output_tokens_per_sample == 5.0);
  CHECK(cost->n_samples == 2);
  CHECK_THAT(*cost->usd_total, WithinRel(0.001, 1e-12));
}
