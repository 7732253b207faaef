#include "results/gate/wording.h"

#include <cmath>

#include "harness/base/text.h"

namespace assay::results {

namespace {

std::string change_unit(const MetricVerdict& metric) { return metric.is_relative ? " %" : " points"; }

std::string settle_text(const MetricVerdict& metric) {
  if (metric.metric == "output_tokens_per_s") return "longer runs would narrow the bounds";
  if (!metric.n_items_to_settle) return "more of the same would not settle it while the change stays as it is";
  std::string text = "about " + to_text(*metric.n_items_to_settle) + " items";
  if (metric.n_samples_to_settle)
    text += ", or " + to_text(*metric.n_samples_to_settle) + " samples of each of these items,";
  return text + " in both runs would settle it";
}

std::string power_text(const MetricVerdict& metric) {
  if (!metric.power_at_margin) return "";
  return "; a true change of the margin is found in " + to_fixed(100 * *metric.power_at_margin, 0) + " % of cases";
}

std::string bounds_text(const MetricVerdict& metric) {
  return change_text(metric, metric.evidence.lower) + " to " + change_text(metric, metric.evidence.upper);
}

}  // namespace

std::string metric_title(const MetricVerdict& metric) {
  return metric.suite.empty() ? metric.metric : metric.metric + " of " + shown(metric.suite);
}

std::string value_text(const MetricVerdict& metric, const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return "-";
  if (!metric.is_relative) return to_fixed(100 * *value, 1) + " %";
  int digits = *value >= 100 ? 1 : 2;
  for (double scale = 1; *value > 0 && *value < scale && digits < 10; scale /= 10) ++digits;
  return to_fixed(*value, digits);
}

std::string change_text(const MetricVerdict& metric, double change) {
  if (!std::isfinite(change)) return "unbounded";
  const std::string figure = to_fixed(100 * change, 1);
  const bool is_zero = figure == "0.0" || figure == "-0.0";
  return (is_zero ? "0.0" : (change > 0 ? "+" : "") + figure) + change_unit(metric);
}

std::string margin_text(const MetricVerdict& metric) {
  std::string text = to_fixed(100 * metric.policy.margin, 1) + change_unit(metric);
  if (metric.policy.margin_below) text += " (or " + to_fixed(100 * *metric.policy.margin_below, 1) + " % less)";
  return text;
}

std::string reason_for(const MetricVerdict& metric) {
  const Evidence& evidence = metric.evidence;
  if (!evidence.missing.empty()) return evidence.missing;
  switch (metric.verdict) {
    case GateVerdict::regressed:
      return "changed for the worse by " + change_text(metric, *evidence.worse_by) + " (bounds " + bounds_text(metric) +
             "), margin " + margin_text(metric);
    case GateVerdict::improved:
      return "better in any case: bounds " + bounds_text(metric);
    case GateVerdict::pass:
      if (evidence.no_spread) return "no item differs from another: what the data say, not a proof";
      return "a change of " + margin_text(metric) + " is excluded" +
             (evidence.lower > 0 ? ", though a smaller one for the worse is there" : "") + power_text(metric);
    case GateVerdict::inconclusive:
      break;
  }
  if (evidence.no_spread) {
    return "every item changed alike, by " + change_text(metric, *evidence.worse_by) +
           ", which so few may do by chance; " + settle_text(metric);
  }
  return "a change of " + margin_text(metric) + " is neither shown nor excluded (bounds " + bounds_text(metric) +
         "); " + settle_text(metric) + power_text(metric);
}

std::string floor_text(const FloorVerdict& floor) {
  const auto percent = [](double ratio) { return to_text(std::round(1000 * 100 * ratio) / 1000) + " %"; };
  return "accuracy of " + shown(floor.suite) + " is " + (floor.accuracy ? percent(*floor.accuracy) : "unknown") + ", " +
         (floor.missed ? "below" : "at least") + " the " + percent(floor.least) + " asked for";
}

std::string waiver_text(const CheckResult& result, const MetricVerdict& metric) {
  if (!metric.waiver) return "";
  const Waiver& waiver = result.waivers[*metric.waiver];
  return "waived until " + waiver.expires + ": " + shown(waiver.reason, 300);
}

std::vector<std::string> expired_waiver_lines(const CheckResult& result) {
  std::vector<std::string> lines;
  for (const std::size_t i : result.expired_waivers) {
    const Waiver& waiver = result.waivers[i];
    lines.push_back("waiver of " + waiver.metric + (waiver.suite.empty() ? "" : " of " + shown(waiver.suite)) +
                    " expired on " + waiver.expires + " and was not applied (" + shown(waiver.reason, 300) + ")");
  }
  return lines;
}

std::string headline(const CheckResult& result) {
  std::vector<std::string> parts;
  const std::string verdict = to_string(result.verdict);
  for (const MetricVerdict& metric : result.metrics) {
    if (metric.gated && !metric.waiver && metric.verdict == result.verdict &&
        (metric.verdict == GateVerdict::regressed || metric.verdict == GateVerdict::inconclusive)) {
      parts.push_back(metric_title(metric) + ": " + metric.reason);
    }
  }
  if (result.verdict == GateVerdict::inconclusive && parts.empty()) parts = {"no metric is gated"};
  for (const FloorVerdict& floor : result.floors) {
    if (floor.missed) parts.push_back(floor_text(floor));
  }
  constexpr std::size_t kMostParts = 3;
  const std::size_t n_left = parts.size() > kMostParts ? parts.size() - kMostParts : 0;
  parts.resize(parts.size() - n_left);
  if (n_left > 0) parts.push_back("and " + std::to_string(n_left) + " more");
  return "check: " + verdict + (parts.empty() ? "" : "; " + join(parts, "; "));
}

}  // namespace assay::results
