// assay cost and assay hardware, called as users call them.

#include "harness/base/json.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

TEST_CASE("hardware: lists, shows and detects, as text and as JSON", "[cli]") {
  const Ended list = call({"hardware"});
  INFO(list.err);
  REQUIRE(list.exit_code == 0);
  CHECK_THAT(list.out, Contains("h800-sxm5") && Contains("3.35*"));
  const Json all = json_of(call({"hardware", "--json"}).out)["hardware"];
  CHECK(all.size() == 21);

  const Ended show = call({"hardware", "show", "h800-sxm5"});
  REQUIRE(show.exit_code == 0);
  CHECK_THAT(show.out, Contains("Disputed") && Contains("nexaninsights") && Contains("FlashMLA"));
  const Json h20 = json_of(call({"hardware", "show", "h20", "--json"}).out);
  CHECK(h20["prices"].empty());
  CHECK(h20["values"]["all_in_power_watts"]["value"].is_null());

  const Json detected = json_of(call({"hardware", "detect", "--json"}).out);
  REQUIRE(detected["devices"].size() >= 1);
  CHECK(detected["devices"].back()["kind"] == "cpu");

  const Ended unknown = call({"hardware", "show", "h99"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.err, Contains("\"h99\"") && Contains("h800-sxm5"));
}

TEST_CASE("hardware: a user's profile is listed, a broken one is refused with file and field", "[cli]") {
  const TemporaryFolder home;
  std::filesystem::create_directories(home / "assay/hardware");
  Json profile = json_of(call({"hardware", "show", "l40s", "--json"}).out);
  CHECK(profile["origin"] == "shipped");
  write_text(home / "assay/hardware/broken.json", R"({"name":"mine","title":"Mine","kind":"tpu","match":[]})");
  const Ended broken = call({"hardware"}, {{"XDG_DATA_HOME", home / ""}});
  CHECK(broken.exit_code == 2);
  CHECK_THAT(broken.err, Contains("broken.json") && Contains("\"kind\""));
}

TEST_CASE("cost: a recording costs nothing that is known, but hosted endpoints have a price for its tokens", "[cli]") {
  const TemporaryFolder folder;
  const std::string suite = write_suite(folder, "words", 5);
  const std::string recording = write_recording(folder, "replies.jsonl", 5);
  const std::string db = folder / "r.db";
  REQUIRE(call({"run", "--model", recording, "--suite", suite, "--db", db, "--quiet"}).exit_code == 0);
  const Ended ended = call({"cost", "--db", db, "--price", "2.5", "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json cost = json_of(ended.out);
  CHECK(cost["cost"]["usd_total"].is_null());
  CHECK_THAT(cost["cost"]["reason"].get<std::string>(), Contains("not timed"));
  CHECK(cost["correct"] == 4);
  CHECK(cost["energy"]["joules_total"].is_null());
  const Ended text = call({"cost", "latest", "--db", db});
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, Contains("Twenty watts"));
}

TEST_CASE("cost: worked examples need no database, and wrong words are refused", "[cli]") {
  const Ended day6 = call({"cost", "--example", "deepseek-day-6"});
  REQUIRE(day6.exit_code == 0);
  CHECK_THAT(day6.out, Contains("87072") && Contains("226.9"));
  const Json training = json_of(call({"cost", "--example", "deepseek-v3-training", "--json"}).out);
  CHECK(training["rows"].size() == 11);

  const auto refusal = [](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"cost"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = call(words);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    return ended.err;
  };
  CHECK_THAT(refusal({"--example", "day-7"}), Contains("deepseek-day-6"));
  CHECK_THAT(refusal({"--price", "0"}), Contains("above 0"));
  CHECK_THAT(refusal({"--utilisation", "1.5"}), Contains("at most 1"));
  CHECK_THAT(refusal({"--price", "1", "--hardware", "h100-sxm5"}), Contains("one of them"));
  CHECK_THAT(refusal({"--hardware", "h20"}), Contains("no dated price"));
  const TemporaryFolder folder;
  write_text(folder / "w.json", R"({"own_hardware":{"capital_usd":"much"}})");
  CHECK_THAT(refusal({"--what-if", folder / "w.json"}), Contains("w.json") && Contains("capital_usd"));
}
