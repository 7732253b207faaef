#pragma once
// Puts a run together, says what it will take, runs it.

#include <QDialog>
#include <QElapsedTimer>
#include <QTimer>
#include <functional>
#include <map>

#include "gui/models/latest_job.h"
#include "gui/models/navigator.h"
#include "gui/models/run_plan.h"
#include "gui/models/run_process.h"
#include "gui/models/workspace.h"

class QComboBox;
class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QProgressBar;
class QPushButton;
class QTreeWidget;

namespace assay::gui {

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
  RunProcess& process() { return process_; }
  /// The plan as it is shown; for tests.
  QString plan_text() const;
  bool is_asking() const { return n_questions_ > 0; }  ///< `assay` is being asked for suites, models, their facts

 protected:
  void closeEvent(QCloseEvent* event) override;

 private:
  QWidget* make_form();
  QWidget* make_side();
  QWidget* make_buttons();
  void ask(const QStringList& words, std::function<void(Result<QByteArray>)> use);
  void take_suites(const QByteArray& json);
  void choices_changed();
  void ask_for_plan();
  void show_plan();
  void show_command();
  void start();
  void process_changed();
  void show_progress();

  Workspace& workspace_;
  Navigator& navigator_;
  QString program_;
  RunProcess process_;
  qint64 started_at_ms_ = 0;
  int n_questions_ = 0;
  QTimer plan_timer_;
  std::map<QString, Result<SuitePlanFacts>> suite_facts_;
  QString model_asked_;
  std::optional<ModelPlanFacts> model_facts_;
  QString model_problem_;
  LatestJob earlier_job_;
  std::optional<results::RunSummary> earlier_;

  QComboBox *model_ = nullptr, *protocol_ = nullptr, *device_ = nullptr;
  QTreeWidget* suites_ = nullptr;
  QLineEdit *more_suites_ = nullptr, *samples_ = nullptr, *limit_ = nullptr, *seed_ = nullptr, *temperature_ = nullptr,
            *top_p_ = nullptr, *max_output_tokens_ = nullptr, *price_ = nullptr, *hardware_ = nullptr, *name_ = nullptr,
            *tags_ = nullptr, *database_ = nullptr;
  QLabel *plan_ = nullptr, *state_ = nullptr;
  QPlainTextEdit *command_ = nullptr, *log_ = nullptr;
  QProgressBar* progress_ = nullptr;
  QPushButton *start_ = nullptr, *pause_ = nullptr;
};

}  // namespace assay::gui
