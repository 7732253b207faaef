// testdata/verdicts.jsonl holds the graders' versions, then what they say of some outputs: {"kind", "profile",
// "record", "output", "verdict", "answer", "rule"} a line. Where it differs, a grader has changed: raise
// grader_version() of that kind and the file's, and only then write down the new verdicts.

#include <filesystem>

#include "harness/base/file.h"
#include "suites/suite.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

TEST_CASE("grader_version: verdicts change with it alone", "[suites]") {
  const auto text = read_file(std::filesystem::path(ASSAY_SOURCE_DIR) / "suites/testdata/verdicts.jsonl");
  REQUIRE(text);
  int n_versions = 0, n_verdicts = 0;
  REQUIRE(for_each_line(*text, [&](std::string_view line, int number) -> Result<> {
    ASSAY_ASSIGN(const Json stored, parse_json(line, "verdicts.jsonl:" + std::to_string(number)));
    ASSAY_ASSIGN(const ItemKind kind, parse_item_kind(stored.at("kind").get<std::string>()));
    INFO("verdicts.jsonl:" << number << ": " << line);
    if (stored.contains("grader_version")) {
      CHECK(grader_version(kind) == stored.at("grader_version").get<int>());
      ++n_versions;
      return {};
    }
    Suite suite;
    suite.name = "stored";
    suite.kind = kind;
    Item item;
    item.record = stored.at("record");
    GradeContext context;
    context.profile = stored.at("profile").get<std::string>();
    const Grade graded = grade(suite, item, {stored.at("output").get_ref<const std::string&>()}, context);
    CHECK(to_string(graded.verdict) == stored.at("verdict").get<std::string>());
    CHECK((graded.answer ? Json(*graded.answer) : Json()) == stored.at("answer"));
    CHECK(graded.rule == stored.at("rule").get<std::string>());
    ++n_verdicts;
    return {};
  }));
  CHECK(n_versions == 8);
  CHECK(n_verdicts >= 100);
}
