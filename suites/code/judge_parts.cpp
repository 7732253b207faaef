#include "suites/code/judge_parts.h"

#include <random>
#include <utility>

#include "harness/base/text.h"

namespace assay::suites {

Judgement sandbox_failed(const Error& error) {
  Judgement judgement{Verdict::error, "sandbox_failed"};
  judgement.detail["message"] = error.message;
  return judgement;
}

void add_usage(Json& detail, const SandboxResult& result) {
  detail["wall_ms"] = result.wall_ms;
  detail["cpu_ms"] = result.cpu_ms;
  detail["max_rss_bytes"] = result.max_rss_bytes;
  if (result.exit_status) detail["exit_status"] = *result.exit_status;
  if (result.signal) detail["signal"] = *result.signal;
}

std::string limit_rule(const SandboxResult& result) {
  if (result.timed_out) return "timeout";
  if (result.out_of_memory) return "memory";
  if (result.output_limit) return "output_limit";
  return {};
}

std::string last_line(std::string_view text) {
  text = trim(text);
  const std::size_t line = text.rfind('\n');
  return quoted_excerpt(text.substr(line == std::string_view::npos ? 0 : line + 1), 300);
}

Judgement judge_report(const Json& report, const SandboxResult& candidate) {
  Judgement judgement;
  add_usage(judgement.detail, candidate);
  std::string outcome = report.value("outcome", "");
  const std::string limit = limit_rule(candidate);
  if (outcome == "exited" && !limit.empty()) outcome = limit;
  if (outcome == "passed") {
    judgement.verdict = Verdict::correct;
  } else {
    judgement.verdict = outcome == "broken_item" ? Verdict::error : Verdict::incorrect;
    judgement.detail["message"] = report.value("message", "");
    judgement.detail["failed_test"] = report.value("test", 0);
  }
  if (report.contains("details") && report["details"].is_object()) judgement.detail.update(report["details"]);
  if (outcome == "lcb_exception") {  // while it was loaded; its harness says -4
    judgement.detail["lcb_results"] = Json::array({-4});
    outcome = "exception";
  }
  judgement.rule = std::move(outcome);
  return judgement;
}

std::optional<Json> read_report(std::string_view text) {
  text = text.substr(text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1);
  auto report = parse_json(text, "the checker's report");
  const auto is_text = [&](const char* key) { return report->contains(key) && (*report)[key].is_string(); };
  if (!report || !report->is_object() || !is_text("outcome") || !is_text("message")) return std::nullopt;
  if (!report->contains("test") || !(*report)["test"].is_number_integer()) return std::nullopt;
  return std::move(*report);
}

std::string random_key() {
  std::random_device source;
  std::string key;
  for (int i = 0; i < 4; ++i) key += std::to_string(source()) + "-";
  return key;
}

Judgement judge_own_report(const SandboxResult& result, const std::string& key) {
  const std::optional<Json> report = read_report(result.stdout_text);
  Judgement judgement;
  if (report && report->value("key", "") == key) {
    judgement = judge_report(*report, result);
  } else {  // the program ended or broke the process that should have reported
    add_usage(judgement.detail, result);
    const std::string limit = limit_rule(result);
    judgement.rule = limit.empty() ? "exited" : limit;
    judgement.verdict = Verdict::incorrect;
  }
  if (judgement.verdict == Verdict::correct) judgement.rule = "in_process";
  judgement.detail["in_process"] = true;
  return judgement;
}

}  // namespace assay::suites
