// ZebraLogic's records: ZeroEval's published results with their prompts and replies (testdata/), and the data set's
// form.

#include "suites/zebra/zebralogic.h"

#include "harness/base/archive.h"
#include "suites/load.h"
#include "suites/registry.h"
#include "suites/zebra/test_judge.h"
#include "suites/zebra/zebralogic_clues.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"
#include "tests/support/temporary_folder.h"

void fuzz_zebralogic(std::span<const std::byte> file);

using namespace assay;
using namespace assay::suites;
using Catch::Matchers::Contains;

namespace {

/// 16 records of WildEval/ZeroEval, result_dirs/zebra-grid/Meta-Llama-3.1-405B-Instruct@hyperbolic.json (Apache-2.0).
const std::string& results_text() {
  static const std::string text = [] {
    auto read =
        read_packed_file(std::string(ASSAY_SOURCE_DIR) + "/suites/zebra/testdata/zeroeval-llama31-405b.json.gz");
    REQUIRE(read);
    return *read;
  }();
  return text;
}

const Json& results() {
  static const Json records = Json::parse(results_text());
  return records;
}

/// A record of the data set: 2 houses, 2 attributes.
Json small_record() {
  return Json::parse(
      R"({"id": "lgp-test-2x2-33", "size": "2*2",
    "puzzle": "There are 2 houses.\n - Each person has a unique name: `Eric`, `Arnold`\n)"
      R"( - Each person has a unique type of pet: `dog`, `cat`\n\n## Clues:\n)"
      R"(1. Eric is somewhere to the left of Arnold.\n2. The person who owns a dog is not in the first house.\n",
    "solution": {"header": ["House", "Name", "Pet"], "rows": [["___", "___", "___"], ["___", "___", "___"]]}})");
}

std::string message_of(const Json& record) {
  const auto read = from_zebralogic(record, "f:1");
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::bad_input);
  return read.error().message;
}

}  // namespace

TEST_CASE("from_zebralogic: published puzzles are read and have one solution, as another solver finds",
          "[suites][zebra]") {
  REQUIRE(results().size() == 16);
  for (const Json& record : results()) {
    const auto grid = from_zebralogic(record, "f");
    REQUIRE(grid);
    CHECK(grid->at("solution_source") == "clues");
    std::vector<std::string> keys;
    for (const auto& [key, value] : grid->at("solution").at("House 1").items()) keys.push_back(key);
    const auto read = read_zebralogic_puzzle(record.at("puzzle").get<std::string>(), keys);
    REQUIRE(read);
    const testing::ReadPuzzle puzzle{keys, read->values, read->clues};
    const auto solutions = testing::join_orders(puzzle, 2);
    REQUIRE(solutions.size() == 1);
    CHECK(solutions.front() == testing::read_solution(*grid, puzzle));
  }
}

// Solved by hand from the clues.
TEST_CASE("from_zebralogic: solutions that a person found", "[suites][zebra]") {
  const auto solution = [](const char* id) {
    for (const Json& record : results()) {
      if (record.at("id") == id) return from_zebralogic(record, "f")->at("solution").dump();
    }
    return std::string();
  };
  CHECK(solution("lgp-test-2x2-33") ==
        R"({"House 1":{"Name":"Eric","Pet":"cat"},"House 2":{"Name":"Arnold","Pet":"dog"}})");
  CHECK(solution("lgp-test-4x2-18") ==
        R"({"House 1":{"Name":"Alice","Color":"red"},"House 2":{"Name":"Eric","Color":"white"},)"
        R"("House 3":{"Name":"Peter","Color":"yellow"},"House 4":{"Name":"Arnold","Color":"green"}})");
  CHECK(
      solution("lgp-test-5x2-15") ==
      R"({"House 1":{"Name":"Eric","FavoriteSport":"soccer"},"House 2":{"Name":"Arnold","FavoriteSport":"basketball"},)"
      R"("House 3":{"Name":"Bob","FavoriteSport":"swimming"},"House 4":{"Name":"Alice","FavoriteSport":"tennis"},)"
      R"("House 5":{"Name":"Peter","FavoriteSport":"baseball"}})");
}

TEST_CASE("zebra: ZeroEval's results as items have its very prompts, and its replies are graded", "[suites][zebra]") {
  const test_support::TemporaryFolder folder;
  const auto suite = resolve_suite_for_items("zebra", folder.write("results.json", results_text()));
  REQUIRE(suite);
  REQUIRE(suite->items.size() == 16);
  int n_correct = 0;
  for (std::size_t i = 0; i < suite->items.size(); ++i) {
    CHECK(suite->items[i].prompt == results()[i].at("chat_history")[0].get<std::string>());
    const auto reply = results()[i].at("output")[0].get<std::string>();
    const Grade canonical = grade(*suite, suite->items[i], {reply, false}, {});
    const Grade zeroeval = grade(*suite, suite->items[i], {reply, false}, {nullptr, "zeroeval"});
    CHECK(canonical.verdict == zeroeval.verdict);
    CHECK(canonical.detail.at("cells_right") == zeroeval.detail.at("cells_right"));
    n_correct += canonical.verdict == Verdict::correct;
  }
  CHECK(n_correct == 4);  // of 2x2, 2x4, 3x5 and 5x2, as a scorer written apart from this one finds
}

TEST_CASE("from_zebralogic: the data set's own form, with cells and blanked", "[suites][zebra]") {
  Json record = small_record();
  CHECK(is_zebralogic_record(record));
  const auto derived = from_zebralogic(record, "f");
  REQUIRE(derived);
  CHECK(derived->at("solution_source") == "clues");
  CHECK(derived->at("tag") == "2x2");
  CHECK(derived->at("difficulty").at("bucket") == "small");
  CHECK(derived->at("difficulty").at("solver_guesses") == 0);
  CHECK(derived->at("difficulty").at("z3_conflicts") == 0);  // of z3_data_dict.json, as the next
  CHECK(from_zebralogic(results()[0], "f")->at("difficulty").at("z3_conflicts") == 71.31);
  record["solution"]["rows"] = Json::parse(R"([["1", "Eric", "cat"], ["2", "Arnold", "dog"]])");
  const auto given = from_zebralogic(record, "f");
  REQUIRE(given);
  CHECK(given->at("solution_source") == "record");
  CHECK(given->at("solution") == derived->at("solution"));
  record["id"] = "lgp-test-2x2-40";  // there are 40, from 0
  CHECK_FALSE(from_zebralogic(record, "f")->at("difficulty").contains("z3_conflicts"));
  record["question"] = "?";
  CHECK_FALSE(is_zebralogic_record(record));
}

TEST_CASE("from_zebralogic: what can't be read or solved is refused with its field", "[suites][zebra]") {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string text = small_record().dump();
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return Json::parse(text.replace(at, from.size(), to));
  };
  CHECK(message_of(changed("is somewhere to the left of", "dislikes")) ==
        "f:1: field \"puzzle\" clue 1 can't be read: \"Eric dislikes Arnold\"");
  CHECK_THAT(message_of(changed("owns a dog", "owns a newt")), Contains("clue 2 can't be read"));
  CHECK_THAT(message_of(changed("the first house", "the eighth house")), Contains("clue 2 names a house too many"));
  CHECK_THAT(message_of(changed("`dog`, `cat`", "`dog`")), Contains("lists 1 values of \"Pet\""));
  CHECK_THAT(message_of(changed("\"header\":[\"House\",\"Name\",\"Pet\"]", "\"header\":[\"House\"]")),
             Contains("field \"header\""));
  CHECK_THAT(message_of(changed("[[\"___\",\"___\",\"___\"]", "[[\"___\",\"___\"]")), Contains("field \"rows\""));
  CHECK_THAT(message_of(changed("[[\"___\"", "[[7")), Contains("field \"rows\" must be a list of lists of text"));
  CHECK_THAT(message_of(changed("\"id\":\"lgp-test-2x2-33\"", "\"id\":7")), Contains("field \"id\""));
  Json record = small_record();
  record.erase("solution");
  CHECK_THAT(message_of(record), Contains("field \"chat_history\""));
  record["chat_history"] = {"no form"};
  CHECK_THAT(message_of(record), Contains("holds no form"));
  record["chat_history"] = Json::array();
  CHECK_THAT(message_of(record), Contains("is empty"));
}

TEST_CASE("from_zebralogic: clues with no solution, or several, are refused", "[suites][zebra]") {
  const auto with_clues = [](const std::string& clues) {
    Json record = small_record();
    const auto puzzle = record.at("puzzle").get<std::string>();
    record["puzzle"] = puzzle.substr(0, puzzle.find("1. ")) + clues;
    return record;
  };
  CHECK_THAT(message_of(with_clues("1. Eric is in the first house.\n")), Contains("several solutions"));
  CHECK_THAT(message_of(with_clues("1. Eric is in the first house.\n2. Eric is not in the first house.\n")),
             Contains("no solution"));
  CHECK_THAT(message_of(with_clues("")), Contains("several solutions"));
  std::string many;
  for (int i = 1; i <= 501; ++i) many += std::to_string(i) + ". Eric is in the first house.\n";
  CHECK_THAT(message_of(with_clues(many)), Contains("501 clues"));
  CHECK_THAT(message_of(with_clues("1. " + std::string(100'000, 'x') + " is Eric.\n")),
             Contains("clue 1 can't be read"));
}

TEST_CASE("fuzz_zebralogic: edited records are read without harm", "[suites][zebra]") {
  Json record = results()[13];
  record.erase("output");
  tests::fuzz_edits(fuzz_zebralogic, record.dump(), 1'000, tests::kJsonAlphabet);
  tests::fuzz_edits(fuzz_zebralogic, small_record().dump(), 5'000, tests::kJsonAlphabet);
  tests::fuzz_cuts(fuzz_zebralogic, small_record().dump());
}

TEST_CASE("from_zebralogic: every truncation and mutation is read without harm", "[suites][zebra]") {
  const std::string puzzle = results()[1].at("puzzle");
  for (std::size_t n = 0; n < puzzle.size(); n += 3) {
    Json record = results()[1];
    record["puzzle"] = puzzle.substr(0, n);
    const auto read = from_zebralogic(record, "f");
    if (read) CHECK(read->at("solution") == from_zebralogic(results()[1], "f")->at("solution"));  // only the end is cut
  }
  for (std::size_t i = 0; i < puzzle.size(); i += 2) {
    for (const char c : {'`', '\n', '.', ' ', '\0'}) {
      Json record = results()[1];
      std::string mutated = puzzle;
      mutated[i] = c;
      record["puzzle"] = mutated;
      const auto read = from_zebralogic(record, "f");
      CHECK((read || read.error().kind == ErrorKind::bad_input));
    }
  }
}
