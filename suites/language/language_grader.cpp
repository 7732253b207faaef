#include "suites/language/language_grader.h"

#include <cmath>

#include "suites/language/identify.h"
#include "suites/language/languages.h"
#include "suites/reply.h"

namespace assay::suites {

namespace {

constexpr std::string_view kOpen = "<think>", kClose = "</think>";

struct Reasoning {
  std::string_view text;
  std::string rule;
};

Reasoning find_reasoning(std::string_view output) {
  const std::size_t close = output.rfind(kClose), open = output.find(kOpen);
  if (close == std::string_view::npos && open == std::string_view::npos) return {output, "whole_reply"};
  return {output.substr(0, close), "thoughts"};  // the tags themselves are no prose
}

/// Six decimals, which is more than the identifier is worth.
double rounded(double value) { return std::round(value * 1e6) / 1e6; }

}  // namespace

Grade grade_language(const Item& item, const Output& output) {
  const auto code = item.record.at("language").get<std::string>();
  const auto language = parse_language(code);
  ASSAY_ASSERT(language.has_value(), "check_record has seen this record");
  const Reasoning reasoning = find_reasoning(output.text);
  const LanguageUse use = identify_languages(reasoning.text);
  const Reply reply = strip_thinking(output);
  const double share = use.share(*language);

  Grade grade;
  if (reply.thinking_is_open) {
    grade = grade_without_answer(reply);
  } else if (use.total_tokens() == 0) {
    grade = grade_without_answer(reply);
    if (grade.verdict == Verdict::no_answer) grade.rule = "no_reasoning";
  } else {
    grade.verdict = share >= kLanguageThreshold ? Verdict::correct : Verdict::incorrect;
    grade.rule = reasoning.rule;
    grade.score = rounded(share);
  }
  if (use.total_tokens() > 0) grade.answer = std::string(to_string(use.dominant()));
  grade.expected = code;
  Json shares = Json::object();
  for (std::size_t i = 0; i < kLanguages; ++i) {
    const auto of = static_cast<Language>(i);
    if (use.share(of) > 0) shares[std::string(to_string(of))] = rounded(use.share(of));
  }
  grade.detail = {{"share", rounded(share)},
                  {"threshold", kLanguageThreshold},
                  {"shares", shares},
                  {"tokens", use.total_tokens()},
                  {"switches_per_1000_tokens", rounded(use.switches_per_1000_tokens())}};
  return grade;
}

}  // namespace assay::suites
