#include "gui/app/new_run_dialog.h"

#include <QApplication>
#include <QClipboard>
#include <QCloseEvent>
#include <QComboBox>
#include <QDateTime>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QProcess>
#include <QProgressBar>
#include <QPushButton>
#include <QToolButton>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace assay::gui {

namespace {

constexpr int kPlanDelayMs = 300;  // after the last change, so that typing asks nothing
constexpr int kQuestionLimitMs = 60'000;

QLineEdit* make_field(const QString& hint, const QString& name) {
  auto* field = new QLineEdit;
  field->setPlaceholderText(hint);
  field->setAccessibleName(name);
  field->setClearButtonEnabled(true);
  return field;
}

Result<std::optional<int>> integer_in(const QLineEdit& field, int least) {
  const QString text = field.text().trimmed();
  if (text.isEmpty()) return std::optional<int>();
  bool is_number = false;
  const int value = text.toInt(&is_number);
  if (is_number && value >= least) return std::optional(value);
  return bad_input(field.accessibleName().toStdString(), ": \"", text.left(40).toStdString(),
                   "\" must be a whole number from ", least);
}

Result<std::optional<double>> number_in(const QLineEdit& field, double least, double most) {
  const QString text = field.text().trimmed();
  if (text.isEmpty()) return std::optional<double>();
  bool is_number = false;
  const double value = QLocale::c().toDouble(text, &is_number);
  if (is_number && value >= least && value <= most) return std::optional(value);
  return bad_input(field.accessibleName().toStdString(), ": \"", text.left(40).toStdString(),
                   "\" must be a number from ", least, " to ", most);
}

QString duration_text(double seconds) {
  if (seconds < 120) return QObject::tr("%1 s").arg(seconds, 0, 'f', 0);
  if (seconds < 7200) return QObject::tr("%1 min").arg(seconds / 60, 0, 'f', 0);
  return QObject::tr("%1 h").arg(seconds / 3600, 0, 'f', 1);
}

QString plan_lines(const RunPlan& plan) {
  const QLocale locale = QLocale::c();
  QStringList lines = {
      QObject::tr("%1 items, %2 samples").arg(locale.toString(plan.n_items), locale.toString(plan.n_samples))};
  if (plan.n_output_tokens) {
    lines << QObject::tr("about %1 output tokens, %2")
                 .arg(locale.toString(*plan.n_output_tokens, 'f', 0), duration_text(*plan.seconds));
    if (plan.usd) lines << QObject::tr("about $%1").arg(*plan.usd, 0, 'g', 3);
    lines << plan.basis;
  }
  return (lines << plan.memory << plan.unknown).join('\n');
}

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

NewRunDialog::NewRunDialog(Workspace& workspace, Navigator& navigator, QString program, QWidget* parent)
    : QDialog(parent), workspace_(workspace), navigator_(navigator), program_(std::move(program)) {
  setWindowTitle(tr("New run"));
  setAttribute(Qt::WA_DeleteOnClose);
  auto* layout = new QVBoxLayout(this);
  auto* halves = new QHBoxLayout;
  halves->setSpacing(16);
  halves->addWidget(make_form(), 1);
  halves->addWidget(make_side(), 1);
  layout->addLayout(halves, 1);
  layout->addWidget(make_buttons());
  resize(1080, 720);

  plan_timer_.setSingleShot(true);
  plan_timer_.setInterval(kPlanDelayMs);
  connect(&plan_timer_, &QTimer::timeout, this, &NewRunDialog::ask_for_plan);
  connect(&process_, &RunProcess::changed, this, &NewRunDialog::process_changed);
  connect(&workspace_, &Workspace::runs_changed, this, &NewRunDialog::show_progress);
  process_changed();
  if (program_.isEmpty()) {
    plan_->setText(
        tr("The program assay is neither beside this one nor on the search path: nothing can be run from here."));
    start_->setEnabled(false);
    return;
  }
  ask({"models", "--json"}, [this](Result<QByteArray> json) {
    if (!json) return;
    const Result<QStringList> names = parse_model_names(*json);
    if (names) model_->addItems(*names);
  });
  ask({"suites", "--json"}, [this](Result<QByteArray> json) {
    if (json) return take_suites(*json);
    plan_->setText(QString::fromStdString(json.error().message));
  });
}

NewRunDialog::~NewRunDialog() = default;

QWidget* NewRunDialog::make_form() {
  auto* form = new QWidget;
  auto* layout = new QFormLayout(form);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);

  model_ = new QComboBox;
  model_->setEditable(true);
  model_->setAccessibleName(tr("Model"));
  model_->lineEdit()->setPlaceholderText(tr("a registered name, a folder, a .gguf file, replay:FILE.jsonl"));
  suites_ = new QTreeWidget;
  suites_->setAccessibleName(tr("Suites"));
  suites_->setHeaderLabels({tr("Suite"), tr("Items"), tr("What it asks")});
  suites_->header()->setSectionResizeMode(QHeaderView::Interactive);
  suites_->setColumnWidth(0, fontMetrics().averageCharWidth() * 24);
  suites_->setColumnWidth(1, fontMetrics().averageCharWidth() * 8);
  suites_->setUniformRowHeights(true);
  more_suites_ =
      make_field(tr("zebra:3x4:seed=7:n=200, or folders of your own, separated by commas"), tr("Further suites"));
  samples_ = make_field(tr("as the suite or the protocol says"), tr("Samples an item"));
  limit_ = make_field(tr("all"), tr("First items only"));
  seed_ = make_field("0", tr("Seed"));
  protocol_ = new QComboBox;
  protocol_->setAccessibleName(tr("Protocol"));
  protocol_->addItems({tr("the suite's own"), "deepseek-r1"});
  device_ = new QComboBox;
  device_->setEditable(true);
  device_->setAccessibleName(tr("Device"));
  device_->addItems({"auto", "cpu", "cuda", "cuda:0"});
  temperature_ = make_field(tr("as the suite or the protocol says"), tr("Temperature"));
  top_p_ = make_field(tr("as the suite or the protocol says"), tr("Top-p"));
  max_output_tokens_ = make_field(tr("as the suite or the protocol says"), tr("Output tokens at most"));
  hardware_ = make_field(tr("h100-sxm5, … (assay hardware lists them)"), tr("Hardware profile"));
  price_ = make_field(tr("US dollars an hour; without it no cost is known"), tr("Price of the device"));
  name_ = make_field(tr("usable as RUN in commands"), tr("Name"));
  tags_ = make_field(tr("team=core, ticket=12"), tr("Tags"));
  const QStringList& open = navigator_.state().databases;
  database_ = make_field(tr("file"), tr("Results database"));
  database_->setText(open.isEmpty() ? "assay.db" : open.first());

  layout->addRow(tr("&Model"), model_);
  layout->addRow(tr("S&uites"), suites_);
  layout->addRow(tr("Furth&er suites"), more_suites_);
  layout->addRow(tr("Sam&ples an item"), samples_);
  layout->addRow(tr("&First items only"), limit_);
  layout->addRow(tr("See&d"), seed_);
  layout->addRow(tr("Pr&otocol"), protocol_);
  layout->addRow(tr("&Temperature"), temperature_);
  layout->addRow(tr("Top-&p"), top_p_);
  layout->addRow(tr("Output tokens at &most"), max_output_tokens_);
  layout->addRow(tr("De&vice"), device_);
  layout->addRow(tr("&Hardware profile"), hardware_);
  layout->addRow(tr("P&rice of the device"), price_);
  layout->addRow(tr("&Name"), name_);
  layout->addRow(tr("Ta&gs"), tags_);
  layout->addRow(tr("Results data&base"), database_);

  connect(suites_, &QTreeWidget::itemChanged, this, &NewRunDialog::choices_changed);
  for (QComboBox* box : {model_, protocol_, device_})
    connect(box, &QComboBox::currentTextChanged, this, &NewRunDialog::choices_changed);
  for (QLineEdit* field : form->findChildren<QLineEdit*>()) {
    connect(field, &QLineEdit::textChanged, this, &NewRunDialog::choices_changed);
  }
  return form;
}

QWidget* NewRunDialog::make_side() {
  auto* side = new QWidget;
  auto* layout = new QVBoxLayout(side);
  layout->setContentsMargins(0, 0, 0, 0);
  const auto heading = [](const QString& text) {
    auto* label = new QLabel(text);
    QFont bold = label->font();
    bold.setBold(true);
    label->setFont(bold);
    return label;
  };
  plan_ = new QLabel(tr("Choose a model and suites."));
  plan_->setTextFormat(Qt::PlainText);
  plan_->setWordWrap(true);
  plan_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  command_ = new QPlainTextEdit;
  command_->setReadOnly(true);
  command_->setAccessibleName(tr("Command"));
  command_->setFixedHeight(fontMetrics().height() * 5);
  auto* copy = new QPushButton(tr("&Copy the command"));
  connect(copy, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(command_->toPlainText()); });
  state_ = new QLabel;
  state_->setTextFormat(Qt::PlainText);
  progress_ = new QProgressBar;
  log_ = new QPlainTextEdit;
  log_->setReadOnly(true);
  log_->setAccessibleName(tr("What the run says"));
  log_->setMaximumBlockCount(RunProcess::kMaxLines);

  layout->addWidget(heading(tr("What it will take")));
  layout->addWidget(plan_);
  layout->addSpacing(8);
  layout->addWidget(heading(tr("The same on the command line")));
  layout->addWidget(command_);
  layout->addWidget(copy, 0, Qt::AlignLeft);
  layout->addSpacing(8);
  layout->addWidget(heading(tr("The run")));
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
  auto* close_button = new QPushButton(tr("Close"));
  connect(start_, &QPushButton::clicked, this, &NewRunDialog::start);
  connect(pause_, &QPushButton::clicked, &process_, &RunProcess::pause);
  connect(close_button, &QPushButton::clicked, this, &QWidget::close);
  layout->addStretch(1);
  for (QPushButton* button : {start_, pause_, close_button}) layout->addWidget(button);
  return buttons;
}

void NewRunDialog::ask(const QStringList& words, std::function<void(Result<QByteArray>)> use) {
  auto* process = new QProcess(this);
  process->setStandardInputFile(QProcess::nullDevice());
  ++n_questions_;
  const auto finish = [this, process, words, use = std::move(use)](bool has_started) {
    --n_questions_;
    process->deleteLater();
    if (has_started && process->exitStatus() == QProcess::NormalExit && process->exitCode() == 0) {
      return use(process->readAllStandardOutput());
    }
    const QString said = QString::fromUtf8(process->readAllStandardError()).trimmed().section('\n', -1).left(500);
    use(environment_error("assay ", words.join(' ').toStdString(), ": ",
                          (said.isEmpty() ? process->errorString() : said).toStdString()));
  };
  connect(process, &QProcess::finished, this, [finish] { finish(true); });
  connect(process, &QProcess::errorOccurred, this, [finish](QProcess::ProcessError error) {
    if (error == QProcess::FailedToStart) finish(false);
  });
  QTimer::singleShot(kQuestionLimitMs, process, &QProcess::kill);
  process->start(program_, words);
}

void NewRunDialog::take_suites(const QByteArray& json) {
  const Result<std::vector<SuiteOffer>> offers = parse_suite_list(json);
  if (!offers) return plan_->setText(QString::fromStdString(offers.error().message));
  const QSignalBlocker quiet(suites_);
  std::map<QString, QTreeWidgetItem*> groups;
  for (const SuiteOffer& offer : *offers) {
    QTreeWidgetItem*& group = groups[offer.group];
    if (group == nullptr && !offer.group.isEmpty()) {
      group = new QTreeWidgetItem(suites_, {offer.group});
      group->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemIsAutoTristate);
      group->setCheckState(0, Qt::Unchecked);
    }
    const QString n_items = offer.n_items ? QString::number(*offer.n_items) : QString(QChar(0x2014));
    auto* entry = new QTreeWidgetItem({offer.suite, n_items, offer.title});
    if (group != nullptr)
      group->addChild(entry);
    else
      suites_->addTopLevelItem(entry);
    entry->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemNeverHasChildren);
    entry->setCheckState(0, Qt::Unchecked);
    entry->setTextAlignment(1, Qt::AlignRight | Qt::AlignVCenter);
    if (!offer.n_items)
      entry->setToolTip(1, tr("Its items are not there yet; they are read from %1").arg(offer.items_from));
  }
}

Result<RunChoices> NewRunDialog::choices() const {
  RunChoices choices;
  choices.program = program_;
  choices.model = model_->currentText().trimmed();
  for (QTreeWidgetItemIterator it(suites_, QTreeWidgetItemIterator::Checked | QTreeWidgetItemIterator::NoChildren); *it;
       ++it) {
    choices.suites << (*it)->text(0);
  }
  for (const QString& suite : more_suites_->text().split(',', Qt::SkipEmptyParts)) choices.suites << suite.trimmed();
  ASSAY_ASSIGN(choices.samples, integer_in(*samples_, 1));
  ASSAY_ASSIGN(choices.limit, integer_in(*limit_, 1));
  ASSAY_ASSIGN(choices.seed, integer_in(*seed_, 0));
  ASSAY_ASSIGN(choices.max_output_tokens, integer_in(*max_output_tokens_, 1));
  ASSAY_ASSIGN(choices.temperature, number_in(*temperature_, 0, 100));
  ASSAY_ASSIGN(choices.top_p, number_in(*top_p_, 0, 1));
  ASSAY_ASSIGN(choices.price_usd_per_gpu_hour, number_in(*price_, 0, 1e6));
  if (protocol_->currentIndex() > 0) choices.protocol = protocol_->currentText();
  const QString device = device_->currentText().trimmed();
  if (device != "auto") choices.device = device;
  choices.hardware = hardware_->text().trimmed();
  choices.name = name_->text().trimmed();
  for (const QString& tag : tags_->text().split(',', Qt::SkipEmptyParts)) choices.tags << tag.trimmed();
  choices.database = database_->text().trimmed();
  return choices;
}

void NewRunDialog::choices_changed() {
  show_command();
  plan_timer_.start();
}

void NewRunDialog::show_command() {
  const Result<RunChoices> chosen = choices();
  const Result<QStringList> words = chosen ? run_words(*chosen) : Result<QStringList>(chosen.error());
  command_->setPlainText(words ? shell_line("assay", *words) : QString::fromStdString(words.error().message));
  start_->setEnabled(words.has_value() && !program_.isEmpty() && !process_.is_alive());
}

void NewRunDialog::ask_for_plan() {
  if (program_.isEmpty()) return;
  const Result<RunChoices> chosen = choices();
  if (!chosen) return show_plan();
  for (const QString& suite : chosen->suites) {
    if (suite_facts_.count(suite) > 0) continue;
    suite_facts_.emplace(suite, environment_error("suite ", suite.toStdString(), ": being asked"));
    ask({"suites", "show", suite, "--json"}, [this, suite](Result<QByteArray> json) {
      suite_facts_.insert_or_assign(suite, json ? parse_suite(*json) : Result<SuitePlanFacts>(json.error()));
      show_plan();
    });
  }
  if (chosen->model != model_asked_) {
    model_asked_ = chosen->model;
    model_facts_.reset();
    model_problem_.clear();
    ask({"models", "show", chosen->model, "--json"}, [this, model = chosen->model](Result<QByteArray> json) {
      if (model != model_asked_) return;
      const Result<ModelPlanFacts> facts = json ? parse_model(*json) : Result<ModelPlanFacts>(json.error());
      if (facts)
        model_facts_ = *facts;
      else
        model_problem_ = QString::fromStdString(facts.error().message);
      show_plan();
    });
  }
  const LocatedRun* earlier = earlier_run(*workspace_.runs(), *chosen);
  if (earlier == nullptr) {
    earlier_.reset();
    earlier_job_.cancel();
    return show_plan();
  }
  earlier_job_.start(
      [database = earlier->database, id = earlier->run.run_id](std::stop_token) -> Result<results::RunSummary> {
        ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(database.toStdString()));
        return results::summarise(store, id);
      },
      [this](Result<results::RunSummary> summary) {
        if (summary)
          earlier_ = std::move(*summary);
        else
          earlier_.reset();
        show_plan();
      });
}

void NewRunDialog::show_plan() {
  const Result<RunChoices> chosen = choices();
  if (!chosen) return plan_->setText(QString::fromStdString(chosen.error().message));
  if (chosen->model.isEmpty() || chosen->suites.isEmpty()) return plan_->setText(tr("Choose a model and suites."));
  std::vector<SuitePlanFacts> suites;
  for (const QString& suite : chosen->suites) {
    const auto facts = suite_facts_.find(suite);
    if (facts == suite_facts_.end()) return;  // the timer will ask
    if (!facts->second) return plan_->setText(QString::fromStdString(facts->second.error().message));
    suites.push_back(*facts->second);
  }
  RunPlan plan = plan_run(*chosen, suites, model_facts_, earlier_ ? &*earlier_ : nullptr);
  if (!model_problem_.isEmpty()) plan.unknown << model_problem_;
  plan_->setText(plan_lines(plan));
}

QString NewRunDialog::plan_text() const { return plan_->text(); }

void NewRunDialog::start() {
  const Result<RunChoices> chosen = choices();
  const Result<QStringList> words = chosen ? run_words(*chosen) : Result<QStringList>(chosen.error());
  if (!words) return show_command();
  started_at_ms_ = QDateTime::currentMSecsSinceEpoch();
  process_.start(program_, *words);
}

void NewRunDialog::process_changed() {
  switch (process_.state()) {
    case RunProcess::State::idle:
      state_->setText(tr("Not started"));
      break;
    case RunProcess::State::running:
      state_->setText(tr("Running"));
      break;
    case RunProcess::State::pausing:
      state_->setText(tr("Saving what has finished…"));
      break;
    case RunProcess::State::paused:
      state_->setText(tr("Paused: all that had finished is stored"));
      break;
    case RunProcess::State::finished:
      state_->setText(tr("Finished"));
      break;
    case RunProcess::State::failed:
      state_->setText(tr("Failed (exit code %1)").arg(process_.exit_code()));
      break;
  }
  const bool is_paused = process_.state() == RunProcess::State::paused;
  start_->setText(is_paused ? tr("&Go on") : tr("&Start"));
  pause_->setEnabled(process_.state() == RunProcess::State::running);
  const QString said = process_.lines().join('\n');
  if (log_->toPlainText() != said) {
    log_->setPlainText(said);
    log_->moveCursor(QTextCursor::End);
  }
  show_command();
  show_progress();
  // The database may be new to the window: then it is opened once it is there.
  const QString database = QFileInfo(database_->text().trimmed()).absoluteFilePath();
  if (process_.state() != RunProcess::State::idle && QFileInfo::exists(database) &&
      !navigator_.state().databases.contains(database)) {
    ViewState state = navigator_.state();
    state.databases.append(database);
    navigator_.replace(std::move(state));
  }
}

void NewRunDialog::show_progress() {
  const QString database = QFileInfo(database_->text().trimmed()).absoluteFilePath();
  progress_->setVisible(process_.state() != RunProcess::State::idle);
  for (const LocatedRun& located : *workspace_.runs()) {
    // The newest run of the database that was worked on since the start.
    if (located.database != database || process_.state() == RunProcess::State::idle) continue;
    if (located.run.segments.back().started_at_ms + 1000 < started_at_ms_) continue;
    std::int64_t n_stored = 0, n_planned = 0;
    for (const results::RunSuiteRecord& suite : located.run.suites) {
      n_stored += suite.n_samples;
      n_planned += suite.n_items * suite.facts.samples;
    }
    progress_->setRange(0, static_cast<int>(n_planned));
    progress_->setValue(static_cast<int>(n_stored));
    progress_->setFormat(tr("%1 of %2 samples stored").arg(n_stored).arg(n_planned));
    return;
  }
  progress_->setRange(0, process_.is_alive() ? 0 : 1);
  progress_->setFormat(QString());
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
