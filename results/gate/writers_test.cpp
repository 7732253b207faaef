#include "results/gate/writers.h"

#include <array>
#include <cmath>
#include <random>

#include "harness/base/text.h"
#include "results/compare.h"
#include "results/gate/test_runs.h"
#include "results/gate/wording.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;

namespace {

/// A regression in a suite whose name is as nasty as a file may make it.
CheckResult nasty_result() {
  ComparableRun a = run_of("a", std::string(40, 'c'));
  ComparableRun b = run_of("b", std::string(30, 'c') + std::string(10, 'i'));
  for (ComparableRun* run : {&a, &b}) {
    run->suites[0].suite = "w|o<r>d&s\"'`*\n::error::x,y:%\x01\\ @all";
    run->name = "<img src=x>|";
  }
  Policy policy = default_policy();
  policy.fail_under[a.suites[0].suite] = 0.9;
  policy.waivers = {{"accuracy", "", "over\n::warning::", "2020-01-01"}};
  const auto result =
      check_runs(a, b, policy, {.now_ms = 1'800'000'000'000, .bootstrap = {}, .gated_metrics_only = false});
  REQUIRE(result);
  return *result;
}

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("junit_xml: counts its cases, and escapes what it quotes", "[gate]") {
  const std::string text = junit_xml(nasty_result());
  CHECK_THAT(text, Contains("<testsuites name=\"assay check\" tests=\"2\" failures=\"2\" errors=\"0\""));
  CHECK(count(text, "<testcase ") == 2);
  CHECK(count(text, "<failure ") == 2);
  CHECK_THAT(text, Contains("timestamp=\"2027-01-15T08:00:00\""));
  CHECK_THAT(text, Contains("w|o&lt;r&gt;d&amp;s&quot;"));
  CHECK_THAT(text, !Contains("<r>") && !Contains("\x01"));
  CHECK_THAT(text, Contains("worse_by_upper"));
}

TEST_CASE("junit_xml: inconclusive is an error, or skipped where it passes", "[gate]") {
  Policy policy = default_policy();
  const auto result = [&] {
    const auto checked = check_runs(run_of("a", "cccii"), run_of("b", "iccii"), policy, {});
    REQUIRE(checked);
    return *checked;
  };
  CHECK_THAT(junit_xml(result()), Contains("<error message=") && Contains("type=\"inconclusive\""));
  policy.inconclusive_fails = false;
  CHECK_THAT(junit_xml(result()), Contains("<skipped message=") && !Contains("<error"));
}

TEST_CASE("summary_markdown: is one table whose cells break out of nothing", "[gate]") {
  const std::string text = summary_markdown(nasty_result());
  CHECK_THAT(text, Contains("## assay check: regressed"));
  CHECK_THAT(text, !Contains("<img") && !Contains("@all"));
  const std::vector<std::string> lines = split(text, '\n');
  int n_rows = 0;
  for (const std::string& line : lines) {
    if (!line.starts_with("| ")) continue;
    ++n_rows;
    CHECK(count(line, "|") - count(line, "\\|") == 8);
  }
  CHECK(n_rows >= 4);
  CHECK_THAT(text, Contains("expired on 2020-01-01"));
}

TEST_CASE("github_annotations: a command a line, nothing in a message starts another", "[gate]") {
  const std::string text = github_annotations(nasty_result());
  const std::vector<std::string> lines = split(text, '\n');
  REQUIRE(lines.size() == 4);  // accuracy, floor, expired waiver, and the end
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(lines[i].starts_with("::error title=assay check%3A "));
    const std::size_t message = lines[i].find("::", 2);
    CHECK(lines[i].substr(8, message - 8).find(',') == std::string::npos);
  }
  CHECK_THAT(text, Contains("%25"));
}

TEST_CASE("openmetrics_text: families in order, labels escaped, the end marked", "[gate]") {
  const std::string text = openmetrics_text(nasty_result());
  CHECK(text.ends_with("# EOF\n"));
  CHECK_THAT(text, Contains("# TYPE assay_check_regressed gauge\n"));
  CHECK_THAT(text, Contains("assay_check_outcome 1\n"));
  CHECK_THAT(text, Contains("s\\\"'`*\\n::error::x") && Contains("\\\\ @all"));
  for (const std::string& line : split(text, '\n')) {
    CHECK((line.empty() || line.starts_with("# ") || line.starts_with("assay_check_")));
  }
  CHECK_THAT(text, Contains("worse_by{metric=\"accuracy\"") && Contains("} 0.25\n"));
}

namespace {

/// Nothing, little, equal and huge: what a broken clock or another program may have stored.
ComparableRun extreme_run(const std::string& id, std::mt19937_64& random) {
  constexpr std::array kTimes = {0.0, 1e-300, 1.0, 1.0, 1e15, 1e300};
  constexpr std::array<std::int64_t, 6> kCounts = {0, 1, 1, 100, 1'000'000'000, INT64_MAX / 1024};
  const auto some_time = [&]() -> std::optional<double> {
    if (random() % 4 == 0) return {};
    return kTimes[random() % kTimes.size()];
  };
  ComparableRun run = empty_run(id);
  for (std::uint64_t n = random() % 4 * (random() % 3); n > 0; --n) {
    std::vector<Verdict> verdicts;
    for (std::uint64_t k = 1 + random() % 3; k > 0; --k) verdicts.push_back(static_cast<Verdict>(random() % 5));
    for (ComparableSample& sample : add_item(run, verdicts).samples) {
      if (random() % 2 == 0) continue;
      sample.n_output_tokens = kCounts[random() % kCounts.size()];
      sample.ttft_ms = some_time();
      sample.itl_ms = some_time();
      sample.e2e_ms = some_time();
    }
  }
  run.wall_s = some_time();
  run.output_tokens_per_s = some_time();
  run.usd_total = some_time();
  run.joules_total = some_time();
  for (std::uint64_t n = random() % 4; n > 0; --n) run.output_tokens_per_s_parts.push_back(some_time().value_or(0));
  return run;
}

}  // namespace

TEST_CASE("gate and compare: no NaN and no infinity is ever shown, whatever the runs hold", "[gate][compare]") {
  std::mt19937_64 random(23);
  Policy all = default_policy();
  for (auto& [metric, rule] : all.metrics) rule.gated = true;
  const BootstrapOptions few{.n_resamples = 50, .seed = 1};
  int n_judged = 0, n_compared = 0;
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    const ComparableRun a = extreme_run("a", random), b = round % 5 == 0 ? a : extreme_run("b", random);
    std::vector<std::string> texts;
    const auto checked = check_runs(a, b, all, {.now_ms = 0, .bootstrap = few, .gated_metrics_only = false});
    if (checked) {
      ++n_judged;
      texts = {check_text(*checked),       headline(*checked),           junit_xml(*checked),
               summary_markdown(*checked), github_annotations(*checked), to_json_text(to_json(*checked))};
    } else {
      texts.push_back(checked.error().message);
    }
    CompareOptions options;
    options.bootstrap = few;
    const auto compared = compare_runs(a, std::vector<ComparableRun>{b}, options);
    if (compared) {
      ++n_compared;
      texts.push_back(comparison_text(*compared, 5));
      texts.push_back(to_json_text(to_json(*compared)));
    } else {
      texts.push_back(compared.error().message);
    }
    for (const std::string& text : texts) {
      INFO(text);
      CHECK_FALSE(shows_no_number(text));
    }
  }
  CHECK(n_judged > 200);
  CHECK(n_compared > 200);
}
