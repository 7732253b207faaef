#pragma once
// The charts of the page of speed. Pure.

#include "gui/models/speed.h"
#include "gui/views/charts/chart.h"

namespace assay::gui {

/// The share of samples that were as fast, a line a run.
Chart latency_chart(const SpeedAnswer& answer, LatencyMetric metric);

/// Output tokens a second: runs, and imported or published rates. What was not measured is hollow.
Chart throughput_chart(const SpeedAnswer& answer);

/// Tokens/s of a user against tokens/s of a GPU, with the points that no other beats.
Chart trade_off_chart(const SpeedAnswer& answer);

/// The run's rate in equal parts of its time; stretches in which clocks were held down are shaded.
Chart rate_chart(const SpeedRun& run);

/// What its GPUs did meanwhile.
enum class GpuFigure { power_watts, sm_clock_mhz, temperature_c };
Chart gpu_chart(const SpeedRun& run, GpuFigure figure);

/// Waiting, prefill and decode of samples in order of start, from the `first` on; at most kMaxTimelineSamples.
Chart timeline_chart(const SpeedRun& run, int first);
inline constexpr int kMaxTimelineSamples = 60;

/// Operations a second by operations a byte, below the ceilings of a device.
Chart roofline_chart(const std::vector<KernelPoint>& points, const KernelCeilings& ceilings);

/// What a link carries while GPUs exchange so much: a chart an operation, a line for each way of doing it.
std::vector<Chart> collectives_charts(const SpeedAnswer& answer);

}  // namespace assay::gui
