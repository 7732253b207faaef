// Truncations and random edits of a small index through the fuzz entry: nothing may crash, and no truncation passes.

#include <random>
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
  std::mt19937 random(20261122);
  for (int run = 0; run < 20000; ++run) {
    std::string mutated = kIndex;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % mutated.size(), from = random() % mutated.size();
      switch (random() % 3) {
        case 0:
          mutated[at] = "{}[]\",:0123456789-.eE/\\u"[random() % 24];
          break;
        case 1:
          mutated.erase(at, 1);
          break;
        default:
          mutated.insert(at, mutated.substr(from, random() % 20));
          break;
      }
    }
    tests::fuzz(fuzz_shard_index, mutated);
  }
  SUCCEED("no crash");
}
