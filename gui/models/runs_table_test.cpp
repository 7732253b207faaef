#include "gui/models/runs_table.h"

#include <QAbstractItemModelTester>
#include <QFile>
#include <QSignalSpy>
#include <QTest>
#include <QThreadPool>
#include <numeric>

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
  CHECK(table.equal_columns().empty());  // nobody wants to know
  table.find_equal_columns(true);
  CHECK(table.is_busy());
  show_all(table, fixture.runs(), {});
  const std::vector<RunColumn> equal = table.equal_columns();
  const auto is_equal = [&](RunColumn column) { return std::find(equal.begin(), equal.end(), column) != equal.end(); };
  CHECK(is_equal(RunColumn::suites));
  CHECK(is_equal(RunColumn::hardware));
  CHECK_FALSE(is_equal(RunColumn::name));
  CHECK_FALSE(is_equal(RunColumn::accuracy));
}

TEST_CASE("differences: busy until those of all wanted runs are there, however many batches that takes") {
  const BrowseRuns fixture;
  for (int i = 0; i < 17; ++i) {
    fixture.add(QString("1%1").arg(i, 11, 10, QChar('0')), "more", "tiny", 3,
                [](int, int) { return results::Verdict::correct; });
  }
  const auto runs = fixture.runs();
  DifferenceReader reader;
  std::size_t n_known = 0;
  int n_batches = 0;
  QObject::connect(&reader, &DifferenceReader::differences_changed, [&](const QStringList& run_ids) {
    n_known += static_cast<std::size_t>(run_ids.size());
    ++n_batches;
    CHECK(reader.is_busy() == (n_known < runs->size() - 1));
  });
  reader.set_baseline(runs, fixture.first, {});
  std::vector<std::size_t> all(runs->size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  reader.set_wanted(all);
  REQUIRE(wait_until([&] { return !reader.is_busy(); }));
  CHECK(n_known == runs->size() - 1);
  CHECK(n_batches >= 3);
}

TEST_CASE("equal columns: found in turns, and again where figures come meanwhile") {
  constexpr int kRows = 3 * EqualColumns::kRowsATurn;
  int n_asked = 0;
  QString figure = "…";  // of the second row
  EqualColumns equal(
      [&](int row, RunColumn column) -> RunCell {
        ++n_asked;
        if (column == RunColumn::name) return {QString::number(row), {}, {}};
        if (column != RunColumn::e2e_ms || row != 1) return {"same", {}, {}};
        return {figure, {}, {}, figure == "…"};
      },
      nullptr);
  const auto has = [&](RunColumn column) {
    const auto& columns = equal.columns();
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  QSignalSpy changes(&equal, &EqualColumns::changed);
  equal.look(kRows, false);
  CHECK(n_asked == kRunColumns);  // the first row alone: the others come in turns
  QCoreApplication::processEvents();
  CHECK(n_asked <= (1 + EqualColumns::kRowsATurn) * kRunColumns);
  CHECK(equal.is_busy());
  REQUIRE(wait_until([&] { return !equal.is_busy(); }));
  CHECK(changes.size() == 1);
  CHECK(has(RunColumn::model));
  CHECK_FALSE(has(RunColumn::name));
  CHECK_FALSE(has(RunColumn::e2e_ms));
  figure = "same";
  equal.look(kRows, true);
  QCoreApplication::processEvents();  // the second row is behind
  figure = "other";
  equal.look(kRows, true);
  REQUIRE(wait_until([&] { return !equal.is_busy(); }));
  CHECK_FALSE(has(RunColumn::e2e_ms));
  CHECK(has(RunColumn::model));
  figure = "same";
  equal.look(kRows, true);
  REQUIRE(wait_until([&] { return !equal.is_busy(); }));
  CHECK(has(RunColumn::e2e_ms));
  equal.look(1, false);
  REQUIRE(wait_until([&] { return !equal.is_busy(); }));
  CHECK(equal.columns().empty());
}

TEST_CASE("figures: remembered between starts, for this state of the run alone, a broken file is ignored") {
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

TEST_CASE("figures: of many runs an overview is there at once, and what is resampled follows") {
  const BrowseRuns fixture;
  for (int i = 0; i < 17; ++i) {
    fixture.add(QString("1%1").arg(i, 11, 10, QChar('0')), "more", "tiny", 3 + i % 5, [i](int item, int sample) {
      return 2 * item + sample < i % 8 ? results::Verdict::correct : results::Verdict::incorrect;
    });
  }
  const auto runs = fixture.runs();
  RunsTable table;
  const QAbstractItemModelTester tester(&table, Mode::Fatal);
  FiguresReader reader;
  FiguresById overviews;  // as they were when all of them had come
  QObject::connect(&reader, &FiguresReader::figures_changed, [&] {
    if (!overviews.isEmpty() || !reader.knows_all()) return;
    for (const LocatedRun& located : *runs) {
      const QString id = QString::fromStdString(located.run.run_id.value);
      overviews.insert(id, {{}, *reader.find(id)});
    }
  });
  reader.set_runs(runs);
  reader.set_first({4});
  const auto is_whole = [&](const LocatedRun& located) {
    const RunFigures* figures = reader.find(QString::fromStdString(located.run.run_id.value));
    return figures != nullptr && figures->is_whole;
  };
  REQUIRE(wait_until([&] { return std::all_of(runs->begin(), runs->end(), is_whole); }));
  REQUIRE(overviews.size() == 20);
  const auto store = results::Store::open_read_only(fixture.database.toStdString());
  REQUIRE(results::testing::ok(store));
  for (std::size_t i = 0; i < runs->size(); ++i) {
    const QString id = QString::fromStdString((*runs)[i].run.run_id.value);
    const RunFigures whole = figures_of(*summarise(*store, RunId(id.toStdString())));
    CHECK(*reader.find(id) == whole);
    RunFigures expected = whole;
    if (i != 4) {  // what is looked at is read before
      expected.is_whole = false;
      expected.suites[0].ci95.reset();
      expected.suites[0].ci95_method.clear();
    }
    CHECK(overviews[id].figures == expected);
  }

  // Accuracies of complete runs are counted in their records, so their order needs no sample.
  QThreadPool::globalInstance()->waitForDone();
  QFile::remove(cache_file(fixture.database, "figures.json"));
  const auto values = [&](RunColumn column) {
    std::vector<double> shown;
    for (int row = 0; row < table.rowCount(); ++row) {
      shown.push_back(table.index(row, static_cast<int>(column)).data(RunsTable::SortRole).toDouble());
    }
    return shown;
  };
  table.show(runs, sorted_by("accuracy"));
  const std::vector<double> accuracies = values(RunColumn::accuracy);
  CHECK(accuracies.front() == 0);
  CHECK(accuracies.back() == 0.875);  // 7 of 8
  CHECK(std::is_sorted(accuracies.begin(), accuracies.end()));
  CHECK(text(table, 19, RunColumn::accuracy) == "87.5 %");
  // The order of other figures is right as soon as the table says that it is busy no more.
  table.show(runs, sorted_by("e2e_ms"));
  CHECK(table.is_busy());
  CHECK(text(table, 0, RunColumn::e2e_ms) == "…");
  REQUIRE(wait_until([&] { return !table.is_busy(); }));
  const std::vector<double> times = values(RunColumn::e2e_ms);
  CHECK(times.front() == 101.5);
  CHECK(std::is_sorted(times.begin(), times.end()));
  // Where energy is not in the overview its cells say that it is being read, not that there is none.
  RunFigures overview = overviews[QString::fromStdString(runs->front().run.run_id.value)].figures;
  CHECK_FALSE(run_cell(RunColumn::joules_total, {&runs->front(), &overview}, {}).is_coming);
  overview.has_energy = false;
  CHECK(run_cell(RunColumn::joules_total, {&runs->front(), &overview}, {}).is_coming);
  CHECK_FALSE(run_cell(RunColumn::accuracy, {&runs->front(), &overview}, {}).is_coming);
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
