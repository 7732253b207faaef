#include "gui/app/new_run_dialog.h"

#include <QApplication>
#include <QClipboard>
#include <QCloseEvent>
#include <QDateTime>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

#include "gui/app/plan_view.h"
#include "gui/app/run_form.h"
#include "gui/models/run_columns.h"

namespace assay::gui {

namespace {

constexpr int kProgressSteps = 1000;
constexpr int kLookEveryMs = 500;

QLabel* make_heading(const QString& text) {
  auto* label = new QLabel(text);
  QFont bold = label->font();
  bold.setBold(true);
  label->setFont(bold);
  return label;
}

QPlainTextEdit* make_read_only(const QString& name) {
  auto* text = new QPlainTextEdit;
  text->setReadOnly(true);
  text->setTabChangesFocus(true);
  text->setAccessibleName(name);
  return text;
}

}  // namespace

NewRunDialog::NewRunDialog(Workspace& workspace, Navigator& navigator, QString program, QWidget* parent)
    : QDialog(parent),
      workspace_(workspace),
      navigator_(navigator),
      program_(std::move(program)),
      questions_(program_),
      planner_(workspace, questions_) {
  setWindowTitle(tr("New run"));
  setAttribute(Qt::WA_DeleteOnClose);
  const QStringList& open = navigator_.state().databases;
  form_ = new RunForm(open.isEmpty() ? QString("assay.db") : open.first());
  auto* layout = new QVBoxLayout(this);
  auto* halves = new QHBoxLayout;
  halves->setSpacing(16);
  halves->addWidget(form_, 1);
  halves->addWidget(make_side(), 1);
  layout->addLayout(halves, 1);
  layout->addWidget(make_buttons());
  resize(1080, 720);

  connect(form_, &RunForm::changed, this, &NewRunDialog::choices_changed);
  connect(&planner_, &RunPlanner::planned, plan_, &PlanView::show_plan);
  connect(&planner_, &RunPlanner::refused, plan_, &PlanView::show_message);
  connect(&process_, &RunProcess::changed, this, &NewRunDialog::process_changed);
  connect(&workspace_, &Workspace::runs_changed, this, [this] {
    show_progress();
    if (!process_.is_alive() && !resumed_) choices_changed();  // a run that has finished lends the next plan its speed
  });
  look_.setInterval(kLookEveryMs);
  connect(&look_, &QTimer::timeout, this, &NewRunDialog::open_its_database);
  process_changed();
  if (program_.isEmpty()) {
    plan_->show_message(
        tr("The program assay is neither beside this one nor on the search path: nothing can be run from here."));
    return;
  }
  ask_for_offers();
}

NewRunDialog::~NewRunDialog() = default;

void NewRunDialog::ask_for_offers() {
  questions_.ask({"models", "--json"}, [this](Result<QByteArray> json) {
    const Result<QStringList> names = json ? parse_model_names(*json) : Result<QStringList>(json.error());
    if (names) form_->offer_models(*names);
  });
  questions_.ask({"hardware", "--json"}, [this](Result<QByteArray> json) {
    const Result<QStringList> names = json ? parse_hardware_names(*json) : Result<QStringList>(json.error());
    if (names) form_->offer_hardware(*names);
  });
  questions_.ask({"suites", "--json"}, [this](Result<QByteArray> json) {
    const auto offers = json ? parse_suite_list(*json) : Result<std::vector<SuiteOffer>>(json.error());
    if (!offers) return plan_->show_message(QString::fromStdString(offers.error().message));
    form_->offer_suites(*offers);
  });
}

QWidget* NewRunDialog::make_side() {
  auto* side = new QWidget;
  auto* layout = new QVBoxLayout(side);
  layout->setContentsMargins(0, 0, 0, 0);
  plan_ = new PlanView;
  plan_->show_message(tr("Choose a model and suites."));
  command_ = make_read_only(tr("Command"));
  command_->setFixedHeight(fontMetrics().height() * 5);
  auto* copy = new QPushButton(tr("&Copy the command"));
  copy->setAutoDefault(false);
  connect(copy, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(command_->toPlainText()); });
  state_ = new QLabel;
  state_->setTextFormat(Qt::PlainText);
  state_->setWordWrap(true);
  progress_ = new QProgressBar;
  log_ = make_read_only(tr("What the run says"));
  log_->setMaximumBlockCount(RunProcess::kMaxLines);

  layout->addWidget(make_heading(tr("What it will take")));
  layout->addWidget(plan_);
  layout->addSpacing(8);
  layout->addWidget(make_heading(tr("The same on the command line")));
  layout->addWidget(command_);
  layout->addWidget(copy, 0, Qt::AlignLeft);
  layout->addSpacing(8);
  layout->addWidget(make_heading(tr("The run")));
  layout->addWidget(state_);
  layout->addWidget(progress_);
  layout->addWidget(log_, 1);
  return side;
}

QWidget* NewRunDialog::make_buttons() {
  auto* buttons = new QWidget;
  auto* layout = new QHBoxLayout(buttons);
  layout->setContentsMargins(0, 0, 0, 0);
  start_ = new QPushButton;
  start_->setDefault(true);
  pause_ = new QPushButton(tr("&Pause"));
  pause_->setToolTip(tr("Saves what has finished and ends the process; going on takes none of the measured time"));
  stop_ = new QPushButton(tr("S&top"));
  stop_->setToolTip(tr("Ends the run; what has finished stays stored. While it saves, ends it at once"));
  auto* close_button = new QPushButton(tr("Close"));
  connect(start_, &QPushButton::clicked, this, &NewRunDialog::start);
  connect(pause_, &QPushButton::clicked, &process_, &RunProcess::pause);
  connect(stop_, &QPushButton::clicked, &process_, &RunProcess::stop);
  connect(close_button, &QPushButton::clicked, this, &QWidget::close);
  layout->addStretch(1);
  for (QPushButton* button : {start_, pause_, stop_, close_button}) {
    button->setAutoDefault(button == start_);
    layout->addWidget(button);
  }
  return buttons;
}

Result<RunChoices> NewRunDialog::choices() const {
  if (resumed_) return *resumed_;
  ASSAY_ASSIGN(RunChoices choices, form_->choices());
  choices.program = program_;
  return choices;
}

void NewRunDialog::go_on_with(const LocatedRun& run) {
  if (process_.is_alive()) return;
  resumed_.emplace();
  resumed_->program = program_;
  resumed_->resume = QString::fromStdString(run.run.run_id.value);
  resumed_->database = run.database;
  form_->setEnabled(false);
  plan_->show_message(
      tr("Goes on with %1: %2 of %3 samples are stored, the others are taken with the run's own options.")
          .arg(run.title, shown_count(n_stored(run.run)), shown_count(n_planned(run.run))));
  process_changed();
  start_->setFocus();
}

QString NewRunDialog::plan_text() const { return plan_->text(); }

void NewRunDialog::choices_changed() {
  show_command();
  const Result<RunChoices> chosen = choices();
  if (!chosen) return plan_->show_message(QString::fromStdString(chosen.error().message));
  if (!program_.isEmpty()) planner_.plan(*chosen);
}

void NewRunDialog::show_command() {
  const Result<RunChoices> chosen = choices();
  const Result<QStringList> words = chosen ? run_words(*chosen) : Result<QStringList>(chosen.error());
  command_->setPlainText(words ? shell_line("assay", *words) : QString::fromStdString(words.error().message));
  start_->setEnabled(words.has_value() && !program_.isEmpty() && !process_.is_alive());
}

void NewRunDialog::start() {
  const Result<RunChoices> chosen = choices();
  const Result<QStringList> words = chosen ? run_words(*chosen) : Result<QStringList>(chosen.error());
  if (!words) return show_command();
  started_at_ms_ = QDateTime::currentMSecsSinceEpoch();
  process_.start(program_, *words);
}

void NewRunDialog::process_changed() {
  if (process_.state() == RunProcess::State::finished && resumed_) {
    resumed_.reset();
    form_->setEnabled(true);
  }
  show_state();
  const QString said = process_.lines().join('\n');
  if (log_->toPlainText() != said) {
    log_->setPlainText(said);
    log_->moveCursor(QTextCursor::End);
  }
  show_command();
  show_progress();
  open_its_database();
}

void NewRunDialog::show_state() {
  const RunProcess::State state = process_.state();
  switch (state) {
    case RunProcess::State::idle:
      state_->setText(tr("Not started"));
      break;
    case RunProcess::State::running:
      state_->setText(tr("Running"));
      break;
    case RunProcess::State::pausing:
    case RunProcess::State::stopping:
      state_->setText(tr("Saving what has finished…"));
      break;
    case RunProcess::State::paused:
      state_->setText(tr("Paused: all that had finished is stored"));
      break;
    case RunProcess::State::stopped:
      state_->setText(tr("Stopped: all that had finished is stored, and the same command goes on with it"));
      break;
    case RunProcess::State::finished:
      state_->setText(tr("Finished"));
      break;
    case RunProcess::State::failed:
      state_->setText(tr("Failed (exit code %1)").arg(process_.exit_code()));
      break;
  }
  const bool goes_on = state == RunProcess::State::paused || resumed_;
  start_->setText(goes_on ? tr("&Go on") : tr("&Start"));
  pause_->setEnabled(state == RunProcess::State::running);
  stop_->setEnabled(process_.is_alive());
}

QString NewRunDialog::database_path() const {
  const Result<RunChoices> chosen = choices();
  return chosen ? QFileInfo(chosen->database).absoluteFilePath() : QString();
}

void NewRunDialog::open_its_database() {
  // The database may be new to the window: then it is opened once it is there.
  const QString database = database_path();
  const bool is_open = navigator_.state().databases.contains(database);
  if (process_.is_alive() && !is_open) {
    look_.start();
  } else {
    look_.stop();
  }
  if (is_open || process_.state() == RunProcess::State::idle || !QFileInfo(database).isFile()) return;
  // The process may only just be making it.
  if (!results::Store::open_read_only(database.toStdString())) return;
  ViewState state = navigator_.state();
  state.databases.append(database);
  navigator_.replace(std::move(state));
}

/// The newest run of the database that was worked on since the start.
const LocatedRun* NewRunDialog::run_at_work() const {
  if (process_.state() == RunProcess::State::idle) return nullptr;
  const QString database = database_path();
  for (const LocatedRun& located : *workspace_.runs()) {
    if (located.database != database || located.run.segments.empty()) continue;
    if (located.run.segments.back().started_at_ms + 1000 >= started_at_ms_) return &located;
  }
  return nullptr;
}

void NewRunDialog::show_progress() {
  progress_->setVisible(process_.state() != RunProcess::State::idle);
  const LocatedRun* located = run_at_work();
  if (located == nullptr) {
    progress_->setRange(0, process_.is_alive() ? 0 : 1);
    progress_->setFormat(QString());
    return;
  }
  const std::int64_t stored = n_stored(located->run);
  const std::int64_t planned = n_planned(located->run);
  progress_->setRange(0, kProgressSteps);
  progress_->setValue(planned > 0 ? static_cast<int>(kProgressSteps * stored / planned) : 0);
  QString text = tr("%1 of %2 samples stored").arg(shown_count(stored), shown_count(planned));
  if (const auto left_s = seconds_left(located->run); left_s && process_.is_alive()) {
    text += tr(", %1 left").arg(shown_duration(*left_s));
  }
  progress_->setFormat(text);
}

void NewRunDialog::closeEvent(QCloseEvent* event) {
  if (process_.is_alive()) {
    QMessageBox box(QMessageBox::Question, tr("The run goes on"),
                    tr("Closing pauses the run: what has finished is saved, and the same command goes on with it."),
                    QMessageBox::NoButton, this);
    const QPushButton* pause = box.addButton(tr("&Pause and close"), QMessageBox::AcceptRole);
    box.addButton(tr("&Keep it open"), QMessageBox::RejectRole);
    box.exec();
    if (box.clickedButton() != pause) return event->ignore();
  }
  QDialog::closeEvent(event);
}

}  // namespace assay::gui
