// Verdicts of official harnesses (testdata/official_verdicts.jsonl): what human-eval, EvalPlus and LiveCodeBench said
// of these cases when they were run, and the public suites' own solutions.

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "harness/base/text.h"
#include "suites/code/code_grader.h"
#include "suites/code/public_formats.h"
#include "suites/sandbox/test_sandbox.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(ASSAY_SOURCE_DIR) / "suites/code";

Item item_of(const Json& record) {
  Item item;
  item.id = ItemId(record.at("id").get<std::string>());
  item.record = record;
  return item;
}

Grade grade_with(const std::string& profile, const Item& item, const std::string& output) {
  static Sandbox sandbox = test_sandbox();
  return grade_code(item, {output, false}, {&sandbox, profile});
}

std::string fenced(const std::string& code) { return "```python\n" + code + "\n```\n"; }

/// The same program with another value returned, whatever it returns.
std::string mutant_of(const std::string& solution, const std::string& entry_point) {
  return solution + "\n\ndef _changed(f):\n    def changed(*args):\n        v = f(*args)\n" +
         "        if isinstance(v, bool): return not v\n        if isinstance(v, (int, float, complex)): return v + "
         "1\n" +
         "        if isinstance(v, str): return v + '?'\n        if v is None: return 0\n" +
         "        if isinstance(v, (list, tuple)): return type(v)(list(v) + ['?'])\n" +
         "        if isinstance(v, set): return v | {'?'}\n        if isinstance(v, dict): return {**v, '?': '?'}\n" +
         "        return None\n    return changed\n\n" + entry_point + " = _changed(" + entry_point + ")\n";
}

/// Each so many items of a suite; all of them where ASSAY_WHOLE_SUITES is set, which takes minutes.
std::size_t stride(std::size_t sampled) { return std::getenv("ASSAY_WHOLE_SUITES") != nullptr ? 1 : sampled; }

std::vector<std::string> lines_of(const std::string& suite) {
  const auto text = read_packed_file(kFolder / suite / "items.jsonl.xz");
  REQUIRE(text);
  std::vector<std::string> lines;
  for (const std::string& line : split(*text, '\n')) {
    if (!trim(line).empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("profiles: the verdicts of the official harnesses", "[code]") {
  const auto text = read_file(kFolder / "testdata/official_verdicts.jsonl");
  REQUIRE(text);
  int n_cases = 0;
  const auto read = for_each_line(*text, [&](std::string_view line, int number) -> Result<> {
    ASSAY_ASSIGN(const Json one, parse_json(line, "official_verdicts.jsonl:" + std::to_string(number)));
    Json item_line = one["item"];
    ASSAY_ASSIGN(const Json record, read_code_record(to_json_text(item_line), "item"));
    const std::string profile = one["profile"].get<std::string>();
    const Grade grade = grade_with(profile, item_of(record), one["output"].get<std::string>());
    INFO(profile << " " << to_json_text(one) << " " << grade.rule << " " << to_json_text(grade.detail));
    CHECK((grade.verdict == Verdict::correct) == one["passes"].get<bool>());
    CHECK((grade.verdict == Verdict::correct || grade.verdict == Verdict::incorrect));
    if (one.contains("results")) CHECK(grade.detail.value("lcb_results", Json()) == one["results"]);
    ++n_cases;
    return {};
  });
  REQUIRE(read);
  CHECK(n_cases >= 110);
}

TEST_CASE("public suites: their own solutions pass, and a mutant of each fails", "[code]") {
  const auto [suite, sampled] =
      GENERATE(table<const char*, std::size_t>({{"humaneval", 20}, {"humaneval-plus", 40}, {"mbpp-plus", 60}}));
  const std::vector<std::string> lines = lines_of(suite);
  for (std::size_t i = 0; i < lines.size(); i += stride(sampled)) {
    const auto record = read_code_record(lines[i], suite);
    REQUIRE(record);
    const Item item = item_of(*record);
    std::string solution;
    if (record->contains("canonical_solution")) {
      solution = record->at("canonical_solution").get<std::string>();
    } else {
      const auto fields = parse_json(lines[i], suite);
      REQUIRE(fields);
      solution = fields->at("prompt").get<std::string>() + fields->at("canonical_solution").get<std::string>();
    }
    const std::string entry_point = record->at("entry_point").get<std::string>();
    const Grade right = grade_with("canonical", item, fenced(solution));
    INFO(suite << " " << item.id.value << " " << right.rule << " " << to_json_text(right.detail));
    CHECK(right.verdict == Verdict::correct);
    CHECK(grade_with("canonical", item, fenced(mutant_of(solution, entry_point))).verdict == Verdict::incorrect);
  }
}

TEST_CASE("public suites: MBPP's solutions pass", "[code]") {
  const std::vector<std::string> lines = lines_of("mbpp");
  CHECK(lines.size() == 500);
  for (std::size_t i = 0; i < lines.size(); i += stride(60)) {
    const auto record = read_code_record(lines[i], "mbpp");
    const auto fields = parse_json(lines[i], "mbpp");
    REQUIRE(record);
    REQUIRE(fields);
    const Grade grade = grade_with("canonical", item_of(*record), fenced(fields->at("code").get<std::string>()));
    INFO(record->at("id") << " " << grade.rule << " " << to_json_text(grade.detail));
    CHECK(grade.verdict == Verdict::correct);
  }
}

// AGREEMENT.md tells the story: all programs were run in one process, which kept what an earlier one had left behind.
TEST_CASE("recorded verdicts: seven are wrong, and what an earlier program left explains each", "[code]") {
  const auto text = read_file(kFolder / "testdata/misrecorded.jsonl");
  REQUIRE(text);
  int n_cases = 0;
  REQUIRE(for_each_line(*text, [&](std::string_view line, int number) -> Result<> {
    ASSAY_ASSIGN(const Json one, parse_json(line, "misrecorded.jsonl:" + std::to_string(number)));
    ASSAY_ASSIGN(const Json record, read_code_record(to_json_text(one["item"]), "item"));
    const auto passes = [&](const std::string& program) {
      return grade_with("canonical", item_of(record), fenced(program)).verdict == Verdict::correct;
    };
    const bool recorded = one["recorded"].get<bool>();
    const std::string solution = one["solution"].get<std::string>();
    INFO(one["id"]);
    CHECK(passes(solution) == !recorded);
    CHECK(passes(one["left_by"].get<std::string>() + solution) == recorded);
    ++n_cases;
    return {};
  }));
  CHECK(n_cases == 7);
}

TEST_CASE("recorded verdicts: all but those seven are ours as well", "[code]") {
  const char* folder = std::getenv("ASSAY_GRADED_CODE");
  if (folder == nullptr) {
    WARN("ASSAY_GRADED_CODE is not set: the three files of recorded verdicts are too long to ship");
    return;
  }
  const auto [file, n_records, n_alike] = GENERATE(table<std::string, int, int>({
      {"humaneval_gpt-4_simple.jsonl", 164, 163},
      {"humaneval_gpt-3.5-turbo_simple.jsonl", 164, 164},
      {"mbpp_gpt-4_simple.jsonl", 397, 391},
  }));
  const auto text = read_file(std::filesystem::path(folder) / file);
  REQUIRE(text);
  int n = 0, alike = 0;
  REQUIRE(for_each_line(*text, [&](std::string_view line, int number) -> Result<> {
    ASSAY_ASSIGN(const Json one, parse_json(line, file + ":" + std::to_string(number)));
    const Json item{{"id", std::to_string(number)},
                    {"prompt", one["prompt"]},
                    {"entry_point", one["entry_point"]},
                    {"test", one["test"]}};
    ASSAY_ASSIGN(const Json record, read_code_record(to_json_text(item), "item"));
    const Grade grade = grade_with("canonical", item_of(record), fenced(one["solution"].get<std::string>()));
    alike += (grade.verdict == Verdict::correct) == one["is_solved"].get<bool>() ? 1 : 0;
    ++n;
    return {};
  }));
  CHECK(n == n_records);
  CHECK(alike == n_alike);
}

TEST_CASE("languages: C++ and JavaScript programs are compiled and run in the sandbox", "[code]") {
  const Item cpp =
      item_of({{"id", "cpp"},
               {"language", "cpp"},
               {"prompt", "#include <assert.h>\nlong twice(long x) {\n"},
               {"test", "}\nint main() {\n    auto candidate = twice;\n    assert(candidate(2) == 4);\n}\n"}});
  const auto rule = [](const Item& item, const std::string& code) {
    const Grade grade = grade_with("canonical", item, "```\n" + code + "\n```\n");
    UNSCOPED_INFO(grade.rule << " " << to_json_text(grade.detail));
    return grade.rule;
  };
  CHECK(rule(cpp, "    return 2 * x;") == "in_process");
  CHECK(rule(cpp, "#include <cstdlib>\nlong twice(long x) {\n    return 2 * x;\n}") == "in_process");
  CHECK(rule(cpp, "    return x;") == "assertion_failed");
  CHECK(rule(cpp, "    return y;") == "syntax_error");
  CHECK(rule(cpp, "#include <cstdlib>\nlong twice(long) { exit(0); }") == "exited");
  const Item io = item_of({{"id", "io"},
                           {"language", "cpp"},
                           {"question", "Add."},
                           {"io_tests", Json::array({{{"stdin", "1 2\n"}, {"stdout", "3\n"}}})}});
  CHECK(rule(io, "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }") == "passed");
  CHECK(rule(io, "#include <unistd.h>\nint main() { return fork() < 0 ? 1 : 0; }") == "exception");

  if (!std::filesystem::exists("/usr/bin/node")) return;
  const Item js = item_of({{"id", "js"},
                           {"language", "javascript"},
                           {"question", "Add."},
                           {"io_tests", Json::array({{{"stdin", "1 2\n"}, {"stdout", "3\n"}}})}});
  CHECK(rule(js, "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number)\nconsole.log(a + b)") ==
        "passed");
  CHECK(rule(js, "require('child_process').execSync('true'); console.log(3)") == "exception");
}
