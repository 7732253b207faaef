#pragma once
// What a gate watches, what it lets pass and how sure it must be: read from a JSON file that is kept beside the code.
// docs/ci/README.md explains the file.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::results {

/// When a metric has regressed.
enum class GateMethod {
  difference,  ///< a change for the worse is shown, and one of the margin is not excluded
  beyond,      ///< a change beyond the margin is shown: for figures that drift from run to run whatever one does
};

struct MetricKind {
  std::string_view metric;
  bool is_of_suite;  ///< else of the whole run
  GateMethod method;
  bool is_relative;  ///< the margin is a share of the baseline's value, else a difference of shares (0.02: two points)
  bool gated_by_default;  ///< without a policy
  double margin;          ///< unless the policy says otherwise
};

/// Every metric, in the order of reports.
const std::vector<MetricKind>& metric_kinds();

struct MetricPolicy {
  bool gated = false;
  double margin = 0;                   ///< the change for the worse that is too much
  std::optional<double> margin_below;  ///< output_tokens alone: the relative fall that is too much, too
};

/// A regression that is known and accepted until a day.
struct Waiver {
  std::string metric;
  std::string suite;  ///< empty: any
  std::string reason;
  std::string expires;  ///< "2026-12-31", the last day on which it holds, in UTC
};

struct Policy {
  double level = 0.05;                                                  ///< of the whole gate, in (0, 0.5)
  std::map<std::string, MetricPolicy> metrics;                          ///< by metric
  std::map<std::string, std::map<std::string, MetricPolicy>> of_suite;  ///< by suite, then by metric
  std::map<std::string, double> fail_under;                             ///< by suite: the least accuracy
  double max_errors_ratio = 0.05;  ///< a larger share of `error` verdicts leaves accuracy inconclusive
  bool inconclusive_fails = true;
  std::vector<std::string> ignore_environment;  ///< fields that may differ between runs whose speed is compared
  std::vector<Waiver> waivers;
};

/// Accuracy within two points at 5 %; everything else is shown and not gated.
Policy default_policy();

/// The rule for a metric of a suite.
MetricPolicy policy_for(const Policy& policy, const std::string& metric, const std::string& suite);

/// Reads a policy file's text. `where` names it. Error{bad_input} names the field and what would be right; unknown keys
/// are refused.
Result<Policy> parse_policy(std::string_view text, const std::string& where);

/// True if the waiver's last day is over at that moment (Unix time).
bool has_expired(const Waiver& waiver, std::int64_t now_ms);

}  // namespace assay::results
