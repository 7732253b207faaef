#pragma once
// Points of benchmarks as curves: settings that differ in how many requests or sequences there are at a time.

#include <string>
#include <vector>

#include "gui/models/speed.h"
#include "results/points.h"

namespace assay::gui {

/// A setting of a sweep.
struct SweepStep {
  double n_at_a_time = 0;  ///< users of a closed loop, sequences of a batch; of an open loop what was in flight
  results::PointSummary point;
};

struct BenchSweep {
  std::size_t run = 0;  ///< index into SpeedAnswer::runs
  QString title;        ///< "sweep, serve in=64 out=64"
  std::string kind;     ///< "serve", "decode", "prefill"
  std::string provenance;
  std::vector<SweepStep> steps;  ///< by n_at_a_time; valid ones alone
  QStringList not_believed;      ///< "concurrency=8 in=64 out=64: too_short in 2 of 2 repeats"
};

/// The sweeps of all runs, in their order. Pure.
std::vector<BenchSweep> bench_sweeps(const SpeedAnswer& answer);

/// A figure of a step; none if it lacks it.
const results::RepeatedFigure* figure_of(const SweepStep& step, const std::string& metric);
/// "p50_ttft_ms": the metric that stands for what is asked of this kind. Throughput of a prefill is of prompt tokens.
std::string throughput_metric(const BenchSweep& sweep);
std::string price_metric(const BenchSweep& sweep);
/// Median, range, repeats, provenance; a line each.
QString step_tooltip(const BenchSweep& sweep, const SweepStep& step, const std::string& metric);

/// A row a setting: throughput, times, price.
Table bench_steps_table(const std::vector<BenchSweep>& sweeps);

}  // namespace assay::gui
