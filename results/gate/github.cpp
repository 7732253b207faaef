// GitHub's job summary and annotations.
#include "harness/base/text.h"
#include "results/gate/calibration.h"
#include "results/gate/wording.h"
#include "results/gate/writers.h"

namespace assay::results {

namespace {

constexpr std::size_t kMostRows = 200;  // a summary may have 1 MiB
constexpr std::size_t kMostAnnotations = 10;

/// Text that Markdown shows as it is, also in a table's cell.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : to_valid_utf8(text)) {
    if (c == '\n' || c == '\r' || c == '\t') {
      out += ' ';
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '@') {
      out += "&#64;";  // names nobody
    } else {
      if (std::string_view("\\`*_{}[]()#+!|~").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string sign_of(const MetricVerdict& metric) {
  if (metric.waiver) return "⚠️ " + to_string(metric.verdict) + ", waived";
  switch (metric.verdict) {
    case GateVerdict::pass:
      return "✅ pass";
    case GateVerdict::improved:
      return "✅ improved";
    case GateVerdict::regressed:
      return "❌ regressed";
    case GateVerdict::inconclusive:
      break;
  }
  return "❔ inconclusive";
}

std::string row_of(const MetricVerdict& metric) {
  const Evidence& evidence = metric.evidence;
  const bool known = evidence.worse_by.has_value();
  const std::string bounds =
      known ? change_text(metric, evidence.lower) + " to " + change_text(metric, evidence.upper) : "-";
  return "| " + plain(metric_title(metric)) + " | " + plain(value_text(metric, evidence.baseline)) + " | " +
         plain(value_text(metric, evidence.candidate)) + " | " +
         plain(known ? change_text(metric, *evidence.worse_by) : "-") + " | " + plain(bounds) + " | " +
         plain(margin_text(metric)) + " | " + (metric.gated ? sign_of(metric) : "not gated") + " |\n";
}

/// A message behind "::error::"; a property's value must escape its separators, too.
std::string command_text(std::string_view text, bool is_property) {
  std::string out = replace_all(replace_all(replace_all(to_valid_utf8(text), "%", "%25"), "\r", "%0D"), "\n", "%0A");
  return is_property ? replace_all(replace_all(out, ":", "%3A"), ",", "%2C") : out;
}

std::string annotation(const std::string& kind, const std::string& title, const std::string& message) {
  return "::" + kind + " title=" + command_text("assay check: " + title, true) + "::" + command_text(message, false) +
         "\n";
}

}  // namespace

std::string summary_markdown(const CheckResult& result) {
  std::string text = "## assay check: " + to_string(result.verdict) + "\n\n" + plain(result.candidate_title) +
                     " against " + plain(result.baseline_title) + "; at most " + to_text(100 * result.level) +
                     " % of equal runs are called regressed.\n\n"
                     "| metric | baseline | candidate | worse by | bounds | margin | verdict |\n| --- | ---: | ---: | "
                     "---: | --- | ---: | --- |\n";
  std::size_t n_rows = 0;
  for (const MetricVerdict& metric : result.metrics) {
    if (n_rows++ < kMostRows) text += row_of(metric);
  }
  text += "\n";
  if (n_rows > kMostRows) text += "and " + std::to_string(n_rows - kMostRows) + " more metrics\n\n";
  const auto item = [&](const std::string& line) { text += "- " + plain(line) + "\n"; };
  n_rows = 0;
  for (const MetricVerdict& metric : result.metrics) {
    if (!metric.gated || n_rows++ >= kMostRows) continue;
    item(metric_title(metric) + ": " + metric.reason + (metric.waiver ? "; " + waiver_text(result, metric) : ""));
  }
  for (const FloorVerdict& floor : result.floors) item((floor.missed ? "❌ " : "✅ ") + floor_text(floor));
  for (const std::string& line : expired_waiver_lines(result)) item("❌ " + line);
  for (const std::string& note : result.notes) item(note);
  if (result.calibration) item(calibration_text(*result.calibration));
  return text;
}

std::string github_annotations(const CheckResult& result) {
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  for (const MetricVerdict& metric : result.metrics) {
    if (!metric.gated) continue;
    if (metric.waiver) {
      warnings.push_back(
          annotation("warning", metric_title(metric), to_string(metric.verdict) + ", " + waiver_text(result, metric)));
    } else if (metric.verdict == GateVerdict::regressed) {
      errors.push_back(annotation("error", metric_title(metric), "regressed: " + metric.reason));
    } else if (metric.verdict == GateVerdict::inconclusive) {
      (result.inconclusive_fails ? errors : warnings)
          .push_back(annotation(result.inconclusive_fails ? "error" : "warning", metric_title(metric),
                                "inconclusive: " + metric.reason));
    }
  }
  for (const FloorVerdict& floor : result.floors) {
    if (floor.missed) errors.push_back(annotation("error", "floor of " + floor.suite, floor_text(floor)));
  }
  for (const std::string& line : expired_waiver_lines(result))
    errors.push_back(annotation("error", "expired waiver", line));
  std::string text;
  for (auto* list : {&errors, &warnings}) {
    if (list->size() > kMostAnnotations) list->resize(kMostAnnotations);
    for (const std::string& line : *list) text += line;
  }
  return text;
}

}  // namespace assay::results
