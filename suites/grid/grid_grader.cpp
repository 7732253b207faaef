#include "suites/grid/grid_grader.h"

#include <algorithm>
#include <optional>

#include "harness/base/text.h"
#include "suites/fold.h"
#include "suites/grid/json_scan.h"
#include "suites/prompts.h"
#include "suites/reply.h"
#include "suites/zebra/difficulty.h"

namespace assay::suites {

namespace {

struct FoundTable {
  Json table;  ///< what was given as solution; anything but an object has no right cell
  std::string rule;
};

std::string without_line_breaks(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == '\n' || c == '\r'; });
  return out;
}

bool is_bare_table(const Json& object, const Json& expected) {
  for (const auto& [house, cells] : expected.items()) {
    if (object.contains(house) && object.at(house).is_object()) return true;
  }
  return false;
}

/// True if what begins at `at` is the value of a "solution" key: the inside of a wrapper that broke off, no table of
/// its own.
bool is_inside_wrapper(std::string_view text, std::size_t at) {
  static constexpr std::string_view kKey = "\"solution\"";
  std::string_view before = trim(text.substr(0, at));
  if (before.empty() || before.back() != ':') return false;
  before.remove_suffix(1);
  return trim(before).ends_with(kKey);
}

std::optional<FoundTable> last_table(std::string_view reply, const Json& expected, bool accepts_bare) {
  const std::string text = without_line_breaks(reply);
  const std::vector<FoundObject> objects = find_json_objects(text);
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    const auto solution = object->value.find("solution");
    if (solution != object->value.end() && !solution->is_null()) return FoundTable{*solution, "solution"};
    if (accepts_bare && is_bare_table(object->value, expected) && !is_inside_wrapper(text, object->begin)) {
      return FoundTable{object->value, "bare_table"};
    }
  }
  return std::nullopt;
}

/// The text of a cell: of a list its first element. Nothing for what is no text or blank.
std::optional<std::string> cell_text(const Json& table, const std::string& house, const std::string& attribute) {
  if (!table.is_object() || !table.contains(house) || !table.at(house).is_object()) return std::nullopt;
  const Json& cells = table.at(house);
  if (!cells.contains(attribute)) return std::nullopt;
  const Json* cell = &cells.at(attribute);
  if (cell->is_array() && !cell->empty()) cell = &cell->front();
  if (!cell->is_string()) return std::nullopt;
  std::string text(trim_space(cell->get_ref<const std::string&>()));
  if (text.empty()) return std::nullopt;
  return text;
}

int n_extra(const Json& given, const Json& expected) {
  if (!given.is_object()) return 0;
  return static_cast<int>(std::count_if(given.items().begin(), given.items().end(),
                                        [&](const auto& entry) { return !expected.contains(entry.key()); }));
}

Grade grade_table(const FoundTable& found, const Json& expected) {
  Grade grade;
  int n_right = 0, n_cells = 0, n_extra_attributes = 0;
  Json answer = Json::object();  // only expected cells, in the expected order: equal answers are equal texts
  for (const auto& [house, cells] : expected.items()) {
    for (const auto& [attribute, value] : cells.items()) {
      ++n_cells;
      const auto given = cell_text(found.table, house, attribute);
      const auto& wanted = value.get_ref<const std::string&>();
      const bool right = given && to_lower(*given) == to_lower(trim_space(wanted));
      if (right) ++n_right;
      answer[house][attribute] = right ? Json(wanted) : given ? Json(*given) : Json(nullptr);
    }
    if (found.table.is_object() && found.table.contains(house))
      n_extra_attributes += n_extra(found.table.at(house), cells);
  }
  grade.verdict = n_right == n_cells ? Verdict::correct : Verdict::incorrect;
  grade.rule = found.rule;
  grade.answer = to_json_text(answer);
  grade.detail["cells_right"] = n_right;
  grade.detail["extra_houses"] = n_extra(found.table, expected);
  grade.detail["extra_attributes"] = n_extra_attributes;
  return grade;
}

Grade finish(Grade grade, const Json& expected) {
  int n_cells = 0;
  for (const auto& [house, cells] : expected.items()) n_cells += static_cast<int>(cells.size());
  if (!grade.detail.contains("cells_right")) grade.detail["cells_right"] = 0;
  grade.detail["cells_total"] = n_cells;
  const ZebraSize size{static_cast<int>(expected.size()), static_cast<int>(expected.begin()->size())};
  grade.detail["size"] = to_string(size);
  grade.detail["bucket"] = zebra_difficulty(size).bucket;
  grade.detail["cell_accuracy"] = grade.detail.at("cells_right").get<double>() / n_cells;
  grade.expected = to_json_text(expected);
  grade.score = grade.verdict == Verdict::correct ? 1 : 0;
  return grade;
}

/// The last pair of braces at depth 0, every brace counted, as the anchor's own loop finds it; a "}" too many is
/// ignored.
std::string_view last_braces(std::string_view text) {
  std::string_view last;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') open.push_back(i);
    if (text[i] != '}' || open.empty()) continue;
    if (open.size() == 1) last = text.substr(open.front(), i + 1 - open.front());
    open.pop_back();
  }
  return last;
}

}  // namespace

Grade grade_grid(const Item& item, const Output& output, AnswerForm form) {
  const Json& expected = item.record.at("solution");
  const Reply reply = strip_thinking(output);
  const bool accepts_bare = form == AnswerForm::bare || has_own_prompt(ItemKind::grid, item.record);
  const auto found = last_table(reply.text, expected, accepts_bare);
  return finish(found ? grade_table(*found, expected) : grade_without_answer(reply), expected);
}

Grade grade_grid_zeroeval(const Item& item, const Output& output) {
  const Json& expected = item.record.at("solution");
  std::string text(output.text);
  std::erase(text, '\n');  // and no "\r": within a string that one makes the anchor's reply unreadable
  const Json object = Json::parse(last_braces(text), nullptr, false);
  if (!object.is_object() || !object.contains("solution") || object.at("solution").is_null()) {
    return finish(grade_without_answer(strip_thinking(output)), expected);
  }
  return finish(grade_table({object.at("solution"), "solution"}, expected), expected);
}

}  // namespace assay::suites
