#include "harness/base/large_memory.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace assay {

namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

}  // namespace

void FreeLargeMemory::operator()(std::byte* memory) const { std::free(memory); }

LargeMemory allocate_large(std::size_t n_bytes) {
  const std::size_t alignment = n_bytes < kLargePage ? 64 : kLargePage;
  void* memory =
      std::aligned_alloc(alignment, (std::max<std::size_t>(n_bytes, 1) + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  if (n_bytes >= kLargePage) ::madvise(memory, n_bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
  return LargeMemory(static_cast<std::byte*>(memory));
}

}  // namespace assay
