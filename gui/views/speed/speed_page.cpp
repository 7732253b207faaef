#include "gui/views/speed/speed_page.h"

#include <algorithm>

#include "gui/models/comparison.h"
#include "gui/models/plain_text.h"
#include "gui/views/charts/chart_grid.h"
#include "gui/views/charts/chart_view.h"
#include "gui/views/speed/bench_charts.h"
#include "gui/views/speed/pass_panel.h"
#include "gui/views/speed/speed_charts.h"

namespace assay::gui {

SpeedPage::SpeedPage(const PageContext& context, QWidget* parent)
    : ReadingPage(context, "speed", "Speed",
                  "How fast were the answers, what did the devices do, and how near is that to "
                  "what they can do?",
                  parent) {
  if (auto profiles = results::load_hardware(results::user_hardware_folder())) profiles_ = std::move(*profiles);
  make_panels();
  make_one_run_panel();
  make_bench_panel();
  make_pass_panel();
  make_kernels_panel();
  body()->addStretch();
}

void SpeedPage::make_panels() {
  latency_panel_ = new Panel("Latency", this);
  auto* row = new QHBoxLayout;
  metric_ = make_choice("&Latency", latency_panel_, row);
  metric_->addItem("TTFT: to the first token", latency_metric_text(LatencyMetric::ttft_ms));
  metric_->addItem("ITL: mean time between tokens", latency_metric_text(LatencyMetric::itl_ms));
  metric_->addItem("E2E: the whole sample", latency_metric_text(LatencyMetric::e2e_ms));
  row->addStretch();
  connect(metric_, &QComboBox::activated, this, [this] { set_setting("latency", metric_->currentData().toString()); });
  latency_panel_->content()->addLayout(row);
  latency_ = make_chart(latency_panel_, 320);
  percentiles_ = new DataTable(latency_panel_);
  latency_panel_->add(latency_);
  latency_panel_->add(percentiles_);

  rates_panel_ = new Panel("Throughput", this);
  throughput_ = make_chart(rates_panel_, 240);
  trade_off_ = make_chart(rates_panel_, 320);
  device_time_ = new DataTable(rates_panel_);
  token_rates_ = new DataTable(rates_panel_);
  for (QWidget* part : std::initializer_list<QWidget*>{throughput_, trade_off_, device_time_, token_rates_}) {
    rates_panel_->add(part);
  }
  body()->addWidget(latency_panel_);
  body()->addWidget(rates_panel_);
}

void SpeedPage::make_one_run_panel() {
  one_run_ = new Panel("One run over its time", this);
  auto* row = new QHBoxLayout;
  run_ = make_choice("R&un", one_run_, row);
  connect(run_, &QComboBox::activated, this, [this] {
    ViewState next = state();
    next.settings["speed.run"] = run_->currentData().toString();
    next.settings.remove("speed.from");
    go(std::move(next));
  });
  row->addStretch();
  earlier_ = new QPushButton("E&arlier samples", one_run_);
  later_ = new QPushButton("Late&r samples", one_run_);
  connect(earlier_, &QPushButton::clicked, this, [this] { turn_page(-kMaxTimelineSamples); });
  connect(later_, &QPushButton::clicked, this, [this] { turn_page(kMaxTimelineSamples); });
  row->addWidget(earlier_);
  row->addWidget(later_);
  one_run_->content()->addLayout(row);
  rate_ = make_chart(one_run_, 220);
  power_ = make_chart(one_run_, 180);
  clock_ = make_chart(one_run_, 180);
  temperature_ = make_chart(one_run_, 180);
  timeline_ = make_chart(one_run_, 460);
  for (ChartView* chart : {rate_, power_, clock_, temperature_, timeline_}) one_run_->add(chart);
  connect(timeline_, &ChartView::chosen, this, [this](const QString& key) {
    ViewState next = state();
    std::tie(next.suite, next.item) = parse_flip_key(key);
    next.page = "items";
    go(std::move(next));
  });
  body()->addWidget(one_run_);
}

void SpeedPage::make_bench_panel() {
  bench_panel_ = new Panel("Benchmarks under rising load", this);
  sweep_ = make_chart(bench_panel_, 300);
  first_token_ = make_chart(bench_panel_, 300);
  cost_curve_ = make_chart(bench_panel_, 280);
  bench_steps_ = new DataTable(bench_panel_);
  for (QWidget* part : std::initializer_list<QWidget*>{sweep_, first_token_, cost_curve_, bench_steps_}) {
    bench_panel_->add(part);
  }
  body()->addWidget(bench_panel_);
}

void SpeedPage::make_pass_panel() {
  pass_panel_ = new PassPanel(this);
  connect(pass_panel_, &PassPanel::passChosen, this, [this](const QString& name) { set_setting("pass", name); });
  connect(pass_panel_, &PassPanel::stretchChosen, this,
          [this](const QString& stretch) { set_setting("layer", stretch); });
  body()->addWidget(pass_panel_);
}

void SpeedPage::make_kernels_panel() {
  kernels_panel_ = new Panel("Kernels and collectives", this);
  auto* row = new QHBoxLayout;
  profile_ = make_choice("&Ceilings of", kernels_panel_, row);
  profile_->addItem("the runs' own device", "");
  for (const results::HardwareProfile& profile : profiles_) {
    profile_->addItem(visible_text(profile.title, 60), QString::fromStdString(profile.name));
  }
  row->addStretch();
  connect(profile_, &QComboBox::activated, this,
          [this] { set_setting("profile", profile_->currentData().toString()); });
  kernels_panel_->content()->addLayout(row);
  roofline_ = make_chart(kernels_panel_, 340);
  kernels_ = new DataTable(kernels_panel_);
  kernels_panel_->add(roofline_);
  kernels_panel_->add(kernels_);
  ceilings_ = new DataTable(kernels_panel_);
  kernels_panel_->add(ceilings_);
  collectives_title_ = make_text(
      "Collectives by size: the bytes that a link must carry one way at the least, over the time. Hollow and dashed: "
      "links that were held back.",
      kernels_panel_, true);
  kernels_panel_->add(collectives_title_);
  collectives_ = new ChartGrid(kernels_panel_);
  collectives_->set_least_size({360, 280});
  kernels_panel_->add(collectives_);
  body()->addWidget(kernels_panel_);
}

void SpeedPage::refresh() {
  const ChosenRuns chosen = chosen_runs(workspace(), state());
  if (chosen.runs.empty()) return offer_runs(chosen, 1, "Choose the runs whose speed you want to see.");
  ask(
      chosen.fingerprint(), "Reading the times of " + counted(static_cast<qint64>(chosen.runs.size()), "run") + "…",
      [runs = chosen.runs](std::stop_token stop) { return read_speed(runs, std::move(stop)); },
      [this](SpeedAnswer answer) { show_answer(std::move(answer)); });
  // A run that grows asks for a refresh each second: charts whose settings are the same stay as they are.
  if (!is_busy() && !answer_.runs.empty() && shown_ != view_settings()) {
    show_one_run();
    show_passes();
    show_kernels();
  }
}

void SpeedPage::show_answer(SpeedAnswer answer) {
  if (!answer.refusal.empty()) return show_message(visible_text(answer.refusal, 1000));
  answer_ = std::move(answer);
  const Chart throughput = throughput_chart(answer_);
  constexpr int kFrame = 130, kPlace = 30, kLeast = 170, kMost = 700;
  throughput_->set_height(
      std::clamp(kFrame + kPlace * static_cast<int>(throughput.y.categories.size()), kLeast, kMost));
  throughput_->set_chart(throughput);
  trade_off_->set_chart(trade_off_chart(answer_));
  percentiles_->set_table(percentiles_table(answer_));
  device_time_->set_table(device_time_table(answer_));
  token_rates_->set_table(token_rates_table(answer_));
  token_rates_->setVisible(!token_rates_->table().rows.empty());
  // Figures alone have no samples whose times could be shown.
  const bool has_samples = std::any_of(answer_.runs.begin(), answer_.runs.end(),
                                       [](const SpeedRun& run) { return !run.summary.suites.empty(); });
  for (QWidget* part : std::initializer_list<QWidget*>{latency_panel_, one_run_, device_time_}) {
    part->setVisible(has_samples);
  }
  const bool has_rates = !throughput.series.empty() || !trade_off_->chart().series.empty();
  throughput_->setVisible(!throughput.series.empty() || has_samples);
  trade_off_->setVisible(!trade_off_->chart().series.empty() || has_samples);
  rates_panel_->setVisible(has_rates || has_samples || token_rates_->isVisibleTo(rates_panel_));
  show_one_run();
  show_benchmarks();
  show_passes();
  show_kernels();
  show_body();
}

const SpeedRun* SpeedPage::run_looked_at() const {
  const std::string id = setting("run").toStdString();
  for (const SpeedRun& run : answer_.runs) {
    if (run.summary.run.run_id.value == id) return &run;
  }
  for (const SpeedRun& run : answer_.runs) {
    if (!run.spans.empty()) return &run;
  }
  return answer_.runs.empty() ? nullptr : &answer_.runs.front();
}

void SpeedPage::turn_page(int by) {
  const int first = std::max(0, setting("from").toInt() + by);
  set_setting("from", first == 0 ? QString() : QString::number(first));
}

QString SpeedPage::view_settings() const {
  return QStringList{setting("latency"), setting("run"),  setting("from"),
                     setting("profile"), setting("pass"), setting("layer")}
      .join('\n');
}

void SpeedPage::show_one_run() {
  shown_ = view_settings();
  const LatencyMetric metric = parse_latency_metric(setting("latency"));
  metric_->setCurrentIndex(metric_->findData(latency_metric_text(metric)));
  latency_->set_chart(latency_chart(answer_, metric));
  std::vector<std::pair<QString, QString>> runs;
  for (const SpeedRun& of : answer_.runs) {
    runs.emplace_back(of.title, QString::fromStdString(of.summary.run.run_id.value));
  }
  const SpeedRun& run = *run_looked_at();
  set_choices(run_, runs, QString::fromStdString(run.summary.run.run_id.value));
  const int first = setting("from").toInt();
  rate_->set_chart(rate_chart(run));
  power_->set_chart(gpu_chart(run, GpuFigure::power_watts));
  clock_->set_chart(gpu_chart(run, GpuFigure::sm_clock_mhz));
  temperature_->set_chart(gpu_chart(run, GpuFigure::temperature_c));
  timeline_->set_chart(timeline_chart(run, first));
  const bool has_gpu = run.summary.gpu && run.summary.gpu->is_gpu();
  for (ChartView* chart : {power_, clock_, temperature_}) chart->setVisible(has_gpu);
  one_run_->set_remark(
      has_gpu ? QString() : QString("Power, clocks and temperature are not known: no GPU of this run could be asked."));
  earlier_->setEnabled(first > 0);
  later_->setEnabled(first + kMaxTimelineSamples < static_cast<int>(run.spans.size()));
}

std::vector<BenchedRun> SpeedPage::benched_runs() const {
  std::vector<BenchedRun> runs;
  for (const SpeedRun& run : answer_.runs) runs.push_back({run.title, &run.summary, static_cast<int>(runs.size())});
  return runs;
}

void SpeedPage::show_passes() {
  pass_panel_->show_timelines(pass_timelines(benched_runs()), setting("pass"), setting("layer"));
}

void SpeedPage::show_benchmarks() {
  const std::vector<BenchSweep> sweeps = bench_sweeps(benched_runs());
  bench_panel_->setVisible(!sweeps.empty());
  sweep_->set_chart(sweep_chart(sweeps));
  const Chart first_token = first_token_chart(sweeps);
  first_token_->set_chart(first_token);
  first_token_->setVisible(!first_token.series.empty());  // passes of a model have no users
  cost_curve_->set_chart(cost_curve_chart(sweeps));
  bench_steps_->set_table(bench_steps_table(sweeps));
}

void SpeedPage::show_kernels() {
  const QString name = setting("profile");
  profile_->setCurrentIndex(std::max(0, profile_->findData(name)));
  const KernelCeilings ceilings = kernel_ceilings(answer_, profiles_, name.toStdString());
  const std::vector<KernelPoint> points = kernel_points(answer_, profiles_, name.toStdString());
  const Chart roofline = roofline_chart(points, ceilings);
  roofline_->set_chart(roofline);
  kernels_->set_table(kernels_table(points));
  kernels_->setVisible(!points.empty());
  const Table machines = ceilings_table(answer_, profiles_);
  ceilings_->setVisible(!machines.rows.empty());
  ceilings_->set_table(machines);
  const std::vector<Chart> collectives = collectives_charts(answer_);
  for (QWidget* part : std::initializer_list<QWidget*>{collectives_title_, collectives_}) {
    part->setVisible(!collectives.empty());
  }
  collectives_->set_charts(collectives);
  kernels_panel_->set_remark(ceilings.measured
                                 ? "Ceilings are " + ceilings.measured->basis + "; published ones are dashed."
                                 : QString("Ceilings are published figures of the device, not measured here; \"assay "
                                           "bench machine\" measures them."));
}

QString SpeedPage::as_csv() const { return answer_.runs.empty() ? QString() : table_csv(percentiles_->table()); }

QString SpeedPage::as_sql() const {
  QStringList ids;
  for (const SpeedRun& run : answer_.runs) ids << sql_text(QString::fromStdString(run.summary.run.run_id.value));
  if (ids.isEmpty()) return {};
  return "-- The times that the percentiles are of.\n"
         "SELECT r.run_id, rs.suite, i.item, s.sample, s.ttft_ms, s.itl_ms_mean, s.e2e_ms, s.n_output_tokens\n"
         "FROM runs r JOIN run_suites rs USING (run_key) JOIN items i USING (run_suite_id)\n"
         "JOIN samples s USING (item_key)\n"
         "WHERE s.failure IS NULL AND r.run_id IN (" +
         ids.join(", ") + ")\nORDER BY r.run_id, rs.suite, i.item, s.sample;\n";
}

}  // namespace assay::gui
