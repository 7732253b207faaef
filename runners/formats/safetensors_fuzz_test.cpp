// Truncations and mutations of a small valid file through the fuzz entry. What is checked is that nothing crashes,
// asserts or (in a sanitizer build) reads outside the file; and that no truncation is accepted.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "runners/formats/safetensors.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"

void fuzz_safetensors(std::span<const std::byte> file);

using namespace assay::runners;

namespace {

std::string small_file() {
  return hand_made_file(
      R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[16,19]},"c":{"dtype":"I64","shape":[],"data_offsets":[19,27]}} )",
      "0123456789abcdefxyz01234567");
}

}  // namespace

TEST_CASE("safetensors: a file cut anywhere is refused", "[safetensors][fuzz]") {
  const std::string file = small_file();
  REQUIRE(parse_safetensors(bytes_of(file), "whole"));
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    const std::vector<char> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto parsed = parse_safetensors(std::as_bytes(std::span(cut)), "cut");
    REQUIRE_FALSE(parsed);
    CHECK_THAT(parsed.error().message, Catch::Matchers::StartsWith("cut: byte "));
  }
}

TEST_CASE("safetensors: no byte of a file can be changed to crash the reader", "[safetensors][fuzz]") {
  const std::string file = small_file();
  int n_runs = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string mutated = file;
      mutated[at] = static_cast<char>(value);
      assay::tests::fuzz(fuzz_safetensors, mutated);
      ++n_runs;
    }
  }
  CHECK(n_runs == static_cast<int>(256 * file.size()));
}

TEST_CASE("safetensors: random edits don't crash the reader", "[safetensors][fuzz]") {
  const std::string file = small_file();
  std::mt19937 random(20261122);
  int n_accepted = 0;
  for (int run = 0; run < 20000; ++run) {
    std::string mutated = file;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = 8 + random() % (mutated.size() - 8);
      const std::size_t from = 8 + random() % (mutated.size() - 8);
      switch (random() % 4) {
        case 0:
          mutated[at] = "{}[]\",:0123456789-.eE \\u"[random() % 24];
          break;
        case 1:
          mutated.erase(at, 1);
          break;
        case 2:
          mutated.insert(at, mutated.substr(from, random() % 20));
          break;
        default:
          mutated[0] = static_cast<char>(random());
          break;
      }
    }
    assay::tests::fuzz(fuzz_safetensors, mutated);
    n_accepted += parse_safetensors(bytes_of(mutated), "edited") ? 1 : 0;
  }
  CHECK(n_accepted < 20000);
}
