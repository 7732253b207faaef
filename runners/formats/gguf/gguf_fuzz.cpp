// The fuzz entry of the GGUF reader, in libFuzzer's form: clang++ -fsanitize=fuzzer,address with this file and the
// library gives a fuzzer. gguf_fuzz_test.cpp calls it over mutated files in every build.

#include <cstddef>
#include <cstdint>

#include "harness/base/assert.h"
#include "runners/formats/gguf/gguf_file.h"

namespace {

using namespace assay::runners;

/// Every getter on every key: one of them reads the value, all others must refuse it.
void read_metadata(const GgufMetadata& metadata) {
  for (const auto& [key, value] : metadata.values()) {
    const int n_read = int{metadata.string(key).has_value()} + int{metadata.integer(key).has_value()} +
                       int{metadata.number(key).has_value()} + int{metadata.boolean(key).has_value()} +
                       int{metadata.strings(key).has_value()} + int{metadata.integers(key).has_value()} +
                       int{metadata.floats(key).has_value()};
    ASSAY_ASSERT(n_read <= 1, "a value has one type");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  const auto header = parse_gguf(file, "fuzz");
  if (!header) return 0;
  read_metadata(header->metadata);
  std::size_t tensor_bytes = 0;
  for (const TensorView& tensor : header->tensors) {
    tensor_bytes += tensor.bytes.size();
    // Every byte is touched, so that a view outside the file is an error of the address sanitizer.
    const auto floats = read_floats(tensor);
    ASSAY_ASSERT(floats && static_cast<std::int64_t>(floats->size()) == tensor.n_elements(),
                 "every type that the reader admits has values");
  }
  ASSAY_ASSERT(tensor_bytes <= size, "tensors do not overlap");
  return 0;
}
