#include "results/gate/policy.h"

#include <algorithm>
#include <chrono>

#include "harness/base/text.h"

namespace assay::results {

namespace {

const MetricKind* find_kind(std::string_view metric) {
  const auto& kinds = metric_kinds();
  const auto at =
      std::find_if(kinds.begin(), kinds.end(), [&](const MetricKind& kind) { return kind.metric == metric; });
  return at == kinds.end() ? nullptr : &*at;
}

MetricPolicy default_of(const MetricKind& kind) {
  MetricPolicy policy{.gated = kind.gated_by_default, .margin = kind.margin, .margin_below = {}};
  if (kind.metric == "output_tokens") policy.margin_below = kind.margin;
  return policy;
}

Result<const MetricKind*> known_kind(const JsonObject& object, const std::string& metric, bool in_suite) {
  std::vector<std::string> known;
  for (const MetricKind& kind : metric_kinds()) {
    if (!in_suite || kind.is_of_suite) known.emplace_back(kind.metric);
  }
  const MetricKind* kind = find_kind(metric);
  if (kind == nullptr || (in_suite && !kind->is_of_suite)) {
    return object.field_error(
        metric, "is no metric" + std::string(in_suite ? " of a suite" : "") + "; known: " + join(known, ", "));
  }
  return kind;
}

Result<double> margin_in(const JsonObject& object, std::string_view key, double fallback) {
  ASSAY_ASSIGN(const double margin, object.number_or(key, fallback));
  if (!(margin >= 0 && margin <= 10)) return object.field_error(key, "must be from 0 to 10 (0.02: two points, or 2 %)");
  return margin;
}

/// {"accuracy": {"margin": 0.02}, "e2e_ms_p50": null}: what is named is gated, what is null is not.
Result<std::map<std::string, MetricPolicy>> parse_metrics(const JsonObject& owner, std::string_view key,
                                                          bool in_suite) {
  std::map<std::string, MetricPolicy> metrics;
  const Json* value = owner.find(key);
  if (value == nullptr) return metrics;
  ASSAY_ASSIGN(const JsonObject object, owner.object(key));
  for (const auto& [metric, rule] : value->items()) {
    ASSAY_ASSIGN(const MetricKind* kind, known_kind(object, metric, in_suite));
    MetricPolicy policy = default_of(*kind);
    policy.gated = !rule.is_null();
    if (policy.gated) {
      ASSAY_ASSIGN(const JsonObject fields, object.object(metric));
      const bool has_below = metric == "output_tokens";
      ASSAY_TRY(fields.refuse_unknown(has_below ? std::vector<std::string_view>{"margin", "margin_below"}
                                                : std::vector<std::string_view>{"margin"}));
      ASSAY_ASSIGN(policy.margin, margin_in(fields, "margin", kind->margin));
      if (has_below && rule.contains("margin_below")) policy.margin_below.reset();
      if (has_below && fields.has("margin_below")) {
        ASSAY_ASSIGN(policy.margin_below, margin_in(fields, "margin_below", kind->margin));
      }
    }
    metrics[metric] = policy;
  }
  return metrics;
}

std::optional<std::chrono::sys_days> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return {};
  const auto year = parse_integer(text.substr(0, 4));
  const auto month = parse_integer(text.substr(5, 2));
  const auto day = parse_integer(text.substr(8, 2));
  if (!year || !month || !day || *month < 1 || *day < 1) return {};
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return {};
  return std::chrono::sys_days(date);
}

Result<Waiver> parse_waiver(const Json& value, const std::string& where) {
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(value, where));
  ASSAY_TRY(object.refuse_unknown({"metric", "suite", "reason", "expires"}));
  Waiver waiver;
  ASSAY_ASSIGN(waiver.metric, object.string("metric"));
  if (find_kind(waiver.metric) == nullptr)
    return object.field_error("metric", "is no metric; is " + quoted_excerpt(waiver.metric));
  ASSAY_ASSIGN(waiver.suite, object.string_or("suite", ""));
  ASSAY_ASSIGN(waiver.reason, object.string("reason"));
  if (trim(waiver.reason).empty()) return object.field_error("reason", "must say why");
  ASSAY_ASSIGN(waiver.expires, object.string("expires"));
  if (!parse_day(waiver.expires)) return object.field_error("expires", "must be a day such as 2026-12-31");
  return waiver;
}

Result<> parse_waivers(const JsonObject& object, Policy& policy) {
  const Json* waivers = object.find("waivers");
  if (waivers == nullptr) return {};
  if (!waivers->is_array()) return object.field_error("waivers", "must be an array");
  for (std::size_t i = 0; i < waivers->size(); ++i) {
    ASSAY_ASSIGN(Waiver waiver, parse_waiver((*waivers)[i], object.where() + ": waivers[" + std::to_string(i) + "]"));
    policy.waivers.push_back(std::move(waiver));
  }
  return {};
}

Result<> parse_fail_under(const JsonObject& object, Policy& policy) {
  const Json* floors = object.find("fail_under");
  if (floors == nullptr) return {};
  ASSAY_ASSIGN(const JsonObject suites, object.object("fail_under"));
  for (const auto& [suite, value] : floors->items()) {
    ASSAY_ASSIGN(const double least, suites.number(suite));
    if (!(least >= 0 && least <= 1)) return suites.field_error(suite, "must be from 0 to 1");
    policy.fail_under[suite] = least;
  }
  return {};
}

Result<> parse_suites(const JsonObject& object, Policy& policy) {
  const Json* suites = object.find("suites");
  if (suites == nullptr) return {};
  ASSAY_ASSIGN(const JsonObject of_suite, object.object("suites"));
  for (const auto& [suite, rules] : suites->items()) {
    ASSAY_ASSIGN(policy.of_suite[suite], parse_metrics(of_suite, suite, true));
  }
  return {};
}

}  // namespace

const std::vector<MetricKind>& metric_kinds() {
  static const std::vector<MetricKind> kinds = {
      {"accuracy", true, GateMethod::difference, false, true, 0.02},
      {"truncated_ratio", true, GateMethod::difference, false, false, 0.02},
      {"output_tokens", true, GateMethod::difference, true, false, 0.10},
      {"ttft_ms_p50", false, GateMethod::beyond, true, false, 0.10},
      {"itl_ms_p50", false, GateMethod::beyond, true, false, 0.10},
      {"e2e_ms_p50", false, GateMethod::beyond, true, false, 0.10},
      {"output_tokens_per_s", false, GateMethod::beyond, true, false, 0.10},
      {"usd_per_correct", false, GateMethod::beyond, true, false, 0.10},
  };
  return kinds;
}

Policy default_policy() {
  Policy policy;
  for (const MetricKind& kind : metric_kinds()) policy.metrics[std::string(kind.metric)] = default_of(kind);
  return policy;
}

MetricPolicy policy_for(const Policy& policy, const std::string& metric, const std::string& suite) {
  if (const auto of_suite = policy.of_suite.find(suite); of_suite != policy.of_suite.end()) {
    if (const auto at = of_suite->second.find(metric); at != of_suite->second.end()) return at->second;
  }
  return policy.metrics.at(metric);
}

Result<Policy> parse_policy(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json document, parse_json(text, where));
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(document, where));
  ASSAY_TRY(object.refuse_unknown({"level", "metrics", "suites", "fail_under", "max_errors_ratio", "inconclusive",
                                   "ignore_environment", "waivers"}));
  Policy policy = default_policy();
  ASSAY_ASSIGN(policy.level, object.number_or("level", policy.level));
  if (!(policy.level >= 1e-6 && policy.level < 0.5))
    return object.field_error("level", "must be from 0.000001 to below 0.5");
  ASSAY_ASSIGN(const auto metrics, parse_metrics(object, "metrics", false));
  for (const auto& [metric, rule] : metrics) policy.metrics[metric] = rule;
  ASSAY_TRY(parse_suites(object, policy));
  ASSAY_TRY(parse_fail_under(object, policy));
  ASSAY_ASSIGN(policy.max_errors_ratio, object.number_or("max_errors_ratio", policy.max_errors_ratio));
  if (!(policy.max_errors_ratio >= 0 && policy.max_errors_ratio <= 1)) {
    return object.field_error("max_errors_ratio", "must be from 0 to 1");
  }
  ASSAY_ASSIGN(const std::string inconclusive, object.string_or("inconclusive", "fail"));
  if (inconclusive != "pass" && inconclusive != "fail")
    return object.field_error("inconclusive", "must be \"pass\" or \"fail\"");
  policy.inconclusive_fails = inconclusive == "fail";
  if (object.has("ignore_environment")) {
    ASSAY_ASSIGN(policy.ignore_environment, object.strings("ignore_environment"));
  }
  ASSAY_TRY(parse_waivers(object, policy));
  return policy;
}

bool has_expired(const Waiver& waiver, std::int64_t now_ms) {
  const auto last_day = parse_day(waiver.expires);
  const auto now = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(now_ms)));
  return !last_day || now > *last_day;
}

}  // namespace assay::results
