#include "suites/code/program.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "harness/base/text.h"
#include "suites/code/driver_sources.h"
#include "suites/code/extract.h"

namespace assay::suites {
namespace {

bool is_blank(std::string_view line) { return trim(line).empty(); }

std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

/// The blanks that all lines begin with; 0 without lines.
std::size_t common_indent(const std::vector<std::string>& lines) {
  std::optional<std::size_t> least;
  for (const std::string& line : lines) {
    if (!is_blank(line)) least = std::min(least.value_or(indent_of(line)), indent_of(line));
  }
  return least.value_or(0);
}

std::string moved_left(std::vector<std::string> lines, std::size_t n) {
  for (std::string& line : lines) line.erase(0, std::min(n, indent_of(line)));
  return join(lines, "\n");
}

bool starts_indented(const std::vector<std::string>& lines) {
  const auto first = std::find_if_not(lines.begin(), lines.end(), is_blank);
  return first != lines.end() && indent_of(*first) > 0;
}

bool is_import(std::string_view line) {
  return line.starts_with("import ") || (line.starts_with("from ") && line.find(" import") != std::string_view::npos);
}

/// The stub without its function: all before the top-level statement that defines the entry point, and later imports.
std::string preamble_of(std::string_view stub, std::string_view entry_point) {
  const std::vector<std::string> lines = split(stub, '\n');
  const auto definition =
      std::find_if(lines.begin(), lines.end(), [&](const std::string& line) { return defines(line, entry_point); });
  if (definition == lines.end()) return {};
  auto statement = definition;  // a method's definition is inside of its class's
  while (statement != lines.begin() && indent_of(*statement) > 0) --statement;
  while (statement != lines.begin() && std::prev(statement)->starts_with('@')) --statement;
  std::vector<std::string> kept(lines.begin(), statement);

  bool in_import = false;  // within the parentheses of one
  for (auto line = definition; line != lines.end(); ++line) {
    if (!in_import && !is_import(*line)) continue;
    kept.push_back(*line);
    in_import = (in_import || line->find('(') != std::string::npos) && line->find(')') == std::string::npos;
  }
  return kept.empty() ? std::string() : join(kept, "\n") + "\n";
}

std::string_view name_of(CodeTests kind) {
  switch (kind) {
    case CodeTests::check:
      return "check";
    case CodeTests::asserts:
      return "asserts";
    case CodeTests::cases:
      return "cases";
    case CodeTests::differential:
      return "differential";
    case CodeTests::io:
      break;
  }
  return "io";
}

std::string_view name_of(CodeRules rules) {
  switch (rules) {
    case CodeRules::evalplus:
      return "evalplus";
    case CodeRules::lcb:
      return "lcb";
    case CodeRules::canonical:
      break;
  }
  return "canonical";
}

/// As a case has them, so that one driver serves both.
Json cases_of(const CodeTask& task) {
  if (task.kind != CodeTests::io) return task.cases;
  Json cases = Json::array();
  for (const IoTest& test : task.io_tests) cases.push_back({{"input", test.stdin_text}, {"output", test.stdout_text}});
  return cases;
}

/// What a driver needs to load and call the program.
Json call_of(const CodeTask& task, const CandidateSource& candidate, CodeRules rules) {
  Json job;
  job["rules"] = name_of(rules);
  job["preamble"] = candidate.preamble;
  job["setup"] = task.setup;
  job["entry_point"] = task.entry_point;
  job["test_s"] = task.test_s;
  return job;
}

/// The same with the tests.
Json tests_of(const CodeTask& task, const CandidateSource& candidate, CodeRules rules) {
  Json job = call_of(task, candidate, rules);
  job["kind"] = task.kind == CodeTests::io ? "cases" : name_of(task.kind);
  job["test"] = task.test;
  job["tests"] = task.asserts;
  job["cases"] = cases_of(task);
  job["reference"] = task.reference;
  job["base_input"] = task.base_input;
  job["plus_input"] = task.plus_input;
  job["dataset"] = task.dataset;
  job["task_number"] = task.task_number;
  job["atol"] = task.atol;
  job["tolerance_stays"] = rules == CodeRules::evalplus;
  return job;
}

Program driver_program(std::string entry, const Json& job) {
  Program program;
  program.library = driver::kLibrary;
  program.entry = std::move(entry);
  program.files = {{"job.json", to_json_text(job)}};
  return program;
}

}  // namespace

CandidateSource join_with_stub(std::string_view stub, std::string_view entry_point, std::string_view code) {
  const std::vector<std::string> lines = split(replace_all(code, "\r\n", "\n"), '\n');
  const std::size_t indent = common_indent(lines);
  const bool is_defined = entry_point.empty() || defines(code, entry_point);
  if (is_defined && indent > 0) return {preamble_of(stub, entry_point), moved_left(lines, indent)};
  if (!stub.empty() && (!is_defined || starts_indented(lines))) {
    const std::string separator = stub.ends_with('\n') ? "" : "\n";
    return {"", std::string(stub) + separator + join(lines, "\n")};
  }
  return {preamble_of(stub, entry_point), join(lines, "\n")};
}

Program checker_program(const CodeTask& task, const CandidateSource& candidate, CodeRules rules) {
  return driver_program("run_checker", tests_of(task, candidate, rules));
}

Program candidate_program(const CodeTask& task, const CandidateSource& candidate, CodeRules rules) {
  Json job = call_of(task, candidate, rules);
  job["source"] = candidate.source;
  return driver_program("run_candidate", job);
}

Program one_process_program(const CodeTask& task, const CandidateSource& candidate, const std::string& key) {
  Json job = tests_of(task, candidate, CodeRules::canonical);
  job["source"] = candidate.source;
  job["key"] = key;
  return driver_program("run_in_one_process", job);
}

Program human_eval_program(std::string_view program, double test_s, const std::string& key) {
  Json job;
  job["program"] = program;
  job["test_s"] = test_s;
  job["key"] = key;
  return driver_program("run_human_eval", job);
}

Program compile_program(const std::vector<std::string>& texts) {
  Json job;
  job["texts"] = texts;
  return driver_program("run_compile_all", job);
}

Program script_program(std::string_view source, std::string stdin_text) {
  Program program;
  program.library = driver::kLibrary;
  program.entry = "run_script";
  program.files = {{"program.py", to_valid_utf8(source)}};
  program.stdin_text = std::move(stdin_text);
  return program;
}

}  // namespace assay::suites
