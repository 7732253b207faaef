#include "gui/models/table.h"
#include "gui/models/plain_text.h"

#include <QAbstractItemModelTester>
#include <cmath>

#include "tests/support/catch.h"

namespace assay::gui {

TEST_CASE("figure_text: figures as people read them, never a 0 that is none") {
  CHECK(share_text(0.8126) == "81.3 %");
  CHECK(points_text(0.021) == "+2.1");
  CHECK(points_text(-0.5) == "-50.0");
  CHECK(number_text(0) == "0");
  CHECK(number_text(0.00012345) == "0.000123");
  CHECK(number_text(12.345) == "12.3");
  CHECK(number_text(999.9) == "1,000");
  CHECK(number_text(1234.6) == "1,235");
  CHECK(number_text(-123456) == "-123,456");
  CHECK(number_text(-1234567) == "-1,234,567");
  CHECK(usd_text(0.5) == "$0.50");
  CHECK(usd_text(0.0000105) == "$0.0000105");
  CHECK(joules_text(14'400) == "14.4 kJ");
  CHECK(p_text(0.00001) == "<0.0001");
  CHECK(bytes_per_s_text(3.35e12) == "3.35 TB/s");
  CHECK(ratio_text(INFINITY) == "unbounded");
  CHECK(ratio_text(1.0004) == "1.000×");
  CHECK(ratio_text(34) == "34.0×");
  CHECK(ratio_text(1108.615) == "1,109×");
  CHECK(figure_or_dash(std::nullopt, usd_text) == unknown_text());
  CHECK(interval_text(results::Interval{1, INFINITY}, number_text) == "at least 1");
  CHECK(counted(1, "run") == "1 run");
  CHECK(counted(0, "run") == "0 runs");
}

TEST_CASE("visible_text: what is invisible or turns the order of letters is shown") {
  CHECK(visible_text("a\nb\x01") == QString("a%1b%2").arg(QChar(0x23CE), QChar(0x2401)));
  CHECK(visible_text("x\u202Etxt.exe") == "x⟨U+202E⟩txt.exe");
  CHECK(visible_text("\x7F\u200B") == "␡⟨U+200B⟩");
  CHECK(visible_text("\xFF") == QString(QChar(0xFFFD)));
  CHECK(visible_text("äöü", 2) == "äö…");
  CHECK(visible_text("<b>&") == "<b>&");
  CHECK(tooltip_html("<b>&").contains("&lt;b&gt;&amp;"));
  CHECK(visible_text(std::string(10'000'000, 'x'), 100).size() == 101);
}

TEST_CASE("csv_cell: quotes what must be, and makes no formula") {
  CHECK(csv_cell("a,b") == "\"a,b\"");
  CHECK(csv_cell("say \"x\"") == "\"say \"\"x\"\"\"");
  CHECK(csv_cell("=1+1") == "'=1+1");
  CHECK(csv_cell("-1.5") == "-1.5");
  CHECK(sql_text("it's") == "'it''s'");
}

TEST_CASE("table_csv: figures whole, intervals in two columns, unknown ones empty") {
  Table table;
  table.columns = {{"run", "", false}, {"x", "", true}, {"95 %", "", true}};
  table.rows = {{text_cell("a"), figure_cell(1.0 / 3, share_text), interval_cell(results::Interval{1, 2}, number_text)},
                {text_cell("b"), figure_cell(std::nullopt, share_text, {}, "why"),
                 interval_cell(results::Interval{1, INFINITY}, number_text)},
                {text_cell("c")}};
  CHECK(table_csv(table) == "run,x,95 % low,95 % high\r\na,0.3333333333333333,1,2\r\nb,,1,\r\nc,,,\r\n");
}

TEST_CASE("TableModel: keeps the rules of item models, through a change of table") {
  TableModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  Table table;
  table.columns = {{"run", "its name", false}, {"x", "", true}};
  table.rows = {{text_cell("<i>a</i>", "line\n<b>"), figure_cell(std::nullopt, share_text, {}, "not timed")}, {}};
  table.row_keys = {"key"};
  model.set_table(table);
  CHECK(model.rowCount() == 2);
  CHECK(model.columnCount() == 2);
  CHECK(model.data(model.index(0, 0)).toString() == "<i>a</i>");
  CHECK(model.data(model.index(0, 0), Qt::ToolTipRole).toString().contains("&lt;b&gt;"));
  CHECK(model.data(model.index(0, 1)).toString() == unknown_text());
  CHECK(model.data(model.index(0, 1), Qt::AccessibleDescriptionRole).toString() == "not timed");
  CHECK(model.data(model.index(1, 0)).isNull());
  CHECK(model.key_of(0) == "key");
  CHECK(model.key_of(1).isEmpty());
  CHECK(model.key_of(-1).isEmpty());
  CHECK(model.headerData(1, Qt::Horizontal).toString() == "x");
  model.set_table({});
  CHECK(model.rowCount() == 0);
}

}  // namespace assay::gui
