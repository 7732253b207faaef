#include "suites/grid/grid_grader.h"

#include "suites/grid/json_scan.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

// Three houses with two columns, as in the specification's table.
const Json kSolution = Json::parse(R"({"House 1": {"Name": "Arnold", "Pet": "cat"},
  "House 2": {"Name": "Eric", "Pet": "dog"}, "House 3": {"Name": "Peter", "Pet": "fish"}})");

Item house_item(bool own_prompt = false) {
  Item item;
  item.record = {{"id", "1"}, {own_prompt ? "prompt" : "question", "?"}, {"solution", kSolution}};
  return item;
}

/// The right reply with `from` replaced by `to`.
std::string reply_with(const std::string& from, const std::string& to) {
  std::string text = R"({"reasoning": "r", "solution": {"House 1": {"Name": "Arnold", "Pet": "cat"}, )"
                     R"("House 2": {"Name": "Eric", "Pet": "dog"}, "House 3": {"Name": "Peter", "Pet": "fish"}}})";
  if (from.empty()) return text;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string with_single_quotes(std::string text) {
  for (char& c : text) c = c == '"' ? '\'' : c;
  return text;
}

/// "6/6 correct", "5/6 incorrect", "0/6 no_answer": right cells of all, and the verdict.
std::string summary(const Grade& graded) {
  return std::to_string(graded.detail.at("cells_right").get<int>()) + "/" +
         std::to_string(graded.detail.at("cells_total").get<int>()) + " " + to_string(graded.verdict);
}

std::string canonical(const std::string& reply) {
  return summary(grade_grid(house_item(), {reply, false}, AnswerForm::solution));
}
std::string zeroeval(const std::string& reply) { return summary(grade_grid_zeroeval(house_item(), {reply, false})); }

struct Vector {
  std::string reply, canonical, zeroeval;
};

const std::string kRight = reply_with("", "");
const std::string kWrong = R"({"solution": {"House 1": {"Name": "x"}}})";

}  // namespace

// The ZebraLogic table of the grading specification: columns "Assay" and "ran" (ZeroEval's own program, executed
// there). Where that program crashes, the profile's verdict is `incorrect`.
TEST_CASE("grade_grid: the specification's vectors, canonical and zeroeval", "[suites][grid]") {
  const auto [reply, expected, anchor] = GENERATE(values<Vector>({
      {kRight, "6/6 correct", "6/6 correct"},
      {"I found it: " + kRight + " as shown.", "6/6 correct", "6/6 correct"},
      {"```json\n" + kRight + "\n```", "6/6 correct", "6/6 correct"},
      {reply_with("Arnold", " aRNOLD  "), "6/6 correct", "6/6 correct"},
      {reply_with("Arnold", "\u00A0Arnold"), "6/6 correct", "6/6 correct"},
      {reply_with("Arnold", "\\u0041rnold"), "6/6 correct", "6/6 correct"},
      {reply_with("dog", "cat"), "5/6 incorrect", "5/6 incorrect"},
      {reply_with(R"(, "House 3": {"Name": "Peter", "Pet": "fish"})", ""), "4/6 incorrect", "4/6 incorrect"},
      {reply_with(R"(, "Pet": "dog")", ""), "5/6 incorrect", "5/6 incorrect"},
      {reply_with(R"("House 1")", R"("House 9": {"Name": "x"}, "House 1")"), "6/6 correct", "6/6 correct"},
      {reply_with(R"("Pet": "dog")", R"("Pet": "dog", "Hat": "red")"), "6/6 correct", "6/6 correct"},
      {reply_with("\"dog\"", "null"), "5/6 incorrect", "5/6 incorrect"},
      {reply_with("\"dog\"", "\"\""), "5/6 incorrect", "5/6 incorrect"},
      {reply_with("\"dog\"", "[]"), "5/6 incorrect", "5/6 incorrect"},
      {reply_with("\"Arnold\"", "[\"Arnold\"]"), "6/6 correct", "6/6 correct"},
      {reply_with("\"Arnold\"", "[\"Eric\", \"Arnold\"]"), "5/6 incorrect", "5/6 incorrect"},
      {reply_with("\"dog\"", "7"), "5/6 incorrect", "5/6 incorrect"},
      {reply_with("House 1", "house 1"), "4/6 incorrect", "4/6 incorrect"},
      {reply_with("\"Name\": \"Arnold\"", "\"name\": \"Arnold\""), "5/6 incorrect", "5/6 incorrect"},
      {kWrong + " no: " + kRight, "6/6 correct", "6/6 correct"},
      {kRight + " no: " + kWrong, "0/6 incorrect", "0/6 incorrect"},
      {kRight + " and {} is empty", "6/6 correct", "0/6 no_answer"},
      {reply_with("\"r\"", "\"an { here\""), "6/6 correct", "0/6 no_answer"},
      {"Let S = { be. " + kRight, "6/6 correct", "0/6 no_answer"},
      {"Let S = } be. " + kRight, "6/6 correct", "6/6 correct"},
      {with_single_quotes(kRight), "0/6 no_answer", "0/6 no_answer"},
      {reply_with("\"fish\"}", "\"fish\",}"), "0/6 no_answer", "0/6 no_answer"},
      {kRight.substr(0, kRight.size() - 1), "0/6 no_answer", "0/6 no_answer"},
      {reply_with("\"reasoning\": \"r\", ", ""), "6/6 correct", "6/6 correct"},
      {reply_with("\"r\"", "null"), "6/6 correct", "6/6 correct"},
      {R"({"solution": null})", "0/6 no_answer", "0/6 no_answer"},
      {kSolution.dump(), "0/6 no_answer", "0/6 no_answer"},
      {R"({"solution": ["Arnold"]})", "0/6 incorrect", "0/6 incorrect"},
      {R"({"solution": "Arnold"})", "0/6 incorrect", "0/6 incorrect"},
      {reply_with("\"r\"", "\"one\ntwo\""), "6/6 correct", "6/6 correct"},
      {reply_with("\"r\"", "\"one\r\ntwo\""), "6/6 correct", "0/6 no_answer"},
      {reply_with("\"Pet\": \"dog\"", "\"Pet\": \"cat\", \"Pet\": \"dog\""), "6/6 correct", "6/6 correct"},
      {reply_with("\"Pet\": \"dog\"", "\"Pet\": \"dog\", \"Pet\": \"cat\""), "5/6 incorrect", "5/6 incorrect"},
      {"", "0/6 no_answer", "0/6 no_answer"},
  }));
  INFO(reply);
  CHECK(canonical(reply) == expected);
  CHECK(zeroeval(reply) == anchor);
}

TEST_CASE("grade_grid: \"name\" in lower case in every house", "[suites][grid]") {
  std::string reply = kRight;
  for (auto at = reply.find("Name"); at != std::string::npos; at = reply.find("Name")) reply.replace(at, 4, "name");
  CHECK(canonical(reply) == "3/6 incorrect");
}

TEST_CASE("grade_grid: bare tables count where the suite or the record's own prompt may ask for them",
          "[suites][grid]") {
  const std::string bare = "\n\n" + kSolution.dump();
  const auto bare_grade = [&](const std::string& text) {
    return summary(grade_grid(house_item(), {text, false}, AnswerForm::bare));
  };
  CHECK(bare_grade(bare) == "6/6 correct");
  CHECK(summary(grade_grid(house_item(true), {bare, false}, AnswerForm::solution)) == "6/6 correct");
  CHECK(bare_grade(kRight) == "6/6 correct");
  CHECK(bare_grade(kRight.substr(0, kRight.size() - 1)) == "0/6 no_answer");
  CHECK(bare_grade(bare.substr(0, bare.size() - 1)) == "0/6 no_answer");
  CHECK(bare_grade(R"({"House 1": {"Name": "Arnold"}})") == "1/6 incorrect");
  CHECK(bare_grade(R"({"Arnold": "cat"})") == "0/6 no_answer");
}

TEST_CASE("grade_grid: extra keys are flagged, the answer keeps to the expected cells", "[suites][grid]") {
  const std::string reply =
      R"({"solution": {"House 3": {"Pet": "FISH ", "Name": "Bob", "Hat": "red"}, "House 9": {}}})";
  const Grade graded = grade_grid(house_item(), {reply, false}, AnswerForm::solution);
  CHECK(graded.detail.at("extra_houses") == 1);
  CHECK(graded.detail.at("extra_attributes") == 1);
  CHECK(graded.detail.at("cell_accuracy").get<double>() == Approx(1.0 / 6));
  CHECK(graded.answer == R"({"House 1":{"Name":null,"Pet":null},"House 2":{"Name":null,"Pet":null},)"
                         R"("House 3":{"Name":"Bob","Pet":"fish"}})");
  CHECK(graded.expected == kSolution.dump());
  CHECK(graded.detail.at("size") == "3x2");
  CHECK(graded.detail.at("bucket") == "small");
  CHECK(graded.score == 0);
}

TEST_CASE("grade_grid: thoughts without end and cut replies are truncated", "[suites][grid]") {
  CHECK(canonical("<think>" + kRight) == "0/6 truncated");
  CHECK(canonical("<think>" + kWrong + "</think>" + kRight) == "6/6 correct");
  CHECK(zeroeval("<think>Hm") == "0/6 truncated");
  CHECK(zeroeval("<think>" + kRight) == "6/6 correct");
  CHECK(zeroeval("<think>an { is open</think>" + kRight) == "0/6 no_answer");
  CHECK(summary(grade_grid(house_item(), {kRight.substr(0, 90), true}, AnswerForm::solution)) == "0/6 truncated");
}

TEST_CASE("grade_grid: every truncation and mutation is read without harm", "[suites][grid]") {
  for (std::size_t n = 0; n < kRight.size(); ++n) CHECK(canonical(kRight.substr(0, n)) == "0/6 no_answer");
  for (std::size_t i = 0; i < kRight.size(); ++i) {
    for (const char c : {'{', '}', '"', '\\', '[', '\0', '\xFF'}) {
      std::string mutated = kRight;
      mutated[i] = c;
      const Grade graded = grade_grid(house_item(), {mutated, false}, AnswerForm::bare);
      CHECK(graded.detail.at("cells_right").get<int>() <= 6);
      CHECK(graded.verdict != Verdict::error);
    }
  }
}

TEST_CASE("find_json_objects: nested, deep and hostile texts", "[suites][grid]") {
  const auto found = find_json_objects(R"(a {"x": {"y": "}{"}} b {c {"z": [1, 2.5, true]} {"z": 1, "z": 2})");
  REQUIRE(found.size() == 3);
  CHECK(found[0].value.dump() == R"({"x":{"y":"}{"}})");
  CHECK(found[1].begin == 26);
  CHECK(found[2].value.at("z") == 2);
  const auto repeated = [](std::string_view part, int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += part;
    return text;
  };
  CHECK(find_json_objects(repeated("{", 300'000)).empty());
  CHECK(find_json_objects(repeated("{\"a\":", 100'000)).empty());
  CHECK(find_json_objects("{\"a\": [" + repeated("{},", 100'000)).size() == 100'000);
  CHECK(find_json_objects(repeated("{\"a\":", 60) + "1" + repeated("}", 60)).size() == 1);
}
