#include "gui/models/run_planner.h"

namespace assay::gui {

namespace {

constexpr int kDelayMs = 300;

/// The newest finished run of this model with at least one of the suites. Its speed and length of replies are what the
/// plan rests on.
const LocatedRun* earlier_run(const Runs& runs, const RunChoices& choices) {
  for (const LocatedRun& located : runs) {
    const results::RunRecord& run = located.run;
    if (run.state != results::RunState::finished || !results::was_timed(run)) continue;
    const QString model = QString::fromStdString(run.facts.model.name);
    const QString reference = QString::fromStdString(run.facts.model.reference);
    if (model != choices.model && reference != choices.model) continue;
    for (const results::RunSuiteRecord& suite : run.suites) {
      if (choices.suites.contains(QString::fromStdString(suite.facts.suite))) return &located;
    }
  }
  return nullptr;
}

}  // namespace

RunPlanner::RunPlanner(const Workspace& workspace, ProgramQuestions& questions, QObject* parent)
    : QObject(parent), workspace_(workspace), questions_(questions) {
  delay_.setSingleShot(true);
  delay_.setInterval(kDelayMs);
  connect(&delay_, &QTimer::timeout, this, &RunPlanner::ask);
}

void RunPlanner::plan(const RunChoices& choices) {
  choices_ = choices;
  delay_.start();
}

void RunPlanner::ask() {
  if (choices_.model.isEmpty() || choices_.suites.isEmpty()) return answer();
  ask_for_suites();
  ask_for_model();
  ask_for_earlier();
  ask_for_hardware();
  answer();
}

void RunPlanner::ask_for_suites() {
  for (const QString& suite : choices_.suites) {
    if (suites_.count(suite) > 0) continue;
    suites_.emplace(suite, environment_error("suite ", suite.toStdString(), ": being asked"));
    questions_.ask({"suites", "show", suite, "--json"}, [this, suite](Result<QByteArray> json) {
      suites_.insert_or_assign(suite, json ? parse_suite(*json) : Result<SuitePlanFacts>(json.error()));
      answer();
    });
  }
}

void RunPlanner::ask_for_model() {
  if (choices_.model == model_asked_) return;
  model_asked_ = choices_.model;
  model_.reset();
  model_problem_.clear();
  questions_.ask({"models", "show", choices_.model, "--json"}, [this, asked = choices_.model](Result<QByteArray> json) {
    if (asked != model_asked_) return;
    Result<ModelPlanFacts> facts = json ? parse_model(*json) : Result<ModelPlanFacts>(json.error());
    if (facts) {
      model_ = std::move(*facts);
    } else {
      model_problem_ = QString::fromStdString(facts.error().message);
    }
    answer();
  });
}

void RunPlanner::ask_for_earlier() {
  const LocatedRun* earlier = earlier_run(*workspace_.runs(), choices_);
  const QString id = earlier == nullptr ? QString() : QString::fromStdString(earlier->run.run_id.value);
  if (id == earlier_asked_) return;
  earlier_asked_ = id;
  earlier_.reset();
  earlier_job_.cancel();
  if (earlier == nullptr) return;
  earlier_job_.start(
      [database = earlier->database, run = earlier->run.run_id](std::stop_token) -> Result<results::RunSummary> {
        ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(database.toStdString()));
        return results::summarise(store, run);
      },
      [this](Result<results::RunSummary> summary) {
        if (summary) earlier_ = std::move(*summary);
        answer();
      });
}

void RunPlanner::ask_for_hardware() {
  QStringList words;
  if (!choices_.hardware.isEmpty()) {
    const LocatedRun* earlier = workspace_.find(earlier_asked_);
    const Result<QStringList> asked = plan_words(choices_, earlier == nullptr ? QString() : earlier_asked_,
                                                 earlier == nullptr ? QString() : earlier->database);
    if (asked) words = *asked;
  }
  if (words == hardware_asked_) return;
  hardware_asked_ = words;
  hardware_.reset();
  questions_.drop(hardware_question_);
  if (words.isEmpty()) return;
  hardware_question_ = questions_.ask(words, [this](Result<QByteArray> json) {
    hardware_ = json ? parse_plan(*json) : Result<RunPlan>(json.error());
    const LocatedRun* lent = workspace_.find(earlier_asked_);
    if (*hardware_ && lent != nullptr) (*hardware_)->basis.replaceInStrings(earlier_asked_, lent->title);
    answer();
  });
}

void RunPlanner::answer() {
  if (choices_.model.isEmpty() || choices_.suites.isEmpty()) return emit refused(tr("Choose a model and suites."));
  std::vector<SuitePlanFacts> suites;
  for (const QString& suite : choices_.suites) {
    const auto facts = suites_.find(suite);
    if (facts == suites_.end()) return;  // is about to be asked
    if (!facts->second) return emit refused(QString::fromStdString(facts->second.error().message));
    suites.push_back(*facts->second);
  }
  if (hardware_ && *hardware_) return emit planned(**hardware_);
  RunPlan plan = plan_run(choices_, suites, model_, earlier_ ? &*earlier_ : nullptr);
  if (!model_problem_.isEmpty()) plan.unknown << model_problem_;
  if (hardware_) plan.unknown << QString::fromStdString(hardware_->error().message);
  if (!hardware_ && !hardware_asked_.isEmpty())
    plan.unknown << tr("The plan for %1 is being made…").arg(choices_.hardware);
  emit planned(plan);
}

}  // namespace assay::gui
