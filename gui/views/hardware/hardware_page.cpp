#include "gui/views/hardware/hardware_page.h"

#include <set>

#include "gui/models/plain_text.h"
#include "gui/views/charts/chart_view.h"
#include "gui/views/hardware/hardware_charts.h"
#include "gui/views/speed/bench_charts.h"

namespace assay::gui {

namespace {

constexpr HardwareFigure kFigures[] = {HardwareFigure::accuracy, HardwareFigure::output_tokens_per_s,
                                       HardwareFigure::ttft_ms,  HardwareFigure::itl_ms,
                                       HardwareFigure::e2e_ms,   HardwareFigure::joules_per_output_token};
constexpr int kFiguresAcross = 2;

}  // namespace

HardwarePage::HardwarePage(const PageContext& context, QWidget* parent)
    : ReadingPage(context, "hardware", "Hardware",
                  "What does one device give against another, and what of that is measured, emulated, projected or "
                  "published?",
                  parent) {
  runs_panel_ = new Panel("The same suite on different devices", this);
  suite_row_ = new QWidget(runs_panel_);
  auto* row = new QHBoxLayout(suite_row_);
  row->setContentsMargins(0, 0, 0, 0);
  auto* suite_label = new QLabel("&Suite", suite_row_);
  suite_ = new QComboBox(suite_row_);
  suite_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  suite_->setAccessibleName("Suite");
  suite_label->setBuddy(suite_);
  row->addWidget(suite_label);
  row->addWidget(suite_);
  row->addStretch();
  runs_panel_->add(suite_row_);
  connect(suite_, &QComboBox::activated, this, [this] {
    ViewState next = state();
    next.suite = suite_->currentData().toString();
    go(std::move(next));
  });
  auto* grid = new QGridLayout;
  grid->setSpacing(10);
  for (std::size_t i = 0; i < std::size(kFigures); ++i) {
    charts_.push_back(make_chart(runs_panel_, 220));
    grid->addWidget(charts_.back(), static_cast<int>(i) / kFiguresAcross, static_cast<int>(i) % kFiguresAcross,
                    Qt::AlignTop);
  }
  runs_panel_->content()->addLayout(grid);
  runs_ = new DataTable(runs_panel_);
  runs_panel_->add(runs_);

  bench_panel_ = new Panel("The same benchmark on different devices", this);
  sweep_ = make_chart(bench_panel_, 320);
  bench_steps_ = new DataTable(bench_panel_);
  bench_panel_->add(sweep_);
  bench_panel_->add(bench_steps_);

  measurements_panel_ = new Panel("Figures without samples", this);
  measurements_panel_->set_remark(
      "Benchmarks and published figures that stand in the open databases, apart from what "
      "was measured with samples.");
  measurements_ = new DataTable(measurements_panel_);
  measurements_panel_->add(measurements_);

  profiles_panel_ = new Panel("Published figures, side by side", this);
  auto* choice = new QHBoxLayout;
  for (const char* label : {"&Reference", "&Against", "a&nd"}) {
    auto* text = new QLabel(label, profiles_panel_);
    auto* name = new QComboBox(profiles_panel_);
    name->setAccessibleName(QString(label).remove('&') + " device");
    text->setBuddy(name);
    choice->addWidget(text);
    choice->addWidget(name);
    names_.push_back(name);
    connect(name, &QComboBox::activated, this, &HardwarePage::choose_profile);
  }
  choice->addStretch();
  profiles_panel_->content()->addLayout(choice);
  values_ = new DataTable(profiles_panel_);
  values_->set_max_rows(24);
  profiles_panel_->add(values_);
  auto* sources_panel = new Panel("Where they come from", this);
  sources_ = new DataTable(sources_panel);
  sources_panel->add(sources_);

  if (auto profiles = results::load_hardware(results::user_hardware_folder())) {
    profiles_ = std::move(*profiles);
  } else {
    profiles_panel_->set_remark(visible_text(profiles.error().message, 600));
  }
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (i == 2) names_[i]->addItem("—", "");
    for (const results::HardwareProfile& profile : profiles_) {
      names_[i]->addItem(visible_text(profile.title, 60), QString::fromStdString(profile.name));
    }
  }
  for (Panel* panel : {runs_panel_, bench_panel_, measurements_panel_, profiles_panel_, sources_panel})
    body()->addWidget(panel);
  body()->addStretch();
}

void HardwarePage::choose_profile() {
  QStringList names;
  for (const QComboBox* name : names_) names << name->currentData().toString();
  names.removeAll("");
  set_setting("profiles", names == default_profiles() ? QString() : names.join(','));
}

void HardwarePage::show_profiles() {
  const QString chosen = setting("profiles");
  const QStringList names = chosen.isEmpty() ? default_profiles() : chosen.split(',');
  std::vector<results::HardwareProfile> profiles;
  QStringList unknown;
  for (const QString& name : names) {
    auto profile = results::find_hardware(profiles_, name.toStdString());
    if (profile) {
      profiles.push_back(std::move(*profile));
    } else {
      unknown << visible_text(name.toStdString(), 60);
    }
  }
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const auto at = static_cast<qsizetype>(i);
    names_[i]->setCurrentIndex(std::max(0, names_[i]->findData(at < names.size() ? names[at] : QString())));
  }
  if (!profiles_.empty()) {
    profiles_panel_->set_remark(
        (unknown.isEmpty() ? QString() : "There is no profile " + unknown.join(", ") + ". ") +
        "Published figures, none measured here: dense rates, links in both directions together. * is disputed: its "
        "tooltip says by whom; — is not known.");
  }
  if (profiles_shown_ == names) return;
  profiles_shown_ = names;
  values_->set_table(profiles_table(profiles));
  sources_->set_table(sources_table(profiles));
}

void HardwarePage::refresh() {
  show_profiles();
  const HardwareQuestion question = hardware_question(workspace(), state());
  std::set<std::string> suites;
  for (const LocatedRun& located : *workspace().runs()) {
    for (const results::RunSuiteRecord& suite : located.run.suites) suites.insert(suite.facts.suite);
  }
  std::vector<std::pair<QString, QString>> choices;
  for (const std::string& suite : suites) choices.emplace_back(visible_text(suite, 60), QString::fromStdString(suite));
  set_choices(suite_, choices, QString::fromStdString(question.suite));
  if (question.runs.empty()) {
    forget_question();
    answer_ = {};
    show_answer({});
    return;
  }
  ChosenRuns runs;
  runs.runs = question.runs;
  const QString words = runs.fingerprint() + "\n" + QString::fromStdString(question.suite);
  ask(
      words, "Reading " + counted(static_cast<qint64>(question.runs.size()), "run") + " and their tokens…",
      [question](std::stop_token stop) { return read_hardware_runs(question, std::move(stop)); },
      [this](HardwareAnswer answer) { show_answer(std::move(answer)); });
}

void HardwarePage::show_answer(HardwareAnswer answer) {
  answer_ = std::move(answer);
  QString remark;
  if (!answer_.refusal.empty()) {
    remark = visible_text(answer_.refusal, 1000);
  } else if (answer_.runs.empty()) {
    remark = workspace().databases().isEmpty()
                 ? "No database is open. Open one with Ctrl+O to see its runs here; the published figures are below."
                 : "The open databases hold no run with samples or figures.";
  } else {
    remark =
        "Accuracy is of this suite; speed and energy are of the whole run. Times are of the same work only where "
        "the tokens are the same. Hollow: not measured, its label says what it is.";
  }
  QString left_out;
  if (answer_.n_left_out > 0) {
    left_out = " The newest run of each device, model and provenance is shown; " +
               counted(answer_.n_left_out, "older run") + " left out: choose runs on the page Runs to see them.";
  }
  runs_panel_->set_remark(remark + left_out);
  suite_row_->setVisible(suite_->count() > 0);
  const Table table = hardware_runs_table(answer_);
  constexpr int kFrame = 130, kPlace = 26, kLeast = 190, kMost = 560;
  const int height = std::clamp(kFrame + kPlace * static_cast<int>(table.rows.size()), kLeast, kMost);
  for (std::size_t i = 0; i < charts_.size(); ++i) {
    charts_[i]->set_chart(hardware_chart(answer_, kFigures[i]));
    charts_[i]->set_height(height);
    charts_[i]->setVisible(!table.rows.empty());
  }
  runs_->setVisible(!table.rows.empty());
  // Benchmarks alone have no suite.
  const bool has_only_benchmarks = answer_.refusal.empty() && !answer_.runs.empty() && table.rows.empty();
  runs_panel_->setVisible(!has_only_benchmarks);
  bench_panel_->set_remark(has_only_benchmarks ? left_out.trimmed() : QString());
  runs_->set_table(table);
  show_benchmarks();
  measurements_->set_table(hardware_measurements_table(answer_));
  measurements_panel_->setVisible(!measurements_->table().rows.empty());
  show_body();
}

void HardwarePage::show_benchmarks() {
  std::vector<BenchedRun> runs;
  for (const HardwareRun& run : answer_.runs) {
    BenchedRun& benched = runs.emplace_back();
    benched.title = run.title + " on " + run.hardware;
    benched.summary = &run.summary;
    const auto place = state().runs.indexOf(QString::fromStdString(run.summary.run.run_id.value));
    if (place >= 0) benched.style = static_cast<int>(place);
  }
  const std::vector<BenchSweep> sweeps = bench_sweeps(runs);
  bench_panel_->setVisible(!sweeps.empty());
  sweep_->set_chart(sweep_chart(sweeps));
  bench_steps_->set_table(bench_steps_table(sweeps));
}

QString HardwarePage::as_csv() const {
  return table_csv(runs_->table().rows.empty() ? values_->table() : runs_->table());
}

QString HardwarePage::as_sql() const {
  QStringList ids;
  for (const HardwareRun& run : answer_.runs) {
    ids << sql_text(QString::fromStdString(run.summary.run.run_id.value));
  }
  if (ids.isEmpty()) return {};
  return "SELECT DISTINCT r.run_id, r.name, r.provenance, r.hardware_profile, e.device_name, e.gpu_name, rs.suite,\n"
         "       g.n_correct, g.n_samples\n"
         "FROM runs r JOIN run_segments USING (run_key) JOIN environments e USING (environment_id)\n"
         "LEFT JOIN run_suites rs USING (run_key) LEFT JOIN current_gradings g USING (run_suite_id)\n"
         "WHERE r.run_id IN (" +
         ids.join(", ") + ")\nORDER BY rs.suite, e.device_name, r.run_id;\n";
}

}  // namespace assay::gui
