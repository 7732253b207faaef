#include <cmath>
#include <ctime>

#include "harness/base/text.h"
#include "results/gate/wording.h"
#include "results/gate/writers.h"

namespace assay::results {

namespace {

/// Text for XML 1.0, in elements and in attributes alike: what may not stand in it at all becomes U+FFFD.
std::string xml(std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  std::string out;
  for (std::size_t at = 0; at < valid.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(valid, at);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\t' || c == '\n' || c == '\r') {
      out += "&#" + std::to_string(static_cast<int>(c)) + ";";
    } else if (c < 0x20 || c == 0xFFFE || c == 0xFFFF) {
      append_utf8(out, 0xFFFD);
    } else {
      out.append(valid, start, at - start);
    }
  }
  return out;
}

/// "2026-11-22T05:06:07" in UTC.
std::string timestamp(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  char text[32] = "1970-01-01T00:00:00";
  if (gmtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return text;
}

struct Case {
  std::string name;
  std::string outcome;  ///< "failure", "error", "skipped"; empty: passed
  std::string message;
};

Case case_of(const CheckResult& result, const MetricVerdict& metric) {
  Case of{.name = metric_title(metric), .outcome = "", .message = metric.reason};
  if (metric.waiver) {
    of.outcome = "skipped";
    of.message = waiver_text(result, metric) + " (" + to_string(metric.verdict) + ": " + metric.reason + ")";
  } else if (metric.verdict == GateVerdict::regressed) {
    of.outcome = "failure";
  } else if (metric.verdict == GateVerdict::inconclusive) {
    of.outcome = result.inconclusive_fails ? "error" : "skipped";
  }
  return of;
}

std::string element_of(const Case& of) {
  std::string text = "    <testcase classname=\"assay.check\" name=\"" + xml(of.name) + "\" time=\"0\"";
  if (of.outcome.empty()) return text + "/>\n";
  const char* type = of.outcome == "failure" ? "regressed" : "inconclusive";
  text += ">\n      <" + of.outcome + " message=\"" + xml(of.message) + "\"";
  if (of.outcome != "skipped") text += std::string(" type=\"") + type + "\"";
  return text + "/>\n    </testcase>\n";
}

std::string property(const std::string& name, const std::string& value) {
  return "      <property name=\"" + xml(name) + "\" value=\"" + xml(value) + "\"/>\n";
}

std::string properties(const CheckResult& result) {
  std::string text = property("baseline", result.baseline_run_id) + property("candidate", result.candidate_run_id) +
                     property("verdict", to_string(result.verdict)) + property("level", to_text(result.level));
  for (const MetricVerdict& metric : result.metrics) {
    if (!metric.evidence.worse_by) continue;
    const std::string name = metric_title(metric) + ": ";
    text += property(name + "worse_by", to_text(*metric.evidence.worse_by)) +
            property(name + "worse_by_lower", to_text(metric.evidence.lower)) +
            property(name + "worse_by_upper", to_text(metric.evidence.upper)) +
            property(name + "margin", to_text(metric.policy.margin));
    if (metric.p_adjusted) text += property(name + "p_adjusted", to_text(*metric.p_adjusted));
    if (metric.power_at_margin) text += property(name + "power_at_margin", to_text(*metric.power_at_margin));
  }
  return "    <properties>\n" + text + "    </properties>\n";
}

}  // namespace

std::string junit_xml(const CheckResult& result) {
  std::vector<Case> cases;
  for (const MetricVerdict& metric : result.metrics) {
    if (metric.gated) cases.push_back(case_of(result, metric));
  }
  for (const FloorVerdict& floor : result.floors) {
    cases.push_back({"floor of " + shown(floor.suite), floor.missed ? "failure" : "", floor_text(floor)});
  }
  std::string elements;
  std::int64_t n_failures = 0, n_errors = 0, n_skipped = 0;
  for (const Case& of : cases) {
    elements += element_of(of);
    n_failures += of.outcome == "failure" ? 1 : 0;
    n_errors += of.outcome == "error" ? 1 : 0;
    n_skipped += of.outcome == "skipped" ? 1 : 0;
  }
  const std::string counts = " tests=\"" + std::to_string(cases.size()) + "\" failures=\"" + to_text(n_failures) +
                             "\" errors=\"" + to_text(n_errors) + "\"";
  std::vector<std::string> output = result.notes;
  for (const std::string& line : expired_waiver_lines(result)) output.push_back("error: " + line);
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay check\"" + counts + " time=\"0\">\n" +
         "  <testsuite name=\"assay check\"" + counts + " skipped=\"" + to_text(n_skipped) +
         "\" time=\"0\" timestamp=\"" + timestamp(result.checked_at_ms) + "\" hostname=\"localhost\">\n" +
         properties(result) + elements + "    <system-out>" + xml(join(output, "\n")) +
         "</system-out>\n    <system-err></system-err>\n  </testsuite>\n</testsuites>\n";
}

}  // namespace assay::results
