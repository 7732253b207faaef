// The fuzz entry of the safetensors reader: one file.

#include "harness/base/assert.h"
#include "runners/formats/safetensors.h"
#include "tests/support/fuzz_entry.h"

using namespace assay::runners;

ASSAY_FUZZ_ENTRY(safetensors)(std::span<const std::byte> file) {
  const auto header = parse_safetensors(file, "fuzz");
  if (!header) return;
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
  ASSAY_ASSERT(tensor_bytes + 8 <= file.size(), "tensors tile the data without overlaps");
}
