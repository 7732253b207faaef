#include "suites/zebra/zebralogic.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "harness/base/data_path.h"
#include "harness/base/file.h"
#include "harness/base/text.h"
#include "suites/grid/json_scan.h"
#include "suites/zebra/difficulty.h"
#include "suites/zebra/solver.h"
#include "suites/zebra/zebralogic_clues.h"

namespace assay::suites {

namespace {

constexpr std::string_view kBlank = "___";
constexpr std::int64_t kMaxGuesses = 1'000'000;  // some seconds

std::string house_name(std::size_t house) { return "House " + std::to_string(house + 1); }

/// What "solution" says: the attributes, and the table unless it is blanked.
struct Key {
  std::vector<std::string> attributes;
  std::optional<Json> table;
};

/// A list of texts at `key` of `object`, without the first, which is about the house itself.
Result<std::vector<std::string>> without_house(std::vector<std::string> cells, const JsonObject& solution,
                                               std::string_view key) {
  if (cells.size() < 2) return solution.field_error(key, "must hold the house and at least one attribute");
  cells.erase(cells.begin());
  return cells;
}

Result<Key> read_solution_table(const JsonObject& solution, const Json& document) {
  Key key;
  ASSAY_ASSIGN(std::vector<std::string> header, solution.strings("header"));
  ASSAY_ASSIGN(key.attributes, without_house(std::move(header), solution, "header"));
  const auto rows = document.find("rows");
  if (rows == document.end() || !rows->is_array())
    return solution.field_error("rows", "must be a list of lists of text");
  Json table = Json::object();
  bool is_blank = true;
  for (const Json& row : *rows) {
    std::vector<std::string> cells;
    for (const Json& cell : row.is_array() ? row : Json::array()) {
      if (!cell.is_string()) return solution.field_error("rows", "must be a list of lists of text");
      cells.push_back(cell.get<std::string>());
    }
    ASSAY_ASSIGN(cells, without_house(std::move(cells), solution, "rows"));
    if (cells.size() != key.attributes.size()) {
      return solution.field_error("rows", "has a row that is not as long as \"header\"");
    }
    Json& house = table[house_name(table.size())];
    for (std::size_t a = 0; a < cells.size(); ++a) {
      house[key.attributes[a]] = cells[a];
      is_blank = is_blank && trim(cells[a]) == kBlank;
    }
  }
  if (!is_blank) key.table = std::move(table);
  return key;
}

/// The attributes of the form that ZeroEval's prompt asks to fill in.
Result<Key> read_prompt_form(const JsonObject& fields) {
  ASSAY_ASSIGN(const std::vector<std::string> chat, fields.strings("chat_history"));
  Key key;
  if (chat.empty()) return fields.field_error("chat_history", "is empty; it must hold the prompt");
  const std::vector<FoundObject> objects = find_json_objects(chat.front());
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    const auto solution = object->value.find("solution");
    if (solution == object->value.end() || !solution->is_object() || !solution->contains(house_name(0))) continue;
    for (const auto& [attribute, unused] : solution->at(house_name(0)).items()) key.attributes.push_back(attribute);
    return key;
  }
  return fields.field_error("chat_history", "holds no form with \"solution\" and \"House 1\"");
}

/// A solution out of the clues, and what it took.
struct Derived {
  Json table = Json::object();
  SolverEffort effort;
};

Result<Derived> derive_table(const ZebraLogicPuzzle& puzzle, const std::vector<std::string>& attributes) {
  const SolverOutcome outcome = solve_zebra(puzzle.size, puzzle.clues, 2, kMaxGuesses);
  if (outcome.gave_up) return bad_input("its clues are not solved within ", kMaxGuesses, " guesses");
  if (outcome.solutions.size() != 1) {
    return bad_input(outcome.solutions.empty() ? "its clues have no solution" : "its clues have several solutions");
  }
  const ZebraSolution& solution = outcome.solutions.front();
  Derived derived;
  derived.effort = outcome.effort;
  for (int house = 0; house < puzzle.size.n_houses; ++house) {
    Json& cells = derived.table[house_name(static_cast<std::size_t>(house))];
    for (std::size_t a = 0; a < attributes.size(); ++a) {
      const auto value = std::find(solution[a].begin(), solution[a].end(), house) - solution[a].begin();
      cells[attributes[a]] = puzzle.values[a][static_cast<std::size_t>(value)];
    }
  }
  return derived;
}

/// What Z3 took for ZebraLogic's own puzzle "lgp-test-5x6-16"; null for other ids. The file ships, so it is not
/// hostile.
Result<Json> z3_conflicts(const std::string& id) {
  static const Result<Json> shipped = []() -> Result<Json> {
    ASSAY_ASSIGN(const std::filesystem::path path, shipped_path("suites/zebra/z3_conflicts.json"));
    ASSAY_ASSIGN(const std::string text, read_file(path));
    return parse_json(text, path.string());
  }();
  if (!shipped) return shipped.error();
  const std::vector<std::string> parts = split(id, '-');
  if (parts.size() != 4 || parts[0] != "lgp" || parts[1] != "test") return Json();
  const auto number = parse_integer(parts[3]);
  const Json& conflicts = shipped->at("conflicts");
  if (!number || *number < 0 || !conflicts.contains(parts[2])) return Json();
  const Json& of_size = conflicts.at(parts[2]);
  const auto place = static_cast<std::size_t>(*number);
  return place < of_size.size() ? of_size[place] : Json();
}

}  // namespace

bool is_zebralogic_record(const Json& record) {
  return record.is_object() && record.contains("puzzle") && !record.contains("question") && !record.contains("prompt");
}

Result<Json> from_zebralogic(const Json& record, const std::string& where) {
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(record, where));
  ASSAY_ASSIGN(const std::string id, fields.string("id"));
  ASSAY_ASSIGN(const std::string puzzle, fields.string("puzzle"));
  Key key;
  if (fields.has("solution")) {
    ASSAY_ASSIGN(const JsonObject solution, fields.object("solution"));
    ASSAY_ASSIGN(key, read_solution_table(solution, record.at("solution")));
  } else {
    ASSAY_ASSIGN(key, read_prompt_form(fields));
  }
  const bool is_given = key.table.has_value();
  SolverEffort effort;
  if (!is_given) {
    const auto read = read_zebralogic_puzzle(puzzle, key.attributes);
    if (!read) return fields.field_error("puzzle", read.error().message);
    const auto derived = derive_table(*read, key.attributes);
    if (!derived) return fields.field_error("puzzle", derived.error().message);
    key.table = derived->table;
    effort = derived->effort;
  }
  const ZebraSize size{static_cast<int>(key.table->size()), static_cast<int>(key.attributes.size())};
  Json difficulty = to_json(zebra_difficulty(size));
  if (!is_given) {
    difficulty["solver_guesses"] = effort.n_guesses;
    difficulty["solver_exclusions"] = effort.n_exclusions;
  }
  ASSAY_ASSIGN(const Json conflicts, z3_conflicts(id));
  if (!conflicts.is_null()) difficulty["z3_conflicts"] = conflicts;
  return Json{{"id", id},
              {"tag", to_string(size)},
              {"question", puzzle},
              {"solution", *key.table},
              {"difficulty", difficulty},
              {"solution_source", is_given ? "record" : "clues"}};
}

}  // namespace assay::suites
