#pragma once
// A run's summary as text for people: aligned columns, no colour.

#include <string>

#include "results/summary.h"

namespace assay::results {

/// Accuracy with its interval, the five outcomes, tokens, latency, throughput, cost and the machine. Ends with a
/// newline.
std::string report_text(const RunSummary& summary);

}  // namespace assay::results
