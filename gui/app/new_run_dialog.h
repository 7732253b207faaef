#pragma once
// Puts a run together, says what it will take, runs it.

#include <QDialog>

#include "gui/models/navigator.h"
#include "gui/models/run_planner.h"
#include "gui/models/run_process.h"
#include "gui/models/workspace.h"

class QLabel;
class QPlainTextEdit;
class QProgressBar;
class QPushButton;

namespace assay::gui {

class PlanView;
class RunForm;

/// A window beside the main one, so that the run can be watched there too. What is chosen is kept in it until it is
/// closed; closing it while a run goes on asks first, and pauses the run.
class NewRunDialog : public QDialog {
  Q_OBJECT

 public:
  /// `program` is the path of `assay`; empty: it isn't there, and the dialog says so.
  NewRunDialog(Workspace& workspace, Navigator& navigator, QString program, QWidget* parent = nullptr);
  ~NewRunDialog() override;

  /// What is chosen now. Fields that hold no number are Error{bad_input} naming the field.
  Result<RunChoices> choices() const;
  /// Offers to go on with an unfinished run, with its own options. Nothing while a run is alive.
  void go_on_with(const LocatedRun& run);
  RunProcess& process() { return process_; }
  /// The plan as it is shown; for tests.
  QString plan_text() const;
  bool is_asking() const { return questions_.is_asking(); }

 protected:
  void closeEvent(QCloseEvent* event) override;

 private:
  QWidget* make_side();
  QWidget* make_buttons();
  void ask_for_offers();
  void choices_changed();
  void show_command();
  void start();
  void process_changed();
  void open_its_database();
  void show_state();
  void show_progress();
  QString database_path() const;
  const LocatedRun* run_at_work() const;

  Workspace& workspace_;
  Navigator& navigator_;
  QString program_;
  ProgramQuestions questions_;
  RunPlanner planner_;
  RunProcess process_;
  QTimer look_;                        ///< for the database of a run that has just begun
  std::optional<RunChoices> resumed_;  ///< the run that is gone on with
  qint64 started_at_ms_ = 0;

  RunForm* form_;
  PlanView* plan_;
  QLabel* state_;
  QPlainTextEdit *command_, *log_;
  QProgressBar* progress_;
  QPushButton *start_, *pause_, *stop_;
};

}  // namespace assay::gui
