// The fuzz entry of the safetensors reader, in libFuzzer's form: clang++ -fsanitize=fuzzer,address with this file and
// the library gives a fuzzer. safetensors_fuzz_test.cpp calls it over mutated files in every build.

#include <cstddef>
#include <cstdint>

#include "harness/base/assert.h"
#include "runners/formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::runners;
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  const auto header = parse_safetensors(file, "fuzz");
  if (!header) return 0;
  std::size_t tensor_bytes = 0;
  for (const TensorView& tensor : header->tensors) {
    tensor_bytes += tensor.bytes.size();
    // Every byte is touched, so that a view outside the file is an error of the address sanitizer.
    const auto floats = read_floats(tensor);
    const auto integers = read_integers(tensor);
    ASSAY_ASSERT(!floats || static_cast<std::int64_t>(floats->size()) == tensor.n_elements(),
                 "a value for each element");
    ASSAY_ASSERT(!integers || static_cast<std::int64_t>(integers->size()) == tensor.n_elements(),
                 "a value for each element");
  }
  ASSAY_ASSERT(tensor_bytes + 8 <= size, "tensors tile the data without overlaps");
  return 0;
}
