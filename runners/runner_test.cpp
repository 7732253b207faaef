#include "runners/runner.h"

#include "tests/support/catch.h"

using namespace assay::runners;

// The words are those of INTERFACE.md's record of `assay generate --json`.
TEST_CASE("finish_reason: every word of the interface is read and written", "[runner]") {
  const auto [word, reason] = GENERATE(table<std::string, FinishReason>({{"eos", FinishReason::eos},
                                                                         {"stop", FinishReason::stop},
                                                                         {"length", FinishReason::length},
                                                                         {"context", FinishReason::context},
                                                                         {"timeout", FinishReason::timeout},
                                                                         {"cancelled", FinishReason::cancelled}}));
  REQUIRE(parse_finish_reason(word));
  CHECK(*parse_finish_reason(word) == reason);
  CHECK(to_string(reason) == word);
}

TEST_CASE("finish_reason: another word is refused with the list of known ones", "[runner]") {
  const auto parsed = parse_finish_reason("Length");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message ==
        "finish_reason is \"Length\"; known are: eos, stop, length, context, timeout, cancelled");
}
