// ZeroEval: result_dirs/TASK/MODEL.json, a list of
// {"id","chat_history","model_input","output":[…],"generator","dataset"} records, for zebra-grid also "size" and
// "solution". They hold no verdict: ZeroEval grades them afterwards.
#include <set>

#include "harness/base/text.h"
#include "results/import/import_parts.h"

namespace assay::results {

namespace {

/// ZebraLogic's table {"header":["House","Name",…],"rows":[["1","Eric",…],…]} as our solution; other solutions as they
/// are. The public data set has its cells blanked with "___": then it is not known.
std::optional<std::string> solution_text(const Json& solution) {
  const auto header = solution.is_object() ? solution.find("header") : solution.end();
  if (!solution.is_object() || header == solution.end()) return to_json_text(solution);
  const auto rows = solution.find("rows");
  if (!header->is_array() || rows == solution.end() || !rows->is_array()) return {};
  Json table = Json::object();
  for (std::size_t r = 0; r < rows->size(); ++r) {
    const Json& row = (*rows)[r];
    if (!row.is_array() || row.size() != header->size()) return {};
    Json house = Json::object();
    for (std::size_t c = 1; c < row.size(); ++c) {
      if (!(*header)[c].is_string() || row[c] == "___") return {};
      house[(*header)[c].get<std::string>()] = row[c];
    }
    table["House " + std::to_string(r + 1)] = std::move(house);
  }
  return to_json_text(table);
}

Result<std::optional<std::string>> expected_answer(const JsonObject& record) {
  if (const Json* solution = record.find("solution"); solution != nullptr) return solution_text(*solution);
  for (const char* key : {"correct_answer", "answer"}) {
    const Json* answer = record.find(key);
    if (answer == nullptr) continue;
    return std::optional(answer->is_string() ? answer->get<std::string>() : to_json_text(*answer));
  }
  return std::optional<std::string>{};
}

std::string prompt_text(const JsonObject& record) {
  const Json* history = record.find("chat_history");
  if (history != nullptr && history->is_array() && !history->empty() && history->back().is_string()) {
    return history->back().get<std::string>();
  }
  const Json* input = record.find("model_input");
  return input != nullptr && input->is_string() ? input->get<std::string>() : "";
}

Result<> add_record(const JsonObject& record, ImportedSuite& suite) {
  ItemFacts item;
  const Json* id = record.find("id") != nullptr ? record.find("id") : record.find("session_id");
  if (id == nullptr || !(id->is_string() || id->is_number_integer())) {
    return record.field_error("id", "must be a text or an integer");
  }
  item.item = ItemId(id->is_string() ? id->get<std::string>() : to_json_text(*id));
  ASSAY_ASSIGN(item.tag, record.string_or("size", ""));
  const std::string prompt = prompt_text(record);
  if (!prompt.empty()) item.prompt = prompt;
  ASSAY_ASSIGN(item.expected, expected_answer(record));
  ASSAY_ASSIGN(const std::vector<std::string> outputs, record.strings("output"));
  if (outputs.empty()) return record.field_error("output", "must hold a reply");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    GradedSample graded;
    graded.sample.key.sample = static_cast<std::int64_t>(i);
    graded.sample.text = outputs[i];
    graded.sample.finish_reason = "eos";
    graded.verdict = ungraded("ZeroEval's results hold no verdict");
    graded.verdict.expected = item.expected;
    ASSAY_TRY(suite.add(item, std::move(graded), record.where()));
  }
  return {};
}

}  // namespace

Result<std::vector<ImportedRun>> import_zeroeval(const ImportSource& source) {
  ASSAY_ASSIGN(const Json document, parse_json(source.text, source.where()));
  if (!document.is_array() || document.empty()) {
    return bad_input(source.where(), ": must be a list of records, as ZeroEval's result_dirs hold them");
  }
  ASSAY_ASSIGN(const JsonObject first, JsonObject::of(document[0], source.where() + ": [0]"));
  const std::filesystem::path folder = std::filesystem::absolute(source.path).parent_path();
  ASSAY_ASSIGN(std::string task, first.string_or("dataset", folder.filename().string()));
  ASSAY_ASSIGN(std::string model, first.string_or("generator", source.path.stem().string()));
  ImportedSuite suite(source, std::move(task), std::move(model));
  for (std::size_t i = 0; i < document.size(); ++i) {
    ASSAY_ASSIGN(const JsonObject record,
                 JsonObject::of(document[i], source.where() + ": [" + std::to_string(i) + "]"));
    ASSAY_TRY(add_record(record, suite));
  }
  ASSAY_ASSIGN(ImportedRun run, suite.finish());
  return std::vector<ImportedRun>{std::move(run)};
}

}  // namespace assay::results
