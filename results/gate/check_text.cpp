// A gate's verdict as a table for people, and as JSON.
#include "harness/base/text.h"
#include "results/gate/calibration.h"
#include "results/gate/check.h"
#include "results/gate/wording.h"
#include "results/json_values.h"
#include "results/text_table.h"

namespace assay::results {

namespace {

Json to_json(const CheckResult& result, const MetricVerdict& metric) {
  const Evidence& evidence = metric.evidence;
  const bool known = evidence.worse_by.has_value();
  return {{"metric", metric.metric},
          {"suite", metric.suite.empty() ? Json() : Json(metric.suite)},
          {"verdict", to_string(metric.verdict)},
          {"gated", metric.gated},
          {"waived", metric.waiver ? Json(result.waivers[*metric.waiver].reason) : Json()},
          {"baseline", value_or_null(evidence.baseline)},
          {"candidate", value_or_null(evidence.candidate)},
          {"is_relative", metric.is_relative},
          {"worse_by", value_or_null(evidence.worse_by)},
          {"worse_by_bounds",
           known ? Json::array({finite_or_null(evidence.lower), finite_or_null(evidence.upper)}) : Json()},
          {"margin", metric.policy.margin},
          {"margin_below", value_or_null(metric.policy.margin_below)},
          {"p_value", known ? Json(evidence.p_value) : Json()},
          {"p_adjusted", value_or_null(metric.p_adjusted)},
          {"power_at_margin", value_or_null(metric.power_at_margin)},
          {"no_spread", evidence.no_spread},
          {"items", evidence.n_items},
          {"items_to_settle", value_or_null(metric.n_items_to_settle)},
          {"samples_to_settle", value_or_null(metric.n_samples_to_settle)},
          {"reason", metric.reason}};
}

std::string p_text(const std::optional<double>& p) {
  if (!p) return "-";
  return *p < 0.0001 ? "<0.0001" : to_fixed(*p, 4);
}

std::string verdict_cell(const MetricVerdict& metric) {
  if (metric.waiver) return to_string(metric.verdict) + " (waived)";
  return metric.gated ? to_string(metric.verdict) : "(" + to_string(metric.verdict) + ")";
}

}  // namespace

std::string check_text(const CheckResult& result) {
  std::string text = text_table({{"Baseline", result.baseline_title, result.baseline_provenance},
                                 {"Candidate", result.candidate_title, result.candidate_provenance}},
                                {1, 2}) +
                     "\n";
  std::vector<std::vector<std::string>> rows = {
      {"metric", "baseline", "candidate", "worse by", "bounds", "margin", "p adjusted", "power", "verdict"}};
  bool any_not_gated = false;
  for (const MetricVerdict& metric : result.metrics) {
    const Evidence& evidence = metric.evidence;
    any_not_gated = any_not_gated || !metric.gated;
    const bool known = evidence.worse_by.has_value();
    rows.push_back({metric_title(metric), value_text(metric, evidence.baseline), value_text(metric, evidence.candidate),
                    known ? change_text(metric, *evidence.worse_by) : "-",
                    known ? change_text(metric, evidence.lower) + " to " + change_text(metric, evidence.upper) : "-",
                    margin_text(metric), p_text(metric.p_adjusted),
                    metric.power_at_margin ? to_fixed(100 * *metric.power_at_margin, 0) + " %" : "-",
                    verdict_cell(metric)});
  }
  text += text_table(rows, {8}) + "\n";
  for (const MetricVerdict& metric : result.metrics) {
    if (!metric.gated) continue;
    text += metric_title(metric) + ": " + metric.reason;
    text += metric.waiver ? "; " + waiver_text(result, metric) + "\n" : "\n";
  }
  for (const FloorVerdict& floor : result.floors) text += floor_text(floor) + "\n";
  for (const std::string& note : result.notes) text += "note: " + note + "\n";
  for (const std::string& line : expired_waiver_lines(result)) text += "error: " + line + "\n";
  if (result.calibration) text += calibration_text(*result.calibration) + "\n";
  if (any_not_gated) text += "Verdicts in brackets are shown for information: the policy does not gate them.\n";
  std::string verdict = to_string(result.verdict);
  if (outcome_of(result) == CheckOutcome::failed && result.verdict != GateVerdict::regressed)
    verdict += ", but a floor is missed";
  return text + "\nVerdict: " + verdict + " (at most " + to_text(100 * result.level) +
         " % of equal runs are called regressed)\n";
}

Json to_json(const CheckResult& result) {
  Json metrics = Json::array();
  for (const MetricVerdict& metric : result.metrics) metrics.push_back(to_json(result, metric));
  Json floors = Json::array();
  for (const FloorVerdict& floor : result.floors) {
    floors.push_back({{"suite", floor.suite},
                      {"accuracy", value_or_null(floor.accuracy)},
                      {"least", floor.least},
                      {"missed", floor.missed}});
  }
  return {{"verdict", to_string(result.verdict)},
          {"exit_code", static_cast<int>(outcome_of(result))},
          {"level", result.level},
          {"baseline",
           {{"run_id", result.baseline_run_id},
            {"title", result.baseline_title},
            {"provenance", result.baseline_provenance}}},
          {"candidate",
           {{"run_id", result.candidate_run_id},
            {"title", result.candidate_title},
            {"provenance", result.candidate_provenance}}},
          {"metrics", std::move(metrics)},
          {"floors", std::move(floors)},
          {"environment_differences", result.environment_differences},
          {"notes", result.notes},
          {"expired_waivers", expired_waiver_lines(result)},
          {"calibration", result.calibration.value_or(Json())},
          {"checked_at_ms", result.checked_at_ms}};
}

}  // namespace assay::results
