// Truncations and mutations of a small valid file through the fuzz entry. What is checked is that nothing crashes,
// asserts or (in a sanitizer build) reads outside the file; and that no truncation is accepted.

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
  assay::tests::fuzz_bytes(fuzz_safetensors, small_file());
  SUCCEED("no crash");
}

TEST_CASE("safetensors: random edits don't crash the reader", "[safetensors][fuzz]") {
  assay::tests::fuzz_edits(fuzz_safetensors, small_file(), 10000);
  assay::tests::fuzz_edits(fuzz_safetensors, small_file(), 10000, assay::tests::kJsonAlphabet);
  SUCCEED("no crash");
}
