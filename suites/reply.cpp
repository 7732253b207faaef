#include "suites/reply.h"

namespace assay::suites {

Reply strip_thinking(const Output& output) {
  static constexpr std::string_view kOpen = "<think>";
  static constexpr std::string_view kClose = "</think>";
  if (const auto close = output.text.rfind(kClose); close != std::string_view::npos) {
    return {output.text.substr(close + kClose.size()), false, output.hit_length_limit};
  }
  if (output.text.find(kOpen) != std::string_view::npos) return {{}, true, output.hit_length_limit};
  return {output.text, false, output.hit_length_limit};
}

Grade grade_without_answer(const Reply& reply) {
  Grade grade;
  if (reply.thinking_is_open) {
    grade.verdict = Verdict::truncated;
    grade.rule = "thinking_not_closed";
  } else if (reply.hit_length_limit) {
    grade.verdict = Verdict::truncated;
    grade.rule = "length_limit";
  } else {
    grade.verdict = Verdict::no_answer;
    grade.rule = "nothing_extracted";
  }
  return grade;
}

}  // namespace assay::suites
