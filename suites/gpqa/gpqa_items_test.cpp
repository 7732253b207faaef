#include "suites/gpqa/gpqa_items.h"

#include <algorithm>
#include <set>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "harness/base/text.h"
#include "suites/choice/choice_grader.h"
#include "suites/gpqa/python_random.h"
#include "suites/load.h"
#include "suites/registry.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

// No check here shows an item: texts are compared inside a bool, so that a failure prints none.

using namespace assay;
using namespace assay::suites;

namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(ASSAY_SOURCE_DIR) / "suites" / "gpqa";

std::string digits(const OptionOrder& order) {
  std::string text;
  for (const std::size_t option : order) text += static_cast<char>('0' + option);
  return text;
}

}  // namespace

// Values: CPython 3.11, random.Random(seed).getrandbits(32) and sample().
TEST_CASE("PythonRandom: CPython's numbers", "[suites][gpqa]") {
  PythonRandom zero(0);
  CHECK(zero.bits(32) == 3626764237u);
  CHECK(zero.bits(32) == 1654615998u);
  PythonRandom seeded(42);
  CHECK(seeded.bits(32) == 2746317213u);
  CHECK(seeded.bits(32) == 478163327u);
  CHECK(PythonRandom(7).permutation(10) == std::vector<std::size_t>{5, 2, 6, 9, 0, 7, 4, 1, 3, 8});
}

// Values: the grading specification, from CPython's generator.
TEST_CASE("simple_evals_orders: the order of gpqa_eval.py", "[suites][gpqa]") {
  const std::vector<std::string> expected{"3102", "3120", "2301", "2031", "1302", "2103",
                                          "3102", "3210", "0312", "3102", "0321", "1230"};
  std::vector<std::string> found;
  for (const OptionOrder& order : simple_evals_orders(12)) found.push_back(digits(order));
  CHECK(found == expected);
}

TEST_CASE("gpqa_orders: balanced, and a function of the ids alone", "[suites][gpqa]") {
  std::vector<std::string> ids;
  for (int i = 0; i < 198; ++i) ids.push_back("rec" + std::to_string(i));
  const std::vector<OptionOrder> orders = gpqa_orders(ids);
  std::array<int, 4> n_right_in_place{};
  for (const OptionOrder& order : orders) {
    CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 4);
    ++n_right_in_place[static_cast<std::size_t>(std::find(order.begin(), order.end(), 0u) - order.begin())];
  }
  CHECK(n_right_in_place == std::array<int, 4>{50, 50, 49, 49});
  std::reverse(ids.begin(), ids.end());
  std::vector<OptionOrder> reversed = gpqa_orders(ids);
  std::reverse(reversed.begin(), reversed.end());
  CHECK((reversed == orders));
}

TEST_CASE("gpqa-diamond: 198 items from the encrypted archive, in both orders", "[suites][gpqa]") {
  const auto ours = resolve_suites("gpqa");
  REQUIRE(ours);
  REQUIRE(ours->size() == 1);
  const Suite& suite = ours->front();
  CHECK(suite.name == "gpqa-diamond");
  REQUIRE(suite.items.size() == 198);
  CHECK(suite.archive.has_value());
  const auto theirs = resolve_suites("gpqa-diamond-simple-evals");
  REQUIRE(theirs);
  REQUIRE(theirs->front().items.size() == 198);
  CHECK(suite.sha256 != theirs->front().sha256);
  std::array<int, 4> n_right_in_place{};
  for (std::size_t i = 0; i < 198; ++i) {
    const Json& record = suite.items[i].record;
    const Json& other = theirs->front().items[i].record;
    CHECK((record.at("id") == other.at("id")));
    CHECK((record.at("canary").get<std::string>().size() == 46));
    ++n_right_in_place[record.at("answer").get<std::size_t>()];
    const auto right = [](const Json& r) {
      return std::string(trim(r.at("choices").at(r.at("answer").get<std::size_t>()).get<std::string>()));
    };
    CHECK((right(record) == right(other)));
  }
  // Where a wrong option has the right one's text, the first of both counts.
  CHECK(std::all_of(n_right_in_place.begin(), n_right_in_place.end(), [](int n) { return n >= 48 && n <= 51; }));
  // simple-evals' first permutation is 3102: the right option, number 0, is C.
  CHECK(theirs->front().items[0].record.at("answer") == 2);
  const std::string& prompt = theirs->front().items[0].prompt;
  CHECK(prompt.rfind("Answer the following multiple choice question. The last line of your response should be", 0) ==
        0);
  CHECK((prompt.find("\n\nA) ") != std::string::npos));
}

// The replies of qwen-plus with evalscope's verdicts: the letter that it extracted, and 1 for right.
TEST_CASE("grade_choice: published GPQA replies have their published verdicts", "[suites][gpqa][choice]") {
  const auto text =
      read_archive_member(kFolder / "testdata" / "graded_qwen-plus.zip", "qwen-plus/reviews.jsonl", gpqa_password());
  REQUIRE(text);
  int n_replies = 0, n_right = 0;
  REQUIRE(for_each_line(*text, [&](std::string_view line, int) -> Result<> {
    const Json review = *parse_json(line, "reviews.jsonl");
    const Json& score = review.at("sample_score").at("score");
    Item item;
    item.record = {{"id", "1"}, {"prompt", review.at("messages").at(0).at("content")}, {"answer", review.at("target")}};
    const std::string reply = score.at("prediction").get<std::string>();
    const Grade graded = grade_choice(item, {reply, false});
    const bool is_right = score.at("value").at("acc") == 1.0;
    CHECK((graded.verdict == (is_right ? Verdict::correct : Verdict::incorrect)));
    CHECK((graded.answer == score.at("extracted_prediction").get<std::string>()));
    ++n_replies;
    n_right += is_right ? 1 : 0;
    return {};
  }));
  CHECK(n_replies == 10);
  CHECK(n_right == 8);
}

TEST_CASE("gpqa-diamond: a missing, damaged or foreign archive is one clear line", "[suites][gpqa]") {
  const test_support::TemporaryFolder folder;
  const std::string header = R"({"name":"mine","version":"1","kind":"choice","title":"T","licence":"L","source":"S",)"
                             R"("archive":{"file":"a.zip","member":"dataset/gpqa_diamond.csv"}})";
  folder.write("suite.json", header);
  const auto message_of = [&](const std::string& archive) {
    if (!archive.empty()) folder.write("a.zip", archive);
    const auto suite = load_suite_folder(folder.path());
    REQUIRE_FALSE(suite);
    CHECK(suite.error().kind == ErrorKind::bad_input);
    CHECK(suite.error().message.find('\n') == std::string::npos);
    return suite.error().message;
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(message_of(""), Contains("a.zip is not there; it must hold the suite's items"));
  CHECK_THAT(message_of("no archive"), Contains("a.zip"));
  const std::string archive = *read_file(kFolder / "gpqa-diamond" / "gpqa_diamond.zip");
  CHECK_THAT(message_of(archive.substr(0, archive.size() / 2)), Contains("a.zip"));
  CHECK_THAT(message_of(*read_file(kFolder / "testdata" / "graded_qwen-plus.zip")),
             Contains("has no member dataset/gpqa_diamond.csv"));
  std::string other_password = archive;  // the encryption's header no longer goes with the password
  for (std::size_t i = 60; i < 70; ++i) other_password[i] ^= 0x55;
  CHECK_THAT(message_of(other_password), Contains("a.zip: dataset/gpqa_diamond.csv: "));
}

TEST_CASE("resolve_suite_for_items: gpqa takes another archive or records", "[suites][gpqa]") {
  const auto same = resolve_suite_for_items("gpqa", kFolder / "gpqa-diamond" / "gpqa_diamond.zip");
  REQUIRE(same);
  CHECK(same->items.size() == 198);
  const test_support::TemporaryFolder folder;
  const auto records = resolve_suite_for_items(
      "gpqa", folder.write("items.jsonl", R"({"id":"a","question":"Q?","choices":["x","y","z"],"answer":"B"})"));
  REQUIRE(records);
  CHECK(records->items[0].record.at("choices").at(1) == "y");
}
