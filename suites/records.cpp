#include "suites/records.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "harness/base/text.h"
#include "suites/code/code_task.h"
#include "suites/integer/integer_value.h"
#include "suites/language/languages.h"
#include "suites/prompts.h"

namespace assay::suites {

namespace {

constexpr std::size_t kMaxIdBytes = 200;
constexpr std::size_t kMaxChoices = 26;
constexpr std::size_t kMaxHouses = 100;

Result<> check_filled(const JsonObject& record, std::string_view key) {
  ASSAY_ASSIGN(const std::string text, record.string(key));
  if (trim(text).empty()) return record.field_error(key, "is empty");
  return {};
}

Result<> check_id(const JsonObject& record) {
  ASSAY_ASSIGN(const std::string id, record.string("id"));
  if (id.empty()) return record.field_error("id", "is empty");
  if (id.size() > kMaxIdBytes)
    return record.field_error("id", "has more than " + std::to_string(kMaxIdBytes) + " bytes");
  const bool printable = std::all_of(id.begin(), id.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
  if (!printable) return record.field_error("id", "holds a control character");
  return {};
}

/// `prompt` or `question`, the one that is there; not both, since nothing would say which one counts.
Result<> check_question(const JsonObject& record) {
  if (record.has("prompt") && record.has("question")) {
    return record.field_error("question", "stands beside \"prompt\"; give one of them");
  }
  if (record.has("prompt")) return check_filled(record, "prompt");
  if (!record.has("question"))
    return record.field_error("question", "is missing; it must be text (or give \"prompt\")");
  return check_filled(record, "question");
}

Result<> check_integer(const JsonObject& record) {
  const Json* answer = record.find("answer");
  if (answer != nullptr && answer->is_number_integer()) return {};
  ASSAY_ASSIGN(const std::string text, record.string("answer"));
  if (!parse_integer_value(text)) {
    return record.field_error("answer", "must be an integer as text, such as \"204\", is " + quoted_excerpt(text));
  }
  return {};
}

Result<> check_math(const JsonObject& record) {
  const Json* answer = record.find("answer");
  if (answer != nullptr && answer->is_number()) return {};
  return check_filled(record, "answer");
}

/// The index that a letter or a number stands for; nothing if `answer` is neither.
std::optional<std::size_t> answer_index(const Json& answer) {
  if (answer.is_number_integer()) {
    const auto index = answer.get<std::int64_t>();  // a place past 2^63 turns negative
    if (index < 0 || index >= static_cast<std::int64_t>(kMaxChoices)) return std::nullopt;
    return static_cast<std::size_t>(index);
  }
  if (!answer.is_string()) return std::nullopt;
  const std::string letter = to_lower_ascii(answer.get<std::string>());
  if (letter.size() != 1 || letter[0] < 'a' || letter[0] > 'z') return std::nullopt;
  return static_cast<std::size_t>(letter[0] - 'a');
}

Result<> check_choice(const JsonObject& record) {
  if (!record.has("choices") && !record.has("prompt")) {
    return record.field_error("choices", "is missing; it must be a list of texts");
  }
  std::size_t n_choices = kMaxChoices;
  if (record.has("choices")) {
    ASSAY_ASSIGN(const std::vector<std::string> choices, record.strings("choices"));
    if (choices.size() < 2 || choices.size() > kMaxChoices) {
      return record.field_error("choices", "must hold 2 to 26 texts, holds " + std::to_string(choices.size()));
    }
    if (std::any_of(choices.begin(), choices.end(), [](const std::string& c) { return trim(c).empty(); })) {
      return record.field_error("choices", "holds an empty text");
    }
    n_choices = choices.size();
  }
  const Json* answer = record.find("answer");
  if (answer == nullptr) return record.field_error("answer", "is missing; it must be a letter or a 0-based place");
  const auto index = answer_index(*answer);
  if (!index) {
    return record.field_error("answer", "must be a letter such as \"C\" or a 0-based place in choices, is " +
                                            quoted_excerpt(to_json_text(*answer)));
  }
  if (*index >= n_choices) {
    return record.field_error("answer", "names option " + option_letter(*index) + ", but there are " +
                                            std::to_string(n_choices) + " choices");
  }
  return {};
}

/// The attribute that only one of two houses has; empty if they have the same.
std::string unshared_attribute(const Json& cells, const Json& others) {
  for (const auto& [attribute, value] : cells.items()) {
    if (!others.contains(attribute)) return attribute;
  }
  for (const auto& [attribute, value] : others.items()) {
    if (!cells.contains(attribute)) return attribute;
  }
  return "";
}

Result<> check_grid(const JsonObject& record) {
  ASSAY_ASSIGN(const JsonObject solution, record.object("solution"));
  const Json& houses = *record.find("solution");
  if (houses.empty() || houses.size() > kMaxHouses) {
    return record.field_error("solution", "must hold 1 to 100 houses, holds " + std::to_string(houses.size()));
  }
  for (const auto& [house, cells] : houses.items()) {
    if (!cells.is_object() || cells.empty() || cells.size() > kMaxHouses) {
      return solution.field_error(house, "must be an object of attributes, such as {\"Name\": \"Eric\"}");
    }
    for (const auto& [attribute, value] : cells.items()) {
      if (!value.is_string() || trim(value.get<std::string>()).empty()) {
        return solution.field_error(house, "must give " + quoted_excerpt(attribute) + " a text that is not empty");
      }
    }
    const std::string unshared = unshared_attribute(cells, houses.begin().value());
    if (!unshared.empty()) {
      return solution.field_error(house, "and " + quoted_excerpt(houses.begin().key()) +
                                             " must have the same attributes; only one of them has " +
                                             quoted_excerpt(unshared));
    }
  }
  return {};
}

Result<> check_entry_point(const JsonObject& record) {
  ASSAY_ASSIGN(const std::string name, record.string("entry_point"));
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_name_part = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  if (name.empty() || !is_letter(name[0]) || !std::all_of(name.begin(), name.end(), is_name_part)) {
    return record.field_error("entry_point", "must be a Python name, is " + quoted_excerpt(name));
  }
  return {};
}

Result<> check_code(const JsonObject& record) {
  static constexpr std::string_view kTestFields[] = {"test",  "tests",      "io_tests",
                                                     "cases", "plus_input", "private_test_cases"};
  const auto n_test_fields = std::count_if(std::begin(kTestFields), std::end(kTestFields),
                                           [&](std::string_view key) { return record.has(key); });
  if (n_test_fields != 1) {
    return record.field_error(n_test_fields == 0 ? "test" : "tests",
                              n_test_fields == 0 ? "is missing; give one of test, tests, io_tests or cases"
                                                 : "is one of several; give one of test, tests, io_tests or cases");
  }
  if (record.has("entry_point")) ASSAY_TRY(check_entry_point(record));
  if (record.has("test")) ASSAY_TRY(check_filled(record, "test"));
  if (const Json* tests = record.find("tests"); tests != nullptr && tests->is_array() && tests->empty()) {
    return record.field_error("tests", "is empty; it must hold at least one assert line");
  }
  ASSAY_TRY(read_code_task(record));
  return {};
}

Result<> check_text(const JsonObject& record) {
  ASSAY_ASSIGN(const std::vector<std::string> accepted, record.strings("answer"));
  if (accepted.empty()) return record.field_error("answer", "is empty; it must list at least one accepted answer");
  if (std::any_of(accepted.begin(), accepted.end(), [](const std::string& a) { return trim(a).empty(); })) {
    return record.field_error("answer", "holds an empty text");
  }
  return {};
}

Result<> check_language(const JsonObject& record) {
  ASSAY_ASSIGN(const std::string code, record.string("language"));
  if (const auto language = parse_language(code); !language) {
    return record.field_error("language", language.error().message);
  }
  return {};
}

Result<> check_refusal(const JsonObject& record) {
  ASSAY_ASSIGN(const std::string expected, record.string("expected"));
  if (expected == "comply" || expected == "refuse" || expected == "any") return {};
  return record.field_error("expected", "must be \"comply\", \"refuse\" or \"any\", is " + quoted_excerpt(expected));
}

/// The options of the prompt's last run of lines "A) …", "B) …", with at least two of them.
std::vector<std::string> options_in_prompt(const std::string& prompt) {
  std::vector<std::string> found, run;
  for (const std::string& raw : split(prompt, '\n')) {
    std::string_view line = trim(raw);
    if (!line.empty() && line.front() == '(') line.remove_prefix(1);
    const bool is_option = line.size() >= 2 && line[0] >= 'A' && line[0] <= 'Z' && (line[1] == ')' || line[1] == '.');
    if (!is_option) continue;
    const auto place = static_cast<std::size_t>(line[0] - 'A');
    if (place == 0) run.clear();
    if (place != run.size()) continue;
    run.emplace_back(trim(line.substr(2)));
    if (run.size() >= 2) found = run;
  }
  return found;
}

}  // namespace

Result<> check_record(ItemKind kind, const JsonObject& record) {
  ASSAY_TRY(check_id(record));
  ASSAY_TRY(record.string_or("tag", ""));
  ASSAY_TRY(check_question(record));
  switch (kind) {
    case ItemKind::integer:
      return check_integer(record);
    case ItemKind::choice:
      return check_choice(record);
    case ItemKind::grid:
      return check_grid(record);
    case ItemKind::code:
      return check_code(record);
    case ItemKind::text:
      return check_text(record);
    case ItemKind::math:
      return check_math(record);
    case ItemKind::language:
      return check_language(record);
    case ItemKind::refusal:
      return check_refusal(record);
  }
  ASSAY_ASSERT(false, "every kind is named above");
  return {};
}

void use_own_field_names(ItemKind kind, Json& record) {
  const bool is_public = record.is_object() && record.contains("problem");
  if (!is_public || (kind != ItemKind::integer && kind != ItemKind::math)) return;
  static constexpr std::pair<const char*, const char*> kRenamed[] = {
      {"problem", "question"}, {"expected_answer", "answer"}, {"unique_id", "id"}};
  for (const auto& [theirs, ours] : kRenamed) {
    const bool is_question_given = std::string_view(ours) == "question" && record.contains("prompt");
    if (!record.contains(theirs) || record.contains(ours) || is_question_given) continue;
    record[ours] = record.at(theirs);
    record.erase(theirs);
  }
  if (record.contains("id") && record.at("id").is_number_integer()) record["id"] = to_json_text(record.at("id"));
}

std::size_t choice_answer_index(const Json& record) {
  const auto index = answer_index(record.at("answer"));
  ASSAY_ASSERT(index.has_value(), "check_record has seen this record");
  return *index;
}

std::vector<std::string> choice_options(const Json& record) {
  if (record.contains("choices") && !record.at("choices").is_null()) {
    return record.at("choices").get<std::vector<std::string>>();
  }
  std::vector<std::string> options = options_in_prompt(record.at("prompt").get<std::string>());
  if (options.empty()) options.resize(4);
  options.resize(std::max(options.size(), choice_answer_index(record) + 1));
  return options;
}

}  // namespace assay::suites
