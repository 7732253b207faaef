#pragma once
// The charts of the page of comparisons. Pure.

#include "gui/models/comparison.h"
#include "gui/views/charts/chart.h"

namespace assay::gui {

/// The suites that the runs have, each once, in the runs' order.
std::vector<std::string> suites_of(const ComparisonAnswer& answer);

/// A dot and an interval a run: its accuracy in one suite.
Chart accuracy_chart(const ComparisonAnswer& answer, const std::string& suite);

/// Each candidate's difference from the baseline, by suite, with its interval; left of the line is worse.
Chart difference_chart(const ComparisonAnswer& answer);

}  // namespace assay::gui
