#include <algorithm>
#include <cmath>
#include <utility>

#include "suites/code/judge_parts.h"

namespace assay::suites {
namespace {

constexpr double kHumanEvalS = 3;       // its harness's default
constexpr double kHumanEvalGraceS = 1;  // between the signal and the kill
constexpr std::int64_t kEvalPlusBytes = std::int64_t{4} << 30;

SandboxLimits limits_of(double wall_s) {
  SandboxLimits limits;
  limits.wall_s = wall_s + kStartS;
  limits.cpu_s = static_cast<std::int64_t>(std::ceil(limits.wall_s)) + 1;
  return limits;
}

SandboxLimits limits_for(const CodeTask& task, CodeRules rules) {
  const auto n_tests = static_cast<double>(task.n_tests());
  if (rules == CodeRules::lcb) return limits_of((task.test_s + 1) * n_tests + 5);
  SandboxLimits limits = limits_of(std::min(task.test_s * n_tests, std::max(kAllTestsS, task.test_s)));
  if (task.kind == CodeTests::differential) limits = limits_of(kAllTestsS + 1);  // inputs have limits of their own
  if (rules == CodeRules::evalplus) limits.memory_bytes = kEvalPlusBytes;
  return limits;
}

/// A driver that could not report: the candidate kept it busy, or something is wrong here.
Judgement judge_silence(const SandboxResult& driver, const SandboxResult& candidate) {
  Judgement judgement;
  add_usage(judgement.detail, candidate);
  judgement.rule = limit_rule(driver);
  judgement.verdict = judgement.rule.empty() ? Verdict::error : Verdict::incorrect;
  if (judgement.rule.empty()) {
    judgement.rule = "checker_failed";
    judgement.detail["message"] = last_line(driver.stderr_text);
  }
  return judgement;
}

/// The program's source as its rules want it: a stub's imports and helpers are Assay's own care.
CandidateSource source_for(const CodeTask& task, const std::string& code, CodeRules rules) {
  if (rules == CodeRules::lcb) return {"", code};
  return join_with_stub(task.stub, task.entry_point, code);
}

}  // namespace

Judgement judge_function(const CodeTask& task, const std::string& code, CodeRules rules, const Sandbox& sandbox) {
  const CandidateSource candidate = source_for(task, code, rules);
  const SandboxLimits limits = limits_for(task, rules);
  const auto pair =
      sandbox.run_pair(checker_program(task, candidate, rules), candidate_program(task, candidate, rules), limits);
  if (!pair) return sandbox_failed(pair.error());
  const std::optional<Json> report = read_report(pair->driver.stdout_text);
  if (!report) return judge_silence(pair->driver, pair->subject);
  if (report->value("outcome", "") != "one_process") return judge_report(*report, pair->subject);

  const std::string key = random_key();
  const auto result = sandbox.run(one_process_program(task, candidate, key), limits);
  if (!result) return sandbox_failed(result.error());
  Judgement judgement = judge_own_report(*result, key);
  judgement.detail["in_process_reason"] = report->value("message", "");
  return judgement;
}

Judgement judge_human_eval(const CodeTask& task, std::string_view completion, const Sandbox& sandbox) {
  std::string program = task.stub;
  program.append(completion).append("\n");
  if (task.kind == CodeTests::check) {
    program += task.test + "\ncheck(" + task.entry_point + ")";
  } else {
    for (const std::string& line : task.asserts) program += line + "\n";
  }
  const double test_s = task.time_limit_s.value_or(kHumanEvalS);
  SandboxLimits limits = limits_of(test_s);
  limits.wall_s = test_s + kHumanEvalGraceS;
  const std::string key = random_key();
  const auto result = sandbox.run(human_eval_program(program, test_s, key), limits);
  if (!result) return sandbox_failed(result.error());
  return judge_own_report(*result, key);
}

}  // namespace assay::suites
