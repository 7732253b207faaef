#include "suites/registry.h"

#include <algorithm>
#include <cstdlib>

#include "harness/base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::suites;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_of(const std::vector<Suite>& suites) {
  std::vector<std::string> names;
  for (const Suite& suite : suites) names.push_back(suite.name);
  return names;
}

}  // namespace

TEST_CASE("list_suites: what ships, with counts and groups", "[suites]") {
  const auto cards = list_suites();
  REQUIRE(cards);
  const auto card = [&](const std::string& name) {
    const auto found =
        std::find_if(cards->begin(), cards->end(), [&](const SuiteCard& c) { return c.suite.name == name; });
    REQUIRE(found != cards->end());
    return *found;
  };
  CHECK(card("zebra-smoke").n_items == 100);
  CHECK(card("zebra-smoke").suite.kind == ItemKind::grid);
  CHECK(card("code-smoke").group == "smoke");
  CHECK(card("aime2024").n_items == 0);
  CHECK(card("aime2024").group == "aime");
  CHECK(card("zebra").n_items == 1000);
  CHECK(card("zebra").group.empty());
  CHECK(card("gpqa-diamond").n_items == 198);
  CHECK(card("gpqa-diamond").group == "gpqa");
  CHECK(card("simpleqa").n_items == 4326);
  CHECK(card("language").n_items == 60);
  CHECK(card("xstest").n_items == 450);
  CHECK(card("ccp-sensitive").n_items == 1360);
}

TEST_CASE("resolve_suites: names, groups and folders, each once", "[suites]") {
  const auto suites = resolve_suites("zebra-smoke, smoke");
  REQUIRE(suites);
  CHECK(names_of(*suites) == std::vector<std::string>{"zebra-smoke", "aime-smoke", "choice-smoke", "code-smoke"});
  const auto folder = resolve_suites(std::string(ASSAY_SOURCE_DIR) + "/suites/smoke/aime-smoke/,aime-smoke");
  REQUIRE(folder);
  CHECK(names_of(*folder) == std::vector<std::string>{"aime-smoke"});
}

TEST_CASE("resolve_suites: items that are not shipped come from the user's folder", "[suites]") {
  const test_support::TemporaryFolder folder;
  ::setenv("ASSAY_ITEMS", folder.path().c_str(), 1);
  const auto absent = resolve_suites("aime2024");
  REQUIRE_FALSE(absent);
  CHECK_THAT(absent.error().message,
             Catch::Matchers::Contains("hkust-nlp/simpleRL-reason") &&
                 Catch::Matchers::EndsWith("put it at " + (folder.path() / "aime2024.jsonl").string()));
  REQUIRE(write_file(folder.path() / "aime2024.jsonl", R"({"id": 7, "problem": "What is 1 + 1?", "answer": "002"})"));
  const auto own = resolve_suites("aime2024");
  REQUIRE(own);
  CHECK((*own)[0].items.size() == 1);
  REQUIRE(write_file(folder.path() / "aime2024.jsonl", "{\n"));
  const auto broken = resolve_suites("aime2024");
  ::unsetenv("ASSAY_ITEMS");
  REQUIRE_FALSE(broken);
  CHECK_THAT(broken.error().message, Catch::Matchers::Contains("aime2024.jsonl:1: "));
}

TEST_CASE("resolve_suites: what is not there is named, with the nearest", "[suites]") {
  const auto misspelt = resolve_suites("zebra-smok");
  REQUIRE_FALSE(misspelt);
  CHECK(misspelt.error().kind == ErrorKind::bad_input);
  CHECK_THAT(misspelt.error().message,
             Catch::Matchers::StartsWith("unknown suite \"zebra-smok\"; did you mean zebra-smoke?"));
  CHECK_THAT(misspelt.error().message, Catch::Matchers::Contains("choice-smoke, code, code-smoke"));
  CHECK_FALSE(resolve_suites(""));
  CHECK_FALSE(resolve_suites("smoke,,smoke"));
  CHECK_FALSE(resolve_suites("./no/such/folder"));
  CHECK_FALSE(resolve_suites(std::string(100'000, 'x')));
  const auto family = resolve_suites("aime");
  REQUIRE_FALSE(family);
  CHECK_THAT(family.error().message,
             Catch::Matchers::StartsWith("suite aime2024 ") && Catch::Matchers::Contains("aime2024.jsonl"));
}

TEST_CASE("resolve_suites: all that a group lacks is said at once", "[suites]") {
  const test_support::TemporaryFolder folder;
  ::setenv("ASSAY_ITEMS", folder.path().c_str(), 1);
  const auto group = resolve_suites("strawberry");
  ::unsetenv("ASSAY_ITEMS");
  REQUIRE_FALSE(group);
  CHECK(group.error().kind == ErrorKind::bad_input);
  for (const std::string name : {"aime2024", "aime2025", "livecodebench"}) {
    CHECK_THAT(group.error().message, Catch::Matchers::Contains("suite " + name + " ships without its items"));
  }
}

TEST_CASE("resolve_suites_to_show: a window is part of the name, with and without items", "[suites]") {
  const auto cards = resolve_suites_to_show("livecodebench:to=2025-01-31:from=2024-08-01");
  REQUIRE(cards);
  REQUIRE(cards->size() == 1);
  CHECK((*cards)[0].name == "livecodebench:from=2024-08-01:to=2025-01-31");
}

TEST_CASE("resolve_suite_for_items: a suite, a family or a kind, without items of its own", "[suites]") {
  const test_support::TemporaryFolder folder;
  const fs::path file = folder.write("items.jsonl", R"({"id":"a","question":"Q","answer":"2"})");
  const std::string name = GENERATE("aime", "aime2025", "aime-smoke", "integer");
  const auto suite = resolve_suite_for_items(name, file);
  REQUIRE(suite);
  CHECK(suite->name == name);
  CHECK(suite->kind == ItemKind::integer);
  CHECK(suite->items.size() == 1);
  CHECK(suite->sha256.size() == 64);
  CHECK_FALSE(resolve_suite_for_items("gpqa", file));   // not a record of that kind
  CHECK_FALSE(resolve_suite_for_items("smoke", file));  // a group
  CHECK_FALSE(resolve_suite_for_items("refusal", file));
  CHECK_FALSE(resolve_suite_for_items("nothing", file));
}

TEST_CASE("check_profile: names what a kind has", "[suites]") {
  Suite suite;
  suite.name = "mine";
  suite.kind = ItemKind::grid;
  CHECK(check_profile(suite, "canonical"));
  CHECK(check_profile(suite, "zeroeval"));
  suite.kind = ItemKind::math;
  CHECK(check_profile(suite, "zeroeval"));
  suite.kind = ItemKind::integer;
  CHECK(check_profile(suite, "lm-eval"));
  const auto refused = check_profile(suite, "lcb");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
  CHECK(refused.error().message ==
        "suite mine: no grader profile \"lcb\"; kind integer has: canonical, lm-eval, zeroeval");
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"answer", "2"}};
  GradeContext context;
  context.profile = "lcb";
  CHECK(grade(suite, item, {"2", false}, context).verdict == Verdict::error);
}

TEST_CASE("parse_verdict and parse_item_kind: spelled as stored", "[suites]") {
  for (const std::string text : {"correct", "incorrect", "no_answer", "truncated", "error"}) {
    CHECK(to_string(*parse_verdict(text)) == text);
  }
  for (const std::string text : {"integer", "math", "choice", "grid", "code", "language", "text", "refusal"}) {
    CHECK(to_string(*parse_item_kind(text)) == text);
  }
  CHECK(parse_verdict("right").error().message ==
        "unknown verdict \"right\"; known are: correct, incorrect, no_answer, truncated, error");
}
