#include "results/points.h"

#include "harness/base/file.h"
#include "results/export/export_parts.h"
#include "results/import/import.h"
#include "results/merge.h"
#include "results/report.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;

namespace {

RunFacts some_benchmark(std::string plan = std::string(64, '1')) {
  RunFacts run = some_run("sweep", 0, 1);
  run.suites.clear();
  run.plan_sha256 = std::move(plan);
  return run;
}

BenchPoint some_point(const std::string& name, std::int64_t repeat, double tokens_per_s, double per_user) {
  BenchPoint point;
  point.key = {name, "", repeat};
  point.kind = "serve";
  point.started_at_ms = kNowMs;
  point.wall_ms = 1000;
  point.settings = {{"concurrency", 8}};
  point.figures = {{"output_tokens_per_s", {tokens_per_s, {}, 50}},
                   {kTokensPerGpu, {tokens_per_s, {}, 50}},
                   {kTokensPerUser, {per_user, {}, 50}},
                   {"p50_ttft_ms", {12.5, 2.5, 50}}};
  point.method_versions = {{"ttft_ms", 1}};
  return point;
}

/// A benchmark with a finished run of three points, one of which is not believed.
RunId write_benchmark(const std::filesystem::path& path) {
  auto store = Store::open_or_create(path);
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_benchmark(), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->add_point(some_point("serve concurrency=8", 0, 100, 10), 1000)));
  REQUIRE(ok(writer->add_point(some_point("serve concurrency=8", 1, 110, 10), 2000)));
  BenchPoint doubtful = some_point("serve concurrency=8", 2, 5000, 10);
  doubtful.reason_codes = {"too_short", "errors"};
  REQUIRE(ok(writer->add_point(doubtful, 3000)));
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 9, 3000)));
  return writer->run_id();
}

}  // namespace

TEST_CASE("points: are read back as they were stored, and their time is the run's", "[results]") {
  TemporaryFolder folder;
  const RunId run = write_benchmark(folder / "x.db");
  const auto store = Store::open_read_only(folder / "x.db");
  REQUIRE(ok(store));
  const auto points = store->read_points(run);
  REQUIRE(ok(points));
  REQUIRE(points->size() == 3);
  CHECK(to_json((*points)[0]) == to_json(some_point("serve concurrency=8", 0, 100, 10)));
  CHECK((*points)[0].is_valid());
  CHECK((*points)[2].reason_codes == std::vector<std::string>{"too_short", "errors"});
  CHECK(store->read_run(run)->wall_s == 3);
  CHECK(store->read_run(run)->state == RunState::finished);
}

TEST_CASE("points: a setting, arm and repeat is stored once", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_benchmark(), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->add_point(some_point("a", 0, 1, 1), 1)));
  const auto again = writer->add_point(some_point("a", 0, 2, 1), 1);
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::bad_input);
  CHECK_THAT(again.error().message, Contains("point a, repeat 0"));
  BenchPoint arm = some_point("a", 0, 2, 1);
  arm.key.arm = "c";
  CHECK_FALSE(writer->add_point(arm, 1));
  arm.key.arm = "b";
  CHECK(ok(writer->add_point(arm, 1)));
}

TEST_CASE("points: an unfinished benchmark is found by its plan, and another plan is another run", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  REQUIRE(ok(store));
  std::string id;
  {
    auto writer = store->begin_run(some_benchmark(), some_environment(), kNowMs);
    REQUIRE(ok(writer));
    REQUIRE(ok(writer->add_point(some_point("a", 0, 1, 1), 1)));
    id = writer->run_id().value;
  }
  const auto same = store->find_resumable(run_identity(some_benchmark()));
  REQUIRE(ok(same));
  REQUIRE(same->has_value());
  CHECK((*same)->value == id);
  CHECK_FALSE(store->find_resumable(run_identity(some_benchmark(std::string(64, '2'))))->has_value());
  auto writer = store->resume_run(**same, some_environment("cuda"), kNowMs + 1);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->add_point(some_point("a", 1, 1, 1), 1)));
  const auto points = store->read_points(**same);
  REQUIRE(points->size() == 2);
  CHECK((*points)[0].segment == 0);
  CHECK((*points)[1].segment == 1);
}

TEST_CASE("points: medians and spreads are of valid repeats alone", "[results]") {
  TemporaryFolder folder;
  const RunId run = write_benchmark(folder / "x.db");
  const auto store = Store::open_read_only(folder / "x.db");
  const auto points = store->read_points(run);
  const auto summaries = summarise_points(*points);
  REQUIRE(summaries.size() == 1);
  CHECK(summaries[0].n_points == 3);
  CHECK(summaries[0].n_valid == 2);
  CHECK(summaries[0].n_invalid == std::map<std::string, std::int64_t>{{"errors", 1}, {"too_short", 1}});
  const RepeatedFigure& rate = summaries[0].figures.at("output_tokens_per_s");
  CHECK(rate.median == 105);  // of 100 and 110, not of the 5000 that is not believed
  CHECK(rate.min == 100);
  CHECK(rate.max == 110);
  CHECK_THAT(*rate.stddev, Catch::Matchers::WithinRel(7.0710678118654755, 1e-12));
  CHECK(rate.n == 2);
  CHECK_FALSE(summaries[0].median("p99_ttft_ms").has_value());
  // As figures for charts.
  const auto figures = point_measurements(*points);
  REQUIRE(figures.size() == 4);
  CHECK(figures[0].name == "serve concurrency=8");
}

TEST_CASE("points: settings that no other beats in both rates", "[results]") {
  const std::vector<BenchPoint> points = {some_point("c=1", 0, 100, 100), some_point("c=4", 0, 300, 80),
                                          some_point("c=8", 0, 290, 60), some_point("c=16", 0, 900, 20)};
  const auto summaries = summarise_points(points);
  std::vector<std::string> best;
  for (const std::size_t i : pareto_settings(summaries)) best.push_back(summaries[i].name);
  CHECK(best == std::vector<std::string>{"c=16", "c=4", "c=1"});
}

TEST_CASE("points: report and record show them", "[results]") {
  TemporaryFolder folder;
  const RunId run = write_benchmark(folder / "x.db");
  const auto store = Store::open_read_only(folder / "x.db");
  const auto summary = summarise(*store, run);
  REQUIRE(ok(summary));
  const std::string text = report_text(*summary);
  CHECK_THAT(text, Contains("serve concurrency=8"));
  CHECK_THAT(text, Contains("105.0"));
  CHECK_THAT(text, Contains("2/3 errors too_short"));
  const Json record = to_json(*summary);
  REQUIRE(record["points"].size() == 3);
  CHECK(record["points"][2]["valid"] == false);
  CHECK(record["point_summaries"][0]["figures"]["output_tokens_per_s"]["median"] == 105);
  CHECK(record["points"][0]["provenance"] == "measured");
}

TEST_CASE("points: merge joins them, and an export comes back whole", "[results]") {
  TemporaryFolder folder;
  const RunId run = write_benchmark(folder / "x.db");
  const std::vector<std::filesystem::path> from = {folder / "x.db"};
  const auto progress = [](std::int64_t, std::int64_t) -> Result<> { return {}; };
  const auto merged = merge_databases(folder / "all.db", from, progress);
  REQUIRE(ok(merged));
  CHECK((*merged)[0].n_points_added == 3);
  const auto again = merge_databases(folder / "all.db", from, progress);
  REQUIRE(ok(again));
  CHECK((*again)[0].n_points_added == 0);
  CHECK((*again)[0].n_runs_unchanged == 1);

  const auto store = Store::open_read_only(folder / "all.db");
  REQUIRE(ok(store));
  const auto expected = store->read_points(run);
  REQUIRE(expected->size() == 3);
  std::string text;
  const std::vector<RunId> runs = {run};
  REQUIRE(ok(export_json(*store, runs, false, [&](std::string_view part) -> Result<> {
    text += part;
    return {};
  })));
  REQUIRE(write_file(folder / "run.json", text));
  const auto imported = read_import(ImportFormat::assay, folder / "run.json", {}, kNowMs);
  REQUIRE(ok(imported));
  auto into = Store::open_or_create(folder / "imported.db");
  REQUIRE(ok(into));
  const auto outcome = store_import(*into, imported->front());
  REQUIRE(ok(outcome));
  CHECK(outcome->n_points_added == 3);
  const auto points = into->read_points(run);
  REQUIRE(points->size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(to_json((*points)[i]) == to_json((*expected)[i]));
  CHECK(store_import(*into, imported->front())->was_there);
}

TEST_CASE("points: hostile records are refused with their field", "[results]") {
  const auto refusal = [](const char* text) {
    const auto json = parse_json(text, "run.json");
    const auto point = read_point(*JsonObject::of(*json, "run.json"));
    return point ? std::string() : point.error().message;
  };
  CHECK_THAT(refusal(R"({"kind":"serve","name":"x","repeat":"0"})"), Contains("repeat"));
  CHECK_THAT(refusal(R"({"kind":"serve","name":"x","repeat":0,"started_at_ms":1,"wall_ms":1,"provenance":"measured",
                         "reason_codes":[3]})"),
             Contains("reason_codes"));
  CHECK_THAT(refusal(R"({"kind":"serve","name":"x","repeat":0,"started_at_ms":1,"wall_ms":1,"provenance":"measured",
                         "reason_codes":[],"figures":{"ttft_ms":{"value":"fast"}}})"),
             Contains("figures.ttft_ms"));
  CHECK_THAT(refusal(R"({"kind":"serve","name":"x","repeat":0,"started_at_ms":1,"wall_ms":1,"provenance":"measured",
                         "reason_codes":[],"figures":[]})"),
             Contains("figures must be an object"));
}

TEST_CASE("environment_fingerprint: another build, driver or processor is another machine", "[results]") {
  const EnvironmentFacts one = some_environment();
  EnvironmentFacts other = one;
  other.hostname = "elsewhere";  // a name is no property of the machine
  CHECK(environment_fingerprint(one) == environment_fingerprint(other));
  other.build_git_commit = "fedcba";
  CHECK(environment_fingerprint(one) != environment_fingerprint(other));
  other = one;
  other.gpu_driver = "580";
  CHECK(environment_fingerprint(one) != environment_fingerprint(other));
}
