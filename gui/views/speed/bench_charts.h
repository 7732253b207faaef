#pragma once
// Charts of benchmarks' sweeps. Pure.

#include "gui/models/bench_sweeps.h"
#include "gui/views/charts/chart.h"

namespace assay::gui {

/// Tokens a second by how many requests or sequences there are at a time.
Chart sweep_chart(const std::vector<BenchSweep>& sweeps);

/// Dollars per million tokens by the same.
Chart cost_curve_chart(const std::vector<BenchSweep>& sweeps);

/// Output speed of a GPU against the time to the first token, of loads; with the points that no other beats.
Chart first_token_chart(const std::vector<BenchSweep>& sweeps);

}  // namespace assay::gui
