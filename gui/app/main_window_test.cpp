#include "gui/app/main_window.h"

#include <QApplication>
#include <QClipboard>
#include <QDropEvent>
#include <QImage>
#include <QInputDialog>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QProcess>
#include <QTest>
#include <QTimer>

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

/// What a submenu holds when it is opened.
QList<QAction*> filled_menu(const MainWindow& window, const QString& title) {
  for (const QAction* menu : window.menuBar()->actions()) {
    for (QAction* action : menu->menu()->actions()) {
      if (action->menu() == nullptr || QString(action->text()).remove('&') != title) continue;
      emit action->menu()->aboutToShow();
      return action->menu()->actions();
    }
  }
  return {};
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

TEST_CASE("main window: a dropped file opens and is remembered, one that is no database says so") {
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
  drop(fixture.database);
  settle(window);
  CHECK_FALSE(message->isVisible());  // what was wrong with another file is over
}

TEST_CASE("main window: a file that is dragged over any of its fields is taken, and never moved") {
  TestRuns fixture;
  MainWindow window(fixture.state(), fixture.settings);
  window.show();
  settle(window);
  QMimeData file, words;
  file.setUrls({QUrl::fromLocalFile(fixture.database)});
  file.setText(fixture.database);  // as desktops give it, too
  words.setText("words");
  const auto fields = window.page()->findChildren<QLineEdit*>();
  CHECK(!fields.isEmpty());
  for (QLineEdit* field : fields) {
    QDragEnterEvent enter({5, 5}, Qt::CopyAction | Qt::MoveAction, &file, Qt::LeftButton, Qt::ShiftModifier);
    CHECK(enter.dropAction() == Qt::MoveAction);  // as it is proposed
    QApplication::sendEvent(field, &enter);
    CHECK(enter.isAccepted());
    CHECK(enter.dropAction() == Qt::CopyAction);
  }
  QDragEnterEvent enter({5, 5}, Qt::CopyAction, &words, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(&window, &enter);
  CHECK_FALSE(enter.isAccepted());
}

TEST_CASE("main window: files that were opened are listed, also those of the command line, a broken one is not") {
  TestRuns fixture;
  {
    MainWindow window(fixture.state(), fixture.settings);
    window.show();
    settle(window);
    CHECK(fixture.settings.value("recent").toStringList() == QStringList{fixture.database});
  }
  MainWindow window({}, fixture.settings);
  window.show();
  const QList<QAction*> recent = filled_menu(window, "Open recent");
  REQUIRE(recent.size() == 1);
  recent[0]->trigger();
  settle(window);
  CHECK(window.navigator().state().databases == QStringList{fixture.database});
  CHECK(window.workspace().runs()->size() == 2);
  ViewState broken = window.navigator().state();
  broken.databases << QString::fromStdString(fixture.folder.write("broken.db", "text").string());
  const MainWindow second(broken, fixture.settings);
  REQUIRE(wait_until([&] { return !second.is_busy(); }));
  CHECK(fixture.settings.value("recent").toStringList() == QStringList{fixture.database});
}

TEST_CASE("main window: a saved view comes back whole, also in another session, and can be forgotten") {
  TestRuns fixture;
  ViewState state = fixture.state();
  state.page = "speed";
  state.settings["speed.latency"] = "e2e_ms";
  {
    MainWindow window(state, fixture.settings);
    window.show();
    settle(window);
    QTimer::singleShot(0, &window, [] {
      auto* dialog = qobject_cast<QInputDialog*>(QApplication::activeModalWidget());
      REQUIRE(dialog != nullptr);
      dialog->setTextValue("slow & <b>sure</b>");
      QTest::keyClick(dialog, Qt::Key_Return);
    });
    QTest::keyClick(&window, Qt::Key_D, Qt::ControlModifier);
  }
  MainWindow window({}, fixture.settings);
  window.show();
  QList<QAction*> views = filled_menu(window, "Saved views");
  REQUIRE(views.size() == 2);
  CHECK(views[0]->text() == "slow && <b>sure</b>");
  views[0]->trigger();
  settle(window);
  CHECK(window.navigator().state() == state);
  QTest::keyClick(&window, Qt::Key_Z, Qt::ControlModifier);
  CHECK(window.navigator().state().databases.isEmpty());
  views = filled_menu(window, "Saved views");
  views[1]->menu()->actions().front()->trigger();
  views = filled_menu(window, "Saved views");
  REQUIRE(views.size() == 1);
  CHECK_FALSE(views[0]->isEnabled());
}

TEST_CASE("main window: a link opens its view, a bad one says so and changes nothing") {
  TestRuns fixture;
  MainWindow window(fixture.state(), fixture.settings);
  window.show();
  settle(window);
  const auto open = [&](const QString& link) {
    QTimer::singleShot(0, &window, [link] {
      auto* dialog = qobject_cast<QInputDialog*>(QApplication::activeModalWidget());
      REQUIRE(dialog != nullptr);
      dialog->setTextValue(link);
      QTest::keyClick(dialog, Qt::Key_Return);
    });
    for (QAction* action : menu_actions(window)) {
      if (action->shortcut() == QKeySequence("Ctrl+L")) action->trigger();
    }
    settle(window);
  };
  open("assay://cost?run=000000000002&set.cost.price=3");
  CHECK(window.navigator().state().page == "cost");
  CHECK(window.navigator().state().runs == QStringList{"000000000002"});
  CHECK(window.navigator().state().databases == QStringList{fixture.database});  // the link names none
  const ViewState before = window.navigator().state();
  open("assay://cost?sample=-1");
  CHECK(window.navigator().state() == before);
  CHECK(window.findChild<QWidget*>("message_bar")->isVisible());
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
