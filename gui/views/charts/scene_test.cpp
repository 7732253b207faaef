#include "gui/views/charts/scene.h"

#include <QApplication>
#include <QFontMetricsF>
#include <cmath>

#include "tests/support/catch.h"

using namespace assay::gui;
using assay::results::Interval;
using Catch::Matchers::WithinAbs;

namespace {

Scene scene_of(const Chart& chart, const QSizeF& size = {640, 360}) {
  return layout(chart, size, light_theme(), QApplication::font());
}

ChartPoint point(double x, double y, const QString& label = {}) {
  ChartPoint made{x, y};
  made.label = label;
  return made;
}

Chart marks(std::vector<ChartPoint> points) {
  Chart chart;
  chart.title = "A title";
  chart.x = {.title = "Speed", .unit = "tokens/s"};
  chart.y = {.title = "Accuracy", .is_share = true};
  chart.series.push_back({.name = "one", .points = std::move(points)});
  return chart;
}

bool has_text(const Scene& scene, const QString& text) {
  return std::any_of(scene.texts.begin(), scene.texts.end(), [&](const SceneText& each) { return each.text == text; });
}

void check_within(const Scene& scene) {
  const QRectF all({0, 0}, scene.size);
  for (const SceneText& text : scene.texts) {
    CAPTURE(text.text.toStdString(), text.box.left(), text.box.top(), text.box.width(), text.box.height());
    CHECK(all.adjusted(-0.5, -0.5, 0.5, 0.5).contains(text.box));
  }
  for (const SceneMark& mark : scene.marks) {
    CHECK(std::isfinite(mark.at.x()));
    CHECK(std::isfinite(mark.at.y()));
    CHECK(scene.plot.adjusted(-1, -1, 1, 1).contains(mark.at));
  }
}

void check_no_overlap(const Scene& scene) {
  for (std::size_t i = 0; i < scene.texts.size(); ++i) {
    for (std::size_t k = i + 1; k < scene.texts.size(); ++k) {
      CAPTURE(scene.texts[i].text.toStdString(), scene.texts[k].text.toStdString());
      CHECK_FALSE(scene.texts[i].box.adjusted(0.5, 0.5, -0.5, -0.5).intersects(scene.texts[k].box));
    }
  }
}

}  // namespace

TEST_CASE("layout: marks lie where the axes say", "[charts]") {
  Chart chart = marks({point(10, 0.25), point(20, 0.75)});
  chart.x.low = 0;
  chart.x.high = 40;
  chart.y.low = 0;
  chart.y.high = 1;
  const Scene scene = scene_of(chart);
  REQUIRE(scene.marks.size() == 2);
  const QRectF& plot = scene.plot;
  CHECK_THAT(scene.marks[0].at.x(), WithinAbs(plot.left() + plot.width() / 4, 1e-6));
  CHECK_THAT(scene.marks[0].at.y(), WithinAbs(plot.bottom() - plot.height() / 4, 1e-6));
  CHECK_THAT(scene.marks[1].at.x(), WithinAbs(plot.center().x(), 1e-6));
  for (const SceneTick& tick : scene.x.ticks) {
    CHECK_THAT(tick.place, WithinAbs(plot.left() + plot.width() * tick.value / 40, 1e-6));
  }
  CHECK(has_text(scene, "Speed (tokens/s)"));
  CHECK(has_text(scene, "Accuracy"));
  CHECK(has_text(scene, "100%"));
  check_within(scene);
}

TEST_CASE("layout: intervals become whiskers that end at their ends, without a cap where the axis ends first",
          "[charts]") {
  Chart chart = marks({point(10, 0.5)});
  chart.x.low = 0;
  chart.x.high = 20;
  chart.y.low = 0;
  chart.y.high = 1;
  chart.series[0].points[0].y_interval = Interval{0.4, 0.7};
  chart.series[0].points[0].x_interval = Interval{5, 30};
  const Scene scene = scene_of(chart);
  REQUIRE(scene.whiskers.size() == 2);
  const QRectF& plot = scene.plot;
  CHECK_THAT(scene.whiskers[0].line.x1(), WithinAbs(plot.left() + plot.width() / 4, 1e-6));
  CHECK_THAT(scene.whiskers[0].line.x2(), WithinAbs(plot.right(), 1e-6));
  CHECK(scene.whiskers[0].has_first_cap);
  CHECK_FALSE(scene.whiskers[0].has_second_cap);
  CHECK_THAT(scene.whiskers[1].line.y1(), WithinAbs(plot.bottom() - 0.4 * plot.height(), 1e-6));
  CHECK_THAT(scene.whiskers[1].line.y2(), WithinAbs(plot.bottom() - 0.7 * plot.height(), 1e-6));
  CHECK(scene.whiskers[1].has_first_cap);
  CHECK(scene.whiskers[1].has_second_cap);
}

TEST_CASE("layout: what is not measured here is hollow, and the legend explains it", "[charts]") {
  Chart chart = marks({point(1, 0.5), point(2, 0.6)});
  CHECK(scene_of(chart).legend.empty());  // one series needs none
  chart.series[0].points[1].is_hollow = true;
  const Scene scene = scene_of(chart);
  CHECK_FALSE(scene.marks[0].is_hollow);
  CHECK(scene.marks[1].is_hollow);
  REQUIRE(scene.legend.size() == 1);
  CHECK(scene.legend[0].series == -1);
  CHECK(has_text(scene, "hollow: not measured here"));
}

TEST_CASE("layout: series differ by colour and by shape", "[charts]") {
  Chart chart = marks({point(1, 0.5)});
  for (int i = 1; i < 8; ++i) {
    chart.series.push_back({.name = QString("series %1").arg(i), .style = i, .points = {point(i, 0.1 * i)}});
  }
  const Scene scene = scene_of(chart, {900, 500});
  REQUIRE(scene.legend.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t k = i + 1; k < 8; ++k) {
      CHECK(scene.looks[i].shape != scene.looks[k].shape);
      CHECK(scene.looks[i].color != scene.looks[k].color);
    }
  }
}

TEST_CASE("layout: a logarithmic axis refuses zero and below, and says so", "[charts]") {
  Chart chart = marks({point(0, 0.1), point(-3, 0.2), point(10, 0.3), point(100, 0.4)});
  chart.x.scale = AxisScale::log;
  chart.missing = {"run b: no samples"};
  const Scene scene = scene_of(chart);
  CHECK(scene.marks.size() == 2);
  REQUIRE(scene.missing.size() == 2);
  CHECK(scene.missing[0] == "run b: no samples");
  CHECK(scene.missing[1] == "2 points of one: zero or negative, which a logarithmic axis can't show");
  CHECK(has_text(scene, "Not shown: run b: no samples"));
  check_within(scene);
}

TEST_CASE("layout: NaN and infinities are never drawn", "[charts]") {
  const double bad = GENERATE(std::nan(""), INFINITY, -INFINITY, 1e305);
  const SeriesForm form = GENERATE(SeriesForm::marks, SeriesForm::line, SeriesForm::steps, SeriesForm::band,
                                   SeriesForm::step_band, SeriesForm::bars);
  Chart chart = marks({point(1, 0.5), point(bad, 0.5), point(2, bad), point(3, 0.7), point(4, 0.8)});
  chart.series[0].form = form;
  for (ChartPoint& each : chart.series[0].points) each.y_interval = Interval{each.y - 0.1, bad};
  const Scene scene = scene_of(chart);
  check_within(scene);
  for (const SceneLine& line : scene.lines) {
    for (const QPointF& at : line.points) CHECK((std::isfinite(at.x()) && std::isfinite(at.y())));
  }
  for (const SceneArea& area : scene.areas) {
    for (const QPointF& at : area.outline) CHECK((std::isfinite(at.x()) && std::isfinite(at.y())));
  }
  for (const SceneWhisker& whisker : scene.whiskers) {
    CHECK(std::isfinite(whisker.line.length()));
    CHECK(scene.plot.adjusted(-1, -1, 1, 1).contains(whisker.line.p1()));
    CHECK(scene.plot.adjusted(-1, -1, 1, 1).contains(whisker.line.p2()));
  }
  const bool is_band = form == SeriesForm::band || form == SeriesForm::step_band;
  CHECK(scene.missing == (is_band ? QStringList{} : QStringList{"2 points of one: not a finite number"}));
  if (form == SeriesForm::line) CHECK(scene.lines.size() == 1);  // the gap is not bridged
}

TEST_CASE("layout: names beside marks overlap neither one another nor the marks", "[charts]") {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 60; ++i) points.push_back(point(i % 11, 0.1 * (i % 7), QString("configuration %1").arg(i)));
  for (int i = 0; i < 5; ++i) points.push_back(point(5, 0.3 + 0.001 * i, QString("same place %1").arg(i)));
  Chart chart = marks(points);
  chart.markers.push_back({.is_vertical = true, .from = 5, .label = "objective"});
  chart.markers.push_back({.from = 0.2, .to = 0.4, .label = "tolerance"});
  const Scene scene = scene_of(chart);
  check_within(scene);
  check_no_overlap(scene);
  int n_labels = 0;
  for (const SceneText& text : scene.texts) {
    if (text.role != TextRole::label) continue;
    ++n_labels;
    for (const SceneMark& mark : scene.marks) CHECK_FALSE(text.box.intersects(mark.box));
  }
  CHECK(n_labels > 10);
}

TEST_CASE("layout: texts of a crowded chart don't overlap, in any size", "[charts]") {
  const QSizeF size =
      GENERATE(QSizeF(640, 360), QSizeF(300, 220), QSizeF(1600, 900), QSizeF(160, 120), QSizeF(900, 140));
  Chart chart = marks({});
  chart.y = {};
  for (int i = 0; i < 30; ++i) chart.y.categories << QString("suite with a long name %1").arg(i);
  chart.series.clear();
  for (int s = 0; s < 5; ++s) {
    chart.series.push_back({.name = QString("a run with a long name, number %1").arg(s), .style = s});
    for (int i = 0; i < 30; ++i) chart.series.back().points.push_back(point(0.1 * i + s, i));
  }
  chart.missing = {"one: because", "two: because of something long that has to be said at length", "three: because"};
  chart.note =
      "Intervals: Wilson below 300 items with one sample, else the BCa bootstrap over items, else a t interval.";
  const Scene scene = scene_of(chart, size);
  check_within(scene);
  check_no_overlap(scene);
  for (const SceneText& text : scene.texts) {
    const QFontMetricsF metrics(font_of(scene, text.role));
    CHECK(metrics.horizontalAdvance(text.text) <= (text.is_upright ? text.box.width() : text.box.height()) + 1);
  }
}

TEST_CASE("layout: nothing to draw says why, and any size is survived", "[charts]") {
  Chart chart = marks({});
  chart.empty_text = "Open a database first";
  const Scene scene = scene_of(chart);
  CHECK(scene.plot.isEmpty());
  CHECK(scene.marks.empty());
  CHECK(has_text(scene, "Open a database first"));
  for (const QSizeF& size : {QSizeF(0, 0), QSizeF(1, 1), QSizeF(30, 30), QSizeF(60, 50), QSizeF(5000, 20)}) {
    check_within(scene_of(marks({point(1, 1)}), size));
  }
}

TEST_CASE("layout: in a low chart without data no text covers another", "[charts]") {
  Chart chart;
  chart.title = "Kernels below the ceilings of a device with a long name";
  chart.empty_text = "No imported benchmark counts both bytes and operations; another command brings some in, later";
  for (int i = 0; i < 6; ++i) chart.missing << "a kernel: counts no operations";
  for (const int height : {60, 90, 130, 190, 400}) {
    CAPTURE(height);
    const Scene scene = scene_of(chart, {560, static_cast<double>(height)});
    check_no_overlap(scene);
    check_within(scene);
  }
}

TEST_CASE("layout: one point is enough", "[charts]") {
  const Scene scene = scene_of(marks({point(7, 0.5)}));
  REQUIRE(scene.marks.size() == 1);
  CHECK(scene.plot.contains(scene.marks[0].at));
}

TEST_CASE("layout: a million marks become cells that count them all", "[charts]") {
  std::vector<ChartPoint> points(1'000'000);
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i].x = static_cast<double>(i % 1009);
    points[i].y = static_cast<double>(i % 997) / 1000;
  }
  const Scene scene = scene_of(marks(std::move(points)));
  CHECK(scene.marks.size() < 50'000);
  std::int64_t n = 0;
  for (const SceneMark& mark : scene.marks) {
    CHECK(mark.kind == MarkKind::cell);
    n += mark.n_points;
  }
  CHECK(n == 1'000'000);
}

TEST_CASE("layout: a long line keeps its lowest and highest point and few others", "[charts]") {
  Chart chart = marks({});
  chart.series[0].form = SeriesForm::line;
  for (int i = 0; i < 200'000; ++i) {
    const double y = i == 77'777 ? 0.99 : i == 123'456 ? 0.01 : 0.5 + 0.01 * std::sin(i * 0.37);
    chart.series[0].points.push_back(point(i, y));
  }
  const Scene scene = scene_of(chart);
  REQUIRE(scene.lines.size() == 1);
  CHECK(scene.lines[0].points.size() <= 4 * 640);
  CHECK_THAT(scene.lines[0].points.boundingRect().top(), WithinAbs(scene.y.map.place(0.99), 1e-6));
  CHECK_THAT(scene.lines[0].points.boundingRect().bottom(), WithinAbs(scene.y.map.place(0.01), 1e-6));
  const auto n_shapes = std::count_if(scene.marks.begin(), scene.marks.end(),
                                      [](const SceneMark& mark) { return mark.shape != Shape::none; });
  CHECK(n_shapes >= 4);  // shapes tell long lines apart where colours don't
  CHECK(n_shapes <= 10);
}

TEST_CASE("layout: steps go across, then up", "[charts]") {
  Chart chart = marks({point(0, 0.1), point(1, 0.4), point(2, 0.9)});
  chart.series[0].form = SeriesForm::steps;
  const Scene scene = scene_of(chart);
  REQUIRE(scene.lines.size() == 1);
  const QPolygonF& points = scene.lines[0].points;
  REQUIRE(points.size() == 5);
  CHECK(points[1] == QPointF(points[2].x(), points[0].y()));
  CHECK(points[3] == QPointF(points[4].x(), points[2].y()));
}

TEST_CASE("layout: lines end at the plot's edge, since files know no clipping", "[charts]") {
  Chart chart = marks({point(0, 0.1), point(10, 5), point(20, 0.2)});
  chart.series[0].form = SeriesForm::line;
  chart.series.push_back({.form = SeriesForm::band, .points = chart.series[0].points});
  for (ChartPoint& each : chart.series[1].points) each.y_interval = Interval{each.y - 1, each.y + 1};
  chart.x.low = 5;
  chart.x.high = 15;
  chart.y.low = 0;
  chart.y.high = 1;
  const Scene scene = scene_of(chart);
  const QRectF within = scene.plot.adjusted(-1.5, -1.5, 1.5, 1.5);
  for (const SceneLine& line : scene.lines) CHECK(within.contains(line.points.boundingRect()));
  REQUIRE_FALSE(scene.areas.empty());
  for (const SceneArea& area : scene.areas) CHECK(within.contains(area.outline.boundingRect()));
  CHECK(scene.missing == QStringList{"3 points of one: outside of the axes"});
}

TEST_CASE("layout: bars stand on 0, side by side or stacked, and lie where names are on y", "[charts]") {
  Chart chart;
  chart.x.categories = {"H100", "H800"};
  chart.y.title = "Cost";
  chart.series.push_back({.name = "prefill", .form = SeriesForm::bars, .points = {point(0, 1), point(1, 2)}});
  chart.series.push_back(
      {.name = "decode", .form = SeriesForm::bars, .style = 1, .points = {point(0, 3), point(1, 1)}});
  SECTION("side by side") {
    const Scene scene = scene_of(chart);
    REQUIRE(scene.marks.size() == 4);
    for (const SceneMark& mark : scene.marks) CHECK_THAT(mark.box.bottom(), WithinAbs(scene.y.map.place(0), 1e-6));
    CHECK(scene.marks[0].box.right() <= scene.marks[1].box.left());
    CHECK_THAT(scene.marks[1].box.top(), WithinAbs(scene.y.map.place(3), 1e-6));
    CHECK(scene.draws_glyphs);
  }
  SECTION("stacked") {
    chart.series[1].is_stacked = true;
    const Scene scene = scene_of(chart);
    REQUIRE(scene.marks.size() == 4);
    const SceneMark& upper = scene.marks[0];  // reading order: from the top in one place
    const SceneMark& lower = scene.marks[1];
    CHECK(upper.series == 1);
    CHECK_THAT(upper.box.bottom(), WithinAbs(lower.box.top(), 1e-6));
    CHECK_THAT(upper.box.top(), WithinAbs(scene.y.map.place(4), 1e-6));
  }
  SECTION("lying") {
    std::swap(chart.x, chart.y);
    for (ChartSeries& series : chart.series) {
      for (ChartPoint& each : series.points) std::swap(each.x, each.y);
    }
    const Scene scene = scene_of(chart);
    REQUIRE(scene.marks.size() == 4);
    for (const SceneMark& mark : scene.marks) CHECK_THAT(mark.box.left(), WithinAbs(scene.x.map.place(0), 1e-6));
    CHECK(scene.marks[0].at.y() < scene.marks[3].at.y());
  }
}

TEST_CASE("layout: series at the same name lie beside each other, in reading order", "[charts]") {
  Chart chart;
  chart.x.title = "Accuracy";
  chart.y.categories = {"AIME", "GPQA"};
  chart.series.push_back({.name = "a", .points = {point(0.5, 0), point(0.6, 1)}});
  chart.series.push_back({.name = "b", .style = 1, .points = {point(0.5, 0), point(0.6, 1)}});
  const Scene scene = scene_of(chart);
  REQUIRE(scene.marks.size() == 4);
  CHECK(scene.marks[1].at.y() - scene.marks[0].at.y() > 2 * kMarkRadius);
  CHECK(scene.marks[0].series == 0);
  CHECK(scene.marks[1].series == 1);
  CHECK(scene.marks[2].series == 0);
  CHECK(scene.y.map.place(0) < scene.y.map.place(1));  // the first name on top
}

TEST_CASE("layout: hostile names are shown as text", "[charts]") {
  Chart chart = marks({point(1, 0.5, QString::fromUtf8("<b>x</b>\u202Eevil\x01"))});
  const Scene scene = scene_of(chart);
  CHECK(has_text(scene, QString::fromUtf8("<b>x</b>⟨U+202E⟩evil␁")));
}

TEST_CASE("layout: both themes give the same places", "[charts]") {
  const Chart chart = marks({point(1, 0.5, "a"), point(2, 0.6, "b")});
  const Scene light = layout(chart, {640, 360}, light_theme(), QApplication::font());
  const Scene dark = layout(chart, {640, 360}, dark_theme(), QApplication::font());
  REQUIRE(light.texts.size() == dark.texts.size());
  for (std::size_t i = 0; i < light.texts.size(); ++i) {
    CHECK(light.texts[i].box == dark.texts[i].box);
    CHECK(light.texts[i].color != dark.texts[i].color);
  }
  CHECK(light.plot == dark.plot);
}
