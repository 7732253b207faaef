// Benchmarks' points, ceilings and collectives as charts.
#include "gui/views/speed/bench_charts.h"
#include "gui/test_database.h"
#include "gui/views/speed/speed_charts.h"

namespace assay::gui {

using namespace testing;

namespace {

using results::BenchPoint;

BenchPoint load_point(int concurrency, int repeat, double tokens_per_s, double ttft_ms, double usd) {
  BenchPoint point;
  point.key = {"concurrency=" + std::to_string(concurrency) + " in=64 out=64", "", repeat};
  point.kind = "serve";
  point.started_at_ms = kNowMs;
  point.wall_ms = 1000;
  point.settings = {{"concurrency", concurrency}};
  point.figures = {{"output_tokens_per_s", {tokens_per_s, {}, 10}},
                   {results::kTokensPerGpu, {tokens_per_s, {}, 10}},
                   {results::kTokensPerUser, {tokens_per_s / concurrency, {}, 10}},
                   {"p50_ttft_ms", {ttft_ms, {}, 10}}};
  if (usd > 0) point.figures["usd_per_mtok_output"] = {usd, {}, 10};
  return point;
}

BenchPoint machine_point(const std::string& ceiling, const std::string& metric, double value) {
  BenchPoint point;
  point.key = {"gpu 0: " + ceiling, "", 0};
  point.kind = results::kMachineKind;
  point.started_at_ms = kNowMs;
  point.wall_ms = 1000;
  point.settings = {{"device", "gpu 0"}, {"device_name", "NVIDIA H800"}, {"ceiling", ceiling}, {"by", "own"}};
  point.figures[metric] = {value, {}, 10};
  return point;
}

BenchPoint collective_point(std::int64_t bytes, double time_us, bool is_held) {
  BenchPoint point;
  point.key = {"peer_copy own " + std::to_string(bytes) + (is_held ? " held" : ""), "", 0};
  point.kind = results::kCollectiveKind;
  point.started_at_ms = kNowMs;
  point.wall_ms = 1;
  point.provenance = is_held ? "emulated" : "measured";
  point.settings = {
      {"device_name", "NVIDIA H800"}, {"operation", "peer_copy"}, {"by", "own"}, {"n_ranks", 2}, {"bytes", bytes},
      {"link_gb_per_s", nullptr}};
  if (is_held) point.settings["link_gb_per_s"] = 165.0;
  point.figures = {{"time_us", {time_us, {}, 64}},
                   {"bus_gb_per_s", {static_cast<double>(bytes) / time_us * 1e-3, {}, 64}}};
  return point;
}

std::vector<BenchSweep> sweeps_of(const SpeedAnswer& answer) {
  std::vector<BenchedRun> runs;
  for (const SpeedRun& run : answer.runs) runs.push_back({run.title, &run.summary, static_cast<int>(runs.size())});
  return bench_sweeps(runs);
}

QString store_points(const QString& path, const std::string& name, const std::vector<BenchPoint>& points) {
  auto store = results::Store::open_or_create(path.toStdString());
  REQUIRE(ok(store));
  results::RunFacts facts = results::testing::some_run(name, 0, 1);
  facts.suites.clear();
  facts.plan_sha256 = std::string(63, '3') + name.front();
  if (points.front().kind != "serve") facts.model = {"machine", results::kMachineReference, "", "", Json::object()};
  auto writer = store->begin_run(facts, results::testing::some_environment("cuda"), kNowMs + 5000);
  REQUIRE(ok(writer));
  for (const BenchPoint& point : points) REQUIRE(ok(writer->add_point(point, 1)));
  REQUIRE(ok(writer->finish(results::RunState::finished, kNowMs + 6000, 1)));
  return QString::fromStdString(writer->run_id().value);
}

}  // namespace

TEST_CASE("bench charts: a sweep is a curve of medians with their range, doubtful points are named, not drawn") {
  const TestDatabase database;
  std::vector<BenchPoint> points = {load_point(8, 0, 600, 40, 1), load_point(1, 0, 100, 10, 9),
                                    load_point(1, 1, 120, 12, 7), load_point(1, 2, 110, 11, 8)};
  points.push_back(load_point(64, 0, 9999, 1, 0.1));
  points.back().reason_codes = {"too_short"};
  const QString id = store_points(database.path, "sweep", points);
  const SpeedAnswer answer = read_speed({{database.path, id, "sweep", ""}}, {});
  REQUIRE(answer.refusal.empty());
  const std::vector<BenchSweep> sweeps = sweeps_of(answer);
  REQUIRE(sweeps.size() == 1);
  CHECK(sweeps[0].title() == "sweep, serve in=64 out=64");
  CHECK(sweeps[0].not_believed == QStringList{"sweep, concurrency=64 in=64 out=64: too_short in 1 of 1 repeats"});

  const Chart speed = sweep_chart(sweeps);
  REQUIRE(speed.series.size() == 1);
  REQUIRE(speed.series[0].points.size() == 2);
  CHECK(speed.series[0].points[0].x == 1);
  CHECK(speed.series[0].points[0].y == 110);
  CHECK(speed.series[0].points[0].y_interval == results::Interval{100, 120});
  CHECK(speed.series[0].points[0].tooltip.contains("median of 3 repeats, 100 to 120"));
  CHECK(speed.series[0].points[0].tooltip.contains("provenance: measured"));
  CHECK_FALSE(speed.series[0].points[1].y_interval.has_value());
  CHECK(speed.missing.join("").contains("too_short"));
  CHECK(cost_curve_chart(sweeps).series.at(0).points.at(0).y == 8);

  const Chart front = first_token_chart(sweeps);
  REQUIRE(front.series.size() == 2);
  CHECK(front.series[1].points.size() == 2);
  CHECK(front.series[0].points.size() == 2);  // more speed for later tokens: neither beats the other
  const Table table = bench_steps_table(sweeps);
  REQUIRE(table.rows.size() == 2);
  CHECK(*table.rows[0][2].value == 110);
  CHECK(table.rows[0][5].text == unknown_text());
}

TEST_CASE("bench charts: without a price the cost is missing, not zero") {
  const TestDatabase database;
  const QString id = store_points(database.path, "free", {load_point(2, 0, 100, 10, 0)});
  const SpeedAnswer answer = read_speed({{database.path, id, "free", ""}}, {});
  const Chart cost = cost_curve_chart(sweeps_of(answer));
  CHECK(cost.series.empty());
  CHECK(cost.missing.join("").contains("no price was given"));
  CHECK(sweeps_of(read_speed(database.chosen(), {})).empty());
}

TEST_CASE("bench charts: a projection is hollow, its whiskers are its error, its tooltip says where that is from") {
  BenchPoint point = load_point(4, 0, 100, 10, 2);
  point.provenance = "projected";
  point.details["projection"] = {{"from_run", "0123"}, {"error_ratio", 0.25}, {"error_from", "3 points held out"}};
  results::RunSummary summary;
  summary.run.facts.provenance = "projected";
  summary.points = {point};
  const std::vector<BenchSweep> sweeps = bench_sweeps({{"to h800", &summary, 0}});
  const Chart speed = sweep_chart(sweeps);
  REQUIRE(speed.series.size() == 1);
  CHECK(speed.series[0].is_dashed);
  CHECK(speed.series[0].points[0].is_hollow);
  CHECK((*speed.series[0].points[0].y_interval)[0] == Approx(80));
  CHECK((*speed.series[0].points[0].y_interval)[1] == Approx(100 / 0.75));
  CHECK(speed.series[0].points[0].tooltip.contains("off by 25.0 %: 3 points held out"));
  CHECK((*cost_curve_chart(sweeps).series[0].points[0].y_interval)[1] == Approx(2.5));
  CHECK(bench_steps_table(sweeps).rows[0][8].text == "25.0 %");
  summary.points[0].details["projection"] = {{"error_ratio", "none"}};
  const auto unknown = bench_sweeps({{"to h800", &summary, 0}});
  CHECK_FALSE(sweep_chart(unknown).series[0].points[0].y_interval.has_value());
  CHECK(bench_steps_table(unknown).rows[0][8].text == unknown_text());
}

TEST_CASE("kernel charts: measured ceilings come before published ones, collectives by size, held back ones hollow") {
  const TestDatabase database;
  const QString machine = store_points(database.path, "machine",
                                       {machine_point("read", "gb_per_s", 3000), machine_point("bf16", "tflops", 660),
                                        collective_point(1 << 20, 10, false), collective_point(1 << 26, 400, false),
                                        collective_point(1 << 26, 420, true)});
  const auto profiles = results::load_hardware({});
  REQUIRE(ok(profiles));
  const SpeedAnswer answer = read_speed({{database.path, database.published, "published", ""}}, {});
  REQUIRE(answer.machines.size() == 1);  // of the database, though its run isn't chosen
  const KernelCeilings ceilings = kernel_ceilings(answer, *profiles, "");
  REQUIRE(ceilings.published.has_value());
  REQUIRE(ceilings.measured.has_value());
  CHECK(*ceilings.measured->memory_bytes_per_s == Approx(3e12));
  CHECK(*ceilings.measured->link_bytes_per_s == Approx((1 << 26) / 400e-6));
  const std::vector<KernelPoint> points = kernel_points(answer, *profiles, "");
  REQUIRE(points.size() == 2);
  CHECK(points[1].is_ceiling_measured);
  CHECK(*points[1].ceiling_bytes_per_s == Approx(3e12));
  CHECK(kernels_table(points).rows[1][4].tooltip.contains("memory bandwidth, measured"));
  const Chart roof = roofline_chart(points, ceilings);
  REQUIRE(roof.series.size() == 3);
  CHECK(roof.series[0].is_dashed);
  CHECK_FALSE(roof.series[1].is_dashed);
  CHECK(roof.series[1].points[1].y == Approx(660));

  REQUIRE(collectives_charts(answer).size() == 1);
  const Chart collectives = collectives_charts(answer)[0];
  CHECK(collectives.title == "peer_copy, 2 GPUs");
  REQUIRE(collectives.series.size() == 2);
  CHECK(collectives.series[0].points.size() == 2);
  CHECK(collectives.series[0].points[1].x == 64);
  CHECK_FALSE(collectives.series[0].is_dashed);
  CHECK(collectives.series[1].is_dashed);
  CHECK(collectives.series[1].points[0].is_hollow);
  CHECK(collectives.series[1].name == "own, held to 165 GB/s");
  const Table table = ceilings_table(answer, *profiles);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0][1].text == "read");
  CHECK(*table.rows[0][5].value == 3350);
  CHECK(table.rows[0][6].text == "89.6 %");
  CHECK(table.rows[0][4].text == "GB/s");
  CHECK(collectives_charts(read_speed({{database.path, machine, "machine", ""}}, {}))[0].series.size() == 2);
  // Another device's ceilings are no ceilings of this one.
  CHECK_FALSE(kernel_ceilings(answer, *profiles, "h200-sxm").measured.has_value());
}

TEST_CASE("bench charts: what all sweeps have in common is the title's, runs look as they were chosen") {
  results::RunSummary first, second;
  first.points = {load_point(1, 0, 100, 10, 9), load_point(64, 0, 2000, 40, 0.5)};
  second.points = {load_point(1, 0, 150, 10, 6), load_point(64, 0, 3000, 40, 0.4)};
  const std::vector<BenchSweep> sweeps = bench_sweeps({{"h200", &second, 3}, {"h100", &first, 1}});
  const Chart speed = sweep_chart(sweeps);
  CHECK(speed.title == "Throughput by load: serve in=64 out=64");
  REQUIRE(speed.series.size() == 2);
  CHECK(speed.series[0].name == "h200");
  CHECK(speed.series[0].style == 3);
  CHECK(speed.series[1].style == 1);
  CHECK(speed.x.is_count);
  SpeedAnswer answer;
  answer.runs.resize(2);
  answer.runs[0].title = "h200";
  answer.runs[0].summary = second;
  answer.runs[1].title = "h100";
  answer.runs[1].summary = first;
  const Chart trade_off = trade_off_chart(answer);
  CHECK(trade_off.series.back().name == "h100");
  CHECK(trade_off.note.contains("serve in=64 out=64"));
  CHECK(speed.y.scale == AxisScale::log);  // 100 to 3,000 tokens/s
  CHECK(cost_curve_chart(sweeps).y.scale == AxisScale::log);

  second.points[0].key.name = "concurrency=1 in=128 out=64";
  const std::vector<BenchSweep> mixed = bench_sweeps({{"h200", &second, 0}, {"h100", &first, 1}});
  REQUIRE(mixed.size() == 3);
  CHECK(mixed[1].style == 2);  // a run's second sweep looks like no run
  const std::vector<BenchSweep> not_chosen = bench_sweeps({{"h200", &second}, {"h100", &first}});
  CHECK(not_chosen[0].style == 0);
  CHECK(not_chosen[1].style == 1);
  CHECK(not_chosen[2].style == 2);
  CHECK(bench_sweeps({{"other", &first}, {"chosen", &first, 0}})[0].style == 1);
  CHECK(sweep_chart(mixed).title == "Throughput by load");
  CHECK(sweep_chart(mixed).series[0].name == "h200, serve in=128 out=64");
}

TEST_CASE("kernel charts: a kernel is held against its own run's device, and only such ones share a roof") {
  const TestDatabase database;
  QString other;
  {
    auto store = results::Store::open_or_create(database.path.toStdString());
    REQUIRE(ok(store));
    results::RunFacts facts = results::testing::some_run("other", 0, 1);
    facts.suites.clear();
    facts.provenance = "published";
    facts.hardware_profile = "h100-sxm5";
    facts.measurements = {{"gemm", "bytes_per_s", 1e12, {}, 3, {{"flop/s", 2e14}}}};
    auto writer = store->begin_run(facts, results::testing::some_environment("remote"), kNowMs - 2000);
    REQUIRE(ok(writer));
    REQUIRE(ok(writer->finish(results::RunState::finished, kNowMs, 0)));
    other = QString::fromStdString(writer->run_id().value);
  }
  const auto profiles = results::load_hardware({});
  REQUIRE(ok(profiles));
  const SpeedAnswer answer =
      read_speed({{database.path, database.published, "published", ""}, {database.path, other, "other", ""}}, {});
  const std::vector<KernelPoint> points = kernel_points(answer, *profiles, "");
  REQUIRE(points.size() == 3);
  CHECK(points[0].device.contains("H800"));
  CHECK(*points[0].ceiling_bytes_per_s == Approx(200e9));  // dispatch: half of 400 GB/s in both directions
  CHECK(points[2].device.contains("H100"));
  const Chart roof = roofline_chart(points, kernel_ceilings(answer, *profiles, ""));
  CHECK(roof.series.back().points.size() == 1);
  CHECK(roof.missing.join("").contains("of NVIDIA H100"));
  CHECK(kernel_points(answer, *profiles, "h200-sxm")[2].device.contains("H200"));
}

}  // namespace assay::gui
