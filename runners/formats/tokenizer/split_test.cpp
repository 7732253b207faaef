// The splitting patterns of known tokenizers. Expected pieces: a table made with a reference regular expression engine.

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "runners/formats/tokenizer/pattern.h"
#include "runners/formats/tokenizer/pattern_dialect.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Pieces = std::vector<std::string>;

namespace {

const std::string kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string kTail = R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kHead = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";
const std::vector<std::string> kSteps[] = {
    {kHead + R"(\p{N}{1,3}|)" + kTail},
    {kHead + R"(\p{N}|)" + kTail},
    {kGpt2},
    {R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+",
     R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {R"(\p{N})", kGpt2},
};
enum Family { llama3, qwen2, gpt2, deepseek_v3, smollm };

Pieces split_all(const std::vector<std::string>& steps, const std::string& text) {
  std::vector<std::string_view> pieces = {text};
  for (const std::string& step : steps) {
    const auto pattern = Pattern::compile({step}, "test");
    if (!pattern) FAIL(pattern.error().message);
    std::vector<std::string_view> finer;
    for (const std::string_view piece : pieces) REQUIRE(pattern->split(piece, finer));
    pieces = finer;
  }
  return {pieces.begin(), pieces.end()};
}

}  // namespace

TEST_CASE("Pattern: known tokenizers split these texts so", "[tokenizer]") {
  struct Row {
    const char* text;
    std::vector<Family> families;
    Pieces pieces;
  };
  const std::vector<Row> rows = {
      {"I'll  pay $12345.", {llama3, deepseek_v3}, {"I", "'ll", " ", " pay", " $", "123", "45", "."}},
      {"I'll  pay $12345.", {qwen2, smollm}, {"I", "'ll", " ", " pay", " $", "1", "2", "3", "4", "5", "."}},
      {"I'll  pay $12345.", {gpt2}, {"I", "'ll", " ", " pay", " $", "12345", "."}},
      {"a \n b", {llama3, qwen2, gpt2, deepseek_v3, smollm}, {"a", " \n", " b"}},
      {"x_1 = 3.14\n\n\tdef f():",
       {llama3, deepseek_v3},
       {"x", "_", "1", " =", " ", "3", ".", "14", "\n\n", "\tdef", " f", "():"}},
      {"x_1 = 3.14\n\n\tdef f():",
       {qwen2},
       {"x", "_", "1", " =", " ", "3", ".", "1", "4", "\n\n", "\tdef", " f", "():"}},
      {"x_1 = 3.14\n\n\tdef f():", {gpt2}, {"x", "_", "1", " =", " 3", ".", "14", "\n\n", "\t", "def", " f", "():"}},
      {"x_1 = 3.14\n\n\tdef f():",
       {smollm},
       {"x", "_", "1", " =", " ", "3", ".", "1", "4", "\n\n", "\t", "def", " f", "():"}},
      {"我想在apple工作1314151天～", {llama3}, {"我想在apple工作", "131", "415", "1", "天", "～"}},
      {"我想在apple工作1314151天～",
       {qwen2, smollm},
       {"我想在apple工作", "1", "3", "1", "4", "1", "5", "1", "天", "～"}},
      {"我想在apple工作1314151天～", {gpt2}, {"我想在apple工作", "1314151", "天", "～"}},
      {"我想在apple工作1314151天～", {deepseek_v3}, {"我想在", "apple", "工作", "131", "415", "1", "天", "～"}},
      {"Hello,world don't", {llama3, qwen2, deepseek_v3}, {"Hello", ",world", " don", "'t"}},
      {"Hello,world don't", {gpt2, smollm}, {"Hello", ",", "world", " don", "'t"}},
      {"  \n  two", {llama3, qwen2, deepseek_v3}, {"  \n", " ", " two"}},
      {"  \n  two", {gpt2, smollm}, {"  \n ", " two"}},
      // Unicode folds the long s to s (CaseFolding.txt: 017F; C; 0073).
      {"it'\u017Fx", {llama3, qwen2}, {"it", "'\u017F", "x"}},
      // U+180E is no white space since Unicode 6.3 (PropList.txt); U+0085 is.
      {"a\u180Eb", {gpt2}, {"a", "\u180E", "b"}},
      {"a\u0085b", {gpt2}, {"a", "\u0085", "b"}},
  };
  for (const Row& row : rows) {
    for (const Family family : row.families) {
      INFO("family " << family << ": " << row.text);
      CHECK(split_all(kSteps[family], row.text) == row.pieces);
    }
  }
}

TEST_CASE("Pattern: nothing is lost, empty matches only cut", "[tokenizer]") {
  CHECK(split_all({"x*"}, "abxx") == Pieces{"a", "b", "xx"});
  CHECK(split_all({"z"}, "abc") == Pieces{"abc"});
  const auto literal = Pattern::compile({"a.c", true}, "test");
  REQUIRE(literal);
  std::vector<std::string_view> pieces;
  REQUIRE(literal->split("abca.c!", pieces));
  CHECK(Pieces(pieces.begin(), pieces.end()) == Pieces{"abc", "a.c", "!"});
}

TEST_CASE("Pattern: what is no pattern, or means something else in PCRE2, is refused with its place", "[tokenizer]") {
  const auto [pattern, message] = GENERATE(table<std::string, std::string>({
      {"", "the pattern is empty"},
      {"a(b", "missing closing parenthesis"},
      {"[ab", "the class [… has no end"},
      {"*", "quantifier does not follow"},
      {"\\", "nothing follows the backslash"},
      {"\\h+", "byte 0 of the pattern \"\\h+\": the escape \\h is not supported"},
      {"a\\K", "the escape \\K is not supported"},
      {"\\p{NoSuchScript}", "unknown property"},
      {"\\pL", "a property is written"},
      {"[a[bc]]", "a class within a class"},
      {"[a&&b]", "the intersection &&"},
      {"[]a]", "a class may not start with"},
      {"(*UTF)a", "this group is not supported"},
      {"(?i)a", "this group is not supported"},
      {"\\p{N}{1,3}+", "a + behind {n,m} is not supported"},
      {"a{,3}", "a repeat is written"},
      {std::string(70'000, 'a'), "more than 65536"},
  }));
  const auto compiled = Pattern::compile({pattern}, "tokenizer.json: split 0");
  REQUIRE_FALSE(compiled);
  INFO(compiled.error().message);
  CHECK(compiled.error().message.starts_with("tokenizer.json: split 0: "));
  CHECK(compiled.error().message.find(message) != std::string::npos);
}

TEST_CASE("Pattern: backtracking without end is an error, not a hang", "[tokenizer]") {
  const auto pattern = Pattern::compile({"(?:a|aa)+$"}, "test");
  REQUIRE(pattern);
  std::vector<std::string_view> pieces;
  const auto split = pattern->split(std::string(4999, 'a') + 'b', pieces);
  REQUIRE_FALSE(split);
  CHECK_THAT(split.error().message, Catch::Matchers::Contains("fails on a text of 5000 bytes"));
}

TEST_CASE("to_pcre2: white space becomes the Unicode property, the rest stays", "[tokenizer]") {
  CHECK(*to_pcre2(R"( ?[^\s\p{L}]+[\r\n]*|\s+(?!\S))", "test") ==
        R"( ?[^\p{White_Space}\p{L}]+[\r\n]*|\p{White_Space}+(?!\P{White_Space}))");
}
