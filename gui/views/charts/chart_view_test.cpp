#include "gui/views/charts/chart_view.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <cmath>

#include "gui/views/charts/chart_files.h"
#include "gui/views/charts/chart_grid.h"
#include "gui/views/charts/hit_grid.h"
#include "gui/views/charts/tip.h"
#include "tests/support/catch.h"

using namespace assay::gui;

namespace {

// Three marks that are read b, a, c; c has no key.
Chart three_marks() {
  Chart chart;
  chart.title = "Speed";
  chart.x = {.title = "x", .low = 0, .high = 10};
  chart.y = {.title = "y", .low = 0, .high = 10};
  chart.note = "How it was measured";
  chart.missing = {"run d: no time"};
  ChartPoint a{5, 5}, b{1, 1}, c{9, 9};
  a.tooltip = "mark a\nn = 12";
  a.key = "key a";
  b.key = "key b";
  c.is_hollow = true;
  chart.series.push_back({.name = "one", .points = {a, b, c}});
  return chart;
}

struct Shown {
  ChartView view;
  explicit Shown(Chart chart) {
    view.resize(600, 400);
    view.set_chart(std::move(chart));
    view.show();
    view.activateWindow();
    view.setFocus();
  }
  QPoint place(int mark) const { return view.scene().marks[static_cast<std::size_t>(mark)].at.toPoint(); }
};

}  // namespace

TEST_CASE("ChartView: arrow keys walk the marks in reading order, Enter chooses", "[charts]") {
  Shown shown(three_marks());
  ChartView& view = shown.view;
  QSignalSpy chosen(&view, &ChartView::chosen);
  CHECK(view.current_mark() == -1);
  QTest::keyClick(&view, Qt::Key_Right);
  CHECK(view.current_mark() == 0);
  CHECK(view.part_name(0) == "one\nx: 1\ny: 1");
  QTest::keyClick(&view, Qt::Key_Return);
  REQUIRE(chosen.size() == 1);
  CHECK(chosen[0][0].toString() == "key b");
  QTest::keyClick(&view, Qt::Key_Down);
  CHECK(view.part_name(view.current_mark()) == "mark a\nn = 12");
  QTest::keyClick(&view, Qt::Key_End);
  CHECK(view.current_mark() == 2);
  CHECK(view.part_name(2).contains("not measured here"));
  QTest::keyClick(&view, Qt::Key_Right);
  CHECK(view.current_mark() == 2);  // the end is the end
  QTest::keyClick(&view, Qt::Key_Return);
  CHECK(chosen.size() == 1);  // no key, nothing to choose
  QTest::keyClick(&view, Qt::Key_Left);
  QTest::keyClick(&view, Qt::Key_Home);
  CHECK(view.current_mark() == 0);
  QTest::keyClick(&view, Qt::Key_Space);
  CHECK(view.is_pinned());
  QTest::keyClick(&view, Qt::Key_Escape);
  CHECK(view.current_mark() == -1);
  CHECK_FALSE(view.is_pinned());
}

TEST_CASE("ChartView: the pointer finds the mark, a click pins it, a double click chooses", "[charts]") {
  Shown shown(three_marks());
  ChartView& view = shown.view;
  QSignalSpy chosen(&view, &ChartView::chosen);
  QTest::mouseMove(&view, shown.place(1) + QPoint(6, 3));
  CHECK(view.current_mark() == 1);
  QTest::mouseMove(&view, shown.place(1) + QPoint(60, 60));
  CHECK(view.current_mark() == -1);
  QTest::mouseClick(&view, Qt::LeftButton, {}, shown.place(1));
  CHECK(view.current_mark() == 1);
  CHECK(view.is_pinned());
  QTest::mouseMove(&view, shown.place(2));
  CHECK(view.current_mark() == 1);  // pinned: the pointer doesn't move it
  CHECK(chosen.empty());
  QTest::mouseDClick(&view, Qt::LeftButton, {}, shown.place(0));
  REQUIRE(chosen.size() == 1);
  CHECK(chosen[0][0].toString() == "key b");
}

TEST_CASE("ChartView: a chart that is drawn anew keeps the mark that is being read", "[charts]") {
  Shown shown(three_marks());
  ChartView& view = shown.view;
  QTest::mouseClick(&view, Qt::LeftButton, {}, shown.place(1));
  Chart grown = three_marks();
  grown.series[0].points[0].y = 6;
  grown.series[0].points.push_back({2, 2});
  view.set_chart(grown);
  CHECK(view.current_mark() == 2);  // b and the new one are read before it
  CHECK(view.is_pinned());
  grown.series[0].points[0].key = "another";
  view.set_chart(grown);
  CHECK(view.current_mark() == -1);
  CHECK_FALSE(view.is_pinned());
}

TEST_CASE("ChartView: copies data and picture, saves files, all from a menu with mnemonics", "[charts]") {
  Shown shown(three_marks());
  ChartView& view = shown.view;
  QTest::keyClick(&view, Qt::Key_C, Qt::ControlModifier);
  CHECK(QApplication::clipboard()->text() == chart_csv(view.chart()));
  QStringList names;
  for (const QAction* action : view.actions()) {
    names << action->objectName();
    CHECK(action->text().contains('&'));
  }
  CHECK(names == QStringList{"copy_data", "copy_picture", "save_png", "save_svg", "save_pdf", "save_csv"});
  view.findChild<QAction*>("copy_picture")->trigger();
  CHECK(QApplication::clipboard()->image().size() == QSize(1200, 800));
  const QTemporaryDir folder;
  CHECK(view.save(folder.filePath("chart.svg")));
  CHECK_FALSE(view.save(folder.filePath("none/chart.svg")));
  CHECK(view.contextMenuPolicy() == Qt::ActionsContextMenu);  // which the menu key opens too
}

TEST_CASE("ChartView: screen readers find the chart and a child for each mark", "[charts]") {
  Shown shown(three_marks());
  ChartView& view = shown.view;
  QAccessibleInterface* chart = QAccessible::queryAccessibleInterface(&view);
  REQUIRE(chart != nullptr);
  CHECK(chart->role() == QAccessible::Chart);
  CHECK(chart->text(QAccessible::Name) == "Speed");
  CHECK(chart->text(QAccessible::Description) == "Not shown: run d: no time\nHow it was measured");
  REQUIRE(chart->childCount() == 3);
  QAccessibleInterface* mark = chart->child(1);
  REQUIRE(mark != nullptr);
  CHECK(mark->text(QAccessible::Name) == "mark a\nn = 12");
  CHECK(mark->role() == QAccessible::ListItem);
  CHECK(mark->parent() == chart);
  CHECK(chart->indexOfChild(mark) == 1);
  CHECK(mark->rect().contains(view.mapToGlobal(shown.place(1))));
  CHECK(chart->childAt(mark->rect().center().x(), mark->rect().center().y()) == mark);
  CHECK(chart->child(3) == nullptr);
  CHECK(chart->child(-1) == nullptr);

  QSignalSpy chosen(&view, &ChartView::chosen);
  REQUIRE(mark->actionInterface() != nullptr);
  mark->actionInterface()->doAction(QAccessibleActionInterface::pressAction());
  CHECK(chosen.size() == 1);
  CHECK(view.current_mark() == 1);
  CHECK(mark->state().selected);

  view.set_chart({});  // a mark that is gone is not valid any more
  CHECK_FALSE(mark->isValid());
  CHECK(chart->childCount() == 0);
}

TEST_CASE("ChartView: draws itself in both themes and sizes", "[charts]") {
  const Theme& theme = GENERATE(from_range(std::vector{light_theme(), dark_theme()}));
  Shown shown(three_marks());
  ChartView& view = shown.view;
  view.setPalette(palette_of(theme));
  view.set_current_mark(1);
  const QImage image = view.grab().toImage();
  CHECK(image.pixelColor(3, 3) == theme.panel);
  CHECK(view.scene().theme.is_dark == theme.is_dark);
  view.resize(300, 200);
  view.grab();
  CHECK(view.scene().size == QSizeF(300, 200));
  CHECK(view.current_mark() == 1);  // stays where the keys were
}

TEST_CASE("HitGrid: the nearest mark within reach, and the bar that holds the point", "[charts]") {
  Scene scene;
  scene.size = {400, 300};
  const auto mark = [](double x, double y) {
    SceneMark made;
    made.at = {x, y};
    made.box = QRectF(x - 5, y - 5, 10, 10);
    return made;
  };
  scene.marks = {mark(100, 100), mark(110, 100), mark(23.9, 24.1)};
  SceneMark bar;
  bar.kind = MarkKind::bar;
  bar.box = QRectF(200, 50, 40, 200);
  scene.marks.push_back(bar);
  const HitGrid grid(scene);
  CHECK(grid.find(scene, {104, 100}) == 0);
  CHECK(grid.find(scene, {106, 100}) == 1);
  CHECK(grid.find(scene, {30, 30}) == 2);  // over the edge of a square
  CHECK(grid.find(scene, {220, 240}) == 3);
  CHECK(grid.find(scene, {150, 100}) == -1);
  CHECK(grid.find(scene, {-50, 900}) == -1);
  CHECK(HitGrid().find(scene, {100, 100}) == -1);
}

TEST_CASE("lay_out_tip: stays within the chart, beside its mark, and says when it is cut", "[charts]") {
  const QFont font = QApplication::font();
  const QRectF area(0, 0, 400, 200);
  for (const QPointF& at : {QPointF(0, 0), QPointF(399, 0), QPointF(200, 100), QPointF(399, 199), QPointF(0, 199)}) {
    const Tip tip = lay_out_tip("run one\nvalue: 1.5\nn = 12", at, 10, area, font);
    CHECK(area.contains(tip.box));
    CHECK_FALSE(tip.box.contains(at));
    CHECK(tip.lines.size() == 3);
    CHECK_FALSE(tip.is_cut);
  }
  const Tip cut = lay_out_tip(QString("line\n").repeated(100), {200, 100}, 10, area, font);
  CHECK(cut.is_cut);
  CHECK(area.contains(cut.box));
  const Tip wrapped = lay_out_tip(QString("word ").repeated(60), {200, 100}, 10, area, font);
  CHECK(wrapped.lines.size() > 2);
  CHECK(area.contains(lay_out_tip(QString(100'000, 'x'), {200, 100}, 10, area, font).box));
}

TEST_CASE("ChartGrid: small multiples have the same axes, except axes of names", "[charts]") {
  std::vector<Chart> charts(3);
  for (int i = 0; i < 3; ++i) {
    charts[static_cast<std::size_t>(i)].series.push_back({.points = {{1.0 * i, 10.0 * i}, {2.0 * i + 1, 20.0}}});
  }
  charts[2].x.categories = {"a", "b"};
  const std::vector<Chart> shared = with_shared_axes(charts, SharedAxes::both);
  CHECK(shared[0].y.low == shared[1].y.low);
  CHECK(shared[0].y.high == shared[2].y.high);
  CHECK(shared[0].x.high == shared[1].x.high);
  CHECK(*shared[0].x.high >= 3);
  CHECK_FALSE(shared[2].x.high);
  CHECK_FALSE(with_shared_axes(charts, SharedAxes::x)[0].y.low);
  CHECK_FALSE(with_shared_axes(charts, SharedAxes::none)[0].x.low);
}

TEST_CASE("ChartGrid: as many in a row as fit, choices come through, Tab goes on", "[charts]") {
  ChartGrid grid;
  grid.resize(1000, 500);
  grid.set_charts({three_marks(), three_marks(), three_marks(), three_marks()});
  grid.show();
  QApplication::processEvents();
  CHECK(grid.n_columns() == 3);
  grid.resize(400, 500);
  QApplication::processEvents();
  CHECK(grid.n_columns() == 1);
  QSignalSpy chosen(&grid, &ChartGrid::chosen);
  grid.views()[1]->choose_part(0);
  REQUIRE(chosen.size() == 1);
  CHECK(chosen[0][0].toString() == "key b");
  CHECK(grid.views()[0]->nextInFocusChain() == grid.views()[1]);
  grid.set_charts({three_marks()});
  CHECK(grid.views().size() == 1);
}

TEST_CASE("ChartView: a fixed height grows by what names and notes take, and shrinks where nothing is drawn",
          "[charts]") {
  ChartView view;
  view.resize(600, 400);
  view.set_height(280);
  Chart plain = three_marks();
  plain.note.clear();
  plain.missing.clear();
  view.set_chart(plain);
  const double plot = view.scene().plot.height();
  CHECK(view.height() == 280);

  Chart crowded = three_marks();
  for (int i = 0; i < 12; ++i) {
    crowded.series.push_back({.name = QString("a rather long name of a run, number %1").arg(i), .points = {{1, 2}}});
    crowded.missing << QString("run %1: no time").arg(i);
  }
  view.set_chart(crowded);
  CHECK(view.height() > 280);
  CHECK(view.scene().plot.height() >= 0.9 * plot);

  view.set_chart({.title = "Speed", .missing = {"run d: no time"}});
  CHECK(view.height() < 160);
}
