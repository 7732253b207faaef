#include <charconv>
#include <cmath>
#include <functional>

#include "harness/base/text.h"
#include "results/gate/writers.h"

namespace assay::results {

namespace {

std::string label_value(std::string_view text) {
  return replace_all(replace_all(replace_all(to_valid_utf8(text), "\\", "\\\\"), "\"", "\\\""), "\n", "\\n");
}

std::string labels_of(const MetricVerdict& metric) {
  return "{metric=\"" + label_value(metric.metric) + "\",suite=\"" + label_value(metric.suite) + "\"}";
}

/// Four significant digits: GitLab shows every changed digit as a change.
std::string rounded(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[32];
  const auto [end, code] =
      std::to_chars(buffer, buffer + sizeof buffer, value == 0 ? 0.0 : value, std::chars_format::general, 4);
  return code == std::errc() ? std::string(buffer, end) : "NaN";
}

using Value = std::function<std::optional<double>(const MetricVerdict&)>;

/// A gauge with a line for each metric that has the value.
std::string family(const CheckResult& result, const std::string& name, const std::string& help, const Value& value) {
  std::string lines;
  for (const MetricVerdict& metric : result.metrics) {
    if (const auto known = value(metric)) lines += name + labels_of(metric) + " " + rounded(*known) + "\n";
  }
  if (lines.empty()) return "";
  return "# TYPE " + name + " gauge\n# HELP " + name + " " + help + "\n" + lines;
}

std::optional<double> bound(const MetricVerdict& metric, double value) {
  return metric.evidence.worse_by ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string openmetrics_text(const CheckResult& result) {
  const auto is = [](GateVerdict verdict) {
    return [verdict](const MetricVerdict& metric) -> std::optional<double> {
      if (!metric.gated) return {};
      return metric.verdict == verdict && !metric.waiver ? 1.0 : 0.0;
    };
  };
  std::string text =
      "# TYPE assay_check_outcome gauge\n"
      "# HELP assay_check_outcome Exit code of the whole check: 0 passed, 1 regressed or a floor missed, 5 "
      "inconclusive.\n"
      "assay_check_outcome " +
      std::to_string(static_cast<int>(outcome_of(result))) + "\n";
  text += family(result, "assay_check_regressed", "1 if the gated metric regressed and is not waived.",
                 is(GateVerdict::regressed));
  text += family(result, "assay_check_inconclusive", "1 if the gated metric is inconclusive and not waived.",
                 is(GateVerdict::inconclusive));
  text += family(result, "assay_check_baseline", "The metric's value in the baseline.",
                 [](const MetricVerdict& metric) { return metric.evidence.baseline; });
  text += family(result, "assay_check_candidate", "The metric's value in the candidate.",
                 [](const MetricVerdict& metric) { return metric.evidence.candidate; });
  text += family(result, "assay_check_worse_by",
                 "The change for the worse, as a difference of shares or relative to the baseline.",
                 [](const MetricVerdict& metric) { return metric.evidence.worse_by; });
  text += family(result, "assay_check_worse_by_lower", "Its lower one-sided bound.",
                 [](const MetricVerdict& metric) { return bound(metric, metric.evidence.lower); });
  text += family(result, "assay_check_worse_by_upper", "Its upper one-sided bound.",
                 [](const MetricVerdict& metric) { return bound(metric, metric.evidence.upper); });
  text += family(result, "assay_check_margin", "The change for the worse that is too much.",
                 [](const MetricVerdict& metric) { return std::optional(metric.policy.margin); });
  return text + "# EOF\n";
}

}  // namespace assay::results
