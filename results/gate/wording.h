#pragma once
// The gate's words and figures for people: shared by its text, Markdown, JUnit and annotations. Pure.

#include <string>

#include "results/gate/check.h"

namespace assay::results {

/// The whole verdict in a line, with what would settle it: "check: regressed; accuracy of words: …".
std::string headline(const CheckResult& result);

/// "accuracy of words", "e2e_ms_p50".
std::string metric_title(const MetricVerdict& metric);

/// A value of the metric as people read it: "81.3 %", "412.5"; "-" if it is not known.
std::string value_text(const MetricVerdict& metric, const std::optional<double>& value);

/// A change for the worse with its sign and unit: "+2.1 points", "-3.0 %"; "unbounded" for an infinite one.
std::string change_text(const MetricVerdict& metric, double change);

/// Margins: "2.0 points", "10.0 % (or 10.0 % less)".
std::string margin_text(const MetricVerdict& metric);

/// Why the metric has its verdict, in one sentence without a full stop.
std::string reason_for(const MetricVerdict& metric);

/// "81.2 %: 70 % at least": a floor in words.
std::string floor_text(const FloorVerdict& floor);

/// "waived until 2026-12-31: reason"; empty without a waiver.
std::string waiver_text(const CheckResult& result, const MetricVerdict& metric);

/// One line for each waiver that is over.
std::vector<std::string> expired_waiver_lines(const CheckResult& result);

}  // namespace assay::results
