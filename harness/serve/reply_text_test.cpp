#include "harness/serve/reply_text.h"

#include "tests/support/catch.h"

using namespace assay::serve;

namespace {

/// What comes out when `text` goes in as pieces of `size` bytes.
std::string filtered(StopFilter filter, const std::string& text, std::size_t size) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) out += filter.push(text.substr(at, size));
  if (!filter.found()) out += filter.finish();
  return out;
}

ReplyParts split(bool opened, const std::string& text, std::size_t size) {
  ReasoningSplitter splitter(opened);
  ReplyParts all;
  const auto add = [&](const ReplyParts& parts) {
    all.reasoning += parts.reasoning;
    all.content += parts.content;
  };
  for (std::size_t at = 0; at < text.size(); at += size) add(splitter.push(text.substr(at, size)));
  add(splitter.finish());
  return all;
}

}  // namespace

TEST_CASE("StopFilter: the text ends before the stop string that is complete first, however it is cut", "[serve]") {
  struct Case {
    std::vector<std::string> stops;
    std::string text, kept;
  };
  const Case c = GENERATE(Case{{"END"}, "one ENDtwo", "one "}, Case{{"END"}, "one EN", "one EN"},
                          Case{{"END"}, "EEND", "E"}, Case{{"aab"}, "aaaab", "aa"}, Case{{"\n\n"}, "x\ny\n\nz", "x\ny"},
                          Case{{"abcd", "bc"}, "xabcd", "xa"},  // "bc" is complete first
                          Case{{"c", "bc"}, "abc", "a"}, Case{{}, "all of it", "all of it"},
                          Case{{"é"}, "caf\xC3\xA9!", "caf"}, Case{{"x"}, "x", ""});
  for (std::size_t size = 1; size <= c.text.size(); ++size) {
    CAPTURE(c.text, size);
    CHECK(filtered(StopFilter(c.stops), c.text, size) == c.kept);
  }
}

TEST_CASE("StopFilter: text is not held back longer than it must be", "[serve]") {
  StopFilter filter({"stop"});
  CHECK(filter.push("a st") == "a ");
  CHECK(filter.push("ar st") == "star ");
  CHECK(filter.push("op, and more").empty());
  CHECK(filter.found());
  CHECK(filter.push("more").empty());
}

TEST_CASE("ReasoningSplitter: thoughts and answer are parted to the byte, however the text is cut", "[serve]") {
  struct Case {
    bool opened;
    std::string text, reasoning, content;
  };
  const Case c =
      GENERATE(Case{true, "so 4\n</think>\n\n4", "so 4\n", "\n\n4"}, Case{true, "no end </thi", "no end </thi", ""},
               Case{false, "<think>a</think>b", "a", "b"}, Case{false, " \n<think>a</think>b", "a", "b"},
               Case{false, "plain <think>a</think>", "", "plain <think>a</think>"}, Case{false, "<thin", "", "<thin"},
               Case{false, "", "", ""}, Case{true, "a</think>b</think>c", "a", "b</think>c"},
               Case{true, "</think>x", "", "x"}, Case{false, "  ", "", "  "});
  for (std::size_t size = 1; size <= c.text.size(); ++size) {
    CAPTURE(c.text, size);
    const ReplyParts parts = split(c.opened, c.text, size);
    CHECK(parts.reasoning == c.reasoning);
    CHECK(parts.content == c.content);
  }
}
