// No arrow points back: which folder may include which, over every #include line of the tree.

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "tests/house/source_files.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::house_test;

namespace {

// What each part of the house may include besides itself. "tests" may include everything.
const std::map<std::string, std::vector<std::string>, std::less<>> kMayInclude = {
    {"harness/base", {}},
    {"kernels", {"harness/base"}},
    {"suites", {"harness/base"}},
    {"results", {"harness/base"}},
    {"runners", {"kernels", "harness/base"}},
    {"harness/run", {"suites", "runners", "results", "harness/base"}},
    {"harness/bench", {"harness/run", "suites", "runners", "kernels", "results", "harness/base"}},
    {"harness/serve", {"runners", "harness/base"}},
    {"harness/cli",
     {"harness/bench", "harness/run", "harness/serve", "suites", "runners", "kernels", "results", "harness/base"}},
    {"gui", {"results", "harness/base"}},
    {"tests",
     {"harness/cli", "harness/bench", "harness/run", "harness/serve", "suites", "runners", "kernels", "results", "gui",
      "harness/base"}},
};

// The part that a path from the root lies in; nothing if it lies in none.
std::optional<std::string> part_of(std::string_view path) {
  for (const auto& [part, may_include] : kMayInclude) {
    if (path.starts_with(part + "/")) return part;
  }
  return std::nullopt;
}

// Tests, benchmarks and fuzz entries beside the code may use the tests' support, whatever their folder.
bool is_test(std::string_view file) {
  const std::string stem = std::filesystem::path(file).stem().string();
  return stem.ends_with("_test") || stem.ends_with("_bench") || stem.ends_with("_fuzz") || stem.starts_with("test_");
}

// What is wrong with the line `line` of `file` (a path from the root), if it is an #include that breaks a rule.
std::optional<std::string> fault(std::string_view file, std::string_view line) {
  std::string_view rest = trim(line);
  if (!rest.starts_with('#')) return std::nullopt;
  rest = trim(rest.substr(1));
  if (!rest.starts_with("include")) return std::nullopt;
  rest = trim(rest.substr(std::string_view("include").size()));
  if (rest.empty() || (rest.front() != '"' && rest.front() != '<')) return std::nullopt;
  const bool quoted = rest.front() == '"';
  const std::size_t end = rest.find(quoted ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view included = rest.substr(1, end - 1);

  const std::optional<std::string> to = part_of(included);
  if (!quoted) {
    if (to) return "headers of the house are included in quotes";
    return std::nullopt;
  }
  if (!to) return "quoted includes are paths from the root; others' headers stand in <>";
  const std::optional<std::string> from = part_of(file);
  if (!from) return "the file lies in no part of the house";
  if (*from == *to || (is_test(file) && included.starts_with("tests/support/"))) return std::nullopt;
  const std::vector<std::string>& allowed = kMayInclude.at(*from);
  if (std::find(allowed.begin(), allowed.end(), *to) != allowed.end()) return std::nullopt;
  return *from + " may not include " + *to;
}

}  // namespace

// The table of folders and the arrows drawn below it, in the project's style rules.
TEST_CASE("include_direction: an arrow that points back is a fault", "[house]") {
  const auto [file, line] = GENERATE(table<std::string, std::string>({
      {"harness/base/text.cpp", "#include \"results/store.h\""},
      {"kernels/gemm/gemm.cpp", "#include \"runners/runner.h\""},
      {"kernels/gemm/gemm_test.cpp", "#include \"runners/formats/safetensors.h\""},
      {"suites/aime/grade.cpp", "#include \"runners/runner.h\""},
      {"suites/aime/grade.cpp", "#include \"results/store.h\""},
      {"runners/engine/engine.cpp", "#include \"suites/suite.h\""},
      {"runners/engine/engine.cpp", "#include \"results/store.h\""},
      {"results/store.cpp", "#include \"suites/suite.h\""},
      {"results/store.cpp", "#include \"runners/runner.h\""},
      {"harness/run/execute.cpp", "#include \"harness/cli/main.h\""},
      {"harness/run/execute.cpp", "#include \"kernels/gemm/gemm.h\""},
      {"harness/serve/service.cpp", "#include \"suites/suite.h\""},
      {"harness/run/execute.cpp", "#include \"harness/serve/service.h\""},
      {"gui/models/runs.cpp", "#include \"harness/run/execute.h\""},
      {"harness/cli/cmd_gui.cpp", "#include \"gui/app/window.h\""},
      {"results/store.cpp", "#include \"tests/support/catch.h\""},
      {"results/store.cpp", "#include \"store.h\""},
      {"results/store.cpp", "  #  include \"../harness/base/text.h\""},
      {"results/store.cpp", "#include <harness/base/text.h>"},
  }));
  CAPTURE(file, line);
  CHECK(fault(file, line));
}

TEST_CASE("include_direction: an arrow of the house is none", "[house]") {
  const auto [file, line] = GENERATE(table<std::string, std::string>({
      {"suites/aime/grade.cpp", "#include \"harness/base/result.h\""},
      {"suites/aime/grade.cpp", "#include \"suites/suite.h\""},
      {"runners/engine/engine.cpp", "#include \"kernels/gemm/gemm.h\""},
      {"harness/run/execute.cpp", "#include \"runners/runner.h\""},
      {"harness/cli/cmd_run.cpp", "#include \"harness/run/execute.h\""},
      {"gui/models/runs.cpp", "#include \"results/store.h\""},
      {"results/store_test.cpp", "#include \"tests/support/catch.h\""},
      {"results/store_fuzz.cpp", "#include \"tests/support/fuzz_entry.h\""},
      {"tests/end_to_end/run_test.cpp", "#include \"harness/cli/cmd_run.h\""},
      {"results/store.cpp", "#include <sqlite3.h>"},
      {"results/store.cpp", "// #include \"suites/suite.h\""},
  }));
  CAPTURE(file, line);
  CHECK_FALSE(fault(file, line));
}

TEST_CASE("include_direction: the whole tree keeps to it", "[house]") {
  const int n_files = for_each_source_file([](const std::string& file, const std::string& text) {
    const auto check_line = [&](std::string_view line, int number) -> Result<> {
      if (const auto reason = fault(file, line)) FAIL_CHECK(file << ":" << number << ": " << line << ": " << *reason);
      return {};
    };
    REQUIRE(for_each_line(text, check_line));
  });
  CHECK(n_files > 20);
}
