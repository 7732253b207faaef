#include "gui/models/runs_table.h"

#include <QAbstractItemModelTester>
#include <QFile>
#include <QSignalSpy>
#include <QTest>
#include <QThreadPool>

#include "gui/browse_runs.h"
#include "gui/models/facet_model.h"

namespace assay::gui {

namespace {

using Mode = QAbstractItemModelTester::FailureReportingMode;

QStringList names_in(const RunsTable& table) {
  QStringList names;
  for (int row = 0; row < table.rowCount(); ++row) names << QString::fromStdString(table.run_at(row).run.facts.name);
  return names;
}

QString text(const RunsTable& table, int row, RunColumn column, int role = Qt::DisplayRole) {
  return table.index(row, static_cast<int>(column)).data(role).toString();
}

void show_all(RunsTable& table, const std::shared_ptr<const Runs>& runs, const ViewState& state) {
  table.show(runs, state);
  table.set_visible_rows(0, table.rowCount() - 1);
  REQUIRE(wait_until([&] { return !table.is_busy(); }));
}

ViewState sorted_by(const QString& column, bool descending = false) {
  ViewState state;
  state.sort_column = column;
  state.sort_descending = descending;
  return state;
}

}  // namespace

TEST_CASE("runs table: figures as summarise gives them, and dashes with a reason") {
  const BrowseRuns fixture;
  RunsTable table;
  const QAbstractItemModelTester tester(&table, Mode::Fatal);
  show_all(table, fixture.runs(), {});
  CHECK(names_in(table) == QStringList{"<b>bold</b>", "two", "one"});
  // 3 of 4 items of the first run are right in both samples; 4 of 8 samples of the second.
  CHECK(text(table, 2, RunColumn::accuracy).startsWith("75.0 % ["));
  CHECK(text(table, 1, RunColumn::accuracy).startsWith("50.0 % ["));
  CHECK(text(table, 1, RunColumn::truncated) == "50.0 %");
  CHECK(text(table, 0, RunColumn::no_answer) == "100.0 %");
  CHECK(text(table, 2, RunColumn::output_tokens) == "40");
  CHECK(text(table, 2, RunColumn::output_tokens_per_s) == "8.000");
  CHECK(text(table, 2, RunColumn::usd_total) == "—");
  CHECK_FALSE(table.index(2, static_cast<int>(RunColumn::usd_total)).data(RunsTable::SortRole).isValid());
  CHECK(text(table, 2, RunColumn::usd_total, Qt::ToolTipRole).contains("price"));
  CHECK(text(table, 2, RunColumn::accuracy, Qt::ToolTipRole).contains("n = 4 items"));
  CHECK(text(table, 2, RunColumn::accuracy, Qt::ToolTipRole).contains("measured"));
  CHECK(table.index(0, 0).data(RunsTable::HollowRole).toBool());
  CHECK_FALSE(table.index(2, 0).data(RunsTable::HollowRole).toBool());
}

TEST_CASE("runs table: sorted by any column, what is unknown last") {
  const BrowseRuns fixture;
  RunsTable table;
  const QAbstractItemModelTester tester(&table, Mode::Fatal);
  const auto runs = fixture.runs();
  show_all(table, runs, sorted_by("accuracy", true));
  CHECK(wait_until([&] { return names_in(table) == QStringList{"one", "two", "<b>bold</b>"}; }));
  show_all(table, runs, sorted_by("e2e_ms"));
  CHECK(names_in(table) == QStringList{"one", "two", "<b>bold</b>"});
  show_all(table, runs, sorted_by("seed"));
  CHECK(names_in(table) == QStringList{"<b>bold</b>", "two", "one"});
  show_all(table, runs, sorted_by("model"));
  CHECK(names_in(table).first() == "two");
  for (int c = 0; c < kRunColumns; ++c) {
    show_all(table, runs, sorted_by(facts_of(static_cast<RunColumn>(c)).key));
    CHECK(table.rowCount() == 3);
  }
}

TEST_CASE("runs table: words and facets let runs through, and facets count what would be") {
  const BrowseRuns fixture;
  RunsTable table;
  const QAbstractItemModelTester tester(&table, Mode::Fatal);
  const auto runs = fixture.runs();
  ViewState state;
  state.facets["model"] = {"tiny"};
  table.show(runs, state);
  CHECK(names_in(table) == QStringList{"<b>bold</b>", "one"});
  state.search = "TEAM=RED";
  table.show(runs, state);
  CHECK(names_in(table) == QStringList{"one"});
  state.search = "red nothing";
  table.show(runs, state);
  CHECK(table.rowCount() == 0);

  state.search.clear();
  const std::vector<Facet> facets = count_facets(*runs, state);
  REQUIRE(facets.front().key == "model");
  CHECK(facets.front().values == std::vector<FacetValue>{{"tiny", 2, true}, {"large", 1, false}});
  CHECK(facets.back().key == "tag.team");
  CHECK(facets.back().values == std::vector<FacetValue>{{"blue", 1, false}, {"red", 1, false}});
  state.facets = {{"date", {"2023-11"}}};
  table.show(runs, state);
  CHECK(table.rowCount() == 3);
}

TEST_CASE("runs table: a run that grew keeps its row, its selection and its place") {
  const BrowseRuns fixture;
  RunsTable table;
  const QAbstractItemModelTester tester(&table, Mode::Fatal);
  show_all(table, fixture.runs(), {});
  const QPersistentModelIndex second = table.index(table.row_of(fixture.second), 0);
  QSignalSpy resets(&table, &QAbstractItemModel::modelReset);
  // The same runs, read anew, in another order.
  table.show(fixture.runs(), sorted_by("started"));
  CHECK(resets.isEmpty());
  CHECK(table.run_id(second.row()) == fixture.second);
  fixture.add("00000000000d", "four", "tiny", 3, [](int, int) { return results::Verdict::correct; });
  table.show(fixture.runs(), sorted_by("started"));
  CHECK(table.rowCount() == 4);
}

TEST_CASE("runs table: differences to a pinned baseline are those of compare_runs") {
  const BrowseRuns fixture;
  RunsTable table;
  ViewState state;
  state.baseline = fixture.first;
  show_all(table, fixture.runs(), state);
  const int row = table.row_of(fixture.second);
  REQUIRE(wait_until([&] { return !text(table, row, RunColumn::accuracy, RunsTable::DifferenceRole).isEmpty(); }));
  CHECK(text(table, row, RunColumn::accuracy, RunsTable::DifferenceRole).startsWith("−25.0 ["));
  CHECK(text(table, row, RunColumn::accuracy, Qt::ToolTipRole).contains("n = 4 items"));
  CHECK(text(table, row, RunColumn::e2e_ms, RunsTable::DifferenceRole).startsWith("×1.1"));
  CHECK(table.index(table.row_of(fixture.first), 0).data(RunsTable::BaselineRole).toBool());
  CHECK(text(table, table.row_of(fixture.first), RunColumn::accuracy, RunsTable::DifferenceRole).isEmpty());
}

TEST_CASE("runs table: what was not measured says so beside its state, benchmarks say which") {
  LocatedRun located;
  located.title = "h800";
  located.run.facts.provenance = "projected";
  located.run.facts.command_line = "bench decode --model m";
  located.run.state = results::RunState::finished;
  const RunRow row{&located};
  CHECK(run_cell(RunColumn::state, row, "").text == "finished, projected");
  CHECK(run_cell(RunColumn::state, row, "").tooltip.contains("no samples"));
  CHECK(run_cell(RunColumn::suites, row, "").text == "bench decode");
  located.run.facts.provenance = "measured";
  CHECK(run_cell(RunColumn::state, row, "").text == "finished");
}

TEST_CASE("runs table: equal columns") {
  const BrowseRuns fixture;
  RunsTable table;
  show_all(table, fixture.runs(), {});
  const std::vector<RunColumn> equal = table.equal_columns();
  const auto is_equal = [&](RunColumn column) { return std::find(equal.begin(), equal.end(), column) != equal.end(); };
  CHECK(is_equal(RunColumn::suites));
  CHECK(is_equal(RunColumn::hardware));
  CHECK_FALSE(is_equal(RunColumn::name));
  CHECK_FALSE(is_equal(RunColumn::accuracy));
}

TEST_CASE("figures: remembered between starts, for this state of the run alone; a broken file is ignored") {
  const BrowseRuns fixture;
  const auto runs = fixture.runs();
  const QString file = cache_file(fixture.database, "figures.json");
  {
    FiguresReader reader;
    reader.set_runs(runs);
    reader.set_first({0, 1, 2});
    REQUIRE(wait_until([&] { return !reader.is_reading() && QFile::exists(file); }));
  }
  const FiguresById known = load_figures(file);
  REQUIRE(known.size() == 3);
  const auto summary = [&] {
    const auto store = results::Store::open_read_only(fixture.database.toStdString());
    return figures_of(*summarise(*store, RunId(fixture.first.toStdString())));
  }();
  CHECK(known[fixture.first].figures == summary);
  CHECK(known[fixture.first].key == figures_key((*runs)[2].run));
  {
    // What the file says is believed: that is what makes the second start fast.
    FiguresById changed = known;
    changed[fixture.first].figures.n_output_tokens = 12345;
    changed[fixture.second].key = "of before";
    changed[fixture.second].figures.n_output_tokens = 12345;
    REQUIRE(save_figures(file, changed));
    FiguresReader reader;
    reader.set_runs(runs);
    reader.set_first({0, 1, 2});
    REQUIRE(wait_until([&] {
      return reader.find(fixture.second) != nullptr && reader.find(fixture.second)->n_output_tokens != 12345;
    }));
    CHECK(reader.find(fixture.first)->n_output_tokens == 12345);
  }
  QThreadPool::globalInstance()->waitForDone();  // what the reader still had to write
  for (const char* broken : {"", "{", "[]", "{\"format\":1}", "{\"format\":1,\"runs\":[1]}",
                             "{\"format\":1,\"runs\":{\"a\":{\"suites\":[1,{}],\"ttft_ms\":[true]}}}", "\xff\xfe"}) {
    QFile opened(file);
    REQUIRE(opened.open(QIODevice::WriteOnly));
    opened.write(broken);
    opened.close();
    CHECK(load_figures(file).size() <= 1);
  }
}

TEST_CASE("facet model: ticking asks for a state") {
  const BrowseRuns fixture;
  FacetModel model;
  const QAbstractItemModelTester tester(&model, Mode::Fatal);
  model.set_facets(count_facets(*fixture.runs(), {}));
  QSignalSpy chosen(&model, &FacetModel::chosen);
  const QModelIndex facet = model.index(0, 0);
  CHECK(model.setData(model.index(1, 0, facet), Qt::Checked, Qt::CheckStateRole));
  REQUIRE(chosen.size() == 1);
  CHECK(chosen[0] == QVariantList{"model", "large", true});
  CHECK_FALSE(model.setData(facet, Qt::Checked, Qt::CheckStateRole));
  ViewState state;
  state.facets["model"] = {"large"};
  QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
  model.set_facets(count_facets(*fixture.runs(), state));
  CHECK(resets.isEmpty());
}

}  // namespace assay::gui
