#pragma once
// Memory for much data that is filled or read as a whole.

#include <cstddef>
#include <memory>

namespace assay {

struct FreeLargeMemory {
  void operator()(std::byte* memory) const;
};
using LargeMemory = std::unique_ptr<std::byte[], FreeLargeMemory>;

/// Not initialised; aligned to 64 bytes. From 2 MiB on the system is advised to use large pages, which spares address
/// look-ups and most of what the first touch costs; what is over stays in small ones, so that no more memory is taken
/// than is used. Throws std::bad_alloc.
LargeMemory allocate_large(std::size_t n_bytes);

}  // namespace assay
