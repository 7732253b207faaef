#include "gui/models/run_plan.h"

#include "tests/support/catch.h"

namespace assay::gui {

namespace {

RunChoices some_choices() {
  RunChoices choices;
  choices.model = "reference";
  choices.suites = {"zebra-smoke", "aime-smoke"};
  choices.database = "/tmp/a b.db";
  return choices;
}

}  // namespace

TEST_CASE("run command: every choice is one option, quoted for a shell where it must be") {
  RunChoices choices = some_choices();
  CHECK(shell_line("assay", *run_words(choices)) ==
        "assay run --model reference --suite zebra-smoke,aime-smoke --db '/tmp/a b.db'");
  choices.samples = 4;
  choices.limit = 10;
  choices.seed = 7;
  choices.protocol = "deepseek-r1";
  choices.device = "cuda:0";
  choices.temperature = 0.6;
  choices.top_p = 0.95;
  choices.max_output_tokens = 512;
  choices.hardware = "h100-sxm5";
  choices.price_usd_per_gpu_hour = 2.5;
  choices.name = "it's";
  choices.tags = {"team=core", "n=$HOME"};
  choices.database = "r.db";
  CHECK(
      shell_line("assay", *run_words(choices)) ==
      "assay run --model reference --suite zebra-smoke,aime-smoke --samples 4 --limit 10 --seed 7 --protocol "
      "deepseek-r1 "
      "--device cuda:0 --temperature 0.59999999999999998 --top-p 0.94999999999999996 --max-output-tokens 512 "
      "--hardware h100-sxm5 --price-usd-per-gpu-hour 2.5 --name 'it'\\''s' --tag team=core --tag 'n=$HOME' --db r.db");
}

TEST_CASE("run command: what is missing is named") {
  const auto message = [](auto change) {
    RunChoices choices = some_choices();
    change(choices);
    const auto words = run_words(choices);
    REQUIRE_FALSE(words.has_value());
    return words.error().message;
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(message([](RunChoices& choices) { choices.model.clear(); }), Contains("no model"));
  CHECK_THAT(message([](RunChoices& choices) { choices.suites.clear(); }), Contains("no suite"));
  CHECK_THAT(message([](RunChoices& choices) { choices.database.clear(); }), Contains("no results database"));
  CHECK_THAT(message([](RunChoices& choices) { choices.suites = {"a,b"}; }),
             Contains("\"a,b\" must not contain a comma"));
  CHECK_THAT(message([](RunChoices& choices) { choices.tags = {"=x"}; }), Contains("must be NAME=VALUE"));
  RunChoices resumed;
  resumed.resume = "0123456789ab";
  CHECK_FALSE(run_words(resumed).has_value());
  resumed.database = "r.db";
  CHECK(run_words(resumed)->join(' ') == "run --resume 0123456789ab --db r.db");
}

TEST_CASE("run plan: items and samples come from the suites, the protocol and the limit") {
  const std::vector<SuitePlanFacts> suites = {{100, 1, {{"deepseek-r1", 16}}}, {30, 4, {{"deepseek-r1", 64}}}};
  RunChoices choices = some_choices();
  RunPlan plan = plan_run(choices, suites, {}, nullptr);
  CHECK(plan.n_items == 130);
  CHECK(plan.n_samples == 100 + 120);
  CHECK_FALSE(plan.expected.n_output_tokens.has_value());
  CHECK(plan.unknown.size() == 2);  // no earlier run, no facts of the model
  choices.protocol = "deepseek-r1";
  CHECK(plan_run(choices, suites, {}, nullptr).n_samples == 100 * 16 + 30 * 64);
  choices.limit = 40;
  choices.samples = 2;
  plan = plan_run(choices, suites, ModelPlanFacts{"m", {{"cuda:0", "H100", 16e9, 79e9, true}}}, nullptr);
  CHECK(plan.n_items == 70);
  CHECK(plan.n_samples == 140);
  CHECK(plan.memory == QStringList{"cuda:0: 16.0 GB of weights, 79.0 GB free: fits"});
}

TEST_CASE("run plan: tokens, time and dollars follow an earlier run, and say so") {
  results::RunSummary earlier;
  earlier.run.run_id = RunId("0123456789ab");
  earlier.run.facts.name = "before";
  earlier.suites.emplace_back();
  earlier.suites.back().suite.n_samples = 50;
  earlier.n_output_tokens = 10'000;
  earlier.output_tokens_per_s = 500;
  earlier.joules_per_output_token = 0.5;
  RunChoices choices = some_choices();
  choices.price_usd_per_gpu_hour = 3;
  const std::vector<SuitePlanFacts> suites = {{100, 1, {}}};
  RunPlan plan = plan_run(choices, suites, {}, &earlier);
  CHECK(plan.expected.n_output_tokens == 20'000.0);
  CHECK(plan.expected.seconds == 40.0);
  CHECK(*plan.expected.usd == Approx(40.0 / 3600 * 3));
  CHECK(plan.basis == QStringList{"projected from run before: 200 output tokens a sample, 500 output tokens/s"});
  CHECK(plan.expected.joules == 10'000.0);
  CHECK(plan_table(plan).rows[1][1].text == "40 s");
  CHECK(plan_table(plan).rows[1][1].tooltip.startsWith("provenance: projected\nprojected from run before"));
  CHECK(plan_table(plan).rows[1][2].text == unknown_text());
  choices.price_usd_per_gpu_hour.reset();
  plan = plan_run(choices, suites, {}, &earlier);
  CHECK_FALSE(plan.expected.usd.has_value());
  CHECK(plan.unknown.contains("Cost: no price is given"));
  earlier.output_tokens_per_s.reset();  // recordings
  CHECK_FALSE(plan_run(choices, suites, {}, &earlier).expected.seconds.has_value());
}

TEST_CASE("run plan: the program's own plan of a GPU") {
  RunChoices choices = some_choices();
  choices.hardware = "h800-sxm5";
  choices.samples = 4;
  choices.price_usd_per_gpu_hour = 2;
  CHECK(plan_words(choices, "0123", "/tmp/old.db")->join(' ') ==
        "plan --json --model reference --suite zebra-smoke,aime-smoke --hardware h800-sxm5 --samples 4 "
        "--price-usd-per-gpu-hour 2 --lengths-from 0123 --db /tmp/old.db");
  CHECK_FALSE(plan_words(choices, "", "/tmp/old.db")->contains("--db"));
  const auto plan = parse_plan(R"({"hardware": "h800-sxm5", "items": 100, "samples": 400, "prompt_tokens": 8403,
    "error_ratio": 0.1, "suites": [{"lengths_from": "0123"}, 3],
    "memory": {"weight_bytes": 1e9, "kv_memory_bytes": 7e10, "memory_bytes": 8e10},
    "expected": {"output_tokens": 79966, "seconds": 90, "usd": 0.05, "joules_at_most": 63000},
    "at_most": {"output_tokens": 785588, "seconds": 900, "usd": null, "joules_at_most": null},
    "price": {"usd_per_gpu_hour": 2.0, "source": "a list"}})");
  REQUIRE(plan.has_value());
  CHECK(plan_size_text(*plan) == "100 items, 400 samples, " + number_text(8403) + " prompt tokens");
  CHECK(plan->memory ==
        QStringList{"h800-sxm5: 1.0 GB of weights, 70.0 GB for cached keys and values, of 80.0 GB: fits"});
  CHECK(plan->basis.contains("output lengths: as those of 0123"));
  CHECK(plan->basis.contains("price: $2.00 a GPU-hour, a list"));
  const Table table = plan_table(*plan);
  REQUIRE(table.rows.size() == 4);
  CHECK(table.rows[1][1].text == "1 min 30 s");
  CHECK(table.rows[1][2].text == "15 min 00 s");
  CHECK(table.rows[3][1].text == joules_text(63000));
  CHECK(table.rows[2][2].text == unknown_text());
  const auto least =
      parse_plan(R"({"hardware": "x", "items": 1, "samples": 1, "expected": null, "price": {"reason": "no price"}})");
  REQUIRE(least.has_value());
  CHECK(least->unknown ==
        QStringList{"Expected lengths: no finished run of this model and these suites is open", "Cost: no price"});
}

TEST_CASE("run plan: what the program prints is checked before it is believed") {
  CHECK_FALSE(parse_suite_list("[]").has_value());
  CHECK_FALSE(parse_suite_list("{\"suites\": [1]}").has_value());
  CHECK_FALSE(parse_suite("{\"suite\": \"aime2024\", \"items\": null}").has_value());
  CHECK_FALSE(parse_model("{}").has_value());
  CHECK_FALSE(parse_hardware_names("{\"hardware\": 1}").has_value());
  CHECK_FALSE(parse_plan("{\"items\": 3}").has_value());
  CHECK_FALSE(parse_plan("{\"items\": 1e300, \"samples\": 1}").has_value());
  const auto offers =
      parse_suite_list(R"({"suites": [{"suite": "a", "items": null, "items_from": "x"}, {"items": 3}]})");
  REQUIRE(offers.has_value());
  REQUIRE(offers->size() == 1);
  CHECK_FALSE(offers->front().n_items.has_value());
}

}  // namespace assay::gui
