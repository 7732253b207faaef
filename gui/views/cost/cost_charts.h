#pragma once
// The charts of the page of costs. Pure.

#include "gui/models/cost.h"
#include "gui/views/charts/chart.h"

namespace assay::gui {

/// The whole of each run in parts that add up: input, cached input, output.
Chart parts_chart(const CostAnswer& answer);

/// Accuracy in a suite against dollars per correct answer, with what no other run beats; hosted endpoints' prices for
/// the first run's tokens as lines. An empty suite is the first one.
Chart frontier_chart(const CostAnswer& answer, const std::string& suite);

/// What a month costs by how much is made in it: one's own hardware as a band, a hosted endpoint as a line. A scenario.
Chart break_even_chart(const results::HostedCost& hosted);

}  // namespace assay::gui
