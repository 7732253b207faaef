#include "gui/app/new_run_dialog.h"

#include <QComboBox>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QTest>
#include <QTreeWidget>

#include "gui/models/run_columns.h"
#include "gui/test_waiting.h"
#include "results/test_facts.h"

namespace assay::gui {

namespace {

using results::testing::TemporaryFolder;

constexpr int kMinutesMs = 240'000;  // for samples of a machine that others use, too: some seconds when it is idle

template <class Widget>
Widget* named(const QWidget& parent, const QString& name) {
  for (Widget* widget : parent.findChildren<Widget*>()) {
    if (widget->accessibleName() == name) return widget;
  }
  FAIL("no widget " << name.toStdString());
  return nullptr;
}

void check_suite(const NewRunDialog& dialog, const QString& suite) {
  auto* tree = named<QTreeWidget>(dialog, "Suites");
  const auto found = tree->findItems(suite, Qt::MatchExactly | Qt::MatchRecursive);
  REQUIRE(found.size() == 1);
  found.first()->setCheckState(0, Qt::Checked);
}

struct Fixture {
  TemporaryFolder folder;
  QString database = QString::fromStdString(folder / "r.db");
  Workspace workspace;
  Navigator navigator;
  // Deletes itself when it is closed.
  QPointer<NewRunDialog> dialog = new NewRunDialog(workspace, navigator, ASSAY_PROGRAM);

  Fixture() {
    QObject::connect(&navigator, &Navigator::changed, [this] { workspace.set_databases(navigator.state().databases); });
    dialog->show();
    REQUIRE(wait_until([&] { return !dialog->is_asking(); }));
    named<QLineEdit>(*dialog, "Results database")->setText(database);
    named<QComboBox>(*dialog, "Model")->setCurrentText("reference");
  }
  ~Fixture() { delete dialog; }
  QPushButton* button(const QString& text) {
    for (QPushButton* candidate : dialog->findChildren<QPushButton*>()) {
      if (candidate->text() == text) return candidate;
    }
    return nullptr;
  }
};

}  // namespace

TEST_CASE("new run: what is chosen is planned, shown as a command, run, and seen in its database") {
  Fixture fixture;
  check_suite(*fixture.dialog, "choice-smoke");
  named<QLineEdit>(*fixture.dialog, "First items only")->setText("3");
  named<QLineEdit>(*fixture.dialog, "Samples an item")->setText("2");
  CHECK(named<QPlainTextEdit>(*fixture.dialog, "Command")->toPlainText() ==
        "assay run --model reference --suite choice-smoke --samples 2 --limit 3 --db " + fixture.database);
  REQUIRE(wait_until([&] { return fixture.dialog->plan_text().startsWith("3 items, 6 samples"); }));
  REQUIRE(wait_until([&] { return fixture.dialog->plan_text().contains("cpu: "); }));

  REQUIRE(fixture.button("&Start") != nullptr);
  QTest::mouseClick(fixture.button("&Start"), Qt::LeftButton);
  CHECK(fixture.dialog->process().is_alive());
  REQUIRE(wait_until([&] { return !fixture.dialog->process().is_alive(); }, 120'000));
  INFO(fixture.dialog->process().lines().join('\n').toStdString());
  CHECK(fixture.dialog->process().state() == RunProcess::State::finished);
  REQUIRE(wait_until([&] { return fixture.workspace.runs()->size() == 1; }));
  REQUIRE(wait_until(
      [&] { return results::current_state(fixture.workspace.runs()->front().run) == results::RunState::finished; }));

  // A second plan of the same kind knows tokens and time from this run.
  named<QLineEdit>(*fixture.dialog, "Samples an item")->setText("4");
  REQUIRE(wait_until([&] { return fixture.dialog->plan_text().contains("projected from run"); }));
}

TEST_CASE("new run: a field that holds no number is named, and nothing can be started") {
  Fixture fixture;
  check_suite(*fixture.dialog, "choice-smoke");
  REQUIRE(fixture.button("&Start")->isEnabled());
  named<QLineEdit>(*fixture.dialog, "Samples an item")->setText("many");
  CHECK_FALSE(fixture.button("&Start")->isEnabled());
  CHECK_THAT(fixture.dialog->choices().error().message, Catch::Matchers::Contains("Samples an item: \"many\""));
  named<QLineEdit>(*fixture.dialog, "Samples an item")->setText("0");
  CHECK_FALSE(fixture.dialog->choices().has_value());
}

TEST_CASE("new run: a pause saves, the same run goes on") {
  Fixture fixture;
  check_suite(*fixture.dialog, "choice-smoke");
  named<QLineEdit>(*fixture.dialog, "Samples an item")->setText("64");
  QTest::mouseClick(fixture.button("&Start"), Qt::LeftButton);
  REQUIRE(wait_until([&] { return fixture.workspace.runs()->size() == 1; }, 60'000));
  QTest::mouseClick(fixture.button("&Pause"), Qt::LeftButton);
  REQUIRE(wait_until([&] { return !fixture.dialog->process().is_alive(); }, 60'000));
  CHECK(fixture.dialog->process().state() == RunProcess::State::paused);
  REQUIRE(fixture.button("&Go on") != nullptr);
  const auto run_state = [&] { return results::current_state(fixture.workspace.runs()->front().run); };
  REQUIRE(wait_until([&] { return run_state() == results::RunState::interrupted; }));
  const std::int64_t n_at_pause = n_stored(fixture.workspace.runs()->front().run);

  // The same words go on with it: one run, more samples.
  QTest::mouseClick(fixture.button("&Go on"), Qt::LeftButton);
  REQUIRE(wait_until([&] { return n_stored(fixture.workspace.runs()->front().run) > n_at_pause; }, kMinutesMs));
  CHECK(fixture.workspace.runs()->size() == 1);
  CHECK_THAT(fixture.dialog->findChild<QProgressBar*>()->text().toStdString(),
             Catch::Matchers::Contains("of 6,400 samples stored"));
  QTest::mouseClick(fixture.button("S&top"), Qt::LeftButton);
  REQUIRE(wait_until([&] { return !fixture.dialog->process().is_alive(); }, 60'000));
  CHECK(fixture.dialog->process().state() == RunProcess::State::stopped);
  REQUIRE(wait_until([&] { return run_state() == results::RunState::interrupted; }));

  // And so does its id, in a dialog that knows nothing of its options.
  fixture.dialog->go_on_with(fixture.workspace.runs()->front());
  const QString id = QString::fromStdString(fixture.workspace.runs()->front().run.run_id.value);
  CHECK(named<QPlainTextEdit>(*fixture.dialog, "Command")->toPlainText() ==
        "assay run --resume " + id + " --db " + fixture.database);
  const std::int64_t n_at_stop = n_stored(fixture.workspace.runs()->front().run);
  QTest::mouseClick(fixture.button("&Go on"), Qt::LeftButton);
  REQUIRE(wait_until([&] { return n_stored(fixture.workspace.runs()->front().run) > n_at_stop; }, kMinutesMs));
  CHECK(fixture.workspace.runs()->size() == 1);
}

TEST_CASE("new run: with a GPU's profile the plan says what the run would take there") {
  Fixture fixture;
  check_suite(*fixture.dialog, "choice-smoke");
  named<QLineEdit>(*fixture.dialog, "Samples an item")->setText("4");
  named<QComboBox>(*fixture.dialog, "Hardware profile")->setCurrentText("h800-sxm5");
  REQUIRE(wait_until([&] { return fixture.dialog->plan_text().contains("projected for h800-sxm5"); }, 60'000));
  const QString plan = fixture.dialog->plan_text();
  INFO(plan.toStdString());
  CHECK(plan.startsWith("100 items, 400 samples, "));
  CHECK(plan.contains("h800-sxm5: 0.03 GB of weights"));
  CHECK(plan.contains("price: $2.00 a GPU-hour"));
  CHECK(plan.contains("Expected lengths: no finished run"));
  named<QComboBox>(*fixture.dialog, "Hardware profile")->setCurrentText("nothing-of-this-name");
  REQUIRE(wait_until([&] { return fixture.dialog->plan_text().contains("nothing-of-this-name"); }, 60'000));
  CHECK(fixture.dialog->plan_text().startsWith("100 items, 400 samples"));
}

TEST_CASE("new run: without the program it says so") {
  Workspace workspace;
  Navigator navigator;
  const NewRunDialog dialog(workspace, navigator, {});
  CHECK_THAT(dialog.plan_text().toStdString(), Catch::Matchers::Contains("The program assay is neither"));
}

}  // namespace assay::gui
