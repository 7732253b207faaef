#include "gui/views/charts/heat_map.h"

#include <QApplication>
#include <QClipboard>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>

#include "gui/views/theme.h"
#include "tests/support/catch.h"

using namespace assay::gui;
using assay::results::Verdict;

namespace {

// Counts how often a cell is asked for.
struct Outcomes : HeatMapSource {
  int rows, columns;
  mutable int n_asked = 0;

  Outcomes(int n_rows_of, int n_columns_of) : rows(n_rows_of), columns(n_columns_of) {}
  int n_rows() const override { return rows; }
  int n_columns() const override { return columns; }
  QString row_name(int row) const override { return QString("item %1").arg(row); }
  QString column_name(int column) const override { return column == 0 ? "=run" : QString("run %1").arg(column); }
  std::optional<HeatCell> cell(int row, int column) const override {
    ++n_asked;
    if (row == 1 && column == 1) return std::nullopt;
    if (row == 0) return HeatCell{Verdict::correct, 1, 4};
    return HeatCell{Verdict::truncated, 0.25, 4};
  }
  QString tooltip(int row, int column) const override {
    return QString("%1\n%2\n<b>4 samples</b>").arg(row_name(row), column_name(column));
  }
};

struct Shown {
  Outcomes outcomes;
  HeatMap map;
  Shown(int rows, int columns) : outcomes(rows, columns) {
    map.resize(600, 400);
    map.set_source(&outcomes, "Choose runs first");
    map.show();
    map.activateWindow();
    map.setFocus();
  }
  QPoint current() const { return {map.current_column(), map.current_row()}; }
};

}  // namespace

TEST_CASE("HeatMap: keys go from cell to cell and scroll there, Enter chooses", "[charts]") {
  Shown shown(10'000, 20);
  HeatMap& map = shown.map;
  QSignalSpy chosen(&map, &HeatMap::chosen);
  QSignalSpy moved(&map, &HeatMap::currentChanged);
  QTest::keyClick(&map, Qt::Key_Return);
  CHECK(chosen.empty());  // nothing is current yet
  QTest::keyClick(&map, Qt::Key_Down);
  CHECK(shown.current() == QPoint(0, 0));
  QTest::keyClick(&map, Qt::Key_Down);
  QTest::keyClick(&map, Qt::Key_Right);
  CHECK(shown.current() == QPoint(1, 1));
  CHECK(moved.size() == 3);
  QTest::keyClick(&map, Qt::Key_Return);
  REQUIRE(chosen.size() == 1);
  CHECK(chosen[0] == QVariantList{1, 1});
  QTest::keyClick(&map, Qt::Key_End, Qt::ControlModifier);
  CHECK(shown.current() == QPoint(19, 9999));
  CHECK(map.viewport()->rect().contains(map.cell_box(9999, 19)));
  QTest::keyClick(&map, Qt::Key_Down);
  CHECK(shown.current() == QPoint(19, 9999));
  QTest::keyClick(&map, Qt::Key_PageUp);
  CHECK(map.current_row() < 9999);
  QTest::keyClick(&map, Qt::Key_Home, Qt::ControlModifier);
  CHECK(shown.current() == QPoint(0, 0));
  CHECK(map.verticalScrollBar()->value() == 0);
}

TEST_CASE("HeatMap: names stay in place while cells scroll under them", "[charts]") {
  Shown shown(10'000, 20);
  HeatMap& map = shown.map;
  const QRect first = map.cell_box(0, 0);
  map.verticalScrollBar()->setValue(70);
  CHECK(map.cell_box(0, 0) == first.translated(0, -70));
  // A point in the names' rows is no cell, wherever the cells are.
  CHECK(map.part_at({first.left() + 3, first.top() - 3}) == -1);
  CHECK(map.part_at({first.left() - 3, first.top() + 3}) == -1);
  CHECK(map.part_at({first.left() + 3, first.top() + 3}) / 20 == 70 / first.height());
}

TEST_CASE("HeatMap: only visible cells are asked for and painted", "[charts]") {
  Shown shown(10'000, 20);
  shown.map.grab();
  shown.outcomes.n_asked = 0;
  shown.map.verticalScrollBar()->setValue(50'000);
  shown.map.viewport()->grab();
  CHECK(shown.outcomes.n_asked > 0);
  CHECK(shown.outcomes.n_asked < 2'000);
}

TEST_CASE("HeatMap: a click chooses, the source may change under it", "[charts]") {
  Shown shown(30, 3);
  HeatMap& map = shown.map;
  QSignalSpy chosen(&map, &HeatMap::chosen);
  QTest::mouseClick(map.viewport(), Qt::LeftButton, {}, map.cell_box(4, 2).center());
  REQUIRE(chosen.size() == 1);
  CHECK(chosen[0] == QVariantList{4, 2});
  shown.outcomes.rows = 5;
  map.source_changed();
  CHECK(shown.current() == QPoint(2, 4));
  shown.outcomes.rows = 4;
  map.source_changed();
  CHECK(shown.current() == QPoint(-1, -1));
  map.set_source(nullptr, "Choose runs first");
  map.grab();
  QTest::keyClick(&map, Qt::Key_Down);
  CHECK(map.n_parts() == 0);
  CHECK(map.description() == "Choose runs first");
}

TEST_CASE("HeatMap: cells are a colour, a letter and the share of correct samples", "[charts]") {
  Shown shown(3, 2);
  const QImage image = shown.map.viewport()->grab().toImage();
  const QRect pure = shown.map.cell_box(0, 0), mixed = shown.map.cell_box(2, 0), missing = shown.map.cell_box(1, 1);
  const auto left = [&](const QRect& box) { return image.pixelColor(box.left() + 3, box.top() + 3); };
  const auto right = [&](const QRect& box) { return image.pixelColor(box.right() - 2, box.top() + 3); };
  CHECK(left(pure) == right(pure));
  CHECK(left(mixed) != right(mixed));  // a quarter is filled
  CHECK(left(missing) == light_theme().panel);
}

TEST_CASE("HeatMap: Ctrl+C copies all as CSV", "[charts]") {
  Shown shown(2, 2);
  QTest::keyClick(&shown.map, Qt::Key_C, Qt::ControlModifier);
  CHECK(QApplication::clipboard()->text() ==
        "item,'=run,'=run correct_ratio,run 1,run 1 correct_ratio\r\n"
        "item 0,correct,1,correct,1\r\n"
        "item 1,truncated,0.25,,\r\n");
}

TEST_CASE("HeatMap: screen readers find a cell by place and number, made when asked for", "[charts]") {
  Shown shown(10'000, 20);
  QAccessibleInterface* table = QAccessible::queryAccessibleInterface(&shown.map);
  REQUIRE(table != nullptr);
  CHECK(table->role() == QAccessible::Table);
  CHECK(table->childCount() == 200'000);
  QAccessibleInterface* cell = table->child(20 * 3 + 2);
  REQUIRE(cell != nullptr);
  CHECK(cell->role() == QAccessible::Cell);
  CHECK(cell->text(QAccessible::Name) == "item 3\nrun 2\n<b>4 samples</b>");
  CHECK(table->childAt(cell->rect().center().x(), cell->rect().center().y()) == cell);
  CHECK(table->child(199'999)->state().offscreen);
}
