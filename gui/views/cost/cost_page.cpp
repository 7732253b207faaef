#include "gui/views/cost/cost_page.h"

#include "gui/models/plain_text.h"
#include "gui/views/charts/chart_view.h"
#include "gui/views/cost/cost_charts.h"

namespace assay::gui {

namespace {

QLineEdit* make_number(const QString& label, const QString& hint, const QString& unit, QWidget* parent,
                       QHBoxLayout* row) {
  auto* edit = new QLineEdit(parent);
  edit->setPlaceholderText(hint);
  edit->setFixedWidth(84);
  QString name = label;
  edit->setAccessibleName(name.remove('&'));
  auto* text = new QLabel(label, parent);
  text->setBuddy(edit);
  row->addWidget(text);
  row->addWidget(edit);
  if (!unit.isEmpty()) row->addWidget(new QLabel(unit, parent));
  return edit;
}

}  // namespace

CostPage::CostPage(const PageContext& context, QWidget* parent)
    : ReadingPage(context, "cost", "Cost and energy",
                  "What does a correct answer cost, in dollars and joules, here, at hosted endpoints, and on hardware "
                  "of one's own?",
                  parent) {
  make_controls();
  make_panels();
}

void CostPage::make_controls() {
  price_ = make_number("&Price", "as stored", "USD/GPU-hour", this, controls());
  auto* label = new QLabel("or of hard&ware", this);
  hardware_ = new QComboBox(this);
  hardware_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  hardware_->setAccessibleName("Hardware whose rental price is taken");
  label->setBuddy(hardware_);
  hardware_->addItem("—", "");
  if (const auto profiles = results::load_hardware(results::user_hardware_folder())) {
    for (const results::HardwareProfile& profile : *profiles) {
      const auto price = results::rental_price(profile);
      if (!price) continue;
      const QString name = QString::fromStdString(profile.name);
      hardware_->addItem(visible_text(profile.name) + ", " + usd_text(price->usd), name);
    }
  }
  controls()->addWidget(label);
  controls()->addWidget(hardware_);
  utilisation_ = make_number("&Utilisation", "100", "%", this, controls());
  controls()->addStretch();
  connect(price_, &QLineEdit::editingFinished, this, [this] {
    price_->setModified(false);
    set_setting("price", price_->text().trimmed());
  });
  connect(utilisation_, &QLineEdit::editingFinished, this, [this] {
    utilisation_->setModified(false);
    set_setting("utilisation", utilisation_->text().trimmed());
  });
  connect(hardware_, &QComboBox::activated, this,
          [this] { set_setting("hardware", hardware_->currentData().toString()); });
}

void CostPage::make_panels() {
  refusal_ = new Panel("These assumptions can't be used", this);
  auto* cost_panel = new Panel("Dollars", this);
  parts_ = make_chart(cost_panel, 240);
  costs_ = new DataTable(cost_panel);
  cost_panel->add(parts_);
  cost_panel->add(costs_);

  auto* frontier_panel = new Panel("Accuracy against cost", this);
  frontier_ = make_chart(frontier_panel, 360);
  frontier_panel->add(frontier_);

  energy_panel_ = new Panel("Energy", this);
  energy_ = new DataTable(energy_panel_);
  energy_panel_->add(energy_);

  auto* form_panel = new Panel("What if", this);
  form_panel->set_remark(
      "Assumptions of yours. Everything made of them is a scenario, not a measurement. They stand in "
      "the link to this view, and in what-if files of \"assay cost\".");
  form_ = new WhatIfForm(form_panel);
  form_panel->add(form_);
  connect(form_, &WhatIfForm::documentChanged, this,
          [this](const QString& document) { set_setting("what_if", document); });

  hosted_panel_ = new Panel("The same tokens at hosted endpoints", this);
  hosted_ = new DataTable(hosted_panel_);
  hosted_panel_->add(hosted_);

  own_panel_ = new Panel("Own hardware (scenario)", this);
  endpoint_ = new QComboBox(own_panel_);
  endpoint_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  endpoint_->setAccessibleName("Hosted endpoint to compare with");
  own_panel_->content()->addWidget(endpoint_, 0, Qt::AlignLeft);
  break_even_ = make_chart(own_panel_, 320);
  own_panel_->add(break_even_);
  connect(endpoint_, &QComboBox::activated, this,
          [this] { set_setting("endpoint", endpoint_->currentData().toString()); });

  rebound_panel_ = new Panel("Jevons (scenario): if answers got cheaper", this);
  rebounds_ = new DataTable(rebound_panel_);
  rebound_panel_->add(rebounds_);

  auto* brain_panel = new Panel("Twenty watts: a comparison of scale, not of skill", this);
  brain_ = new DataTable(brain_panel);
  brain_panel->add(brain_);

  for (QWidget* panel : std::initializer_list<QWidget*>{refusal_, cost_panel, frontier_panel, energy_panel_, form_panel,
                                                        hosted_panel_, own_panel_, rebound_panel_, brain_panel}) {
    body()->addWidget(panel);
  }
  for (const results::WorkedExample& example : results::worked_examples()) {
    auto* panel = new Panel(visible_text(example.title) + " (published)", this);
    panel->set_remark("Source: " + visible_text(example.source) + ". Computed again here from the published inputs.");
    auto* table = new DataTable(panel);
    table->set_table(worked_example_table(example));
    panel->add(table);
    body()->addWidget(panel);
  }
  body()->addStretch();
}

void CostPage::refresh() {
  const ChosenRuns chosen = chosen_runs(workspace(), state());
  CostQuestion question{chosen.runs, setting("price"), setting("hardware"), setting("utilisation"), setting("what_if")};
  set_unless_typing(price_, question.usd_per_gpu_hour);
  set_unless_typing(utilisation_, question.utilisation_pct);
  hardware_->setCurrentIndex(std::max(0, hardware_->findData(question.hardware)));
  form_->set_document(question.what_if);
  if (chosen.runs.empty()) return offer_runs(chosen, 1, "Choose the runs whose cost you want to see.");
  const QString words = QStringList{chosen.fingerprint(), question.usd_per_gpu_hour, question.hardware,
                                    question.utilisation_pct, question.what_if}
                            .join('\n');
  ask(
      words, "Adding up " + counted(static_cast<qint64>(chosen.runs.size()), "run") + "…",
      [question = std::move(question)](std::stop_token stop) { return read_costs(question, std::move(stop)); },
      [this](CostAnswer answer) { show_answer(std::move(answer)); });
  if (!is_busy() && !answer_.costs.empty() && shown_ != state().suite + "\n" + setting("endpoint")) show_scenarios();
}

void CostPage::show_answer(CostAnswer answer) {
  refusal_->setVisible(!answer.refusal.empty());
  refusal_->set_remark(visible_text(answer.refusal, 1000));
  show_body();
  if (!answer.refusal.empty()) return;  // what was shown stays, below what is wrong
  answer_ = std::move(answer);
  parts_->set_chart(parts_chart(answer_));
  costs_->set_table(cost_table(answer_));
  show_energy();
  brain_->set_table(brain_table(answer_));
  show_scenarios();
}

void CostPage::show_energy() {
  energy_->set_table(energy_table(answer_));
  QStringList unknown;
  for (std::size_t i = 0; i < answer_.costs.size(); ++i) {
    const results::RunEnergy& energy = answer_.costs[i].energy;
    if (!energy.joules) unknown << answer_.titles[i] + ": " + visible_text(energy.reason);
  }
  const bool is_known = unknown.size() < static_cast<qsizetype>(answer_.costs.size());
  energy_->setVisible(is_known);
  energy_panel_->set_remark(
      is_known ? QString("Of the devices alone, by their own counters; what the room adds is an assumption.")
               : "Not known.\n" + unknown.join('\n'));
}

void CostPage::show_scenarios() {
  shown_ = state().suite + "\n" + setting("endpoint");
  frontier_->set_chart(frontier_chart(answer_, state().suite.toStdString()));
  const results::RunCost& first = answer_.costs.front();
  hosted_->set_table(hosted_table(first));
  hosted_panel_->set_remark(first.hosted.empty()
                                ? "Not known: the tokens of " + answer_.titles.front() + " are not known."
                                : "The tokens of " + answer_.titles.front() +
                                      " at published prices. Quality and latency may differ.");
  std::size_t at = 0;
  std::vector<std::pair<QString, QString>> endpoints;
  for (const results::HostedCost& hosted : first.hosted) {
    const QString name = endpoint_text(hosted.price) + ", " + validity_text(hosted.price);
    if (name == setting("endpoint")) at = endpoints.size();
    endpoints.emplace_back(name, name);
  }
  set_choices(endpoint_, endpoints, setting("endpoint"));
  const bool has_own = first.own_usd_per_gpu_hour.has_value();
  own_panel_->setVisible(has_own);
  if (has_own) {
    own_panel_->set_remark("An hour of a GPU: " + range_text(*first.own_usd_per_gpu_hour, usd_text) +
                           (first.own_usd_total ? "; this run: " + range_text(*first.own_usd_total, usd_text) : "") +
                           ".");
    if (!first.hosted.empty()) break_even_->set_chart(break_even_chart(first.hosted[at]));
  }
  break_even_->setVisible(has_own && !first.hosted.empty());
  rebound_panel_->setVisible(!first.rebounds.empty());
  rebounds_->set_table(rebound_table(first));
  if (first.jevons_price_ratio) {
    rebound_panel_->set_remark("If an answer cost " + number_text(*first.jevons_price_ratio) +
                               " of what it does. The elasticity is assumed: above 1 the total rises.");
  }
}

QString CostPage::as_csv() const { return answer_.costs.empty() ? QString() : table_csv(costs_->table()); }

QString CostPage::as_sql() const {
  QStringList ids;
  for (const results::RunCost& cost : answer_.costs) ids << sql_text(QString::fromStdString(cost.run.run_id.value));
  if (ids.isEmpty()) return {};
  return "-- What the costs are made of: time, price, tokens and device time.\n"
         "SELECT r.run_id, r.price_usd_per_gpu_hour, r.n_priced_devices, w.wall_s, count(*) AS n_samples,\n"
         "       sum(v.verdict = 'correct') AS n_correct, sum(s.n_prompt_tokens) AS prompt_tokens,\n"
         "       sum(s.n_cached_prompt_tokens) AS cached_prompt_tokens, sum(s.n_output_tokens) AS output_tokens,\n"
         "       sum(s.prefill_device_ms) AS prefill_device_ms, sum(s.decode_device_ms) AS decode_device_ms\n"
         "FROM runs r JOIN run_wall w USING (run_key) JOIN run_suites rs USING (run_key)\n"
         "JOIN items i ON i.run_suite_id = rs.run_suite_id JOIN samples s USING (item_key)\n"
         "JOIN current_verdicts v USING (sample_key)\n"
         "WHERE r.run_id IN (" +
         ids.join(", ") + ")\nGROUP BY r.run_key;\n";
}

}  // namespace assay::gui
