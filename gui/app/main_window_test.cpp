#include "gui/app/main_window.h"

#include <QApplication>
#include <QClipboard>
#include <QDropEvent>
#include <QImage>
#include <QListWidget>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QProcess>
#include <QTest>

#include "gui/app/test_runs.h"
#include "gui/test_waiting.h"

namespace assay::gui {

namespace {

void settle(MainWindow& window) {
  REQUIRE(wait_until([&] { return !window.is_busy(); }));
}

std::vector<QAction*> menu_actions(const MainWindow& window) {
  std::vector<QAction*> actions;
  for (const QAction* menu : window.menuBar()->actions()) {
    for (QAction* action : menu->menu()->actions()) {
      if (!action->isSeparator() && action->menu() == nullptr) actions.push_back(action);
    }
  }
  return actions;
}

}  // namespace

TEST_CASE("main window: every action has a text and keys of its own") {
  TestRuns fixture;
  const MainWindow window(fixture.state(), fixture.settings);
  QStringList keys;
  for (const QAction* action : menu_actions(window)) {
    INFO(action->text().toStdString());
    CHECK_FALSE(action->text().isEmpty());
    REQUIRE_FALSE(action->shortcut().isEmpty());
    CHECK_FALSE(keys.contains(action->shortcut().toString()));
    keys << action->shortcut().toString();
  }
  CHECK(keys.size() > 15);
}

TEST_CASE("main window: keys alone go through every page and back") {
  TestRuns fixture;
  ViewState state = fixture.state();
  MainWindow window(state, fixture.settings);
  window.show();
  settle(window);
  const int n_pages = static_cast<int>(page_names().size());
  for (int i = 0; i < n_pages; ++i) {
    QTest::keyClick(&window, static_cast<Qt::Key>(Qt::Key_1 + i), Qt::ControlModifier);
    CHECK(window.navigator().state().page == page_names()[i]);
    REQUIRE(window.page() != nullptr);
    CHECK(window.page()->name() == page_names()[i]);
    settle(window);
  }
  for (int i = n_pages - 2; i >= 0; --i) {
    QTest::keyClick(&window, Qt::Key_Z, Qt::ControlModifier);
    CHECK(window.navigator().state().page == page_names()[i]);
  }
  QTest::keyClick(&window, Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
  CHECK(window.navigator().state().page == page_names()[1]);

  auto* list = window.findChild<QListWidget*>("pages");
  REQUIRE(list != nullptr);
  CHECK(list->count() == n_pages);
  list->setFocus();
  QTest::keyClick(list, Qt::Key_Down);
  CHECK(window.navigator().state().page == page_names()[2]);
  settle(window);
}

TEST_CASE("main window: links and commands are copied, and open the same view") {
  TestRuns fixture;
  ViewState state = fixture.state();
  state.page = "compare";
  MainWindow window(state, fixture.settings);
  window.show();
  settle(window);
  QTest::keyClick(&window, Qt::Key_L, Qt::ControlModifier | Qt::ShiftModifier);
  CHECK(*parse_link(QApplication::clipboard()->text()) == window.navigator().state());
  QTest::keyClick(&window, Qt::Key_M, Qt::ControlModifier | Qt::ShiftModifier);
  CHECK(QApplication::clipboard()->text() == to_command(window.navigator().state()));
}

TEST_CASE("main window: a dropped file opens and is remembered; one that is no database says so") {
  TestRuns fixture;
  MainWindow window({}, fixture.settings);
  window.show();
  CHECK(window.page() == nullptr);
  const auto drop = [&](const QString& path) {
    QMimeData mime;
    mime.setUrls({QUrl::fromLocalFile(path)});
    QDropEvent event({10, 10}, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    static_cast<QObject&>(window).event(&event);  // QApplication lets a drop through only after a real drag
  };
  drop(fixture.database);
  settle(window);
  CHECK(window.workspace().runs()->size() == 2);
  CHECK(window.page() != nullptr);
  CHECK(fixture.settings.value("recent").toStringList() == QStringList{fixture.database});
  drop(QString::fromStdString(fixture.folder.write("not.db", "text").string()));
  settle(window);
  const auto* message = window.findChild<QWidget*>("message_bar");
  REQUIRE(message != nullptr);
  CHECK(message->isVisible());
  CHECK(window.workspace().runs()->size() == 2);
}

TEST_CASE("assay-gui: a screenshot of every page in both themes, at the size asked for") {
  TestRuns fixture;
  for (const QString& page : page_names()) {
    for (const char* theme : {"light", "dark"}) {
      const QString file = QString::fromStdString(fixture.folder / "page.png");
      QFile::remove(file);
      QProcess process;
      process.start(ASSAY_GUI_PROGRAM, {"--db", fixture.database, "--run", "one", "two", "--screenshot", page, file,
                                        "--size", "900x600", "--scale", "2", "--theme", theme});
      REQUIRE(process.waitForFinished(60'000));
      INFO(page.toStdString() << " " << theme << ": " << process.readAllStandardError().toStdString());
      CHECK(process.exitCode() == 0);
      const QImage image(file);
      CHECK(image.size() == QSize(1800, 1200));
      CHECK((image.pixelColor(2, 1100).lightness() < 128) == (std::string(theme) == "dark"));
    }
  }
}

TEST_CASE("assay-gui: exit codes are the program's") {
  TestRuns fixture;
  const auto exit_code = [](const QStringList& words) {
    QProcess process;
    process.start(ASSAY_GUI_PROGRAM, words);
    REQUIRE(process.waitForFinished(60'000));
    CHECK(process.readAllStandardError().count('\n') == 1);
    return process.exitCode();
  };
  const QString file = QString::fromStdString(fixture.folder / "x.png");
  CHECK(exit_code({"--screenshot", "nowhere", file}) == 2);
  CHECK(exit_code({"--db", "/nonexistent.db", "--screenshot", "runs", file}) == 2);
  CHECK(exit_code({"--db", fixture.database, "--run", "nobody", "--screenshot", "runs", file}) == 2);
  CHECK(exit_code({"--db", fixture.database, "--screenshot", "runs", "/nonexistent/x.png"}) == 3);
}

}  // namespace assay::gui
