// Truncations and mutations of small valid files through the fuzz entry. What is checked is that nothing crashes,
// asserts or (in a sanitizer build) reads outside the file; and that no truncation is accepted.

#include <random>

#include "runners/formats/gguf/gguf_config.h"
#include "runners/formats/gguf/hub_tensors.h"
#include "runners/formats/gguf/test_gguf_models.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"

void fuzz_gguf(std::span<const std::byte> file);

using namespace assay::runners;

TEST_CASE("gguf: a file cut anywhere is refused", "[gguf][fuzz]") {
  const std::string file = every_kind_gguf().bytes();
  REQUIRE(parse_gguf(bytes_of(file), "whole"));
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    const std::vector<char> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto parsed = parse_gguf(std::as_bytes(std::span(cut)), "cut");
    REQUIRE_FALSE(parsed);
    CHECK_THAT(parsed.error().message, Catch::Matchers::StartsWith("cut: byte "));
  }
}

TEST_CASE("gguf: no byte of a file can be changed to crash the reader", "[gguf][fuzz]") {
  assay::tests::fuzz_bytes(fuzz_gguf, every_kind_gguf().bytes());
  SUCCEED("no crash");
}

TEST_CASE("gguf: random edits don't crash the reader", "[gguf][fuzz]") {
  assay::tests::fuzz_edits(fuzz_gguf, every_kind_gguf().bytes(), 20000);
  SUCCEED("no crash");
}

TEST_CASE("gguf: random edits of a model's file don't crash what reads it", "[gguf][fuzz]") {
  const std::string file = GENERATE(tiny_llama_gguf().bytes(), tiny_deepseek_gguf().bytes());
  const TestFolder folder;
  std::mt19937 random(20261123);
  for (int run = 0; run < 2000; ++run) {
    std::string mutated = file;
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      mutated[random() % (mutated.size() / 2)] = static_cast<char>(random() % 2 == 0 ? random() : random() % 4);
    }
    const auto files = GgufFiles::open(folder.write("x.gguf", mutated));
    if (!files) continue;
    const auto config = read_gguf_config(*files);
    if (const auto tensors = hub_tensors(*files)) {
      for (const TensorView& tensor : *tensors) CHECK(read_floats(tensor));
    }
  }
}
