#include "suites/code/code_grader.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "harness/base/text.h"
#include "suites/code/code_task.h"
#include "suites/code/compare_output.h"
#include "suites/code/extract.h"
#include "suites/code/program.h"
#include "suites/reply.h"
#include "suites/sandbox/sandbox.h"

namespace assay::suites {
namespace {

constexpr double kAllTestsS = 60;  // for all tests of one item together, unless one alone may take longer
constexpr double kStartS = 2;      // for two interpreters on a busy machine

/// How the tests went.
struct Judgement {
  Verdict verdict = Verdict::error;
  std::string rule;
  Json detail = Json::object();
};

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

/// The rule for a program that a limit ended; empty if none did.
std::string limit_rule(const SandboxResult& result) {
  if (result.timed_out) return "timeout";
  if (result.out_of_memory) return "memory";
  if (result.output_limit) return "output_limit";
  return {};
}

SandboxLimits limits_for(const CodeTask& task, double seconds) {
  SandboxLimits limits;
  limits.wall_s = seconds;
  limits.cpu_s = static_cast<std::int64_t>(std::ceil(seconds)) + 1;
  if (task.kind == CodeTests::io) return limits;
  limits.wall_s += kStartS;
  limits.cpu_s += static_cast<std::int64_t>(kStartS);
  return limits;
}

/// The last line of standard error that is not blank: Python's "NameError: name 'x' is not defined".
std::string last_line(std::string_view text) {
  text = trim(text);
  const std::size_t line = text.rfind('\n');
  return quoted_excerpt(text.substr(line == std::string_view::npos ? 0 : line + 1), 300);
}

bool names_syntax_error(std::string_view stderr_text) {
  const std::string line = last_line(stderr_text);
  return line.starts_with("\"SyntaxError") || line.starts_with("\"IndentationError") || line.starts_with("\"TabError");
}

/// Why one run of a whole program fails its test; empty if it passes.
std::string io_failure(const SandboxResult& result, const IoTest& test, Json& detail) {
  if (std::string rule = limit_rule(result); !rule.empty()) return rule;
  const auto difference = compare_output(result.stdout_text, test.stdout_text);
  if (!difference) return {};
  const bool crashed = result.signal || result.exit_status.value_or(0) != 0;
  if (crashed && !result.stderr_text.empty()) {
    detail["message"] = last_line(result.stderr_text);
    return names_syntax_error(result.stderr_text) ? "syntax_error" : "exception";
  }
  detail["message"] = "line " + std::to_string(difference->line) + ": printed " + difference->printed + ", expected " +
                      difference->expected;
  return crashed ? "exception" : "wrong_output";
}

Judgement judge_script(const CodeTask& task, const std::string& code, const Sandbox& sandbox) {
  Judgement judgement;
  Json nonzero_exits = Json::array();
  for (std::size_t i = 0; i < task.io_tests.size(); ++i) {
    const IoTest& test = task.io_tests[i];
    SandboxLimits limits = limits_for(task, task.test_s);
    limits.output_bytes += std::ssize(test.stdout_text);  // right output is never too much
    const auto result = sandbox.run(script_program(code, test.stdin_text), limits);
    if (!result) return sandbox_failed(result.error());
    add_usage(judgement.detail, *result);
    if (std::string rule = io_failure(*result, test, judgement.detail); !rule.empty()) {
      judgement.detail["failed_test"] = i + 1;
      judgement.rule = std::move(rule);
      judgement.verdict = Verdict::incorrect;
      return judgement;
    }
    if (result->exit_status != 0) nonzero_exits.push_back(i + 1);
  }
  // Right output and then a failure: right, as LiveCodeBench has it, but worth knowing.
  if (!nonzero_exits.empty()) judgement.detail["nonzero_exits"] = std::move(nonzero_exits);
  judgement.rule = "passed";
  judgement.verdict = Verdict::correct;
  return judgement;
}

/// What a driver reported, corrected by what the sandbox saw of the candidate's process.
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
  judgement.rule = std::move(outcome);
  return judgement;
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

/// A driver's report: a JSON object on the last line of its standard output. Nothing if there is none.
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

Judgement judge_in_one_process(const CodeTask& task, const CandidateSource& candidate, const Sandbox& sandbox,
                               const SandboxLimits& limits) {
  const std::string key = random_key();
  const auto result = sandbox.run(one_process_program(task, candidate, key), limits);
  if (!result) return sandbox_failed(result.error());
  const std::optional<Json> report = read_report(result->stdout_text);
  Judgement judgement;
  if (report && report->value("key", "") == key) {
    judgement = judge_report(*report, *result);
  } else {  // the program ended or broke the process that should have reported
    add_usage(judgement.detail, *result);
    const std::string limit = limit_rule(*result);
    judgement.rule = limit.empty() ? "exited" : limit;
    judgement.verdict = Verdict::incorrect;
  }
  if (judgement.verdict == Verdict::correct) judgement.rule = "in_process";
  judgement.detail["in_process"] = true;
  return judgement;
}

Judgement judge_function(const CodeTask& task, const std::string& code, const Sandbox& sandbox) {
  const CandidateSource candidate = join_with_stub(task.stub, task.entry_point, code);
  const double all_tests_s = task.test_s * static_cast<double>(task.n_tests());
  const SandboxLimits limits = limits_for(task, std::min(all_tests_s, std::max(kAllTestsS, task.test_s)));
  const auto pair = sandbox.run_pair(checker_program(task, candidate), candidate_program(task, candidate), limits);
  if (!pair) return sandbox_failed(pair.error());
  const std::optional<Json> report = read_report(pair->driver.stdout_text);
  if (!report) return judge_silence(pair->driver, pair->subject);
  if (report->value("outcome", "") == "one_process") {
    Judgement judgement = judge_in_one_process(task, candidate, sandbox, limits);
    judgement.detail["in_process_reason"] = report->value("message", "");
    return judgement;
  }
  return judge_report(*report, pair->subject);
}

Grade grading_failed(std::string rule, std::string message) {
  Grade grade;
  grade.verdict = Verdict::error;
  grade.rule = std::move(rule);
  grade.detail["message"] = std::move(message);
  return grade;
}

}  // namespace

Grade grade_code(const Item& item, const Output& output, const GradeContext& context) {
  if (context.profile != "canonical") {
    return grading_failed("unknown_profile", "code has no profile " + quoted_excerpt(context.profile));
  }
  const auto record = JsonObject::of(item.record, "item " + item.id.value);
  if (!record) return grading_failed("broken_item", record.error().message);
  const auto task = read_code_task(*record);
  if (!task) return grading_failed("broken_item", task.error().message);
  if (context.sandbox == nullptr) return grading_failed("no_sandbox", "code is graded in a sandbox only");

  const Reply reply = strip_thinking(output);
  std::optional<ExtractedCode> code = extract_code(reply.text);
  if (!code) return grade_without_answer(reply);

  Judgement judgement = task->kind == CodeTests::io ? judge_script(*task, code->text, *context.sandbox)
                                                    : judge_function(*task, code->text, *context.sandbox);
  Grade grade;
  const bool was_cut = output.hit_length_limit && code->rule == "open_fence";
  grade.verdict = was_cut && judgement.verdict == Verdict::incorrect ? Verdict::truncated : judgement.verdict;
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  grade.answer = std::move(code->text);
  grade.rule = std::move(judgement.rule);
  grade.detail = std::move(judgement.detail);
  grade.detail["extraction"] = code->rule;
  grade.detail["n_tests"] = task->n_tests();
  grade.detail["sandbox"] = to_string(context.sandbox->mode());
  return grade;
}

}  // namespace assay::suites
