#pragma once
// Points of benchmarks as curves: settings that differ in how many requests or sequences there are at a time.

#include <optional>
#include <string>
#include <vector>

#include "gui/models/table.h"
#include "results/points.h"
#include "results/summary.h"

namespace assay::gui {

/// A run whose points are looked at. The summary outlives what is made of it.
struct BenchedRun {
  QString title;  ///< of the run, on a device where that matters
  const results::RunSummary* summary = nullptr;
  /// Colour and shape: those of its place among the chosen runs. None: it isn't chosen, and looks like none of these.
  std::optional<int> style{};
};

/// How a projected point came about, as `assay project` stores it.
struct PointProjection {
  std::string from_run;
  std::optional<double> error_ratio;  ///< of its time, on points that were held out
  std::string error_from;             ///< which, in words
};

/// A setting of a sweep.
struct SweepStep {
  double n_at_a_time = 0;  ///< users of a closed loop, sequences of a batch; of an open loop what was in flight
  results::PointSummary point;
  std::optional<PointProjection> projection;  ///< none of what was measured
};

struct BenchSweep {
  QString run_id;
  QString run_title;  ///< of the run that it is of
  QString setting;    ///< what all its steps have in common: "serve in=64 out=64", "serve in=64 out=64 (a)"
  int style = 0;      ///< its run's, for the run's first sweep; one that no run has for others
  std::string kind;   ///< "serve", "decode", "prefill"
  std::string provenance;
  std::vector<SweepStep> steps;  ///< by n_at_a_time; valid ones alone
  QStringList not_believed;      ///< "sweep, concurrency=8 in=64 out=64: too_short in 2 of 2 repeats"

  QString title() const { return run_title + ", " + setting; }
};
/// The setting that all of them have; empty where they differ.
QString common_setting(const std::vector<BenchSweep>& sweeps);

/// The sweeps of all runs, in their order. Pure.
std::vector<BenchSweep> bench_sweeps(const std::vector<BenchedRun>& runs);

/// Why repeats of a setting are not believed: "too_short in 2 of 3 repeats"; empty if all are.
QString invalid_text(const results::PointSummary& point);
/// A figure of a step; none if it lacks it.
const results::RepeatedFigure* figure_of(const SweepStep& step, const std::string& metric);
/// "p50_ttft_ms": the metric that stands for what is asked of this kind. Throughput of a prefill is of prompt tokens.
std::string throughput_metric(const BenchSweep& sweep);
std::string price_metric(const BenchSweep& sweep);
/// What the figure may be off by: the range of its repeats, or of a projection its error; none of one measurement.
std::optional<results::Interval> spread_of(const SweepStep& step, const std::string& metric);
/// Median, range, repeats, provenance; a line each.
QString step_tooltip(const BenchSweep& sweep, const SweepStep& step, const std::string& metric);

/// A row a setting: throughput, times, price.
Table bench_steps_table(const std::vector<BenchSweep>& sweeps);

}  // namespace assay::gui
