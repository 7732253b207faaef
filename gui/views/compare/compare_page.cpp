#include "gui/views/compare/compare_page.h"

#include <QDateTime>
#include <QFileDialog>

#include "gui/models/plain_text.h"
#include "gui/views/charts/chart_view.h"
#include "gui/views/compare/compare_charts.h"
#include "harness/base/text.h"
#include "results/gate/calibration.h"
#include "results/gate/wording.h"

namespace assay::gui {

namespace {

constexpr int kChartsAcross = 2;

void clear(QLayout* layout) {
  while (QLayoutItem* item = layout->takeAt(0)) {
    delete item->widget();
    delete item;
  }
}

/// Where a panel lies depends on whether there was a comparison.
void show_if(bool is_shown, std::initializer_list<QWidget*> widgets) {
  for (QWidget* widget : widgets) widget->setVisible(is_shown);
}

}  // namespace

ComparePage::ComparePage(const PageContext& context, QWidget* parent)
    : ReadingPage(context, "compare", "Compare",
                  "Is a run better or worse than the baseline, is the difference real, and where do they differ?",
                  parent) {
  obstacles_panel_ = new Panel("These runs are not comparable as they stand", this);
  obstacles_ = make_text({}, obstacles_panel_);
  force_ = new QCheckBox("Compare in &spite of these differences", obstacles_panel_);
  obstacles_panel_->add(obstacles_);
  obstacles_panel_->add(force_);
  connect(force_, &QCheckBox::clicked, this, [this](bool is_on) { set_setting("force", is_on ? "1" : ""); });

  gate_panel_ = new Panel("The gate's verdict", this);
  auto* policy_row = new QHBoxLayout;
  policy_ = make_text({}, gate_panel_, true);
  auto* choose = new QPushButton("&Policy file…", gate_panel_);
  default_policy_ = new QPushButton("&Default policy", gate_panel_);
  connect(choose, &QPushButton::clicked, this, &ComparePage::choose_policy);
  connect(default_policy_, &QPushButton::clicked, this, [this] { set_setting("policy", {}); });
  policy_row->addWidget(policy_, 1);
  policy_row->addWidget(default_policy_);
  policy_row->addWidget(choose);
  gate_panel_->content()->addLayout(policy_row);
  gates_ = new QVBoxLayout;
  gate_panel_->content()->addLayout(gates_);

  accuracy_panel_ = new Panel("Accuracy by suite", this);
  accuracies_ = new QGridLayout;
  accuracies_->setSpacing(10);
  accuracy_panel_->content()->addLayout(accuracies_);

  difference_panel_ = new Panel("Paired differences", this);
  difference_panel_->set_remark(
      "Candidate - baseline over the items that both have. \"No difference shown\" is not "
      "\"equal\": see the detectable difference.");
  difference_ = make_chart(difference_panel_);
  paired_ = new DataTable(difference_panel_);
  difference_panel_->add(difference_);
  difference_panel_->add(paired_);

  flips_panel_ = new Panel("Items whose outcome changed", this);
  auto* flips_row = new QHBoxLayout;
  flips_which_ = new QComboBox(flips_panel_);
  flips_which_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  flips_which_->setAccessibleName("Which changes");
  flips_which_->addItem("Lost and gained", "");
  flips_which_->addItem("Lost", "lost");
  flips_which_->addItem("Gained", "gained");
  flips_suite_ = new QComboBox(flips_panel_);
  flips_suite_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  flips_suite_->setAccessibleName("Suite of the items");
  flips_row->addWidget(flips_which_);
  flips_row->addWidget(flips_suite_);
  flips_row->addStretch();
  flips_panel_->content()->addLayout(flips_row);
  flips_ = new DataTable(flips_panel_);
  flips_panel_->add(flips_);
  connect(flips_which_, &QComboBox::activated, this,
          [this] { set_setting("flips", flips_which_->currentData().toString()); });
  connect(flips_suite_, &QComboBox::activated, this,
          [this] { set_setting("suite", flips_suite_->currentData().toString()); });
  connect(flips_, &DataTable::chosen, this, [this](const QString& key) {
    ViewState next = state();
    std::tie(next.suite, next.item) = parse_flip_key(key);
    next.sample = 0;
    next.page = "items";
    go(std::move(next));
  });

  lengths_panel_ = new Panel("Output tokens of a sample", this);
  lengths_ = new DataTable(lengths_panel_);
  lengths_panel_->add(lengths_);
  speed_panel_ = new Panel("Latency, throughput, cost and energy", this);
  latency_ = new DataTable(speed_panel_);
  run_figures_ = new DataTable(speed_panel_);
  speed_panel_->add(latency_);
  speed_panel_->add(run_figures_);
  environment_panel_ = new Panel("Speed and cost are those of different environments", this);
  environment_ = new DataTable(environment_panel_);
  environment_panel_->add(environment_);

  for (Panel* panel : {obstacles_panel_, gate_panel_, accuracy_panel_, difference_panel_, flips_panel_, lengths_panel_,
                       speed_panel_, environment_panel_}) {
    body()->addWidget(panel);
  }
  body()->addStretch();
}

void ComparePage::choose_policy() {
  const QString file = QFileDialog::getOpenFileName(this, "Policy of the gate", {}, "Policies (*.json);;All files (*)");
  if (!file.isEmpty()) set_setting("policy", file);
}

void ComparePage::refresh() {
  const ChosenRuns chosen = chosen_runs(workspace(), state());
  if (chosen.runs.size() < 2) {
    return offer_runs(chosen, 2, "Choose two or more runs to compare. The first one is the baseline.");
  }
  const QString policy = setting("policy");
  policy_->setText(policy.isEmpty() ? "Default policy: accuracy of each suite within two points, at 5 %. The same "
                                      "verdict as \"assay check\"."
                                    : "Policy: " + visible_text(policy.toStdString()));
  default_policy_->setVisible(!policy.isEmpty());
  const bool force = setting("force") == "1";
  force_->setChecked(force);
  ComparisonQuestion question{chosen.runs, force, policy};
  const QString words = chosen.fingerprint() + "\n" + policy + "\n" + (force ? "forced" : "");
  ask(
      words, "Reading " + counted(static_cast<qint64>(chosen.runs.size()), "run") + " and comparing them…",
      [question = std::move(question), now_ms = QDateTime::currentMSecsSinceEpoch()](std::stop_token stop) {
        return read_comparison(question, now_ms, std::move(stop));
      },
      [this](ComparisonAnswer answer) { show_answer(std::move(answer)); });
  // A run that grows asks for a refresh each second: the row that the user is at stays.
  if (!is_busy() && answer_.comparison && flips_shown_ != setting("flips") + "\n" + setting("suite")) show_flips();
}

void ComparePage::show_answer(ComparisonAnswer answer) {
  answer_ = std::move(answer);
  if (answer_.summaries.empty()) return show_message(visible_text(answer_.refusal, 1000));
  show_obstacles();
  show_accuracies();
  show_gates();
  const bool has_comparison = answer_.comparison.has_value();
  show_if(has_comparison, {difference_panel_, flips_panel_, lengths_panel_, speed_panel_});
  if (has_comparison) {
    const Chart chart = difference_chart(answer_);
    const auto n_places = static_cast<int>(chart.y.categories.size() * std::max<std::size_t>(1, chart.series.size()));
    constexpr int kFrame = 130, kPlace = 26, kLeast = 200, kMost = 640;
    difference_->set_height(std::clamp(kFrame + kPlace * n_places, kLeast, kMost));
    difference_->set_chart(chart);
    paired_->set_table(accuracy_table(answer_));
    lengths_->set_table(lengths_table(answer_));
    latency_->set_table(latency_table(answer_));
    run_figures_->set_table(run_figures_table(answer_));
    latency_->setVisible(!latency_->table().rows.empty());
    run_figures_->setVisible(!run_figures_->table().rows.empty());
    speed_panel_->set_remark(latency_->table().rows.empty() ? "Latencies are not known of both runs: recorded or "
                                                              "imported outputs were not timed."
                                                            : "A ratio below 1 is faster or less.");
    show_flips();
  }
  environment_->set_table(environment_table(answer_));
  environment_panel_->setVisible(!environment_->table().rows.empty());
  show_body();
}

void ComparePage::show_obstacles() {
  QStringList lines;
  for (const Obstacles& of : answer_.obstacles) {
    lines << of.candidate + " and " + answer_.titles.front() + " differ in " +
                 visible_text(join(of.phrases, ", "), 2000);
  }
  if (lines.isEmpty() && !answer_.comparison) lines << visible_text(answer_.refusal, 2000);
  obstacles_->setText(lines.join('\n'));
  force_->setVisible(!answer_.obstacles.empty());
  obstacles_panel_->setVisible(!lines.isEmpty());
}

void ComparePage::show_gates() {
  clear(gates_);
  for (const GateAnswer& gate : answer_.gates) {
    const QString headline = gate.check ? visible_text(results::headline(*gate.check), 1000)
                                        : "no verdict; " + visible_text(gate.refusal, 2000);
    QLabel* line = make_text(gate.candidate + "\n" + headline, gate_panel_);
    line->setAccessibleName("Verdict on " + gate.candidate);
    gates_->addWidget(line);
    if (!gate.check) continue;
    auto* table = new DataTable(gate_panel_);
    table->set_table(gate_table(gate));
    gates_->addWidget(table);
    QStringList remarks;
    for (const std::string& note : gate.check->notes) remarks << visible_text(note, 400);
    for (const std::string& expired : results::expired_waiver_lines(*gate.check)) remarks << visible_text(expired, 400);
    remarks << (gate.check->calibration
                    ? visible_text(results::calibration_text(*gate.check->calibration), 400)
                    : QString("How often this machine calls equal runs regressed is not known: \"assay check "
                              "--calibrate\" measures it."));
    gates_->addWidget(make_text(remarks.join('\n'), gate_panel_, true));
  }
}

void ComparePage::show_accuracies() {
  clear(accuracies_);
  int at = 0;
  constexpr int kFrame = 110, kPlace = 30, kLeast = 190;
  const int height = std::max(kLeast, kFrame + kPlace * static_cast<int>(answer_.titles.size()));
  for (const std::string& suite : suites_of(answer_)) {
    ChartView* view = make_chart(accuracy_panel_, height);
    view->set_chart(accuracy_chart(answer_, suite));
    accuracies_->addWidget(view, at / kChartsAcross, at % kChartsAcross, Qt::AlignTop);
    ++at;
  }
  accuracy_panel_->setVisible(at > 0);
  accuracy_panel_->set_remark(
      "Each run alone, with its 95 % interval. Whether two differ is said by the paired "
      "differences, not by intervals that overlap.");
}

void ComparePage::show_flips() {
  const QString which = setting("flips"), suite = setting("suite");
  flips_shown_ = which + "\n" + suite;
  flips_which_->setCurrentIndex(std::max(0, flips_which_->findData(which)));
  std::vector<std::pair<QString, QString>> suites = {{"All suites", ""}};
  for (const std::string& name : suites_of(answer_)) {
    suites.emplace_back(visible_text(name, 60), QString::fromStdString(name));
  }
  set_choices(flips_suite_, suites, suite);
  flips_->set_table(flips_table(answer_, which, suite));
  std::int64_t n_lost = 0, n_gained = 0;
  for (const results::RunComparison& run : answer_.comparison->runs) {
    for (const results::SuiteComparison& of : run.suites) {
      if (!suite.isEmpty() && of.suite != suite.toStdString()) continue;
      n_lost += of.n_lost;
      n_gained += of.n_gained;
    }
  }
  flips_panel_->set_remark(counted(n_lost, "item") + " lost and " + number_text(static_cast<double>(n_gained)) +
                           " gained" + (answer_.comparison->runs.size() > 1 ? ", over all candidates" : "") +
                           ". ▼ lost, ▲ gained; Enter opens an item's transcripts.");
}

QString ComparePage::as_csv() const { return answer_.comparison ? table_csv(paired_->table()) : QString(); }

QString ComparePage::as_sql() const {
  QStringList ids;
  for (const results::RunSummary& summary : answer_.summaries) {
    ids << sql_text(QString::fromStdString(summary.run.run_id.value));
  }
  if (ids.isEmpty()) return {};
  return "-- Item means of the runs: what the paired differences are made of.\n"
         "SELECT r.run_id, rs.suite, i.item, count(*) AS n_samples,\n"
         "       avg(v.verdict = 'correct') AS accuracy, avg(s.n_output_tokens) AS output_tokens\n"
         "FROM runs r JOIN run_suites rs USING (run_key)\n"
         "JOIN items i USING (run_suite_id) JOIN samples s USING (item_key)\n"
         "JOIN current_verdicts v USING (sample_key)\n"
         "WHERE r.run_id IN (" +
         ids.join(", ") +
         ")\n"
         "GROUP BY r.run_key, rs.run_suite_id, i.item_key ORDER BY rs.suite, i.item, r.run_id;\n";
}

}  // namespace assay::gui
