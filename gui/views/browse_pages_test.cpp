#include <QAbstractButton>
#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QTableView>
#include <QTest>

#include "gui/browse_runs.h"
#include "gui/models/runs_table.h"
#include "gui/models/transcript_search.h"
#include "gui/views/items/items_page.h"
#include "gui/views/items/reply_view.h"
#include "gui/views/items/transcript_pane.h"
#include "gui/views/runs/runs_page.h"

namespace assay::gui {

namespace {

/// A page in a window of its own, which follows the navigator as the main window does.
template <class PageKind>
struct Shown {
  BrowseRuns fixture;
  Workspace workspace;
  Navigator navigator;
  PageKind page{PageContext{workspace, navigator}, nullptr};
  explicit Shown(ViewState state = {}) {
    state.databases = {fixture.database};
    navigator.replace(std::move(state));
    QObject::connect(&navigator, &Navigator::changed, &page, &Page::refresh);
    QObject::connect(&workspace, &Workspace::runs_changed, &page, &Page::refresh);
    workspace.set_databases({fixture.database});
    page.resize(1200, 700);
    page.show();
    page.activateWindow();
    page.refresh();
    settle();
  }
  void settle() {
    REQUIRE(wait_until([&] { return workspace.runs()->size() == 3 && !page.is_busy(); }));
  }
  template <class Widget>
  Widget* find(const char* name) const {
    auto* widget = page.template findChild<Widget*>(name);
    REQUIRE(widget != nullptr);
    return widget;
  }
};

}  // namespace

TEST_CASE("runs page: keys alone filter, choose, pin and open") {
  Shown<RunsPage> shown;
  auto* search = shown.find<QLineEdit>("search");
  auto* table = shown.find<QTableView>("runs");
  CHECK(table->model()->rowCount() == 3);
  search->setFocus();
  QTest::keyClicks(search, "large");
  CHECK(shown.navigator.state().search == "large");
  CHECK(table->model()->rowCount() == 1);
  QTest::keyClick(search, Qt::Key_Escape);
  CHECK(shown.navigator.state().search.isEmpty());
  shown.navigator.undo();
  CHECK(shown.navigator.state().search == "large");
  shown.navigator.redo();
  CHECK(table->model()->rowCount() == 3);

  QTest::keyClick(search, Qt::Key_Down);
  QTest::keyClick(table, Qt::Key_Home, Qt::ControlModifier);
  QTest::keyClick(table, Qt::Key_Down);
  CHECK(shown.navigator.state().runs == QStringList{shown.fixture.second});
  QTest::keyClick(table, Qt::Key_Down, Qt::ShiftModifier);
  CHECK(shown.navigator.state().runs == QStringList{shown.fixture.second, shown.fixture.first});
  QTest::keyClick(table, Qt::Key_B, Qt::ControlModifier);
  CHECK(shown.navigator.state().baseline == shown.fixture.first);
  QTest::keyClick(table, Qt::Key_C, Qt::ControlModifier);
  CHECK(QApplication::clipboard()->text().startsWith("run_id,Started,Name"));
  CHECK(QApplication::clipboard()->text().count("\r\n") == 3);
  QTest::keyClick(table, Qt::Key_Return);
  CHECK(shown.navigator.state().page == "compare");
}

TEST_CASE("runs page: a filter hides chosen runs and leaves them chosen, a new run keeps the selection") {
  ViewState state;
  state.runs = {"00000000000b"};
  Shown<RunsPage> shown(state);
  auto* table = shown.find<QTableView>("runs");
  CHECK(table->selectionModel()->selectedRows().size() == 1);
  state = shown.navigator.state();
  state.facets["model"] = {"tiny"};
  shown.navigator.go(state);
  CHECK(table->selectionModel()->selectedRows().isEmpty());
  CHECK(shown.navigator.state().runs == QStringList{"00000000000b"});
  shown.navigator.undo();
  CHECK(table->selectionModel()->selectedRows().size() == 1);
  shown.fixture.add("00000000000d", "four", "tiny", 3, [](int, int) { return results::Verdict::correct; });
  REQUIRE(wait_until([&] { return table->model()->rowCount() == 4; }));
  REQUIRE(table->selectionModel()->selectedRows().size() == 1);
  CHECK(table->selectionModel()->selectedRows().first().data(RunsTable::RunIdRole) == "00000000000b");
}

TEST_CASE("runs page: columns follow the state, SQL and CSV name the runs that are shown") {
  ViewState state;
  state.settings["runs.columns"] = "name,seed,nonsense";
  Shown<RunsPage> shown(state);
  const auto* table = shown.find<QTableView>("runs");
  CHECK_FALSE(table->isColumnHidden(static_cast<int>(RunColumn::seed)));
  CHECK(table->isColumnHidden(static_cast<int>(RunColumn::accuracy)));
  CHECK(shown.page.as_csv().startsWith("run_id,Name,Seed\r\n00000000000c,<b>bold</b>,5\r\n"));
  CHECK(shown.page.as_sql().contains("'00000000000a'"));
  state = shown.navigator.state();
  state.settings = {{"hide_equal", "1"}};
  shown.navigator.go(state);
  shown.settle();
  CHECK(table->isColumnHidden(static_cast<int>(RunColumn::suites)));
  CHECK_FALSE(table->isColumnHidden(static_cast<int>(RunColumn::name)));
  state.facets["model"] = {"none of these"};
  shown.navigator.go(state);
  CHECK(shown.find<QLabel>("empty")->text().contains("Ctrl+Z"));
}

TEST_CASE("items page: replies side by side, reasoning folded, differences marked, by keys") {
  ViewState state;
  state.runs = {"00000000000a", "00000000000b"};
  Shown<ItemsPage> shown(state);
  auto* table = shown.find<QTableView>("outcomes");
  const QList<TranscriptPane*> panes = {shown.find<TranscriptPane>("left_reply"),
                                        shown.find<TranscriptPane>("right_reply")};
  CHECK(panes[0]->reply().toPlainText() == "The zebra of tiny has \\boxed{2} stripes");
  CHECK(panes[0]->verdict_text() == "C  correct");
  CHECK(panes[0]->reply().extraSelections().size() == 1);  // the extracted answer

  table->setFocus();
  QTest::keyClick(table, Qt::Key_Down);
  shown.settle();
  CHECK(shown.navigator.state().item == "i1");
  CHECK(panes[0]->verdict_text() == "I  incorrect");
  shown.find<QAbstractButton>("mark_differences")->click();
  CHECK(panes[0]->reply().extraSelections().size() == 2);
  panes[0]->findChild<QAbstractButton*>("fold")->click();
  CHECK(shown.navigator.state().settings["items.reasoning"] == "1");
  CHECK(panes[0]->reply().toPlainText().startsWith("<think>\nI think of one."));
  CHECK(panes[1]->reply().toPlainText().startsWith("<think>\nI think of two."));
  QTest::keyClick(table, Qt::Key_R, Qt::AltModifier);
  CHECK_FALSE(panes[1]->reply().toPlainText().startsWith("<think>"));
  QTest::keyClick(table, Qt::Key_R, Qt::AltModifier);
  CHECK(panes[1]->reply().toPlainText().startsWith("<think>"));
  shown.find<QAbstractButton>("only_differing")->click();
  CHECK(table->model()->rowCount() == 4);
  CHECK(shown.page.as_csv().startsWith("item,one,two\r\ni0,C 2/2,C 1/2\r\n"));
}

TEST_CASE("items page: a hit of the search is gone to with Enter") {
  ViewState state;
  state.runs = {"00000000000a"};
  state.settings["items.tab"] = "2";
  Shown<ItemsPage> shown(state);
  auto* words = shown.find<QLineEdit>("words");
  auto* hits = shown.find<QTableView>("hits");
  CHECK(hits->columnViewportPosition(TranscriptSearch::excerpt) == 0);
  words->setFocus();
  REQUIRE(wait_until([&] {
    // The index is filled in the background; what is asked before finds less.
    words->clear();
    QTest::keyClicks(words, "large");
    shown.settle();
    return hits->model()->rowCount() == 8;
  }));
  QTest::keyClick(words, Qt::Key_Return);
  QTest::keyClick(hits, Qt::Key_Return);
  shown.settle();
  CHECK(shown.navigator.state().runs == QStringList{"00000000000a", "00000000000b"});
  CHECK(shown.navigator.state().item == "i3");
  CHECK(shown.navigator.state().sample == 1);
}

TEST_CASE("reply view: a line of ten megabytes is shown in parts, hostile text as text") {
  ReplyView view;
  view.resize(400, 300);
  view.show();
  const QString line(10'000'000, 'x');
  QElapsedTimer timer;
  timer.start();
  view.set_reply(line, {{{10, 20}, ReplyMarkKind::answer}, {{9'000'000, 9'000'001}, ReplyMarkKind::answer}});
  CHECK(timer.elapsed() < 1000);  // 10 to 20 ms on two busy cores
  CHECK(view.n_shown() == ReplyView::kFirstCharacters);
  CHECK(view.extraSelections().size() == 1);
  CHECK(view.document()->blockCount() == 15);
  view.findChild<QAbstractButton*>("more")->click();
  CHECK(view.n_shown() == ReplyView::kFirstCharacters + ReplyView::kMoreCharacters);
  view.set_reply(QString::fromUtf8("<b>a</b><img src='http://x'>\u202Ed\x01"), {});
  CHECK(view.toPlainText() == QString::fromUtf8("<b>a</b><img src='http://x'>⟨U+202E⟩d␁"));
}

}  // namespace assay::gui
