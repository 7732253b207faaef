#include "suites/code/code_task.h"

#include <algorithm>
#include <utility>

#include "harness/base/text.h"
#include "suites/code/extract.h"
#include "suites/code/packed_tests.h"

namespace assay::suites {
namespace {

constexpr double kMaxTestS = 60;

Result<const Json*> array_field(const JsonObject& record, std::string_view key) {
  const Json* value = record.find(key);
  if (value == nullptr || !value->is_array() || value->empty()) {
    return record.field_error(key, "must be a list that is not empty");
  }
  return value;
}

std::string element(const JsonObject& record, std::string_view key, std::size_t i) {
  return record.where() + ": " + std::string(key) + "[" + std::to_string(i) + "]";
}

Result<Json> read_cases(const JsonObject& record) {
  ASSAY_ASSIGN(const Json* list, array_field(record, "cases"));
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of((*list)[i], element(record, "cases", i)));
    if (fields.has("input")) {
      ASSAY_TRY(fields.string("input"));
      ASSAY_TRY(fields.string("output"));
      continue;
    }
    const Json* args = fields.find("args");
    if (args == nullptr || !args->is_array()) return fields.field_error("args", "must be a list of arguments");
    if (!(*list)[i].contains("expected")) return fields.field_error("expected", "is missing");
  }
  return *list;
}

Result<std::vector<IoTest>> read_io_tests(const JsonObject& record) {
  ASSAY_ASSIGN(const Json* list, array_field(record, "io_tests"));
  std::vector<IoTest> tests;
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of((*list)[i], element(record, "io_tests", i)));
    IoTest test;
    ASSAY_ASSIGN(test.stdin_text, fields.string("stdin"));
    ASSAY_ASSIGN(test.stdout_text, fields.string("stdout"));
    tests.push_back(std::move(test));
  }
  return tests;
}

/// LiveCodeBench's tests: public and private ones, in this order, as cases of texts.
Result<Json> read_packed_tests(const JsonObject& record) {
  Json all = Json::array();
  for (const char* key : {"public_test_cases", "private_test_cases"}) {
    ASSAY_ASSIGN(const std::string packed, record.string_or(key, "[]"));
    const std::string where = record.where() + ": field \"" + key + "\"";
    ASSAY_ASSIGN(const std::string text, unpack_tests(packed, where));
    ASSAY_ASSIGN(const Json list, parse_json(text, where));
    if (!list.is_array()) return record.field_error(key, "must be a list of tests");
    for (std::size_t i = 0; i < list.size(); ++i) {
      ASSAY_ASSIGN(const JsonObject test, JsonObject::of(list[i], where + "[" + std::to_string(i) + "]"));
      Json one;
      ASSAY_ASSIGN(one["input"], test.string("input"));
      ASSAY_ASSIGN(one["output"], test.string("output"));
      all.push_back(std::move(one));
    }
  }
  if (all.empty()) return record.field_error("private_test_cases", "holds no test, and neither does public_test_cases");
  return all;
}

Result<CodeTests> kind_of(const JsonObject& record) {
  constexpr std::pair<std::string_view, CodeTests> kForms[] = {
      {"test", CodeTests::check},  {"tests", CodeTests::asserts},           {"cases", CodeTests::cases},
      {"io_tests", CodeTests::io}, {"plus_input", CodeTests::differential}, {"private_test_cases", CodeTests::io}};
  const auto has = [&](const auto& form) { return record.has(form.first); };
  if (std::count_if(std::begin(kForms), std::end(kForms), has) != 1) {
    return bad_input(record.where(),
                     ": a code record has exactly one of the fields \"test\", \"tests\", \"cases\", \"io_tests\", "
                     "\"plus_input\" and \"private_test_cases\"");
  }
  if (record.has("private_test_cases") && record.has("entry_point")) return CodeTests::cases;
  return std::find_if(std::begin(kForms), std::end(kForms), has)->second;
}

Result<CodeLanguage> language_of(const JsonObject& record) {
  ASSAY_ASSIGN(const std::string name, record.string_or("language", "python"));
  if (name == "python" || name == "py") return CodeLanguage::python;
  if (name == "cpp") return CodeLanguage::cpp;
  if (name == "javascript" || name == "js") return CodeLanguage::javascript;
  return record.field_error("language", "must be python, cpp or javascript, is " + quoted_excerpt(name));
}

Result<> read_differential(const JsonObject& record, CodeTask& task) {
  ASSAY_ASSIGN(task.reference, record.string("canonical_solution"));
  ASSAY_ASSIGN(task.base_input, record.string_or("base_input", "[]"));
  ASSAY_ASSIGN(task.plus_input, record.string("plus_input"));
  ASSAY_ASSIGN(const std::int64_t n_inputs, record.integer_or("n_inputs", 1));
  task.n_inputs = static_cast<std::size_t>(std::max<std::int64_t>(1, n_inputs));
  ASSAY_ASSIGN(task.dataset, record.string_or("dataset", ""));
  ASSAY_ASSIGN(task.task_number, record.integer_or("task_number", 0));
  return {};
}

// A prompt is a stub itself, or prose with the stub in a block.
std::string stub_of(const std::string& prompt, const std::string& entry_point) {
  if (entry_point.empty()) return {};
  const std::vector<FencedBlock> blocks = fenced_blocks(prompt);
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    if (defines(block->text, entry_point)) return block->text;
  }
  return blocks.empty() && defines(prompt, entry_point) ? prompt : std::string();
}

}  // namespace

std::size_t CodeTask::n_tests() const {
  switch (kind) {
    case CodeTests::check:
      return 1;
    case CodeTests::asserts:
      return asserts.size();
    case CodeTests::cases:
      return cases.size();
    case CodeTests::io:
      return io_tests.size();
    case CodeTests::differential:
      return n_inputs;
  }
  return 0;
}

Result<CodeTask> read_code_task(const JsonObject& record) {
  CodeTask task;
  ASSAY_ASSIGN(task.kind, kind_of(record));
  ASSAY_ASSIGN(task.language, language_of(record));
  const bool is_python = task.language == CodeLanguage::python;
  if (!is_python && task.kind != CodeTests::check && task.kind != CodeTests::io) {
    return record.field_error("language", "goes with \"test\" and \"io_tests\" only, unless it is python");
  }
  const bool names_entry = is_python && task.kind != CodeTests::io && task.kind != CodeTests::asserts;
  if (names_entry) {
    ASSAY_ASSIGN(task.entry_point, record.string("entry_point"));
    if (task.entry_point.empty()) return record.field_error("entry_point", "must not be empty");
  } else if (task.kind == CodeTests::asserts) {
    ASSAY_ASSIGN(task.entry_point, record.string_or("entry_point", ""));
  }
  if (record.has("time_limit_s")) {
    ASSAY_ASSIGN(task.time_limit_s, record.number("time_limit_s"));
  }
  task.test_s = task.time_limit_s.value_or(task.test_s);
  ASSAY_ASSIGN(task.setup, record.string_or("setup", ""));
  ASSAY_ASSIGN(task.atol, record.number_or("atol", 0));
  if (!(task.atol >= 0)) return record.field_error("atol", "must not be negative");
  if (!(task.test_s > 0 && task.test_s <= kMaxTestS)) {
    return record.field_error("time_limit_s", "must be above 0 and at most 60 seconds");
  }
  if (task.kind != CodeTests::io) {
    ASSAY_ASSIGN(const std::string prompt, record.string_or("prompt", ""));
    task.stub = is_python ? stub_of(prompt, task.entry_point) : prompt;
  }
  const bool is_packed = record.has("private_test_cases");
  switch (task.kind) {
    case CodeTests::check: {
      ASSAY_ASSIGN(task.test, record.string("test"));
      break;
    }
    case CodeTests::asserts: {
      ASSAY_ASSIGN(task.asserts, record.strings("tests"));
      if (task.asserts.empty()) return record.field_error("tests", "must be a list that is not empty");
      break;
    }
    case CodeTests::cases: {
      ASSAY_ASSIGN(task.cases, is_packed ? read_packed_tests(record) : read_cases(record));
      break;
    }
    case CodeTests::io: {
      if (is_packed) {
        ASSAY_ASSIGN(const Json tests, read_packed_tests(record));
        for (const Json& test : tests) {
          task.io_tests.push_back({test["input"].get<std::string>(), test["output"].get<std::string>()});
        }
        break;
      }
      ASSAY_ASSIGN(task.io_tests, read_io_tests(record));
      break;
    }
    case CodeTests::differential:
      ASSAY_TRY(read_differential(record, task));
      break;
  }
  return task;
}

}  // namespace assay::suites
