// The charts of the analysis pages, as data.
#include <QApplication>
#include "gui/test_database.h"

#include "gui/views/charts/scene.h"
#include "gui/views/compare/compare_charts.h"
#include "gui/views/cost/cost_charts.h"
#include "gui/views/hardware/hardware_charts.h"
#include "gui/views/speed/speed_charts.h"

namespace assay::gui {

using namespace testing;

TEST_CASE("compare charts: a dot and an interval a run, differences with the line of none") {
  const TestDatabase database;
  const ComparisonAnswer answer = read_comparison({database.chosen(), false, {}}, kNowMs, {});
  REQUIRE(answer.comparison.has_value());
  const Chart accuracy = accuracy_chart(answer, "sums");
  REQUIRE(accuracy.series.size() == 2);
  CHECK(accuracy.x.is_share);
  CHECK(accuracy.series[0].points[0].x == Approx(11.0 / 12));
  CHECK(accuracy.series[0].points[0].x_interval.has_value());
  CHECK_FALSE(accuracy.series[0].points[0].is_hollow);
  CHECK(accuracy.series[0].points[0].tooltip.contains("n: 12 items"));
  CHECK(accuracy.series[0].points[0].tooltip.contains("provenance: measured"));
  const Chart other = accuracy_chart(answer, "another");
  CHECK(other.series.empty());
  CHECK(other.missing.size() == 2);
  const Chart difference = difference_chart(answer);
  REQUIRE(difference.series.size() == 1);
  CHECK(difference.x.unit == "points");
  CHECK(difference.series[0].points[0].x == Approx(-12.5));
  const auto& paired = answer.comparison->runs[0].suites[0].accuracy.interval;
  REQUIRE(paired.has_value());
  REQUIRE(difference.series[0].points[0].x_interval.has_value());
  CHECK((*difference.series[0].points[0].x_interval)[0] == Approx(100 * (*paired)[0]));
  CHECK((*difference.series[0].points[0].x_interval)[1] == Approx(100 * (*paired)[1]));
  REQUIRE(difference.markers.size() == 1);
  CHECK(difference.markers[0].from == 0);
}

TEST_CASE("cost charts: parts that add up, what is not known is listed, scenarios are hollow") {
  const TestDatabase database;
  CostQuestion question;
  question.runs = database.chosen();
  question.what_if = R"({"own_hardware": {"capital_usd": [25000, 40000], "years": 4, "power_watts": 1000,
                          "usd_per_kwh": 0.1}})";
  const CostAnswer answer = read_costs(question, {});
  INFO(answer.refusal);
  REQUIRE(answer.costs.size() == 2);
  const Chart parts = parts_chart(answer);
  double sum = 0;
  for (const ChartSeries& series : parts.series) {
    CHECK(series.is_stacked);
    sum += series.points[0].x;
  }
  CHECK(sum == Approx(*answer.costs[0].usd_total));
  const Chart frontier = frontier_chart(answer, "sums");
  REQUIRE(frontier.series.size() >= 2);
  CHECK(frontier.series[0].points[0].x == Approx(*answer.costs[0].usd_per_correct));
  CHECK(frontier.series[0].points[0].y == Approx(11.0 / 12));
  REQUIRE_FALSE(frontier.markers.empty());
  CHECK(frontier.markers[0].label.contains("DeepSeek"));
  for (const ChartMarker& marker : frontier.markers) {
    CHECK(marker.from > *frontier.x.low);
    CHECK(marker.from < *frontier.x.high);
  }
  REQUIRE(answer.costs[0].hosted.at(0).even.has_value());
  const Chart even = break_even_chart(answer.costs[0].hosted[0]);
  REQUIRE(even.series.size() == 2);
  CHECK(even.series[0].form == SeriesForm::band);
  CHECK(even.series[0].points[0].is_hollow);
  CHECK(break_even_chart({}).series.empty());

  CostAnswer unpriced = answer;
  unpriced.costs[1].usd_total.reset();
  unpriced.costs[1].usd_per_correct.reset();
  unpriced.costs[1].usd_reason = "no price";
  CHECK(parts_chart(unpriced).missing.join("").contains("no price"));
  CHECK(frontier_chart(unpriced, "sums").missing.join("").contains("no price"));
}

TEST_CASE("speed charts: distributions end at 1, published points are hollow, nothing stands for what is unknown") {
  const TestDatabase database;
  std::vector<ChosenRun> runs = database.chosen();
  runs.push_back({database.path, database.published, "published", ""});
  const SpeedAnswer answer = read_speed(runs, {});
  REQUIRE(answer.runs.size() == 3);
  const Chart latency = latency_chart(answer, LatencyMetric::itl_ms);
  REQUIRE(latency.series.size() == 2);
  CHECK(latency.series[0].form == SeriesForm::steps);
  CHECK(latency.series[0].points.back().y == 1);
  CHECK(latency.series[0].points.back().x == 21);
  CHECK(latency.series[0].points.front().y == Approx(1.0 / 24));
  const Chart trade_off = trade_off_chart(answer);
  REQUIRE(trade_off.series.size() == 4);
  CHECK_FALSE(trade_off.series[1].points[0].is_hollow);
  CHECK(trade_off.series[3].points[0].is_hollow);
  CHECK(trade_off.series[3].points[0].x == 21);
  CHECK(trade_off.series[3].points[0].y == 1850);
  CHECK(trade_off.series[0].name == "not beaten by another");
  const Scene scene = layout(trade_off, {600, 400}, light_theme(), QApplication::font());
  CHECK(scene.lines.size() == 1);
  for (const SceneMark& mark : scene.marks) CHECK(mark.series != 0);  // a point stands under its own mark
  const Chart timeline = timeline_chart(answer.runs[0], 0);
  REQUIRE_FALSE(timeline.series.empty());
  CHECK(timeline.series.back().name == "Decode");
  CHECK(timeline.series.back().points.size() == 24);
  CHECK(timeline_chart(answer.runs[2], 0).series.empty());
  CHECK(timeline_chart(answer.runs[0], 1'000'000).series.back().points.size() == 1);
  CHECK(rate_chart(answer.runs[0]).series.size() == 1);
  CHECK(rate_chart(answer.runs[2]).series.empty());
  const std::vector<results::HardwareProfile> profiles = {*answer.runs[2].profile};
  const Chart roof = roofline_chart(kernel_points(answer, profiles, ""), kernel_ceilings(answer, profiles, ""));
  REQUIRE(roof.series.size() == 2);
  CHECK(roof.series[1].points[0].x == 200);  // 2e14 operations, 1e12 bytes a second
  CHECK(roof.missing.join("").contains("dispatch"));
}

TEST_CASE("charts of runs: what was emulated is hollow and says so, wherever it is drawn") {
  const TestDatabase database;
  SpeedAnswer speed = read_speed(database.chosen(), {});
  REQUIRE(speed.runs.size() == 2);
  speed.runs[1].summary.run.facts.provenance = "emulated";
  const auto check = [](const Chart& chart, std::size_t measured, std::size_t emulated) {
    INFO(chart.title.toStdString());
    REQUIRE(chart.series.size() > std::max(measured, emulated));
    CHECK_FALSE(chart.series[measured].points[0].is_hollow);
    CHECK(chart.series[emulated].points[0].is_hollow);
    CHECK(chart.series[emulated].points[0].tooltip.contains("emulated"));
  };
  const Chart throughput = throughput_chart(speed);
  check(throughput, 0, 1);
  CHECK(throughput.series[1].points[0].label.endsWith(" emulated"));
  check(latency_chart(speed, LatencyMetric::itl_ms), 0, 1);
  CHECK(rate_chart(speed.runs[1]).series[0].points[0].is_hollow);

  ComparisonAnswer compared = read_comparison({database.chosen(), false, {}}, kNowMs, {});
  REQUIRE(compared.summaries.size() == 2);
  compared.summaries[1].run.facts.provenance = "emulated";
  check(accuracy_chart(compared, "sums"), 0, 1);
}

TEST_CASE("speed charts: seconds in which clocks were held down are one shaded stretch") {
  SpeedRun run;
  run.title = "gpu";
  run.end_ms = 4000;
  run.output_tokens_per_s_parts = {1, 2, 3, 4};
  run.summary.run.facts.provenance = "measured";
  for (int i = 0; i < 4; ++i) {
    results::GpuSample sample;
    sample.at_ms = 1000 * i;
    sample.power_watts = 500 + i;
    sample.throttle_reasons = i == 1 || i == 2 ? 4 : 0;
    run.gpu_samples.push_back(sample);
  }
  const Chart chart = rate_chart(run);
  REQUIRE(chart.markers.size() == 1);
  CHECK(chart.markers[0].from == 1);
  CHECK(chart.markers[0].to == 3.0);
  CHECK(chart.markers[0].label == "sw_power_cap");
  CHECK(gpu_chart(run, GpuFigure::power_watts).series.at(0).points.size() == 4);
  CHECK(gpu_chart(run, GpuFigure::temperature_c).series.empty());
}

TEST_CASE("hardware charts: what was not measured is hollow and says what it is") {
  const TestDatabase database;
  HardwareAnswer answer = read_hardware_runs({database.chosen(), "sums", 0}, {});
  REQUIRE(answer.runs.size() == 2);
  answer.runs[1].summary.run.facts.provenance = "projected";
  const Chart chart = hardware_chart(answer, HardwareFigure::itl_ms);
  REQUIRE(chart.series.size() == 1);
  CHECK_FALSE(chart.series[0].points[0].is_hollow);
  CHECK(chart.series[0].points[0].label.isEmpty());
  CHECK(chart.series[0].points[1].is_hollow);
  CHECK(chart.series[0].points[1].label == "projected");
  CHECK(hardware_chart(answer, HardwareFigure::joules_per_output_token).missing.size() == 2);
}

}  // namespace assay::gui
