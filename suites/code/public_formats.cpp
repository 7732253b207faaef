#include "suites/code/public_formats.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "harness/base/text.h"
#include "suites/code/extract.h"

namespace assay::suites {
namespace {

/// What LeetCode gives a solution without its asking. LiveCodeBench's harness gives it as well.
constexpr std::string_view kLeetCodeSetup =
    "import bisect, collections, copy, datetime, functools, heapq, itertools, json, math, operator, random, re, "
    "string\n"
    "from bisect import *\nfrom collections import *\nfrom functools import *\nfrom heapq import *\n"
    "from itertools import *\nfrom typing import *\n";

/// The end of the JSON value that begins at `at`: behind its last character; npos if it has none.
std::size_t end_of_value(std::string_view text, std::size_t at, std::size_t& n_elements) {
  int depth = 0;
  bool in_string = false;
  bool is_empty = true;
  n_elements = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"' || at >= text.size();
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    if (c == ']' || c == '}') {
      if (--depth <= 0) {
        n_elements += is_empty ? 0 : 1;
        return depth == 0 ? at + 1 : std::string_view::npos;
      }
      continue;
    }
    is_empty = is_empty && depth == 0;
    if (c == '"') in_string = true;
    if (c == ',' && depth == 1) ++n_elements;
    if (c == '[' || c == '{') ++depth;
    if (depth == 0) return std::string_view::npos;  // no list and no object
  }
  return std::string_view::npos;
}

/// `line` with the lists behind `keys` as texts, and the number of their elements.
std::optional<std::pair<std::string, std::size_t>> with_lists_as_texts(std::string_view line,
                                                                       std::initializer_list<std::string_view> keys) {
  std::string text(line);
  std::size_t n_elements = 0;
  for (const std::string_view key : keys) {
    // The key's own quotes: within a string they would be escaped.
    const std::string quoted = "\"" + std::string(key) + "\":";
    std::size_t begin = text.find(quoted);
    if (begin == std::string::npos) continue;
    begin = text.find_first_not_of(" \t", begin + quoted.size());
    if (begin == std::string::npos) return std::nullopt;
    if (text.compare(begin, 2, "{}") == 0) text.replace(begin, 2, "[]");  // MBPP+ writes none so
    if (text[begin] != '[') return std::nullopt;
    std::size_t n = 0;
    const std::size_t end = end_of_value(text, begin, n);
    if (end == std::string::npos) return std::nullopt;
    n_elements += n;
    text.replace(begin, end - begin, to_json_text(Json(text.substr(begin, end - begin))));
  }
  return std::pair(std::move(text), n_elements);
}

/// The digits at the end of an id such as "Mbpp/123"; 0 without any.
std::int64_t number_in(std::string_view id) {
  const std::size_t slash = id.rfind('/');
  return parse_integer(id.substr(slash == std::string_view::npos ? 0 : slash + 1)).value_or(0);
}

/// The text of a Python docstring, without its quotes.
std::string without_quotes(std::string_view docstring) {
  docstring = trim(docstring);
  for (const std::string_view quotes : {"\"\"\"", "'''"}) {
    if (docstring.size() < 2 * quotes.size() || !docstring.starts_with(quotes) || !docstring.ends_with(quotes))
      continue;
    return std::string(trim(docstring.substr(quotes.size(), docstring.size() - 2 * quotes.size())));
  }
  return std::string(docstring);
}

Result<Json> from_human_eval(const JsonObject& fields) {
  Json record;
  ASSAY_ASSIGN(record["id"], fields.string("task_id"));
  ASSAY_ASSIGN(record["prompt"], fields.string("prompt"));
  ASSAY_ASSIGN(record["entry_point"], fields.string("entry_point"));
  ASSAY_ASSIGN(record["test"], fields.string("test"));
  return record;
}

Result<Json> from_eval_plus(const JsonObject& fields, std::size_t n_inputs) {
  Json record;
  ASSAY_ASSIGN(const std::string id, fields.string("task_id"));
  ASSAY_ASSIGN(const std::string prompt, fields.string("prompt"));
  ASSAY_ASSIGN(const std::string solution, fields.string("canonical_solution"));
  const bool is_mbpp = to_lower_ascii(id).starts_with("mbpp");
  record["id"] = id;
  // MBPP's prompt is a docstring with the task and one example, HumanEval's a function to complete.
  record[is_mbpp ? "question" : "prompt"] = is_mbpp ? without_quotes(prompt) : prompt;
  ASSAY_ASSIGN(record["entry_point"], fields.string("entry_point"));
  record["canonical_solution"] = prompt + solution;
  ASSAY_ASSIGN(record["base_input"], fields.string_or("base_input", "[]"));
  ASSAY_ASSIGN(record["plus_input"], fields.string_or("plus_input", "[]"));
  record["n_inputs"] = n_inputs;
  ASSAY_ASSIGN(record["atol"], fields.number_or("atol", 0));
  record["dataset"] = is_mbpp ? "mbpp" : "humaneval";
  record["task_number"] = number_in(id);
  return record;
}

/// MBPP's ids are numbers.
Result<std::string> text_or_number(const JsonObject& fields, std::string_view key) {
  const Json* value = fields.find(key);
  if (value != nullptr && value->is_number_integer()) return to_text(value->get<std::int64_t>());
  return fields.string(key);
}

/// The function that an assert of MBPP calls, among those that its solution defines; empty if there is none.
std::string function_under_test(std::string_view solution, std::string_view assertion) {
  const auto is_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
  };
  for (std::size_t at = 0; at < assertion.size();) {
    const std::size_t begin = at;
    while (at < assertion.size() && is_name(assertion[at])) ++at;
    const std::string_view word = assertion.substr(begin, at - begin);
    if (at < assertion.size() && assertion[at] == '(' && !word.empty() && defines(solution, word))
      return std::string(word);
    if (at == begin) ++at;
  }
  return {};
}

Result<Json> from_mbpp(const JsonObject& fields) {
  Json record;
  ASSAY_ASSIGN(record["id"], text_or_number(fields, "task_id"));
  ASSAY_ASSIGN(const std::string question, fields.string(fields.has("text") ? "text" : "prompt"));
  ASSAY_ASSIGN(const std::vector<std::string> tests, fields.strings("test_list"));
  ASSAY_ASSIGN(const std::string solution, fields.string_or("code", ""));
  record["question"] = question + "\n\nYour code must pass these tests:\n\n" + join(tests, "\n");
  std::string setup;  // runs after the program, whose classes it may use
  if (fields.has("test_imports")) {
    ASSAY_ASSIGN(const std::vector<std::string> imports, fields.strings("test_imports"));
    setup = join(imports, "\n");
  } else {
    ASSAY_ASSIGN(setup, fields.string_or("test_setup_code", ""));
  }
  record["tests"] = tests;
  if (!trim(setup).empty() && !tests.empty()) record["tests"][0] = setup + "\n" + tests.front();
  const std::string entry_point = tests.empty() ? "" : function_under_test(solution, tests.front());
  if (!entry_point.empty()) record["entry_point"] = entry_point;
  return record;
}

Result<Json> from_multipl_e(const JsonObject& fields) {
  Json record;
  ASSAY_ASSIGN(record["id"], fields.string("name"));
  ASSAY_ASSIGN(record["language"], fields.string("language"));
  ASSAY_ASSIGN(record["prompt"], fields.string("prompt"));
  ASSAY_ASSIGN(record["test"], fields.string(fields.has("tests") ? "tests" : "test"));
  if (fields.has("entry_point")) {
    ASSAY_ASSIGN(record["entry_point"], fields.string("entry_point"));
  }
  return record;
}

Result<std::string> function_name(const JsonObject& fields) {
  if (!fields.has("metadata")) return std::string();
  ASSAY_ASSIGN(const std::string text, fields.string("metadata"));
  ASSAY_ASSIGN(const Json document, parse_json(text, fields.where() + ": metadata"));
  ASSAY_ASSIGN(const JsonObject metadata, JsonObject::of(document, fields.where() + ": metadata"));
  return metadata.string_or("func_name", "");
}

Result<Json> from_livecodebench(const JsonObject& fields) {
  Json record;
  ASSAY_ASSIGN(const std::string id, fields.string("question_id"));
  record["id"] = id;
  ASSAY_ASSIGN(std::string question, fields.string("question_content"));
  ASSAY_ASSIGN(const std::string starter, fields.string_or("starter_code", ""));
  ASSAY_ASSIGN(const std::string entry_point, function_name(fields));
  if (!trim(starter).empty()) question += "\n\nStart from this code:\n\n```python\n" + starter + "\n```";
  record["question"] = question;
  ASSAY_ASSIGN(record["tag"], fields.string_or("difficulty", ""));
  ASSAY_ASSIGN(record["platform"], fields.string_or("platform", ""));
  ASSAY_ASSIGN(record["contest_date"], fields.string("contest_date"));
  if (const std::string_view erratum = livecodebench_erratum(id); !erratum.empty()) record["erratum"] = erratum;
  if (!entry_point.empty()) {
    record["entry_point"] = entry_point;
    record["setup"] = kLeetCodeSetup;
  }
  ASSAY_ASSIGN(record["public_test_cases"], fields.string_or("public_test_cases", "[]"));
  ASSAY_ASSIGN(record["private_test_cases"], fields.string("private_test_cases"));
  return record;
}

}  // namespace

Result<Json> read_code_record(std::string_view line, const std::string& where) {
  std::optional<std::pair<std::string, std::size_t>> eval_plus;
  if (line.find("\"plus_input\":") != std::string_view::npos) {
    eval_plus = with_lists_as_texts(line, {"base_input", "plus_input"});
  }
  ASSAY_ASSIGN(Json document, parse_json(eval_plus ? std::string_view(eval_plus->first) : line, where));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, where));
  if (fields.has("id")) return document;
  if (fields.has("question_id")) return from_livecodebench(fields);
  if (fields.has("plus_input")) return from_eval_plus(fields, eval_plus ? eval_plus->second : 0);
  if (fields.has("test_list")) return from_mbpp(fields);
  if (fields.has("name") && fields.has("language")) return from_multipl_e(fields);
  if (fields.has("task_id")) return from_human_eval(fields);
  return document;
}

std::string_view livecodebench_erratum(std::string_view question_id) {
  constexpr auto kSeveralOutputs = std::to_array<std::string_view>(
      {"abc311_c", "abc326_d", "abc327_b", "abc333_e", "abc343_e", "abc362_c", "find-words-containing-character",
       "find-the-peaks", "generate-binary-strings-without-adjacent-zeros"});
  constexpr auto kInteractive = std::to_array<std::string_view>({"abc337_e", "abc355_e"});
  constexpr auto kBadTests =
      std::to_array<std::string_view>({"abc350_c", "apply-operations-to-make-string-empty", "most-frequent-ids"});
  const auto lists = [&](const auto& ids) { return std::find(ids.begin(), ids.end(), question_id) != ids.end(); };
  if (lists(kSeveralOutputs)) return "several outputs";
  if (lists(kInteractive)) return "interactive";
  return lists(kBadTests) ? "bad tests" : "";
}

}  // namespace assay::suites
