// A run that another process writes, watched in the window.

#include <QApplication>
#include <QElapsedTimer>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QProcess>
#include <QRegularExpression>
#include <QTableView>
#include <QTest>

#include "gui/app/main_window.h"
#include "gui/models/run_columns.h"
#include "gui/test_waiting.h"
#include "results/test_facts.h"

namespace assay::gui {

namespace {

/// `assay run` over so many samples that it doesn't end by itself while it is looked at.
struct LiveRun {
  results::testing::TemporaryFolder folder;
  QString database = QString::fromStdString(folder / "live.db");
  QSettings settings{QString::fromStdString(folder / "settings.ini"), QSettings::IniFormat};
  QProcess process;

  LiveRun() {
    process.start(ASSAY_PROGRAM,
                  {"run", "--model", "reference", "--suite", "choice-smoke", "--samples", "200", "--name", "live",
                   "--device", "cpu", "--max-batch", "2", "--quiet", "--db", database});
    REQUIRE(wait_until([&] { return !read_runs({database}).runs.empty(); }, 60'000));
  }
  ~LiveRun() {
    process.kill();
    process.waitForFinished(10'000);
  }
};

/// Samples stored, as the cell of the state says; 0 while it says nothing of it.
int shown_samples(const QString& text) {
  static const QRegularExpression progress("^([0-9,]+)/[0-9,]+, .+ left$");
  return progress.match(text).captured(1).remove(',').toInt();
}

}  // namespace

TEST_CASE("live: a run of another process grows in the window by itself, with progress and the time left") {
  LiveRun live;
  ViewState state;
  state.databases = {live.database};
  MainWindow window(state, live.settings);
  window.show();
  window.activateWindow();
  auto* table = window.findChild<QTableView*>("runs");
  auto* filter = window.findChild<QLineEdit*>("search");
  REQUIRE(table != nullptr);
  REQUIRE(filter != nullptr);
  filter->setFocus();
  const auto state_text = [&] {
    return table->model()->index(0, static_cast<int>(RunColumn::state)).data(Qt::DisplayRole).toString();
  };
  int n_before = 0;
  for (const char letter : {'l', 'i', 'v'}) {  // each time it grows a letter is typed, where the keyboard is
    REQUIRE(wait_until([&] { return shown_samples(state_text()) > n_before; }, 60'000));
    n_before = shown_samples(state_text());
    REQUIRE(QApplication::focusWidget() == filter);
    QTest::keyClick(QApplication::focusWidget(), letter);
  }
  CHECK(filter->text() == "liv");
  CHECK(table->model()->rowCount() == 1);
  CHECK_THAT(window.status_text().toStdString(),
             Catch::Matchers::Contains("live: ") && Catch::Matchers::EndsWith(" left"));

  live.process.terminate();
  REQUIRE(wait_until([&] { return state_text().startsWith("interrupted "); }, 60'000));
  CHECK(live.process.exitCode() == 4);
  CHECK_FALSE(window.status_text().contains("left"));
  ViewState chosen = window.navigator().state();
  chosen.runs = {QString::fromStdString(window.workspace().runs()->front().run.run_id.value)};
  window.navigator().go(chosen);
  for (const QAction* action : window.menuBar()->actions().first()->menu()->actions()) {
    if (action->text().startsWith("&Go on")) CHECK(action->isEnabled());
  }
}

}  // namespace assay::gui
