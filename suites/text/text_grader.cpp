#include "suites/text/text_grader.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "harness/base/text.h"
#include "suites/fold.h"
#include "suites/reply.h"

namespace assay::suites {

namespace {

struct FoundText {
  std::string_view text;
  std::string_view rule;
};

/// What stands between the last <answer> that is closed and the first </answer> behind it.
std::optional<std::string_view> tagged_text(std::string_view reply) {
  static constexpr std::string_view kOpen = "<answer>", kClose = "</answer>";
  const std::size_t last_close = reply.rfind(kClose);
  if (last_close == std::string_view::npos) return std::nullopt;
  const std::size_t open = reply.substr(0, last_close).rfind(kOpen);
  if (open == std::string_view::npos) return std::nullopt;
  const std::string_view behind = reply.substr(open + kOpen.size());
  return behind.substr(0, behind.find(kClose));
}

std::optional<std::string_view> line_text(std::string_view reply) {
  static constexpr std::string_view kMark = "answer:";
  std::optional<std::string_view> last;
  for (std::size_t begin = 0; begin < reply.size();) {
    const std::size_t end = std::min(reply.find('\n', begin), reply.size());
    const std::string_view line = trim(reply.substr(begin, end - begin));
    if (to_lower_ascii(line.substr(0, kMark.size())) == kMark) {
      last = trim(line.substr(kMark.size()));
      if (last->empty()) {
        const std::string_view behind = trim(reply.substr(end));
        last = behind.substr(0, behind.find('\n'));
      }
    }
    begin = end + 1;
  }
  return last;
}

FoundText find_answer(std::string_view reply) {
  if (const auto text = tagged_text(reply)) return {*text, "answer_tag"};
  if (const auto text = line_text(reply)) return {*text, "answer_line"};
  return {reply, "whole_reply"};
}

std::string comparable(std::string_view text) { return fold_case(fold_space(text)); }

}  // namespace

Grade grade_text(const Item& item, const Output& output) {
  const auto accepted = item.record.at("answer").get<std::vector<std::string>>();
  const Reply reply = strip_thinking(output);
  const FoundText found = find_answer(reply.text);
  const std::string answer = fold_space(found.text);
  const bool is_accepted = std::any_of(accepted.begin(), accepted.end(),
                                       [&](const std::string& text) { return comparable(text) == comparable(answer); });
  Grade grade;
  const bool is_cut = found.rule == "whole_reply" && reply.hit_length_limit && !is_accepted;
  if (answer.empty() || is_cut) {
    grade = grade_without_answer(reply);
  } else {
    grade.verdict = is_accepted ? Verdict::correct : Verdict::incorrect;
    grade.rule = found.rule;
    grade.answer = answer;
  }
  grade.expected = join(accepted, " | ");
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  return grade;
}

}  // namespace assay::suites
