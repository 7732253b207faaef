#include "suites/code/code_task.h"

#include <algorithm>
#include <utility>

#include "suites/code/extract.h"

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

Result<CodeTests> kind_of(const JsonObject& record) {
  constexpr std::pair<std::string_view, CodeTests> kForms[] = {{"test", CodeTests::check},
                                                               {"tests", CodeTests::asserts},
                                                               {"cases", CodeTests::cases},
                                                               {"io_tests", CodeTests::io}};
  const auto has = [&](const auto& form) { return record.has(form.first); };
  if (std::count_if(std::begin(kForms), std::end(kForms), has) != 1) {
    return bad_input(record.where(),
                     ": a code record has exactly one of the fields \"test\", \"tests\", \"cases\" and \"io_tests\"");
  }
  return std::find_if(std::begin(kForms), std::end(kForms), has)->second;
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
  }
  return 0;
}

Result<CodeTask> read_code_task(const JsonObject& record) {
  CodeTask task;
  ASSAY_ASSIGN(task.kind, kind_of(record));
  const bool names_entry = task.kind == CodeTests::check || task.kind == CodeTests::cases;
  if (names_entry) {
    ASSAY_ASSIGN(task.entry_point, record.string("entry_point"));
    if (task.entry_point.empty()) return record.field_error("entry_point", "must not be empty");
  } else if (task.kind == CodeTests::asserts) {
    ASSAY_ASSIGN(task.entry_point, record.string_or("entry_point", ""));
  }
  ASSAY_ASSIGN(task.test_s, record.number_or("time_limit_s", task.test_s));
  if (!(task.test_s > 0 && task.test_s <= kMaxTestS)) {
    return record.field_error("time_limit_s", "must be above 0 and at most 60 seconds");
  }
  if (task.kind != CodeTests::io) {
    ASSAY_ASSIGN(const std::string prompt, record.string_or("prompt", ""));
    task.stub = stub_of(prompt, task.entry_point);
  }
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
      ASSAY_ASSIGN(task.cases, read_cases(record));
      break;
    }
    case CodeTests::io: {
      ASSAY_ASSIGN(task.io_tests, read_io_tests(record));
      break;
    }
  }
  return task;
}

}  // namespace assay::suites
