// The pages Compare, Speed, Hardware and Cost, driven by keys over a small database.
#include <QAbstractItemModelTester>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QTest>
#include <set>

#include "gui/test_database.h"
#include "gui/test_waiting.h"
#include "gui/views/charts/chart_view.h"
#include "gui/views/compare/compare_page.h"
#include "gui/views/cost/cost_page.h"
#include "gui/views/hardware/hardware_page.h"
#include "gui/views/speed/speed_page.h"
#include "results/schema.h"
#include "results/sqlite.h"

namespace assay::gui {

using namespace testing;

namespace {

/// A page that is shown as the window would: it draws itself whenever the state changes.
template <class PageType>
struct ShownPage {
  TestDatabase database;
  Workspace workspace;
  Navigator navigator;
  PageType page{PageContext{workspace, navigator}, nullptr};

  explicit ShownPage(bool has_runs = true) {
    workspace.set_databases({database.path});
    REQUIRE(wait_until([&] { return workspace.runs()->size() == 3; }));
    QObject::connect(&navigator, &Navigator::changed, &page, [this] { page.refresh(); });
    page.resize(1200, 900);
    page.show();
    ViewState state = navigator.state();
    state.page = page.name();
    state.databases = {database.path};
    if (has_runs) state.runs = QStringList{database.before, database.after};
    navigator.go(state);
    settle();
  }
  void settle() {
    REQUIRE(wait_until([&] { return !page.is_busy(); }));
    QCoreApplication::processEvents();
  }
  DataTable* table(const QString& name) {
    for (DataTable* table : page.template findChildren<DataTable*>()) {
      if (table->accessibleName() == name) return table;
    }
    return nullptr;
  }
  QPushButton* button(const QString& begin) {
    for (QPushButton* button : page.template findChildren<QPushButton*>()) {
      if (button->isVisible() && button->text().remove('&').startsWith(begin)) return button;
    }
    return nullptr;
  }
};

/// Widgets that Tab reaches, in order.
QStringList names_by_tab(QWidget& page) {
  QStringList names;
  QApplication::setActiveWindow(&page);
  page.setFocus();
  for (int i = 0; i < 80; ++i) {
    QTest::keyClick(QApplication::focusWidget() != nullptr ? QApplication::focusWidget() : &page, Qt::Key_Tab);
    QWidget* focus = QApplication::focusWidget();
    if (focus != nullptr)
      names << (focus->accessibleName().isEmpty() ? focus->metaObject()->className() : focus->accessibleName());
  }
  return names;
}

/// The SQL that a page gives must run on the database it is of.
std::int64_t n_rows_of(const QString& sql, const QString& database) {
  auto connection = results::open_for_reading(database.toStdString());
  REQUIRE(ok(connection));
  auto statement = (*connection)->prepare(sql.toStdString());
  REQUIRE(ok(statement));
  std::int64_t n = 0;
  REQUIRE(ok(results::for_each_row(*statement, [&]() -> Result<> {
    ++n;
    return {};
  })));
  return n;
}

/// No cell is cut: its text wraps where there is no room. How many there are.
int check_widths(DataTable& table) {
  QStyleOptionViewItem option;
  option.initFrom(&table);
  option.widget = &table;
  const QAbstractItemModel& model = *table.model();
  for (int row = 0; row < model.rowCount(); ++row) {
    for (int column = 0; column < model.columnCount(); ++column) {
      const QModelIndex cell = model.index(row, column);
      const int needed = table.itemDelegate()->sizeHint(option, cell).width();
      const QString text = cell.data().toString();
      QFont font = table.font();
      font.setBold(cell.data(TableModel::tone_role).toInt() == static_cast<int>(CellTone::strong));
      const QFontMetrics metrics(font);
      const int beside = std::max(0, needed - metrics.horizontalAdvance(text));
      const QRect wrapped =
          metrics.boundingRect(QRect(0, 0, table.columnWidth(column) - beside, 10'000), Qt::TextWordWrap, text);
      INFO(text.toStdString());
      CHECK((needed <= table.columnWidth(column) || wrapped.height() <= table.rowHeight(row)));
    }
  }
  return model.rowCount() * model.columnCount();
}

/// The chart as PNG, SVG, PDF and CSV, the CSV with a row for each point.
void check_saved(const ChartView& view, const results::testing::TemporaryFolder& folder) {
  const Chart& chart = view.chart();
  INFO(chart.title.toStdString());
  std::size_t n_rows = 1 + static_cast<std::size_t>(chart.missing.size());
  for (const ChartSeries& series : chart.series) n_rows += series.points.size();
  const auto bytes_as = [&](const std::string& ending) {
    const QString path = QString::fromStdString(folder / ("chart." + ending));
    REQUIRE(ok(view.save(path)));
    QFile file(path);
    REQUIRE(file.open(QIODevice::ReadOnly));
    return file.readAll();
  };
  CHECK(bytes_as("png").startsWith("\x89PNG"));
  CHECK(bytes_as("pdf").startsWith("%PDF"));
  CHECK(bytes_as("csv").count("\r\n") == static_cast<qsizetype>(n_rows));
  const QByteArray svg = bytes_as("svg");
  CHECK(svg.contains("<svg"));
  CHECK(svg.contains(chart.title.left(8).toHtmlEscaped().toUtf8()));
}

}  // namespace

TEST_CASE("pages: without runs they say what to do, and their buttons do it") {
  ShownPage<ComparePage> shown(false);
  CHECK(shown.page.message().contains("Choose two or more runs"));
  QPushButton* newest = shown.button("Take the 2 newest runs");
  REQUIRE(newest != nullptr);
  newest->setFocus();
  QTest::keyClick(newest, Qt::Key_Space);
  shown.settle();
  CHECK(shown.navigator.state().runs.size() == 2);
  CHECK(shown.page.message().isEmpty());
  shown.navigator.undo();
  shown.settle();
  CHECK(shown.page.message().contains("Choose two or more runs"));
  QTest::keyClick(shown.button("Choose on the page Runs"), Qt::Key_Space);
  CHECK(shown.navigator.state().page == "runs");
}

TEST_CASE("pages: a chosen run that no open database holds is named") {
  ShownPage<SpeedPage> shown(false);
  ViewState state = shown.navigator.state();
  state.runs = QStringList{"<b>gone"};
  shown.navigator.go(state);
  shown.settle();
  CHECK(shown.page.message().contains("<b>gone"));
}

TEST_CASE("compare page: a flip that is chosen by keys leads to the item") {
  ShownPage<ComparePage> shown;
  DataTable* flips = shown.table("Items whose outcome changed");
  REQUIRE(flips != nullptr);
  REQUIRE(flips->table().rows.size() == 4);
  flips->setFocus();
  flips->setCurrentIndex(flips->model()->index(0, 0));
  QTest::keyClick(flips, Qt::Key_Down);
  QTest::keyClick(flips, Qt::Key_Return);
  CHECK(shown.navigator.state().page == "items");
  CHECK(shown.navigator.state().suite == "sums");
  CHECK(shown.navigator.state().item == "i2");
}

TEST_CASE("compare page: hostile names are text, tables copy as CSV, the SQL runs") {
  ShownPage<ComparePage> shown;
  bool is_named = false;
  for (const QLabel* label : shown.page.findChildren<QLabel*>()) {
    if (!label->text().contains("after")) continue;
    is_named = true;
    CHECK(label->textFormat() == Qt::PlainText);
    CHECK_FALSE(label->text().contains(QChar(0x202E)));
  }
  CHECK(is_named);
  DataTable* paired = shown.table("Accuracy, paired by item");
  REQUIRE(paired != nullptr);
  paired->setFocus();
  QTest::keySequence(paired, QKeySequence::Copy);
  CHECK(QApplication::clipboard()->text() == shown.page.as_csv());
  CHECK(shown.page.as_csv().startsWith("candidate,suite,items"));
  CHECK(n_rows_of(shown.page.as_sql(), shown.database.path) == 2 * kItems);
}

TEST_CASE("compare page: filters are steps that undo takes back") {
  ShownPage<ComparePage> shown;
  ViewState state = shown.navigator.state();
  state.settings["compare.flips"] = "gained";
  shown.navigator.go(state);
  shown.settle();
  CHECK(shown.table("Items whose outcome changed")->table().rows.size() == 1);
  shown.navigator.undo();
  shown.settle();
  CHECK(shown.table("Items whose outcome changed")->table().rows.size() == 4);
}

TEST_CASE("cost page: a price that is typed is a step, a wrong one is named and what was shown stays") {
  ShownPage<CostPage> shown;
  const QString name = "Cost of the chosen runs";
  const double whole = *shown.table(name)->table().rows[0][2].value;
  auto* price = shown.page.findChild<QLineEdit*>();
  REQUIRE(price != nullptr);
  REQUIRE(price->accessibleName() == "Price");
  price->setFocus();
  QTest::keyClicks(price, "4");
  QTest::keyClick(price, Qt::Key_Return);
  shown.settle();
  CHECK(shown.navigator.state().settings["cost.price"] == "4");
  CHECK(*shown.table(name)->table().rows[0][2].value == Approx(2 * whole));
  price->selectAll();
  QTest::keyClicks(price, "cheap");
  QTest::keyClick(price, Qt::Key_Return);
  shown.settle();
  CHECK(*shown.table(name)->table().rows[0][2].value == Approx(2 * whole));
  bool is_named = false;
  for (const QLabel* label : shown.page.findChildren<QLabel*>()) {
    is_named = is_named || (label->isVisible() && label->text().contains("cheap"));
  }
  CHECK(is_named);
  CHECK(n_rows_of(shown.page.as_sql(), shown.database.path) == 2);
}

TEST_CASE("cost page: the form's document stands in the link") {
  ShownPage<CostPage> shown;
  auto* form = shown.page.findChild<WhatIfForm*>();
  REQUIRE(form != nullptr);
  auto* edit = form->findChildren<QLineEdit*>().at(11);  // idle power
  edit->setFocus();
  QTest::keyClicks(edit, "70");
  QTest::keyClick(edit, Qt::Key_Return);
  shown.settle();
  CHECK(shown.navigator.state().settings["cost.what_if"] == R"({"energy":{"idle_watts":70.0}})");
  const auto again = parse_link(to_link(shown.navigator.state()));
  REQUIRE(ok(again));
  CHECK(*again == shown.navigator.state());
}

TEST_CASE("compare page: runs of benchmarks, which have no suites, have no panel of accuracies") {
  ShownPage<ComparePage> shown;
  const auto has_accuracies = [&] {
    const auto panels = shown.page.findChildren<Panel*>();
    return std::any_of(panels.begin(), panels.end(), [](const Panel* panel) {
      return panel->isVisible() && panel->accessibleName() == "Accuracy by suite";
    });
  };
  CHECK(has_accuracies());
  ViewState state = shown.navigator.state();
  state.runs.clear();
  {
    auto store = results::Store::open_or_create(shown.database.path.toStdString());
    REQUIRE(ok(store));
    for (const char* name : {"decode", "prefill"}) {
      results::RunFacts facts = results::testing::some_run(name);
      facts.suites.clear();
      auto writer = store->begin_run(facts, results::testing::some_environment(), results::testing::kNowMs);
      REQUIRE(ok(writer));
      REQUIRE(ok(writer->finish(results::RunState::finished, results::testing::kNowMs, 1)));
      state.runs << QString::fromStdString(writer->run_id().value);
    }
  }
  REQUIRE(wait_until([&] { return shown.workspace.runs()->size() == 5; }));
  shown.navigator.go(state);
  shown.settle();
  CHECK(!shown.page.findChildren<Panel*>().isEmpty());
  CHECK_FALSE(has_accuracies());
}

TEST_CASE("cost page: the form has two columns where there is room, else one, and the page is not scrolled sideways") {
  ShownPage<CostPage> shown;
  const auto n_columns_at = [&](int width) {
    shown.page.resize(width, 700);
    shown.settle();
    CHECK(shown.page.findChild<QScrollArea*>()->horizontalScrollBar()->maximum() == 0);
    std::set<int> places;
    for (const QLineEdit* edit : shown.page.findChild<WhatIfForm*>()->findChildren<QLineEdit*>())
      places.insert(edit->x());
    return places.size();
  };
  CHECK(n_columns_at(1200) == 2);
  CHECK(n_columns_at(640) == 1);  // a window of 800
  CHECK(n_columns_at(1200) == 2);
}

TEST_CASE("speed page: the chosen latency is in the state, the SQL runs") {
  ShownPage<SpeedPage> shown;
  ViewState state = shown.navigator.state();
  state.settings["speed.latency"] = "e2e_ms";
  shown.navigator.go(state);
  shown.settle();
  bool is_drawn = false;
  for (const ChartView* view : shown.page.findChildren<ChartView*>()) {
    is_drawn = is_drawn || view->chart().title == "Time of a sample";
  }
  CHECK(is_drawn);
  CHECK(n_rows_of(shown.page.as_sql(), shown.database.path) == 2 * 2 * kItems);
  CHECK(shown.page.as_csv().contains("ttft_ms"));
}

TEST_CASE("hardware page: without a choice the newest of each device, another profile is a step") {
  ShownPage<HardwarePage> shown(false);
  DataTable* runs = shown.table("Runs of the suite by hardware");
  REQUIRE(runs != nullptr);
  CHECK(runs->table().rows.size() == 1);
  CHECK(shown.table("Figures without samples")->table().rows.size() == 4);
  CHECK(shown.table("Published figures of devices")->table().columns.size() == 7);
  ViewState state = shown.navigator.state();
  state.settings["hardware.profiles"] = "h100-pcie,nonsense";
  shown.navigator.go(state);
  shown.settle();
  CHECK(shown.table("Published figures of devices")->table().columns.size() == 3);
  CHECK(n_rows_of(shown.page.as_sql(), shown.database.path) == 2);
}

TEST_CASE("pages: Tab reaches every table, chart and control, none keeps it") {
  ShownPage<ComparePage> compare;
  const QStringList names = names_by_tab(compare.page);
  for (const char* name : {"Accuracy, paired by item", "Items whose outcome changed", "Which changes"}) {
    INFO(names.join(", ").toStdString());
    CHECK(names.contains(name));
  }
  ShownPage<CostPage> cost;
  const QStringList cost_names = names_by_tab(cost.page);
  for (const char* name : {"Price", "Utilisation", "Cost of the chosen runs", "Years of use"}) {
    INFO(cost_names.join(", ").toStdString());
    CHECK(cost_names.contains(name));
  }
}

TEST_CASE("pages: what holds for every table and every chart of all of them") {
  const TestDatabase database;
  int n_charts = 0;
  // Each page is made once: reading what it shows takes longer than looking at it.
  const auto look_at = [&](auto&& shown) {
    QWidget& page = shown.page;
    int n_cells = 0;
    for (DataTable* table : page.findChildren<DataTable*>()) {
      INFO(table->accessibleName().toStdString());
      const QAbstractItemModelTester tester(table->table_model(),
                                            QAbstractItemModelTester::FailureReportingMode::Fatal);
      CHECK_FALSE(table->accessibleName().isEmpty());
      n_cells += check_widths(*table);
    }
    CHECK(n_cells > 20);
    for (const ChartView* view : page.findChildren<ChartView*>()) {
      if (!view->isVisible()) continue;
      ++n_charts;
      CHECK_FALSE(view->chart().title.isEmpty());
      check_saved(*view, database.folder);
    }
    for (const Theme* theme : {&light_theme(), &dark_theme()}) {
      page.setPalette(palette_of(*theme));
      CHECK_FALSE(page.grab().isNull());
    }
  };
  look_at(ShownPage<ComparePage>());
  look_at(ShownPage<SpeedPage>());
  look_at(ShownPage<HardwarePage>());
  look_at(ShownPage<CostPage>());
  CHECK(n_charts > 12);
}

}  // namespace assay::gui
