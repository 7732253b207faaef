#include "suites/prompts.h"

#include <map>

#include "harness/base/text.h"

namespace assay::suites {

namespace {

using Values = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kIntegerPrompt =
    "{question}\n\nReason step by step. The answer is an integer: put it, and nothing else, in \\boxed{}.";
constexpr std::string_view kMathPrompt =
    "{question}\n\nReason step by step, and put the final answer, and nothing else, in \\boxed{}.";
constexpr std::string_view kChoicePrompt =
    "{question}\n\n{options}\n\n"
    "Reason step by step. Then close with one line \"Answer: X\", where X is the letter of the right option: "
    "{letters}.";
constexpr std::string_view kGridPrompt =
    "{question}\n\nReason step by step. Then give reasoning and solution as one JSON object of this form, with every "
    "___ "
    "filled in:\n\n{form}";
constexpr std::string_view kGridBarePrompt =
    "{question}\n\nReason step by step. Then give the solution as one JSON object of this form, with every ___ filled "
    "in:\n\n{form}";
constexpr std::string_view kTextPrompt =
    "{question}\n\nReason if you need to. Then give the answer, as short as possible, as <answer>…</answer>.";
constexpr std::string_view kStubPrompt =
    "Complete this {language} function. Reply with the whole function in one ```{fence} "
    "block.\n\n```{fence}\n{question}\n```";
constexpr std::string_view kProgramPrompt =
    "{question}\n\nWrite a {language} program that reads from standard input and writes to standard output. Reply with "
    "the whole program in one ```{fence} block.";
constexpr std::string_view kFunctionPrompt = "{question}\n\nReply with Python 3 code in one ```python block.";

/// Replaces {name} for each name in `values`, in one pass: what was put in is not looked at again.
std::string fill_in(std::string_view text, const Values& values) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t close = text[at] == '{' ? text.find('}', at) : std::string_view::npos;
    const auto value =
        close == std::string_view::npos ? values.end() : values.find(text.substr(at + 1, close - at - 1));
    if (value == values.end()) {
      out += text[at++];
    } else {
      out += value->second;
      at = close + 1;
    }
  }
  return out;
}

void add_choices(const Json& choices, Values& values) {
  std::string options, letters;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::string letter = option_letter(i);
    options += (i == 0 ? "" : "\n") + letter + ") " + choices[i].get<std::string>();
    letters += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + letter;
  }
  values["options"] = options;
  values["letters"] = letters;
}

void add_language(const Json& record, Values& values) {
  const std::string name = record.contains("language") ? record.at("language").get<std::string>() : "python";
  const bool is_stub = record.contains("prompt");
  values["language"] = name == "cpp" ? "C++" : name.starts_with("j") ? "JavaScript" : is_stub ? "Python" : "Python 3";
  values["fence"] = name == "cpp" ? "cpp" : name.starts_with("j") ? "javascript" : "python";
}

/// The table with each value as "___", wrapped as the suite asks for it.
std::string blank_form(const Json& solution, AnswerForm form) {
  Json table = solution;
  for (auto& [house, cells] : table.items()) {
    for (auto& [attribute, value] : cells.items()) value = "___";
  }
  if (form == AnswerForm::bare) return to_json_text(table, 4);
  return to_json_text(Json{{"reasoning", "___"}, {"solution", table}}, 4);
}

std::string_view default_text(ItemKind kind, const PromptOptions& options, const Json& record) {
  switch (kind) {
    case ItemKind::integer:
      return kIntegerPrompt;
    case ItemKind::choice:
      return kChoicePrompt;
    case ItemKind::grid:
      return options.answer_form == AnswerForm::bare ? kGridBarePrompt : kGridPrompt;
    case ItemKind::text:
      return kTextPrompt;
    case ItemKind::code:
      if (record.contains("prompt")) return kStubPrompt;
      return record.contains("io_tests") ? kProgramPrompt : kFunctionPrompt;
    case ItemKind::math:
      return kMathPrompt;
    case ItemKind::language:
    case ItemKind::refusal:
      return "{question}";
  }
  ASSAY_ASSERT(false, "the loader lets only supported kinds through");
  return {};
}

}  // namespace

Result<> check_prompt_text(ItemKind kind, std::string_view text, std::string_view where) {
  std::vector<std::string_view> needed{"{question}"};
  if (kind == ItemKind::choice) needed.push_back("{options}");
  for (const std::string_view placeholder : needed) {
    if (text.find(placeholder) == std::string_view::npos) {
      return bad_input(where, ": field \"text\" must hold ", placeholder, ", where each item's own text goes");
    }
  }
  return {};
}

bool has_own_prompt(ItemKind kind, const Json& record) {
  return record.contains("prompt") && (kind != ItemKind::code || record.contains("tests"));
}

std::string render_prompt(ItemKind kind, const PromptOptions& options, const Json& record) {
  if (has_own_prompt(kind, record)) return record.at("prompt").get<std::string>();
  Values values;
  values["question"] = record.at(record.contains("prompt") ? "prompt" : "question").get<std::string>();
  if (kind == ItemKind::choice) add_choices(record.at("choices"), values);
  if (kind == ItemKind::code) add_language(record, values);
  if (kind == ItemKind::grid) values["form"] = blank_form(record.at("solution"), options.answer_form);
  return fill_in(prompt_text(kind, options, record), values);
}

std::string_view prompt_text(ItemKind kind, const PromptOptions& options, const Json& record) {
  return options.text.empty() ? default_text(kind, options, record) : options.text;
}

std::string option_letter(std::size_t index) {
  ASSAY_ASSERT(index < 26, "the loader takes at most 26 choices");
  return std::string(1, static_cast<char>('A' + index));
}

}  // namespace assay::suites
