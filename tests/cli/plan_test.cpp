// assay plan: the shipped reference model on hardware that is not here.
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

TEST_CASE("assay plan: tokens, memory, time, dollars and joules that fit together", "[cli][plan]") {
  const Ended ended = call({"plan", "--model", "reference", "--suite", "smoke", "--hardware", "h800-sxm5", "--samples",
                            "2", "--output-tokens", "100", "--price-usd-per-gpu-hour", "3.6", "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json plan = json_of(ended.out);
  CHECK(plan["provenance"] == "projected");
  CHECK(plan["checked_on_device"] == false);
  CHECK(plan["error_ratio"].is_null());  // a tiny model
  CHECK(plan["items"] == 400);
  CHECK(plan["samples"] == 800);
  const Json& expected = plan["expected"];
  const double seconds = expected["seconds"];
  CHECK_THAT(expected["prefill_s"].get<double>() + expected["decode_s"].get<double>(), WithinRel(seconds, 1e-9));
  CHECK_THAT(expected["usd"].get<double>(), WithinRel(seconds * 3.6 / 3600, 1e-9));
  CHECK_THAT(expected["joules_at_most"].get<double>(), WithinRel(seconds * 700, 1e-9));
  CHECK_THAT(expected["output_tokens"].get<double>(), WithinRel(800 * 100.0, 0.01));
  CHECK(plan["at_most"]["seconds"] > seconds);
  const Ended text = call({"plan", "--model", "reference", "--suite", "smoke", "--hardware", "h800-sxm5"});
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, Contains("projected") && Contains("--lengths-from") && Contains("NOT among them"));
}

TEST_CASE("assay plan: lengths of a stored run", "[cli][plan]") {
  const TemporaryFolder folder;
  const std::string db = folder / "x.db";
  const Ended run = call({"run", "--model", "reference", "--suite", "aime-smoke", "--limit", "4", "--device", "cpu",
                          "--db", db, "--json"});
  INFO(run.err);
  REQUIRE(run.exit_code == 0);
  const double mean = json_of(run.out)["tokens"]["output"].get<double>() / 4;
  const Ended plan = call({"plan", "--model", "reference", "--suite", "aime-smoke", "--limit", "4", "--hardware",
                           "h100-sxm5", "--lengths-from", "latest", "--db", db, "--json"});
  INFO(plan.err);
  REQUIRE(plan.exit_code == 0);
  CHECK_THAT(json_of(plan.out)["suites"][0]["expected_output_tokens"].get<double>(), WithinRel(mean, 1e-9));
}

TEST_CASE("assay plan: what can't be planned is refused by name", "[cli][plan]") {
  const auto refused = [](std::vector<std::string> words) {
    words.insert(words.begin(), "plan");
    const Ended ended = call(words);
    CHECK(ended.exit_code != 0);
    CHECK(ended.out.empty());
    return ended.err;
  };
  CHECK_THAT(refused({"--suite", "smoke", "--hardware", "h100-sxm5"}), Contains("--model"));
  CHECK_THAT(refused({"--model", "reference", "--hardware", "h100-sxm5"}), Contains("--suite"));
  CHECK_THAT(refused({"--model", "reference", "--suite", "smoke"}), Contains("--hardware"));
  CHECK_THAT(refused({"--model", "reference", "--suite", "smoke", "--hardware", "apple-m4"}), Contains("no GPU"));
  CHECK_THAT(refused({"--model", "replay:x.jsonl", "--suite", "smoke", "--hardware", "h100-sxm5"}), Contains("files"));
  CHECK_THAT(refused({"--model", "reference", "--suite", "smoke", "--hardware", "h100-sxm5", "--kv-memory", "90GB"}),
             Contains("leave"));
  CHECK_THAT(refused({"--model", "reference", "--suite", "smoke", "--hardware", "h100-sxm5", "--kv-memory", "1MB"}),
             Contains("pages of KV cache"));
}
