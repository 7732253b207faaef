// A comparison as one JSON document.
#include "results/compare.h"
#include "results/json_values.h"

namespace assay::results {

namespace {

Json interval_json(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  Json json = Json::array();
  for (const double end : *interval) json.push_back(finite_or_null(end));
  return json;
}

Json to_json(const PairedFigure& figure) {
  return {{"items", figure.n_items},
          {"baseline", value_or_null(figure.baseline)},
          {"candidate", value_or_null(figure.candidate)},
          {"difference", value_or_null(figure.difference)},
          {"stderr", value_or_null(figure.standard_error)},
          {"interval", interval_json(figure.interval)},
          {"interval_method", figure.interval_method.empty() ? Json() : Json(figure.interval_method)}};
}

void add_test(Json& json, const DifferenceTest& test) {
  json["p_value"] = value_or_null(test.p_value);
  json["p_method"] = test.method.empty() ? Json() : Json(test.method);
  json["p_holm"] = value_or_null(test.p_holm);
  json["finding"] = to_string(test.finding);
}

Json to_json(const Outcomes& outcomes, std::int64_t n_samples) {
  Json json = {{"samples", n_samples}};
  const char* keys[] = {"correct", "incorrect", "no_answer", "truncated", "errors"};
  for (std::size_t i = 0; i < outcomes.size(); ++i) json[keys[i]] = outcomes[i];
  return json;
}

Json to_json(const Flip& flip) {
  return {{"item", flip.item},
          {"tag", flip.tag},
          {"baseline", to_string(flip.baseline)},
          {"candidate", to_string(flip.candidate)},
          {"correct_baseline", flip.n_correct_baseline},
          {"samples_baseline", flip.n_baseline},
          {"correct_candidate", flip.n_correct_candidate},
          {"samples_candidate", flip.n_candidate}};
}

Json to_json(const SuiteComparison& suite) {
  Json accuracy = to_json(suite.accuracy);
  accuracy["stderr_fixed_items"] = value_or_null(suite.stderr_fixed_items);
  accuracy["interval_fixed_items"] = interval_json(suite.interval_fixed_items);
  add_test(accuracy, suite.accuracy_test);
  accuracy["detectable_difference"] = value_or_null(suite.detectable_difference);
  Json tokens = to_json(suite.output_tokens);
  add_test(tokens, suite.output_tokens_test);
  Json flips = Json::array();
  for (const Flip& flip : suite.flips) flips.push_back(to_json(flip));
  return {{"suite", suite.suite},
          {"items_baseline", suite.n_items_baseline},
          {"items_candidate", suite.n_items_candidate},
          {"items_paired", suite.n_items_paired},
          {"accuracy", std::move(accuracy)},
          {"outcomes",
           {{"baseline", to_json(suite.outcomes_baseline, suite.n_samples_baseline)},
            {"candidate", to_json(suite.outcomes_candidate, suite.n_samples_candidate)}}},
          {"output_tokens", std::move(tokens)},
          {"k", suite.votes_k > 0 ? Json(suite.votes_k) : Json()},
          {"pass_at_k", to_json(suite.pass_at_k)},
          {"maj_at_k", to_json(suite.maj_at_k)},
          {"lost", suite.n_lost},
          {"gained", suite.n_gained},
          {"flips", std::move(flips)}};
}

Json percentiles_json(const Percentiles& percentiles) {
  return {{"p50", value_or_null(percentiles.p50)},
          {"p90", value_or_null(percentiles.p90)},
          {"p99", value_or_null(percentiles.p99)},
          {"n", percentiles.n}};
}

Json to_json(const RunComparison& run) {
  Json suites = Json::array();
  for (const SuiteComparison& suite : run.suites) suites.push_back(to_json(suite));
  Json latency = Json::object();
  for (const LatencyComparison& of : run.latency) {
    latency[of.metric] = {{"baseline", percentiles_json(of.baseline)},
                          {"candidate", percentiles_json(of.candidate)},
                          {"p50_ratio", value_or_null(of.p50_ratio)},
                          {"p50_ratio_interval", interval_json(of.p50_ratio_interval)}};
  }
  Json figures = Json::object();
  for (const RunFigure& figure : run.figures) {
    figures[figure.metric] = {{"baseline", value_or_null(figure.baseline)},
                              {"candidate", value_or_null(figure.candidate)},
                              {"ratio", value_or_null(figure.ratio)}};
  }
  return {{"baseline", {{"run_id", run.baseline_run_id}, {"provenance", run.provenance_baseline}}},
          {"candidate", {{"run_id", run.candidate_run_id}, {"provenance", run.provenance_candidate}}},
          {"forced", !run.obstacles.empty()},
          {"obstacles", run.obstacles},
          {"environment_differences", run.environment_differences},
          {"notes", run.notes},
          {"suites", std::move(suites)},
          {"latency", std::move(latency)},
          {"figures", std::move(figures)}};
}

}  // namespace

Json to_json(const Comparison& comparison) {
  Json runs = Json::array();
  for (const RunComparison& run : comparison.runs) runs.push_back(to_json(run));
  return {{"level", comparison.level},
          {"tests", comparison.n_tests},
          {"bootstrap", {{"n_resamples", comparison.bootstrap.n_resamples}, {"seed", comparison.bootstrap.seed}}},
          {"comparisons", std::move(runs)}};
}

}  // namespace assay::results
