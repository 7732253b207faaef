// The fuzz entry of the GGUF reader: one file, as metadata and tensors and as a model.

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "harness/base/assert.h"
#include "runners/formats/gguf/gguf_config.h"
#include "runners/formats/gguf/gguf_file.h"
#include "runners/formats/gguf/hub_tensors.h"
#include "tests/support/fuzz_entry.h"

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

void read_tensors(std::span<const TensorView> tensors) {
  for (const TensorView& tensor : tensors) {
    // Every byte is touched, so that a view outside the file is an error of the address sanitizer.
    const auto floats = read_floats(tensor);
    ASSAY_ASSERT(floats && static_cast<std::int64_t>(floats->size()) == tensor.n_elements(),
                 "every type that the reader admits has values");
  }
}

/// A file in memory with a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    ASSAY_ASSERT(written == static_cast<ssize_t>(bytes.size()), "memory is there for small files");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace

ASSAY_FUZZ_ENTRY(gguf)(std::span<const std::byte> file) {
  const auto header = parse_gguf(file, "fuzz");
  if (!header) return;
  read_metadata(header->metadata);
  std::size_t tensor_bytes = 0;
  for (const TensorView& tensor : header->tensors) tensor_bytes += tensor.bytes.size();
  ASSAY_ASSERT(tensor_bytes <= file.size(), "tensors do not overlap");
  read_tensors(header->tensors);

  const MemoryFile named(file);
  const auto files = GgufFiles::open(named.path());
  if (!files) return;
  const auto config = read_gguf_config(*files);
  if (const auto tensors = hub_tensors(*files)) read_tensors(*tensors);
}
