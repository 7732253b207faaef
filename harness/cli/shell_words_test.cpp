#include "harness/cli/shell_words.h"

#include <cstdio>
#include <memory>

#include "tests/support/catch.h"

using namespace assay::cli;

namespace {

/// What the system's own shell makes of `text`: each word on a line.
std::string words_by_sh(const std::string& text) {
  const std::string command = "printf '%s\\n' " + text;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  REQUIRE(pipe != nullptr);
  std::string output;
  char buffer[256];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe.get())) output.append(buffer, n);
  return output;
}

}  // namespace

// The expected words are those of POSIX sh.
TEST_CASE("shell_text: sh reads back the same words, and so does shell_words", "[cli]") {
  const std::vector<std::string> words = {"run", "--name", "it's a \"name\"", "a b", "$HOME", "`id`", "\\", "",
                                          "x;y", "é"};
  const std::string text = shell_text(words);
  std::string expected;
  for (const std::string& word : words) expected += word + "\n";
  CHECK(words_by_sh(text) == expected);
  const auto read_back = shell_words(text);
  REQUIRE(read_back);
  CHECK(*read_back == words);
}

TEST_CASE("shell_text: plain words stay as they are", "[cli]") {
  CHECK(shell_text({"run", "--suite", "smoke,./mine", "--tag", "a=b"}) == "run --suite smoke,./mine --tag a=b");
}

TEST_CASE("shell_words: an open quote is refused", "[cli]") {
  CHECK_FALSE(shell_words("run 'open"));
  CHECK(shell_words("")->empty());
}
