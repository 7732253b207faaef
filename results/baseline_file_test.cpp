#include "results/baseline_file.h"

#include "harness/base/text.h"
#include "results/gate/test_runs.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;

void fuzz_baseline(std::span<const std::byte> file);  // baseline_fuzz.cpp

namespace {

ComparableRun rich_run() {
  ComparableRun run = run_of("0123", "cinte");
  run.name = "a \"name\"\n";
  run.tags = {{"commit", "abc"}};
  run.usd_total = 1.25;
  run.wall_s = 3;
  run.output_tokens_per_s = 10;
  run.output_tokens_per_s_parts = {9, 11};
  run.method_versions = {{"ttft_ms", 1}};
  ComparableSample& unknown = run.suites[0].items[0].samples[0];
  unknown.answer.reset();
  unknown.ttft_ms.reset();
  unknown.n_output_tokens.reset();
  for (ComparableItem& item : run.suites[0].items) item.samples[0].itl_ms.reset();
  return run;
}

}  // namespace

TEST_CASE("baseline_file: what is written reads back the same", "[baseline]") {
  const std::string text = to_json_text(to_baseline_json(rich_run()));
  const auto run = parse_baseline(text, "b.json");
  REQUIRE(run);
  CHECK(to_json_text(to_baseline_json(*run)) == text);
  CHECK(run->name == "a \"name\"\n");
  CHECK_FALSE(run->suites[0].items[0].samples[0].ttft_ms);
  CHECK(run->suites[0].items[1].samples[0].ttft_ms == 20);
  CHECK(run->suites[0].items[3].samples[0].verdict == Verdict::truncated);
}

TEST_CASE("baseline_file: a wrong field is refused with its place", "[baseline]") {
  const Json good = to_baseline_json(rich_run());
  const auto refusal = [](const Json& document) {
    const auto run = parse_baseline(to_json_text(document), "b.json");
    return run ? std::string() : run.error().message;
  };
  REQUIRE(refusal(good).empty());
  const auto changed = [&](const char* pointer, Json value) {
    Json document = good;
    document[Json::json_pointer(pointer)] = std::move(value);
    return refusal(document);
  };
  CHECK_THAT(changed("/format", "other"), Contains("b.json") && Contains("--write-baseline"));
  CHECK_THAT(changed("/format_version", 2), Contains("version 2"));
  CHECK_THAT(changed("/state", "gone"), Contains("finished"));
  CHECK_THAT(changed("/wall_s", -1), Contains("wall_s"));
  CHECK_THAT(changed("/tags/commit", 7), Contains("tags"));
  CHECK_THAT(changed("/environments/0", 7), Contains("environments[0]"));
  CHECK_THAT(changed("/suites", 7), Contains("suites"));
  CHECK_THAT(changed("/suites/0/samples", 0), Contains("suites[0]") && Contains("samples"));
  CHECK_THAT(changed("/suites/0/n_items", 1), Contains("n_items"));
  CHECK_THAT(changed("/suites/0/items/2/verdicts/0", "right"), Contains("items[2]: verdicts[0]"));
  CHECK_THAT(changed("/suites/0/items/2/verdicts", Json::array()), Contains("at least one"));
  CHECK_THAT(changed("/suites/0/items/2/ttft_ms", Json{1, 2}), Contains("has 2 values"));
  CHECK_THAT(changed("/suites/0/items/2/ttft_ms/0", "1"), Contains("ttft_ms[0]"));
  CHECK_THAT(changed("/suites/0/items/2/n_output_tokens/0", 1.5), Contains("an integer"));
  CHECK_THAT(changed("/suites/0/items/2/n_output_tokens/0", 1e18), Contains("n_output_tokens[0]"));
  Json twice = good;
  twice["suites"].push_back(twice["suites"][0]);
  CHECK_THAT(refusal(twice), Contains("twice"));
}

TEST_CASE("baseline_file: cut or changed anywhere it is refused or read, and never worse", "[baseline]") {
  const std::string text = to_json_text(to_baseline_json(rich_run()));
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK_FALSE(parse_baseline(std::string_view(text).substr(0, length), "b.json"));
  }
  std::mt19937 random(5);
  int n_refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string mutated = tests::edited(random, text, "0-1e\"[]{},:nx\\");
    tests::fuzz(fuzz_baseline, mutated);
    const auto run = parse_baseline(mutated, "b.json");
    n_refused += run ? 0 : 1;
    if (!run) CHECK(run.error().message.find("b.json") != std::string::npos);
  }
  CHECK(n_refused > 1000);
  CHECK(n_refused < 3000);
}
