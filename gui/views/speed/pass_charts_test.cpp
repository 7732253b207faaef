// Timelines of passes: read with care, drawn to scale.
#include "gui/views/speed/pass_charts.h"

#include <QApplication>
#include <QComboBox>
#include <QSignalSpy>
#include <QTest>
#include <limits>

#include "gui/views/charts/chart_view.h"
#include "gui/views/charts/scene.h"
#include "gui/views/speed/pass_panel.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::gui;
using Catch::Matchers::WithinAbs;

namespace {

Json operation_json(const Json& layer, const std::string& operation, double start_us, double time_us,
                    const Json& limit_us) {
  return {{"pass", 0},          {"layer", layer},      {"operation", operation}, {"start_us", start_us},
          {"time_us", time_us}, {"stddev_us", 0.5},    {"n_kernels", 1},         {"bytes", 3e6},
          {"flop", 2e9},        {"limit_us", limit_us}};
}

/// Two layers of two operations each between an embedding and a head: 100 µs times `scale`.
results::BenchPoint layers_point(int repeat, double scale, const std::string& name = "decode batch=1 context=1024") {
  results::BenchPoint point;
  point.key = {name, "", repeat};
  point.kind = "layers";
  point.details = {{"operations", Json::array({operation_json(nullptr, "embed", 0, 10 * scale, nullptr),
                                               operation_json(0, "qkv", 10 * scale, 20 * scale, 5.0),
                                               operation_json(0, "down", 30 * scale, 10 * scale, 4.0),
                                               operation_json(1, "qkv", 40 * scale, 30 * scale, 5.0),
                                               operation_json(1, "down", 70 * scale, 10 * scale, 4.0),
                                               operation_json(nullptr, "head", 80 * scale, 20 * scale, 12.0)})},
                   {"limits", {{"read_gb_per_s", 3000.0}, {"provenance", "published"}, {"from", "h800-sxm5"}}},
                   {"clock", "cupti"},
                   {"n_passes", 20}};
  point.figures = {{"traced_ms", {0.1 * scale, {}, 20}}, {"pass_ms", {0.09 * scale, {}, 20}},
                   {"sum_ms", {0.1 * scale, {}, 20}},    {"qkv_us", {50 * scale, {}, 20}},
                   {"down_us", {20 * scale, {}, 20}},    {"head_us", {20 * scale, {}, 20}}};
  return point;
}

struct TwoRuns {
  results::RunSummary slow, fast;
  PassTimelines timelines;

  TwoRuns() {
    slow.run.run_id = RunId("00000000000a");
    fast.run.run_id = RunId("00000000000b");
    slow.points = {layers_point(0, 2.2), layers_point(1, 2), layers_point(2, 1.8)};
    fast.points = {layers_point(0, 1)};
    read();
  }
  void read() { timelines = pass_timelines({{"slow", &slow}, {"fast", &fast}}); }
  std::vector<const PassTimeline*> shown() const { return timelines_of(timelines, "decode batch=1 context=1024"); }
};

/// The boxes of a row, from left to right.
std::vector<SceneMark> row_of(const Scene& scene, const Chart& chart, int row) {
  std::vector<SceneMark> boxes;
  for (const SceneMark& mark : scene.marks) {
    const ChartPoint& point =
        chart.series[static_cast<std::size_t>(mark.series)].points[static_cast<std::size_t>(mark.point)];
    if (point.y == row) boxes.push_back(mark);
  }
  return boxes;
}

Scene scene_of(const Chart& chart) { return layout(chart, {900, 400}, light_theme(), QApplication::font()); }

}  // namespace

TEST_CASE("pass_timelines: the repeat in the middle, sums over the repeats, limits where they are known") {
  const TwoRuns runs;
  REQUIRE(runs.timelines.timelines.size() == 2);
  CHECK(runs.timelines.not_shown.isEmpty());
  CHECK(pass_names(runs.timelines) == QStringList{"decode batch=1 context=1024"});
  const PassTimeline& slow = runs.timelines.timelines[0];
  CHECK(slow.operations.size() == 6);
  CHECK(slow.operations[1].time_us == 40);  // 1.8, 2 and 2.2 times 20
  CHECK(slow.ceilings.contains("published in profile h800-sxm5"));
  CHECK_FALSE(slow.are_ceilings_measured);

  const std::vector<OperationSum> sums = operation_sums(slow);
  REQUIRE(sums.size() == 4);
  CHECK(sums[0].operation == "embed");
  CHECK_FALSE(sums[0].limit_us.has_value());
  CHECK(sums[1].operation == "qkv");
  CHECK(sums[1].time_us.median == 100);
  CHECK(sums[1].time_us.min == 90);
  CHECK(sums[1].time_us.max == 110.00000000000001);
  CHECK(*sums[1].limit_us == 10);
  CHECK(sums[1].n_layers == 2);
  const auto limited = limited_time(slow);
  REQUIRE(limited.has_value());
  CHECK(limited->limit_us == 30);
  CHECK(limited->time_us == 180);  // all but the embedding
}

TEST_CASE("pass_timelines: what makes no sense is named, not shown") {
  TwoRuns runs;
  const auto refusal = [&](const std::function<void(Json&)>& spoil) {
    runs.fast.points = {layers_point(0, 1)};
    spoil(runs.fast.points[0].details);
    runs.read();
    CHECK(runs.timelines.timelines.size() == 1);
    return runs.timelines.not_shown.join("");
  };
  CHECK(refusal([](Json& d) { d["operations"] = 7; }).contains("details.operations must be a list"));
  CHECK(refusal([](Json& d) { d["operations"] = Json::array(); }).contains("must be a list"));
  CHECK(refusal([](Json& d) { d["operations"][2] = nullptr; }).contains("details.operations[2] must be an object"));
  CHECK(refusal([](Json& d) { d["operations"][2]["time_us"] = -1; }).contains("operations[2].time_us must be a time"));
  CHECK(refusal([](Json& d) { d["operations"][2]["start_us"] = "1"; }).contains("operations[2].start_us"));
  CHECK(refusal([](Json& d) { d["operations"][2]["layer"] = -3; }).contains("operations[2].layer"));
  CHECK(refusal([](Json& d) { d["operations"][2]["layer"] = 1e300; }).contains("operations[2].layer"));
  CHECK(refusal([](Json& d) { d["operations"][2]["operation"] = ""; }).contains("operations[2].operation"));
  runs.fast.points = {layers_point(0, 1)};
  runs.fast.points[0].reason_codes = {"too_short"};
  runs.read();
  CHECK(runs.timelines.not_shown.join("").contains("too_short in 1 of 1 repeats"));

  // A word that isn't known, with letters that must not turn the line round.
  runs.fast.points = {layers_point(0, 1)};
  runs.fast.points[0].details["operations"][0]["operation"] = "new\u202E<b>";
  runs.fast.points[0].details.erase("limits");
  runs.read();
  REQUIRE(runs.timelines.timelines.size() == 2);
  CHECK(part_of(runs.timelines.timelines[1].operations[0].operation) == PassPart::other);
  const Chart strip = pass_strip_chart(runs.shown(), {});
  CHECK(strip.series.back().name == "other");
  CHECK(strip.series.back().points[0].tooltip.contains("new⟨U+202E⟩<b>"));
  CHECK(strip.series.back().points[0].tooltip.contains("nothing is known of the device"));
}

TEST_CASE("pass_strip_chart: runs lie one above the other on one axis, to scale, limits below each") {
  const TwoRuns runs;
  const Chart chart = pass_strip_chart(runs.shown(), {});
  CHECK(chart.y.categories == QStringList{"slow", "slow, limits", "fast", "fast, limits"});
  CHECK(chart.x.unit == "µs");
  const Scene scene = scene_of(chart);
  const std::vector<SceneMark> slow = row_of(scene, chart, 0), limits = row_of(scene, chart, 1),
                               fast = row_of(scene, chart, 2);
  REQUIRE(slow.size() == 6);
  REQUIRE(fast.size() == 6);
  REQUIRE(limits.size() == 5);  // all but the embedding
  const double zero = scene.x.map.place(0);
  CHECK_THAT(slow[0].box.left(), WithinAbs(zero, 1e-6));
  CHECK_THAT(fast[0].box.left(), WithinAbs(zero, 1e-6));
  CHECK_THAT(slow[5].box.right() - zero, WithinAbs(2 * (fast[5].box.right() - zero), 1e-6));
  CHECK_THAT(limits[4].box.right(), WithinAbs(scene.x.map.place(30), 1e-6));
  for (std::size_t i = 0; i + 1 < slow.size(); ++i) {
    CHECK_THAT(slow[i].box.right(), WithinAbs(slow[i + 1].box.left(), 1e-6));
  }
  CHECK(slow[0].box.bottom() < limits[0].box.top());
  CHECK(limits[0].box.bottom() < fast[0].box.top());
  CHECK_FALSE(slow[0].is_hollow);
  CHECK(limits[0].is_hollow);
  CHECK(slow[1].series == fast[1].series);
  CHECK(slow[1].series != slow[2].series);
  CHECK(scene.draws_glyphs);
  const QString tooltip = chart.series[static_cast<std::size_t>(slow[1].series)].points[0].tooltip;
  CHECK(tooltip.contains("qkv, layer 0"));
  CHECK(tooltip.contains("40 µs ± 0.500 µs over the passes, from 20 µs on"));
  CHECK(tooltip.contains("limit: 5 µs, taken 8.000×"));
  CHECK(tooltip.contains("20 passes watched"));
  CHECK(tooltip.contains("provenance: measured"));
  CHECK(chart_csv(chart).contains("feed-forward"));
}

TEST_CASE("pass_strip_chart: a layer alone begins at 0 and names its operations") {
  TwoRuns runs;
  const Chart chart = pass_strip_chart(runs.shown(), {PassStretch::Kind::layer, 1});
  const Scene scene = scene_of(chart);
  const std::vector<SceneMark> slow = row_of(scene, chart, 0);
  REQUIRE(slow.size() == 2);
  CHECK_THAT(slow[0].box.left(), WithinAbs(scene.x.map.place(0), 1e-6));
  CHECK_THAT(slow[1].box.right(), WithinAbs(scene.x.map.place(80), 1e-6));
  const auto names = std::count_if(scene.texts.begin(), scene.texts.end(),
                                   [](const SceneText& text) { return text.text == "qkv" || text.text == "down"; });
  CHECK(names == 4);
  CHECK(pass_strip_chart(runs.shown(), {PassStretch::Kind::outside, 0}).series.size() == 1);
  const Chart none = pass_strip_chart(runs.shown(), {PassStretch::Kind::layer, 9});
  CHECK(none.series.empty());
  CHECK(none.missing == QStringList{"slow: has no such layer", "fast: has no such layer"});
  for (const PassStretch& stretch :
       {PassStretch{}, PassStretch{PassStretch::Kind::layer, 12}, PassStretch{PassStretch::Kind::outside, 0}}) {
    CHECK(parse_stretch(stretch_text(stretch)) == stretch);
  }
  CHECK(parse_stretch("-4") == PassStretch());
}

TEST_CASE("operations_chart: a limit stands on the bar of its run, projected times are hollow") {
  TwoRuns runs;
  runs.fast.points[0].provenance = "projected";
  runs.read();
  const Chart chart = operations_chart(runs.shown());
  REQUIRE(chart.series.size() == 4);
  const Scene scene = scene_of(chart);
  CHECK(scene.has_marks_on_bars);
  int n_limits = 0;
  for (const SceneMark& mark : scene.marks) {
    if (mark.kind == MarkKind::bar) CHECK(mark.is_hollow == (mark.series == 1));
    if (mark.kind != MarkKind::shape) continue;
    ++n_limits;
    const ChartPoint& point =
        chart.series[static_cast<std::size_t>(mark.series)].points[static_cast<std::size_t>(mark.point)];
    for (const SceneMark& bar : scene.marks) {
      const bool is_its_run = bar.kind == MarkKind::bar && bar.series + 2 == mark.series;
      if (!is_its_run ||
          chart.series[static_cast<std::size_t>(bar.series)].points[static_cast<std::size_t>(bar.point)].y != point.y)
        continue;
      CHECK_THAT(mark.at.y(), WithinAbs(bar.box.center().y(), 1));
    }
  }
  CHECK(n_limits == 6);
  const Chart layers = layer_times_chart(runs.shown());
  REQUIRE(layers.series.size() == 2);
  CHECK(layers.series[0].points[1].y == 80);
  CHECK(layers.series[1].is_dashed);

  const Table table = operations_table(runs.shown());
  REQUIRE(table.rows.size() == 8);
  CHECK(table.rows[2][0].text == "qkv");
  CHECK(*table.rows[2][3].value == 100);
  CHECK(*table.rows[3][3].value == 50);
  CHECK(*table.rows[3][7].value == 5);
  CHECK(table.rows[3].back().text == "projected");
  CHECK(table_csv(table).contains("time µs"));
  const Table passes = passes_table(runs.shown());
  REQUIRE(passes.rows.size() == 2);
  CHECK(*passes.rows[0][1].value == 0.18);
  CHECK(*passes.rows[0][6].value == 0.03);
  CHECK_FALSE(passes.rows[0][2].value.has_value());  // no device's clock

  // Also where one run alone has limits.
  runs.slow.points.back().details.erase("limits");
  for (results::BenchPoint& point : runs.slow.points) {
    for (Json& operation : point.details["operations"]) operation["limit_us"] = nullptr;
  }
  runs.read();
  const Chart one = operations_chart(runs.shown());
  const Scene of_one = scene_of(one);
  for (const SceneMark& mark : of_one.marks) {
    if (mark.kind != MarkKind::shape) continue;
    CHECK(mark.series == 3);
    CHECK(std::any_of(of_one.marks.begin(), of_one.marks.end(), [&](const SceneMark& bar) {
      return bar.kind == MarkKind::bar && bar.series == 1 && std::abs(bar.box.center().y() - mark.at.y()) < 1;
    }));
  }
  CHECK(chart.series[0].points[1].x_interval == results::Interval{90, 110.00000000000001});
  CHECK_FALSE(chart.series[1].points[1].x_interval.has_value());
}

TEST_CASE("pass panel: says what to do without timelines, a choice by keys is a setting") {
  PassPanel panel(nullptr);
  panel.resize(1000, 1600);
  panel.show();
  panel.show_timelines({}, {}, {});
  CHECK(panel.remark().contains("assay bench layers"));
  const TwoRuns runs;
  panel.show_timelines(runs.timelines, "", "1");
  CHECK(panel.remark().isEmpty());
  const auto boxes = panel.findChildren<QComboBox*>();
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0]->currentText() == "decode batch=1 context=1024");
  CHECK(boxes[1]->currentText() == "layer 1");
  QSignalSpy chosen(&panel, &PassPanel::stretchChosen);
  QTest::keyClick(boxes[1], Qt::Key_Home);
  REQUIRE(chosen.count() == 1);
  CHECK(chosen.takeFirst().at(0).toString().isEmpty());
  const auto charts = panel.findChildren<ChartView*>();
  REQUIRE(charts.size() == 3);
  charts[2]->setFocus();
  QTest::keyClick(charts[2], Qt::Key_Home);
  QTest::keyClick(charts[2], Qt::Key_Return);
  REQUIRE(chosen.count() == 1);
  CHECK(chosen.takeFirst().at(0).toString() == "0");
}
