#include "results/gate/check.h"

#include <cmath>

#include "harness/base/text.h"
#include "results/analysis/distributions.h"
#include "results/gate/calibration.h"
#include "results/gate/test_runs.h"
#include "results/gate/wording.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinAbs;

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;  // 2027-01-15

CheckResult checked(const ComparableRun& a, const ComparableRun& b, const Policy& policy = default_policy()) {
  const auto result = check_runs(
      a, b, policy, {.now_ms = kNow, .bootstrap = {.n_resamples = 2000, .seed = 0}, .gated_metrics_only = false});
  if (!result) UNSCOPED_INFO(result.error().message);
  REQUIRE(result);
  return *result;
}

const MetricVerdict& find_metric(const CheckResult& result, const std::string& metric) {
  for (const MetricVerdict& of : result.metrics) {
    if (of.metric == metric) return of;
  }
  FAIL("no metric " << metric);
  std::abort();
}

std::string repeated(int n_correct, int n_incorrect) {
  return std::string(static_cast<std::size_t>(n_correct), 'c') +
         std::string(static_cast<std::size_t>(n_incorrect), 'i');
}

Policy gating(const std::vector<std::string>& metrics) {
  Policy policy = default_policy();
  for (auto& [metric, rule] : policy.metrics)
    rule.gated = std::find(metrics.begin(), metrics.end(), metric) != metrics.end();
  return policy;
}

}  // namespace

TEST_CASE("check: equal runs pass, and say that this is no proof", "[gate]") {
  const CheckResult result = checked(run_of("a", repeated(20, 10)), run_of("b", repeated(20, 10)));
  CHECK(result.verdict == GateVerdict::pass);
  CHECK(outcome_of(result) == CheckOutcome::passed);
  CHECK(find_metric(result, "accuracy").evidence.no_spread);
  CHECK_THAT(find_metric(result, "accuracy").reason, Contains("not a proof"));
  CHECK_FALSE(find_metric(result, "accuracy").power_at_margin);
}

// Bounds by hand: d is 1 for 10 of 40 items: mean 0.25, sd sqrt(0.25 * 0.75 * 40 / 39), t(39, 0.95) = 1.684875.
TEST_CASE("check: a clear drop has regressed, with the bounds of the paired t", "[gate]") {
  const CheckResult result = checked(run_of("a", repeated(40, 0)), run_of("b", repeated(30, 10)));
  const MetricVerdict& accuracy = find_metric(result, "accuracy");
  CHECK(result.verdict == GateVerdict::regressed);
  CHECK(outcome_of(result) == CheckOutcome::failed);
  CHECK_THAT(*accuracy.evidence.worse_by, WithinAbs(0.25, 1e-12));
  const double error = std::sqrt(0.25 * 0.75 * 40 / 39 / 40);
  CHECK_THAT(accuracy.evidence.lower, WithinAbs(0.25 - 1.684875 * error, 1e-6));
  CHECK_THAT(accuracy.evidence.upper, WithinAbs(0.25 + 1.684875 * error, 1e-6));
  CHECK_THAT(*accuracy.p_adjusted, WithinAbs(1.0 / 1024, 1e-12));  // ten of ten to one side
  CHECK_THAT(headline(result), Contains("regressed") && Contains("accuracy of words"));
}

TEST_CASE("check: a drop that may be chance is inconclusive, and what would settle it is said", "[gate]") {
  const CheckResult result = checked(run_of("a", repeated(20, 10)), run_of("b", "i" + repeated(18, 11)));
  const MetricVerdict& accuracy = find_metric(result, "accuracy");
  CHECK(result.verdict == GateVerdict::inconclusive);
  CHECK(outcome_of(result) == CheckOutcome::inconclusive);
  CHECK(accuracy.n_items_to_settle.value_or(0) > 30);
  CHECK_THAT(headline(result), Contains(to_text(*accuracy.n_items_to_settle) + " items"));
  Policy lenient = default_policy();
  lenient.inconclusive_fails = false;
  CHECK(outcome_of(checked(run_of("a", repeated(20, 10)), run_of("b", "i" + repeated(18, 11)), lenient)) ==
        CheckOutcome::passed);
}

// Six items all got worse, so the sign-flip test gives 2^-6; but one of them by 100 points and five by one, and t(5,
// 0.95) = 2.015 standard errors reach from 17.5 points down below 0: the bound has its say, too.
TEST_CASE("check: a drop that one item makes is not shown, though the test of signs is small", "[gate]") {
  ComparableRun a = empty_run("a"), b = empty_run("b");
  for (int i = 0; i < 6; ++i) {
    std::vector<Verdict> verdicts(100, Verdict::correct);
    add_item(a, verdicts);
    std::fill_n(verdicts.begin(), i == 0 ? 100 : 1, Verdict::incorrect);
    add_item(b, verdicts);
  }
  const MetricVerdict accuracy = find_metric(checked(a, b), "accuracy");
  CHECK_THAT(*accuracy.p_adjusted, WithinAbs(1.0 / 64, 1e-12));
  CHECK(accuracy.evidence.lower < 0);
  CHECK(accuracy.verdict == GateVerdict::inconclusive);
}

TEST_CASE("check: so many items, or samples of them, do settle it", "[gate]") {
  std::mt19937_64 random(13);
  const std::vector<double> chances(40, 0.5);
  const ComparableRun a = random_run("a", chances, 4, random);
  const ComparableRun b = random_run("b", chances, 4, random);
  const MetricVerdict accuracy = find_metric(checked(a, b), "accuracy");
  REQUIRE(accuracy.verdict == GateVerdict::inconclusive);
  REQUIRE(accuracy.n_items_to_settle);
  REQUIRE(accuracy.n_samples_to_settle);
  // All items are equally hard, so the noise is the samples' alone: items and samples weigh the same.
  CHECK(static_cast<double>(*accuracy.n_samples_to_settle) / 4 ==
        Approx(static_cast<double>(*accuracy.n_items_to_settle) / 40).epsilon(0.35));
  // Copies of the same items: the same change and spread, so many times over.
  const auto times = *accuracy.n_items_to_settle / 40 + 1;
  ComparableRun many_a = empty_run("a"), many_b = empty_run("b");
  for (std::int64_t copy = 0; copy < times; ++copy) {
    for (std::size_t i = 0; i < 40; ++i) {
      add_item(many_a, {}).samples = a.suites[0].items[i].samples;
      add_item(many_b, {}).samples = b.suites[0].items[i].samples;
    }
  }
  CHECK(find_metric(checked(many_a, many_b), "accuracy").verdict != GateVerdict::inconclusive);
}

TEST_CASE("check: one and no item, and all errors, are inconclusive with the reason", "[gate]") {
  CHECK(checked(run_of("a", "c"), run_of("b", "i")).verdict == GateVerdict::inconclusive);
  CHECK(checked(run_of("a", ""), run_of("b", "")).verdict == GateVerdict::inconclusive);
  const CheckResult errors = checked(run_of("a", repeated(9, 1)), run_of("b", "eeeeeccccc"));
  CHECK(errors.verdict == GateVerdict::inconclusive);
  CHECK_THAT(find_metric(errors, "accuracy").reason, Contains("50.0 % of a run's samples are errors"));
  // A share of errors of just what is allowed (5 %) is allowed.
  CHECK(find_metric(checked(run_of("a", repeated(20, 0)), run_of("b", "e" + repeated(19, 0))), "accuracy")
            .evidence.missing.empty());
  // Two items that both got worse: no test of two items shows that at 5 %.
  const MetricVerdict two = find_metric(checked(run_of("a", "cc"), run_of("b", "ii")), "accuracy");
  CHECK(two.verdict == GateVerdict::inconclusive);
  CHECK(two.n_items_to_settle == 5);  // 2^-5 < 0.05
  for (const auto& [a, b] :
       std::vector<std::pair<std::string, std::string>>{{"c", "i"}, {"", ""}, {"eee", "eee"}, {"cc", "ii"}}) {
    const CheckResult result = checked(run_of("a", a), run_of("b", b));
    for (const std::string& text : {check_text(result), to_json_text(to_json(result)), headline(result)}) {
      CHECK_FALSE(shows_no_number(text));
    }
  }
}

TEST_CASE("check: a suite that the candidate has not taken is inconclusive, an unfinished run is refused", "[gate]") {
  ComparableRun a = run_of("a", repeated(20, 5));
  a.suites.push_back(a.suites[0]);
  a.suites[1].suite = "second";
  CHECK(checked(a, run_of("b", repeated(20, 5))).verdict == GateVerdict::inconclusive);
  CHECK(checked(run_of("b", repeated(20, 5)), a).verdict == GateVerdict::pass);  // a new one is noted
  ComparableRun unfinished = run_of("b", repeated(20, 5));
  unfinished.state = "interrupted";
  const auto refused = check_runs(run_of("a", repeated(20, 5)), unfinished, default_policy(), {});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("unfinished") && Contains("--resume b"));
  ComparableRun other = run_of("b", repeated(20, 5));
  other.suites[0].sha256 = "other";
  CHECK_FALSE(check_runs(run_of("a", repeated(20, 5)), other, default_policy(), {}));
}

TEST_CASE("check: floors are met by the exact share and missed below it", "[gate]") {
  Policy policy = default_policy();
  policy.fail_under["words"] = 0.7;
  CHECK(outcome_of(checked(run_of("a", repeated(7, 3)), run_of("b", repeated(7, 3)), policy)) == CheckOutcome::passed);
  policy.fail_under["words"] = 0.71;
  const CheckResult missed = checked(run_of("a", repeated(7, 3)), run_of("b", repeated(7, 3)), policy);
  CHECK(outcome_of(missed) == CheckOutcome::failed);
  CHECK(missed.verdict == GateVerdict::pass);
  CHECK_THAT(headline(missed), Contains("below the 71 % asked for"));
  policy.fail_under = {{"none", 0.5}};
  CHECK_FALSE(check_runs(run_of("a", "cc"), run_of("b", "cc"), policy, {}));
}

TEST_CASE("check: a waiver lets a regression pass until its day is over, and is shown", "[gate]") {
  Policy policy = default_policy();
  policy.waivers = {{"accuracy", "words", "new tokenizer", "2027-01-15"}};
  const CheckResult waived = checked(run_of("a", repeated(40, 0)), run_of("b", repeated(30, 10)), policy);
  CHECK(waived.verdict == GateVerdict::pass);
  CHECK(find_metric(waived, "accuracy").verdict == GateVerdict::regressed);
  CHECK_THAT(check_text(waived), Contains("waived until 2027-01-15: new tokenizer"));
  policy.waivers[0].expires = "2027-01-14";
  const CheckResult expired = checked(run_of("a", repeated(40, 0)), run_of("b", repeated(30, 10)), policy);
  CHECK(expired.verdict == GateVerdict::regressed);
  CHECK_THAT(check_text(expired), Contains("error: waiver of accuracy of words expired on 2027-01-14"));
  policy.waivers = {{"accuracy", "other", "why", "2030-01-01"}};
  CHECK(checked(run_of("a", repeated(40, 0)), run_of("b", repeated(30, 10)), policy).verdict == GateVerdict::regressed);
}

TEST_CASE("check: a waiver also covers what is inconclusive, and nothing that passes", "[gate]") {
  Policy policy = default_policy();
  policy.waivers = {{"accuracy", "", "small suite", "2030-01-01"}};
  const CheckResult unclear = checked(run_of("a", repeated(20, 10)), run_of("b", "i" + repeated(18, 11)), policy);
  CHECK(find_metric(unclear, "accuracy").verdict == GateVerdict::inconclusive);
  CHECK(find_metric(unclear, "accuracy").waiver == 0u);
  CHECK(unclear.verdict == GateVerdict::pass);
  CHECK_FALSE(find_metric(checked(run_of("a", "cc"), run_of("b", "cc"), policy), "accuracy").waiver);
}

// 100 items, 10 lost and 8 gained: mean 0.02, standard error sqrt((0.18 - 0.0004) / 99) = 0.042592, larger by one of
// its own errors 0.045619; t(99, 0.95) = 1.660391, t(99, 0.975) = 1.984217. The chances are of the normal distribution.
TEST_CASE("check: the power that is claimed, by hand", "[gate]") {
  Policy policy = gating({"accuracy"});
  policy.metrics["accuracy"].margin = 0.10;
  const ComparableRun a = run_of("a", repeated(50, 50)), b = run_of("b", repeated(40, 10) + repeated(8, 42));
  const auto claim = [&] { return find_metric(checked(a, b, policy), "accuracy").power_at_margin.value(); };
  CHECK_THAT(claim(), WithinAbs(0.652514, 1e-5));
  // Half of the level is another metric's.
  policy.metrics["truncated_ratio"].gated = true;
  CHECK_THAT(claim(), WithinAbs(0.532315, 1e-5));
}

TEST_CASE("check: an improvement has no p-value for the worse, and what is not gated is judged for show", "[gate]") {
  const CheckResult better = checked(run_of("a", repeated(20, 20)), run_of("b", repeated(35, 5)));
  CHECK(find_metric(better, "accuracy").p_adjusted == 1.0);
  CHECK(better.verdict == GateVerdict::improved);
  const Policy only_length = gating({"output_tokens"});
  const CheckResult result = checked(run_of("a", repeated(40, 0)), run_of("b", repeated(20, 20)), only_length);
  CHECK(result.verdict == GateVerdict::pass);
  CHECK(find_metric(result, "accuracy").verdict == GateVerdict::regressed);
  CHECK_FALSE(find_metric(result, "accuracy").gated);
}

TEST_CASE("check: replies that grow, or shrink, beyond the margin have regressed where lengths are gated", "[gate]") {
  const Policy policy = gating({"accuracy", "output_tokens"});
  const ComparableRun a = run_of("a", repeated(20, 10));
  for (const double factor : {0.8, 1.0, 1.05, 1.3}) {
    ComparableRun b = a;
    b.run_id = "b";
    int i = 0;
    for (ComparableItem& item : b.suites[0].items)
      item.samples[0].n_output_tokens = static_cast<std::int64_t>(100 * factor) + (i++ % 3 - 1) * 2;
    const CheckResult result = checked(a, b, policy);
    CAPTURE(factor);
    CHECK(result.verdict == (factor == 0.8 || factor == 1.3 ? GateVerdict::regressed : GateVerdict::pass));
    CHECK_THAT(*find_metric(result, "output_tokens").evidence.worse_by, WithinAbs(factor - 1, 1e-9));
  }
}

TEST_CASE("check: truncation is gated by its share", "[gate]") {
  const CheckResult result = checked(run_of("a", repeated(20, 20)), run_of("b", repeated(20, 0) + std::string(20, 't')),
                                     gating({"truncated_ratio"}));
  CHECK(result.verdict == GateVerdict::regressed);
  CHECK(*find_metric(result, "truncated_ratio").evidence.worse_by == 0.5);
}

TEST_CASE("check: speed is gated beyond its margin, and not across environments", "[gate]") {
  const Policy policy = gating({"e2e_ms_p50", "output_tokens_per_s", "usd_per_correct"});
  std::mt19937_64 random(3);
  const auto run_with = [&](const std::string& id, double factor) {
    ComparableRun run = run_of(id, repeated(30, 10));
    for (ComparableItem& item : run.suites[0].items) {
      item.samples[0].e2e_ms = factor * std::uniform_real_distribution<double>(450, 550)(random);
    }
    run.wall_s = 10 * factor;
    run.output_tokens_per_s = 400 / factor;
    for (int i = 0; i < 20; ++i)
      run.output_tokens_per_s_parts.push_back((400 + static_cast<double>(random() % 9)) / factor);
    run.usd_total = 0.01 * factor;
    return run;
  };
  const ComparableRun a = run_with("a", 1);
  CHECK(checked(a, run_with("b", 1), policy).verdict == GateVerdict::pass);
  CHECK(checked(a, run_with("b", 1.03), policy).verdict == GateVerdict::pass);
  const CheckResult slower = checked(a, run_with("b", 1.5), policy);
  for (const char* metric : {"e2e_ms_p50", "output_tokens_per_s", "usd_per_correct"}) {
    CAPTURE(metric, find_metric(slower, metric).reason);
    CHECK(find_metric(slower, metric).verdict == GateVerdict::regressed);
  }
  const CheckResult faster = checked(a, run_with("b", 0.7), policy);
  CHECK(faster.verdict == GateVerdict::improved);
  CHECK(*find_metric(faster, "output_tokens_per_s").p_adjusted > 0.99);

  ComparableRun elsewhere = run_with("b", 1.5);
  elsewhere.environments[0]["device_name"] = "Another CPU";
  const CheckResult differs = checked(a, elsewhere, policy);
  CHECK(differs.verdict == GateVerdict::inconclusive);
  CHECK_THAT(find_metric(differs, "e2e_ms_p50").reason, Contains("device_name (Test CPU, Another CPU)"));
  CHECK(find_metric(differs, "accuracy").verdict == GateVerdict::pass);
  Policy ignoring = policy;
  ignoring.ignore_environment = {"device_name"};
  CHECK(checked(a, elsewhere, ignoring).verdict == GateVerdict::regressed);
}

TEST_CASE("check: a gated metric that neither run knows is inconclusive, not silently passed", "[gate]") {
  const CheckResult result =
      checked(run_of("a", repeated(9, 1)), run_of("b", repeated(9, 1)), gating({"accuracy", "usd_per_correct"}));
  CHECK(result.verdict == GateVerdict::inconclusive);
  CHECK(find_metric(result, "usd_per_correct").reason == "neither run knows it");
}

TEST_CASE("policy: names what is gated, and refuses what it does not know", "[gate]") {
  const auto policy =
      parse_policy(R"({"level": 0.01, "metrics": {"accuracy": {"margin": 0.03}, "output_tokens": {"margin": 0.2},
    "e2e_ms_p50": {}}, "suites": {"gpqa": {"accuracy": {"margin": 0.05}, "output_tokens": null}}, "fail_under": {"aime": 0.5},
    "inconclusive": "pass", "ignore_environment": ["build_git_commit"],
    "waivers": [{"metric": "accuracy", "reason": "known", "expires": "2026-12-31"}]})",
                   "p.json");
  REQUIRE(policy);
  CHECK(policy->level == 0.01);
  CHECK(policy_for(*policy, "accuracy", "aime").margin == 0.03);
  CHECK(policy_for(*policy, "accuracy", "gpqa").margin == 0.05);
  CHECK(policy_for(*policy, "output_tokens", "aime").gated);
  CHECK(policy_for(*policy, "output_tokens", "aime").margin_below == 0.1);
  CHECK_FALSE(policy_for(*policy, "output_tokens", "gpqa").gated);
  CHECK(policy_for(*policy, "e2e_ms_p50", "").gated);
  CHECK_FALSE(policy_for(*policy, "ttft_ms_p50", "").gated);
  CHECK_FALSE(policy->inconclusive_fails);

  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {R"([])", "p.json"},
      {R"({"levels": 1})", "levels"},
      {R"({"level": 0.6})", "level"},
      {R"({"metrics": {"speed": {}}})", "is no metric"},
      {R"({"metrics": {"accuracy": {"margins": 1}}})", "margins"},
      {R"({"metrics": {"accuracy": {"margin": -1}}})", "margin"},
      {R"({"metrics": {"accuracy": 0.02}})", "accuracy"},
      {R"({"metrics": {"accuracy": {"margin_below": 0.02}}})", "margin_below"},
      {R"({"suites": {"x": {"e2e_ms_p50": {}}}})", "of a suite"},
      {R"({"fail_under": {"x": 70}})", "from 0 to 1"},
      {R"({"inconclusive": "ok"})", "inconclusive"},
      {R"({"waivers": [{"metric": "accuracy", "reason": "x"}]})", "expires"},
      {R"({"waivers": [{"metric": "accuracy", "reason": "x", "expires": "2026-02-30"}]})", "expires"},
      {R"({"waivers": [{"metric": "accuracy", "reason": " ", "expires": "2026-02-03"}]})", "reason"},
      {R"({"waivers": [{"metric": "speed", "reason": "x", "expires": "2026-02-03"}]})", "metric"},
  }));
  const auto refused = parse_policy(text, "p.json");
  CAPTURE(text);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("p.json") && Contains(message));
}

TEST_CASE("calibrate: deals equal halves, counts false alarms, and is found again", "[gate]") {
  std::mt19937_64 random(9);
  const std::vector<double> chances(60, 0.6);
  const ComparableRun run = random_run("a", chances, 16, random);
  CalibrationOptions options;
  options.n_splits = 200;
  const auto calibration = calibrate({run}, default_policy(), options);
  REQUIRE(calibration);
  CHECK((*calibration)["splits"]["n"] == 200);
  CHECK((*calibration)["splits"]["regressed"].get<int>() <= 18);  // 5 % and three standard errors
  CHECK((*calibration)["pairs"]["n"] == 0);
  // At a level of 40 % about so many equal halves are called regressed, less those whose margin is excluded.
  Policy loose = default_policy();
  loose.level = 0.4;
  const auto alarms = calibrate({run}, loose, options);
  REQUIRE(alarms);
  CHECK((*alarms)["splits"]["regressed"].get<int>() > 20);
  CHECK((*alarms)["splits"]["regressed"].get<int>() < 100);
  CHECK_FALSE(calibrate({run_of("a", "cici")}, default_policy(), options));  // nothing to split
  options.n_splits = 10;
  const auto pair = calibrate({run_of("a", "cici"), run_of("b", "cicc")}, default_policy(), options);
  REQUIRE(pair);
  CHECK((*pair)["pairs"]["n"] == 2);

  const test_support::TemporaryFolder folder;
  const auto file = calibration_file(folder / "assay.db");
  CHECK_FALSE(*find_calibration(file, environment_sha256(run), 0.05));
  REQUIRE(store_calibration(file, *calibration));
  REQUIRE(store_calibration(file, *pair));  // the same environment: takes its place
  const auto found = find_calibration(file, environment_sha256(run), 0.05);
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((**found)["pairs"]["n"] == 2);
  CHECK_FALSE(*find_calibration(file, environment_sha256(run), 0.01));
  folder.write("assay.db-calibration.json", "{}");
  CHECK_FALSE(find_calibration(file, environment_sha256(run), 0.05));
}

namespace {

/// Replies of 100 tokens, and of so many.
CheckResult checked_lengths(const std::vector<std::int64_t>& candidate_tokens) {
  ComparableRun a = empty_run("a"), b = empty_run("b");
  for (const std::int64_t n_tokens : candidate_tokens) {
    add_item(a, {Verdict::correct});
    add_item(b, {Verdict::correct}).samples[0].n_output_tokens = n_tokens;
  }
  return checked(a, b, gating({"output_tokens"}));
}

}  // namespace

// The margins are 10 % both ways.
TEST_CASE("check: shorter replies regress beyond the margin below, and only if bounds and test both say so", "[gate]") {
  const std::vector<std::int64_t> shorter = {80, 78, 82, 79, 81, 80, 77, 83, 80, 80};
  CHECK(checked_lengths(shorter).verdict == GateVerdict::regressed);
  const std::vector<std::int64_t> a_little = {95, 94, 96, 95, 93, 97, 95, 94, 96, 95};
  const CheckResult within = checked_lengths(a_little);
  CHECK(*find_metric(within, "output_tokens").p_adjusted < 0.01);
  CHECK(within.verdict == GateVerdict::pass);
  // Each item's length times 1.05, however long it is: the ratio has no spread.
  ComparableRun a = empty_run("a"), b = empty_run("b");
  for (const std::int64_t n_tokens : {100, 200, 1000, 5000}) {
    add_item(a, {Verdict::correct}).samples[0].n_output_tokens = n_tokens;
    add_item(b, {Verdict::correct}).samples[0].n_output_tokens = n_tokens * 105 / 100;
  }
  const MetricVerdict in_proportion = find_metric(checked(a, b, gating({"output_tokens"})), "output_tokens");
  CHECK_THAT(in_proportion.evidence.lower, WithinAbs(0.05, 1e-9));
  CHECK_THAT(in_proportion.evidence.upper, WithinAbs(0.05, 1e-9));
  CHECK(in_proportion.verdict == GateVerdict::pass);
  // Shorter, longer, and too few to say: one of the margin below is not excluded.
  const CheckResult mixed = checked_lengths({60, 115, 80, 110, 95, 100, 65, 112, 90, 103});
  CHECK(find_metric(mixed, "output_tokens").evidence.upper < 0.10);
  CHECK(find_metric(mixed, "output_tokens").evidence.lower < -0.10);
  CHECK(mixed.verdict == GateVerdict::inconclusive);
  // All six are shorter (two-sided 2/64), nearly all of it by one item: the upper bound is above 0.
  const CheckResult by_one = checked_lengths({1, 99, 99, 99, 99, 99});
  CHECK_THAT(*find_metric(by_one, "output_tokens").p_adjusted, WithinAbs(2.0 / 64, 1e-12));
  CHECK(find_metric(by_one, "output_tokens").evidence.upper > 0);
  CHECK(by_one.verdict == GateVerdict::inconclusive);
}
