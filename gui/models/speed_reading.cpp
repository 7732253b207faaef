// Reading the times of runs.
#include <algorithm>
#include <set>

#include "gui/models/hardware.h"
#include "gui/models/plain_text.h"
#include "gui/models/speed.h"
#include "results/comparable_run.h"
#include "results/gpu_activity.h"

namespace assay::gui {

namespace {

Result<> read_spans(const results::Store& store, const RunId& id, std::stop_token stop, SpeedRun& run) {
  // Moments of several processes don't share a beginning.
  const bool has_one_clock = run.summary.run.segments.size() == 1;
  ASSAY_TRY(
      store.for_each_sample(id, "", results::SampleParts::facts, [&](const results::SampleRecord& record) -> Result<> {
        if (stop.stop_requested()) return interrupted("stopped");
        const results::SampleFacts& sample = record.sample;
        if (sample.failure) return {};
        if (sample.ttft_ms) run.ttft_ms.push_back(*sample.ttft_ms);
        if (sample.itl_ms_mean) run.itl_ms.push_back(*sample.itl_ms_mean);
        if (sample.e2e_ms) run.e2e_ms.push_back(*sample.e2e_ms);
        if (!has_one_clock || !sample.started_ms || !sample.finished_ms) return {};
        run.spans.push_back({visible_text(sample.key.item.value, 60) + ", sample " + QString::number(sample.key.sample),
                             sample.key.suite, sample.key.item.value, sample.queued_ms, sample.first_token_ms,
                             *sample.started_ms, *sample.finished_ms, sample.n_output_tokens});
        return {};
      }));
  for (std::vector<double>* values : {&run.ttft_ms, &run.itl_ms, &run.e2e_ms})
    std::sort(values->begin(), values->end());
  std::stable_sort(run.spans.begin(), run.spans.end(),
                   [](const SampleSpan& a, const SampleSpan& b) { return a.started_ms < b.started_ms; });
  for (const SampleSpan& span : run.spans) run.end_ms = std::max(run.end_ms, span.finished_ms);
  return {};
}

Result<SpeedRun> read_speed_run(const ChosenRun& chosen, const std::vector<results::HardwareProfile>& profiles,
                                std::stop_token stop) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(chosen.database.toStdString()));
  const RunId id(chosen.run_id.toStdString());
  SpeedRun run;
  run.title = chosen.title;
  const Result<> read = store.in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(run.summary, results::summarise(store, id));
    run.profile = profile_of(run.summary.run, profiles);
    if (results::was_timed(run.summary.run)) {
      ASSAY_ASSIGN(results::ComparableRun comparable, results::read_comparable_run(store, id));
      run.output_tokens_per_s_parts = std::move(comparable.output_tokens_per_s_parts);
      ASSAY_TRY(read_spans(store, id, stop, run));
    }
    return store.for_each_gpu_sample(id, [&](std::size_t segment, const results::GpuSample& sample) -> Result<> {
      if (segment == 0) run.gpu_samples.push_back(sample);
      return {};
    });
  });
  if (!read) return read.error();
  return {std::move(run)};
}

/// A database whose machines can't be read lends none: the runs themselves were read.
void read_machines(const std::vector<ChosenRun>& runs, SpeedAnswer& answer) {
  std::set<QString> databases;
  for (const ChosenRun& run : runs) databases.insert(run.database);
  for (const QString& database : databases) {
    const auto store = results::Store::open_read_only(database.toStdString());
    if (!store) continue;
    auto machines = results::newest_ceilings(*store);
    if (!machines) continue;
    for (results::MachineCeilings& machine : *machines) {
      const auto known = std::find_if(answer.machines.begin(), answer.machines.end(),
                                      [&](const auto& other) { return other.device == machine.device; });
      if (known == answer.machines.end()) {
        answer.machines.push_back(std::move(machine));
      } else if (known->measured_at_ms < machine.measured_at_ms) {
        *known = std::move(machine);
      }
    }
  }
}

}  // namespace

QString latency_metric_text(LatencyMetric metric) {
  switch (metric) {
    case LatencyMetric::ttft_ms:
      return "ttft_ms";
    case LatencyMetric::itl_ms:
      return "itl_ms";
    case LatencyMetric::e2e_ms:
      break;
  }
  return "e2e_ms";
}

LatencyMetric parse_latency_metric(const QString& text) {
  for (const LatencyMetric metric : {LatencyMetric::itl_ms, LatencyMetric::e2e_ms}) {
    if (latency_metric_text(metric) == text) return metric;
  }
  return LatencyMetric::ttft_ms;
}

const std::vector<double>& SpeedRun::values(LatencyMetric metric) const {
  if (metric == LatencyMetric::ttft_ms) return ttft_ms;
  return metric == LatencyMetric::itl_ms ? itl_ms : e2e_ms;
}

const results::Percentiles& SpeedRun::percentiles(LatencyMetric metric) const {
  if (metric == LatencyMetric::ttft_ms) return summary.ttft_ms;
  return metric == LatencyMetric::itl_ms ? summary.itl_ms : summary.e2e_ms;
}

int SpeedRun::n_devices() const { return static_cast<int>(summary.run.facts.n_priced_devices); }

SpeedAnswer read_speed(const std::vector<ChosenRun>& runs, std::stop_token stop) {
  SpeedAnswer answer;
  const auto profiles = results::load_hardware(results::user_hardware_folder());
  for (const ChosenRun& chosen : runs) {
    Result<SpeedRun> run = read_speed_run(chosen, profiles ? *profiles : std::vector<results::HardwareProfile>(), stop);
    if (!run) {
      answer.refusal = run.error().message;
      return answer;
    }
    answer.runs.push_back(std::move(*run));
  }
  read_machines(runs, answer);
  return answer;
}

std::vector<std::string> throttle_reasons_of(const results::GpuSample& sample) {
  if (!sample.throttle_reasons) return {};
  std::vector<std::string> names = results::throttle_reason_names(*sample.throttle_reasons);
  std::erase_if(names, [](const std::string& name) {
    return name == "gpu_idle" || name == "applications_clocks_setting" || name == "display_clock_setting";
  });
  return names;
}

}  // namespace assay::gui
