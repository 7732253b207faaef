#include "results/compare.h"

#include <cmath>

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/analysis/decisions.h"
#include "results/analysis/paired_ratio.h"
#include "results/gate/test_runs.h"
#include "results/method_versions.h"
#include "results/test_facts.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinAbs;

namespace {

Comparison compared(const ComparableRun& a, const ComparableRun& b, const CompareOptions& options = {}) {
  const auto comparison = compare_runs(a, {b}, options);
  REQUIRE(ok(comparison));
  return *comparison;
}

/// Nothing that a reader or a program sees is a NaN or an infinity.
void check_no_nan(const Comparison& comparison) {
  for (const std::string& text : {comparison_text(comparison), to_json_text(to_json(comparison))}) {
    CHECK_FALSE(shows_no_number(text));
  }
}

}  // namespace

// The example of Miller's formula worked by hand: a = 1101011011, b = 1001010010, d = 0.3, SE = 0.1527525.
TEST_CASE("compare: the paired difference of ten items is the one computed by hand", "[compare]") {
  const Comparison comparison = compared(run_of("b", "ciiciciici"), run_of("a",
                                                                           "ccicicc"
                                                                           "icc"));
  const SuiteComparison& suite = comparison.runs[0].suites[0];
  CHECK(suite.n_items_paired == 10);
  CHECK_THAT(*suite.accuracy.baseline, WithinAbs(0.4, 1e-12));
  CHECK_THAT(*suite.accuracy.candidate, WithinAbs(0.7, 1e-12));
  CHECK_THAT(*suite.accuracy.difference, WithinAbs(0.3, 1e-12));
  CHECK_THAT(*suite.accuracy.standard_error, WithinAbs(0.1527525, 1e-7));
  CHECK(suite.n_lost == 0);
  CHECK(suite.n_gained == 3);
  CHECK(suite.accuracy_test.method == "mcnemar");
  CHECK_THAT(*suite.accuracy_test.p_value, WithinAbs(0.25, 1e-12));  // 3 of 3 to one side: 2 / 8
  CHECK(suite.accuracy_test.finding == Finding::no_difference_shown);
}

TEST_CASE("compare: many items changing one way are worse, few items show nothing", "[compare]") {
  const Comparison worse = compared(run_of("a", std::string(20, 'c')), run_of("b", std::string(12, 'c') + "iiinttee"));
  const SuiteComparison& suite = worse.runs[0].suites[0];
  CHECK_THAT(*suite.accuracy_test.p_value, WithinAbs(2 / 256.0, 1e-12));
  // The other test of the comparison (lengths) has p = 1, so Holm doubles.
  CHECK_THAT(*suite.accuracy_test.p_holm, WithinAbs(4 / 256.0, 1e-12));
  CHECK(suite.accuracy_test.finding == Finding::worse);
  CHECK(suite.outcomes_candidate == Outcomes{12, 3, 1, 2, 2});
  CHECK(suite.flips.size() == 8);
  CHECK(suite.flips[0].item == "i12");
  CHECK(suite.flips[3].candidate == Verdict::no_answer);
  CHECK_THAT(comparison_text(worse),
             Contains("worse") && Contains("8 items lost, 0 gained") && Contains("correct -> truncated"));
  CHECK_THAT(comparison_text(worse, 2), Contains("(6 more: --flips N)"));
  check_no_nan(worse);

  const Comparison few = compared(run_of("a", "ccccc"), run_of("b", "iiiii"));
  CHECK(few.runs[0].suites[0].accuracy_test.finding == Finding::too_few_samples);
}

TEST_CASE("compare: nothing is NaN for one item, all errors, no spread, no samples in common", "[compare]") {
  const auto [a, b] = GENERATE(table<std::string, std::string>({{"c", "i"},
                                                                {"c", "c"},
                                                                {"eeee", "eeee"},
                                                                {"cccc", "cccc"},
                                                                {"iiii", "cccc"},
                                                                {"", ""},
                                                                {"cc", ""},
                                                                {"tt", "ee"}}));
  CAPTURE(a, b);
  const Comparison comparison = compared(run_of("a", a), run_of("b", b));
  check_no_nan(comparison);
  const SuiteComparison& suite = comparison.runs[0].suites[0];
  CHECK(suite.n_items_paired == static_cast<std::int64_t>(std::min(a.size(), b.size())));
  if (a == "cccc" && b == "cccc") {
    CHECK(suite.accuracy.interval_method == "wilson");  // never without width
    CHECK((*suite.accuracy.interval)[1] > 0.3);
    CHECK(suite.accuracy_test.p_value == 1.0);
  }
}

TEST_CASE("compare: several samples of an item give the bar for these items, pass@k and maj@k", "[compare]") {
  ComparableRun a = empty_run("a");
  ComparableRun b = empty_run("b");
  using enum Verdict;
  // Hand counts: means of a 0.5, 1; of b 0.25, 0.75.
  add_item(a, {correct, correct, incorrect, incorrect});
  add_item(a, {correct, correct, correct, correct});
  add_item(b, {correct, incorrect, incorrect, incorrect});
  add_item(b, {correct, correct, correct, incorrect});
  const Comparison comparison = compared(a, b);
  const SuiteComparison& suite = comparison.runs[0].suites[0];
  CHECK_THAT(*suite.accuracy.difference, WithinAbs(-0.25, 1e-12));
  CHECK(*suite.accuracy.standard_error == 0);  // both items lost a quarter
  // Variances of the samples: a 1/3 and 0, b 1/4 and 1/4; over 4 samples and 2 items.
  const double by_hand = std::sqrt((1.0 / 3 / 4) / 4 + (0.25 / 4 + 0.25 / 4) / 4);
  CHECK_THAT(*suite.stderr_fixed_items, WithinAbs(by_hand, 1e-12));
  CHECK(suite.votes_k == 4);
  CHECK(*suite.pass_at_k.difference == 0);
  CHECK_THAT(*suite.maj_at_k.baseline, WithinAbs(0.75, 1e-12));  // a tie is half
  CHECK_THAT(*suite.maj_at_k.candidate, WithinAbs(0.5, 1e-12));
  CHECK(suite.accuracy_test.method == "sign-flip");
}

TEST_CASE("compare: items are paired by content, whatever they are called", "[compare]") {
  ComparableRun a = run_of("a", "cic");
  ComparableRun b = run_of("b", "cic");
  std::swap(b.suites[0].items[0], b.suites[0].items[2]);
  b.suites[0].items[0].item = "renamed";
  b.suites[0].items[1].content_sha256 = "another question";
  const std::vector<SuitePair> suites = pair_suites(a, b);
  REQUIRE(suites.size() == 1);
  REQUIRE(suites[0].items.size() == 2);
  CHECK(suites[0].items[0].candidate->item == "i0");
  CHECK(suites[0].items[1].candidate->item == "renamed");

  // Equal content twice: by id first, so that the order of the others does not matter.
  for (ComparableRun* run : {&a, &b}) {
    for (ComparableItem& item : run->suites[0].items) item.content_sha256 = "same";
  }
  const auto twins = pair_items(a.suites[0], b.suites[0]);
  REQUIRE(twins.size() == 3);
  CHECK(twins[0].candidate->item == "i0");
  CHECK(twins[1].candidate->item == "i1");
  CHECK(twins[2].candidate->item == "renamed");
}

TEST_CASE("compare: other suites, graders, sampling and methods are refused in one line, or marked when forced",
          "[compare]") {
  const ComparableRun a = run_of("a", "cici");
  const auto change = GENERATE(values<std::pair<std::string, void (*)(ComparableRun&)>>({
      {"suite hash of words", [](ComparableRun& run) { run.suites[0].sha256 = std::string(64, 'd'); }},
      {"grader of words (canonical 1, lm-eval 1)",
       [](ComparableRun& run) { run.suites[0].grader_profile = "lm-eval"; }},
      {"grader of words (canonical 1, canonical 2)", [](ComparableRun& run) { run.suites[0].grader_version = "2"; }},
      {"sampling of words: temperature (0.6, 0.7)",
       [](ComparableRun& run) { run.suites[0].sampling["temperature"] = 0.7; }},
      {"sampling of words: protocol (none, deepseek-r1)",
       [](ComparableRun& run) { run.suites[0].sampling["protocol"] = "deepseek-r1"; }},
      {"method version of ttft_ms (1 and 2)", [](ComparableRun& run) { run.method_versions["ttft_ms"] = 2; }},
  }));
  ComparableRun b = run_of("b", "cici");
  change.second(b);
  const auto refused = compare_runs(a, {b});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
  CHECK_THAT(refused.error().message, Contains(change.first) && Contains("--force"));
  const Comparison forced = compared(a, b, {.force = true, .level = 0.95, .bootstrap = {}});
  CHECK_THAT(comparison_text(forced), Contains("FORCED: the runs differ in " + change.first));
  CHECK(to_json(forced)["comparisons"][0]["forced"] == true);
}

TEST_CASE("compare: runs without a suite in common are refused", "[compare]") {
  ComparableRun b = run_of("b", "cici");
  b.suites[0].suite = "other";
  CHECK_FALSE(compare_runs(run_of("a", "cici"), {b}));
}

TEST_CASE("compare: environments are compared field by field, logits for equal weights alone", "[compare]") {
  const ComparableRun a = run_of("a", "cc");
  ComparableRun b = run_of("b", "cc");
  CHECK(environment_differences(a, b).empty());
  b.environments[0]["build_version"] = "2";
  CHECK(environment_differences(a, b) == std::vector<std::string>{"build_version (1, 2)"});
  CHECK(environment_differences(a, b, {"build_version"}).empty());
  b = run_of("b", "cc");
  b.environments[0]["canary_logits_sha256"] = "x";
  CHECK(environment_differences(a, b).size() == 1);
  b.weights_sha256 = std::string(64, 'e');
  CHECK(environment_differences(a, b).empty());
  b.environments.push_back({{"device_name", "Another"}, {"build_version", "1"}});
  CHECK(environment_differences(a, b).size() == 1);
  b.environments.clear();
  CHECK(environment_differences(a, b).size() == 1);
}

TEST_CASE("compare: latency is the ratio of medians, percentiles only where n supports them", "[compare]") {
  const ComparableRun a = run_of("a", std::string(12, 'c'));
  ComparableRun b = run_of("b", std::string(12, 'c'));
  for (ComparableItem& item : b.suites[0].items) item.samples[0].ttft_ms = 30;
  const LatencyComparison ttft = compared(a, b).runs[0].latency[0];
  CHECK(ttft.metric == "ttft_ms");
  CHECK_THAT(*ttft.p50_ratio, WithinAbs(1.5, 1e-12));
  CHECK(*ttft.candidate.p90 == 30);
  CHECK_FALSE(ttft.candidate.p99);
}

TEST_CASE("paired_ratio: proportional sides have their ratio in every resample", "[analysis]") {
  const std::vector<std::vector<double>> a = {{1, 2}, {3}, {4, 5, 6}};
  const std::vector<std::vector<double>> b = {{2, 4}, {6}, {8, 10, 12}};
  const auto ratio = quantile_ratio(a, b, 0.5, {.n_resamples = 50, .seed = 3});
  REQUIRE(ok(ratio));
  CHECK(ratio->ratio == 2);
  for (const double resampled : ratio->resampled) CHECK_THAT(resampled, WithinAbs(2, 1e-12));
  CHECK_THAT(p_value_above(*ratio, 1.5), WithinAbs(1 / 51.0, 1e-12));
  CHECK(p_value_above(*ratio, 2.5) == 1);

  const auto costs = ratio_of_ratios(std::vector<RatioTerm>{{10, 1}, {20, 1}}, std::vector<RatioTerm>{{30, 1}, {60, 1}},
                                     {.n_resamples = 50, .seed = 3});
  REQUIRE(ok(costs));
  CHECK_THAT(costs->ratio, WithinAbs(3, 1e-12));
  CHECK_FALSE(ratio_of_ratios(std::vector<RatioTerm>{{10, 0}}, std::vector<RatioTerm>{{30, 1}}));
  CHECK_FALSE(quantile_ratio(std::vector<std::vector<double>>{{0}}, std::vector<std::vector<double>>{{1}}, 0.5));
  CHECK_FALSE(quantile_ratio(std::vector<std::vector<double>>{{}}, std::vector<std::vector<double>>{{1}}, 0.5));
  CHECK_FALSE(quantile_ratio(a, std::vector<std::vector<double>>{{1}}, 0.5));
}

// Worked by hand: p / w orders the first before the second; 0.01 * 4 / 1, then 0.04 * 3 / 3.
TEST_CASE("weighted_holm_adjusted: unequal shares of the level", "[analysis]") {
  const auto adjusted = weighted_holm_adjusted(std::vector<double>{0.01, 0.04}, std::vector<double>{1, 3});
  REQUIRE(ok(adjusted));
  CHECK_THAT((*adjusted)[0], WithinAbs(0.04, 1e-15));
  CHECK_THAT((*adjusted)[1], WithinAbs(0.04, 1e-15));
  CHECK(*weighted_holm_adjusted(std::vector<double>{0.01, 0.04, 0.03}, std::vector<double>{2, 2, 2}) ==
        *holm_adjusted(std::vector<double>{0.01, 0.04, 0.03}));
  CHECK_FALSE(weighted_holm_adjusted(std::vector<double>{0.01}, std::vector<double>{0}));
  CHECK_FALSE(weighted_holm_adjusted(std::vector<double>{0.01}, std::vector<double>{}));
}

// A changed meaning needs a new version: whoever edits a text finds this test, and raises the version with the hash.
TEST_CASE("method_versions: a changed meaning has a new version", "[analysis]") {
  std::string all;
  for (const MethodVersion& method : method_versions()) {
    all +=
        std::string(method.metric) + " " + std::to_string(method.version) + " " + std::string(method.semantics) + "\n";
  }
  CHECK(sha256_hex(all).substr(0, 16) == "c4f9381fb4e239ba");
  // A run that names no versions was measured by the first ones.
  CHECK(different_methods(Json::object(), method_versions_json()) == std::vector<std::string>{"ttft_ms (1 and 2)"});
  CHECK(different_methods({{"ttft_ms", 3}}, method_versions_json()) == std::vector<std::string>{"ttft_ms (3 and 2)"});
}

TEST_CASE("comparable_run: a stored run has its samples, answers and figures", "[compare]") {
  const TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "r.db");
  REQUIRE(ok(store));
  RunFacts facts = some_run("trial", 2, 2);
  facts.price_usd_per_gpu_hour = 3600;
  facts.tags = {{"commit", "0123abcd"}};
  {
    auto writer = store->begin_run(facts, some_environment(), kNowMs);
    REQUIRE(ok(writer));
    for (const std::string item : {"i0", "i1"}) {
      for (const std::int64_t sample : {0, 1}) {
        SampleFacts made = some_sample(item, sample);
        made.first_token_ms = 0;
        made.finished_ms = 1000 * static_cast<double>(sample + 1);
        const Verdict verdict = sample == 0 ? Verdict::correct : Verdict::incorrect;
        REQUIRE(ok(writer->add_sample(made, some_verdict(verdict, sample == 0 ? "2" : "3"), kNowMs, 2000)));
      }
    }
    REQUIRE(ok(writer->finish(RunState::finished, kNowMs, 2000)));
  }
  const auto run = read_comparable_run(*store, *store->find_run("latest"));
  REQUIRE(ok(run));
  CHECK(run->state == "finished");
  CHECK(run->tags.at("commit") == "0123abcd");
  REQUIRE(run->suites[0].items.size() == 2);
  CHECK(run->suites[0].items[1].samples[0].answer == 0);
  CHECK(run->suites[0].items[1].samples[1].answer == 1);
  CHECK(run->suites[0].items[0].content_sha256 ==
        run->suites[0].items[1].content_sha256);  // some_run's prompts are alike
  CHECK(*run->output_tokens_per_s == 10);         // 4 samples of 5 tokens in 2 s
  CHECK(*run->usd_total == 2);                    // a dollar a second
  // 5 tokens over 1 s and 5 over 2 s, twice: 15 a second in the first half, 5 in the second.
  REQUIRE(run->output_tokens_per_s_parts.size() == 20);
  CHECK_THAT(run->output_tokens_per_s_parts[0], WithinAbs(15, 1e-9));
  CHECK_THAT(run->output_tokens_per_s_parts[19], WithinAbs(5, 1e-9));
}

TEST_CASE("compare: items that are answered alike each time have no sampling noise to go by", "[compare]") {
  ComparableRun a = empty_run("a"), b = empty_run("b");
  for (int i = 0; i < 10; ++i) {
    add_item(a, {Verdict::correct, Verdict::correct});
    const Verdict verdict = i < 3 ? Verdict::incorrect : Verdict::correct;
    add_item(b, {verdict, verdict});
  }
  const SuiteComparison suite = compared(a, b).runs[0].suites[0];
  CHECK(suite.stderr_fixed_items == 0.0);
  CHECK_FALSE(suite.interval_fixed_items);
  CHECK(suite.accuracy.interval);
}
