#pragma once
// The line of what nothing else beats.

#include <vector>

#include "gui/views/charts/chart.h"
#include "results/analysis/pareto.h"

namespace assay::gui {

/// Joins the points that no other one beats, below the marks that they have already; nothing where that is one alone.
void add_frontier(const std::vector<results::TradeOff>& points, results::Better x, Chart& chart);

}  // namespace assay::gui
