#include "gui/views/data_table.h"

#include <QHeaderView>
#include <QImage>

#include "tests/support/catch.h"

using namespace assay::gui;

namespace {

/// A name, a figure, and a sentence that is wider than many a window.
Table verdicts() {
  Table table;
  table.name = "verdicts";
  table.columns = {{"metric", "", false}, {"value of the candidate", "", true}, {"why", "", false}};
  table.rows = {{text_cell("accuracy"), figure_cell(0.5, number_text),
                 text_cell("a change of two points is neither shown nor excluded; about six hundred items in both "
                           "runs would settle it")},
                {text_cell("tokens"), figure_cell(123456789, number_text), text_cell("same")}};
  return table;
}

int width_of_columns(const DataTable& table) { return table.horizontalHeader()->length(); }

}  // namespace

TEST_CASE("DataTable: texts wrap where there is no room, figures stay whole, nothing is cut") {
  DataTable table(nullptr);
  table.resize(1600, 400);
  table.set_table(verdicts());
  table.show();
  const int low = table.rowHeight(1);
  CHECK(table.rowHeight(0) == low);
  const int figure_width = table.columnWidth(1);

  table.resize(420, 400);
  CHECK(width_of_columns(table) <= table.viewport()->width());
  CHECK(table.rowHeight(0) >= 2 * table.fontMetrics().height());
  CHECK(table.rowHeight(1) == low);            // only rows that need it
  CHECK(table.columnWidth(1) < figure_width);  // its title is in two lines
  CHECK(table.columnWidth(1) > table.fontMetrics().horizontalAdvance("123,456,789"));
  CHECK(table.horizontalHeader()->height() > 2 * table.fontMetrics().height());
  CHECK(table.viewport()->y() == table.horizontalHeader()->geometry().bottom() + 1);  // no row is below the titles
  CHECK(table.sizeHint().height() >= table.horizontalHeader()->height() + table.rowHeight(0) + table.rowHeight(1));

  table.resize(1600, 400);
  CHECK(table.rowHeight(0) == low);
  CHECK(table.columnWidth(1) == figure_width);
}

TEST_CASE("DataTable: a word that can't be broken keeps its column wide enough") {
  Table long_word = verdicts();
  long_word.rows[0][0] = text_cell("memory_bandwidth_sustained");
  DataTable table(nullptr);
  table.resize(420, 400);
  table.set_table(long_word);
  table.show();
  CHECK(table.columnWidth(0) > table.fontMetrics().horizontalAdvance("memory_bandwidth_sustained"));
}

TEST_CASE("DataTable: without a row it says so") {
  Table empty = verdicts();
  empty.rows.clear();
  DataTable table(nullptr);
  table.resize(600, 100);
  table.set_table(empty);
  table.show();
  const QImage picture = table.viewport()->grab().toImage();
  bool has_text = false;
  for (int x = 0; x < picture.width() && !has_text; ++x) {
    for (int y = 0; y < picture.height(); ++y) has_text |= picture.pixel(x, y) != picture.pixel(picture.width() - 1, 0);
  }
  CHECK(has_text);
}
