#pragma once
// Plans the run that is being put together, as often as it changes.

#include <QTimer>
#include <map>

#include "gui/models/latest_job.h"
#include "gui/models/program_questions.h"
#include "gui/models/run_plan.h"
#include "gui/models/workspace.h"

namespace assay::gui {

/// Asks the program for what the suites and the model say of themselves (once each) and, where a GPU's profile is
/// chosen, for its plan; reads an earlier run for lengths and speed. The newest choices win.
class RunPlanner : public QObject {
  Q_OBJECT

 public:
  RunPlanner(const Workspace& workspace, ProgramQuestions& questions, QObject* parent = nullptr);

  /// Plans this run a moment later, so that typing asks nothing.
  void plan(const RunChoices& choices);

 signals:
  void planned(const RunPlan& plan);
  void refused(const QString& why);  ///< nothing can be planned as it is

 private:
  void ask();
  void ask_for_suites();
  void ask_for_model();
  void ask_for_earlier();
  void ask_for_hardware();
  void answer();

  const Workspace& workspace_;
  ProgramQuestions& questions_;
  QTimer delay_;
  RunChoices choices_;
  std::map<QString, Result<SuitePlanFacts>> suites_;
  QString model_asked_;
  std::optional<ModelPlanFacts> model_;
  QString model_problem_;
  LatestJob earlier_job_;
  QString earlier_asked_;
  std::optional<results::RunSummary> earlier_;
  QStringList hardware_asked_;
  QPointer<QProcess> hardware_question_;
  std::optional<Result<RunPlan>> hardware_;
};

}  // namespace assay::gui
