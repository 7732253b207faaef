#include "suites/code/code_grader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "harness/base/text.h"
#include "suites/code/code_task.h"
#include "suites/code/extract.h"
#include "suites/code/judge.h"
#include "suites/reply.h"
#include "suites/sandbox/sandbox.h"

namespace assay::suites {
namespace {

Grade grading_failed(std::string rule, std::string message) {
  Grade grade;
  grade.verdict = Verdict::error;
  grade.rule = std::move(rule);
  grade.detail["message"] = std::move(message);
  return grade;
}

/// The code that a profile takes from an output; nothing if there is none.
std::optional<ExtractedCode> extract_for(const std::string& profile, const CodeTask& task, const Output& output) {
  if (profile == "human-eval") return ExtractedCode{std::string(output.text), "completion"};
  if (profile == "lcb") return ExtractedCode{extract_between_last_fences(output.text), "last_two_fences"};
  const std::string_view reply = strip_thinking(output).text;
  std::optional<ExtractedCode> code =
      task.language == CodeLanguage::python ? extract_code(reply) : extract_native_code(reply);
  // EvalPlus's samples are completions or whole solutions, without a fence.
  if (!code && profile == "evalplus" && !trim(reply).empty()) return ExtractedCode{std::string(reply), "completion"};
  return code;
}

Judgement judge(const std::string& profile, const CodeTask& task, const std::string& code, const Sandbox& sandbox) {
  if (profile == "human-eval") return judge_human_eval(task, code, sandbox);
  if (profile == "lcb") return judge_function(task, code, CodeRules::lcb, sandbox);
  if (profile == "evalplus") return judge_function(task, code, CodeRules::evalplus, sandbox);
  if (task.kind == CodeTests::io) return judge_script(task, code, sandbox);
  if (task.language != CodeLanguage::python) return judge_native_function(task, code, sandbox);
  return judge_function(task, code, CodeRules::canonical, sandbox);
}

}  // namespace

std::vector<std::string> code_profiles() { return {"canonical", "human-eval", "evalplus", "lcb"}; }

Result<> check_code_profile(const Item& item, std::string_view profile) {
  ASSAY_ASSIGN(const JsonObject record, JsonObject::of(item.record, "item " + item.id.value));
  ASSAY_ASSIGN(const CodeTask task, read_code_task(record));
  const auto refuse = [&](std::string_view needed) {
    return bad_input("item ", item.id.value, " has no ", needed, ", which profile ", profile, " judges by");
  };
  const bool is_python = task.language == CodeLanguage::python;
  const bool is_cases = is_python && task.kind == CodeTests::cases;
  if (profile == "human-eval" && !(is_python && (task.kind == CodeTests::check || task.kind == CodeTests::asserts))) {
    return refuse("Python tests");
  }
  if (profile == "evalplus" && !is_cases && task.kind != CodeTests::differential) return refuse("cases or inputs");
  if (profile == "lcb" && !is_cases && !(is_python && task.kind == CodeTests::io)) return refuse("cases or io_tests");
  return {};
}

Grade grade_code(const Item& item, const Output& output, const GradeContext& context) {
  const std::vector<std::string> known = code_profiles();
  if (std::find(known.begin(), known.end(), context.profile) == known.end()) {
    return grading_failed("unknown_profile", "code has no profile " + quoted_excerpt(context.profile));
  }
  const auto record = JsonObject::of(item.record, "item " + item.id.value);
  if (!record) return grading_failed("broken_item", record.error().message);
  const auto task = read_code_task(*record);
  if (!task) return grading_failed("broken_item", task.error().message);
  if (context.sandbox == nullptr) return grading_failed("no_sandbox", "code is graded in a sandbox only");

  if (const auto fits = check_code_profile(item, context.profile); !fits) {
    return grading_failed("profile_does_not_fit", fits.error().message);
  }

  std::optional<ExtractedCode> code = extract_for(context.profile, *task, output);
  if (!code) return grade_without_answer(strip_thinking(output));

  Judgement judgement = judge(context.profile, *task, code->text, *context.sandbox);
  Grade grade;
  const bool was_cut = output.hit_length_limit && code->rule == "open_fence";
  grade.verdict = was_cut && judgement.verdict == Verdict::incorrect ? Verdict::truncated : judgement.verdict;
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  grade.answer = std::move(code->text);
  grade.rule = std::move(judgement.rule);
  grade.detail = std::move(judgement.detail);
  grade.detail["extraction"] = code->rule;
  grade.detail["n_tests"] = task->n_tests();
  if (item.record.contains("erratum")) grade.detail["erratum"] = item.record.at("erratum");
  grade.detail["sandbox"] = to_string(context.sandbox->mode());
  return grade;
}

}  // namespace assay::suites
