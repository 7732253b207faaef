#include "gui/views/hardware/hardware_charts.h"

#include <algorithm>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"

namespace assay::gui {

namespace {

struct FigureOfRun {
  std::optional<double> value;
  std::optional<results::Interval> interval;
  QString proof;   ///< n and method
  QString reason;  ///< why there is no value
};

struct FigureKind {
  const char* title;
  const char* unit;
  bool is_share;
};

FigureKind kind_of(HardwareFigure figure) {
  switch (figure) {
    case HardwareFigure::accuracy:
      return {"Accuracy", "", true};
    case HardwareFigure::output_tokens_per_s:
      return {"Output speed of the run", "tokens/s", false};
    case HardwareFigure::ttft_ms:
      return {"Time to first token, median", "ms", false};
    case HardwareFigure::itl_ms:
      return {"Time between tokens, median", "ms", false};
    case HardwareFigure::e2e_ms:
      return {"Time of a sample, median", "ms", false};
    case HardwareFigure::joules_per_output_token:
      break;
  }
  return {"Energy of an output token", "J", false};
}

FigureOfRun median_of(const results::Percentiles& of) {
  return {of.p50, {}, "n: " + counted(of.n, "sample") + ", all suites of the run; median", "not timed"};
}

FigureOfRun figure_of(const HardwareRun& run, HardwareFigure figure) {
  const results::RunSummary& summary = run.summary;
  switch (figure) {
    case HardwareFigure::accuracy:
      if (!run.suite) return {{}, {}, {}, "no sample of this suite"};
      return {run.suite->accuracy, run.suite->ci95,
              "n: " + counted(run.suite->n_items_sampled, "item") + "; 95 % interval " +
                  interval_text(run.suite->ci95, share_text) + " (" + visible_text(run.suite->ci95_method) + ")",
              "no sample of this suite"};
    case HardwareFigure::output_tokens_per_s:
      return {summary.output_tokens_per_s, {}, "of the whole run, all its suites", "recorded or imported: not timed"};
    case HardwareFigure::ttft_ms:
      return median_of(summary.ttft_ms);
    case HardwareFigure::itl_ms:
      return median_of(summary.itl_ms);
    case HardwareFigure::e2e_ms:
      return median_of(summary.e2e_ms);
    case HardwareFigure::joules_per_output_token:
      break;
  }
  return {summary.joules_per_output_token,
          {},
          "of the devices alone",
          summary.gpu ? visible_text(summary.gpu->energy_reason) : QString("no energy counter could be read")};
}

}  // namespace

Chart hardware_chart(const HardwareAnswer& answer, HardwareFigure figure) {
  const FigureKind kind = kind_of(figure);
  Chart chart;
  chart.title = kind.title;
  chart.x.title = kind.title;
  chart.x.unit = kind.unit;
  chart.x.is_share = kind.is_share;
  chart.x.begins_at_zero = figure != HardwareFigure::accuracy;
  chart.y.title = "Run";
  chart.empty_text = "No run of this suite knows this figure.";
  for (const HardwareRun& run : answer.runs) {
    if (run.summary.suites.empty()) continue;  // figures alone are in the table of figures
    const FigureOfRun of = figure_of(run, figure);
    if (!of.value) {
      chart.missing.append(run.title + ": " + of.reason);
      continue;
    }
    const std::string& provenance = run.summary.run.facts.provenance;
    if (chart.series.empty() || chart.series.back().name != run.hardware) {
      ChartSeries& series = chart.series.emplace_back();
      series.name = run.hardware;
      series.style = static_cast<int>(chart.series.size()) - 1;
      series.form = figure == HardwareFigure::accuracy ? SeriesForm::marks : SeriesForm::bars;
      series.is_stacked = true;  // a bar a place: none beside it
    }
    ChartPoint point;
    point.x = *of.value;
    point.y = static_cast<double>(chart.y.categories.size());
    point.x_interval = of.interval;
    point.is_hollow = provenance != "measured";
    if (point.is_hollow) point.label = visible_text(provenance);
    point.key = QString::fromStdString(run.summary.run.run_id.value);
    point.tooltip = run.title + " on " + run.hardware + "\n" + kind.title + ": " +
                    (kind.is_share ? share_text(*of.value) : number_text(*of.value) + " " + kind.unit) + "\n" +
                    of.proof + "\nprovenance: " + visible_text(provenance);
    chart.y.categories.append(run.title);
    chart.series.back().points.push_back(std::move(point));
  }
  return chart;
}

}  // namespace assay::gui
