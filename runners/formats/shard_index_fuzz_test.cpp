// Truncations and random edits of a small index through the fuzz entry: nothing may crash, and no truncation passes.

#include <string>

#include "runners/formats/shard_index.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"

void fuzz_shard_index(std::span<const std::byte> file);

using namespace assay;
using namespace assay::runners;

namespace {

const std::string kIndex =
    R"({"metadata":{"total_size":27},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})";

}  // namespace

TEST_CASE("shard index: a file cut anywhere is refused", "[safetensors][fuzz]") {
  REQUIRE(parse_shard_index(kIndex, "whole"));
  for (std::size_t size = 0; size < kIndex.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(parse_shard_index(kIndex.substr(0, size), "cut"));
    tests::fuzz(fuzz_shard_index, kIndex.substr(0, size));
  }
}

TEST_CASE("shard index: random edits don't crash the reader", "[safetensors][fuzz]") {
  tests::fuzz_edits(fuzz_shard_index, kIndex, 20000, tests::kJsonAlphabet);
  SUCCEED("no crash");
}
