#include "runners/engine/cpu/kv_cache.h"

#include <sys/mman.h>

#include <cstring>
#include <utility>

namespace assay::runners {

Result<KvCache> KvCache::create(int n_pages, int n_layers, int row_width) {
  const std::size_t bytes = static_cast<std::size_t>(n_pages) * page_bytes(n_layers, row_width);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return environment_error("the KV cache of ", bytes >> 20, " MiB can't be reserved; give a smaller --kv-memory");
  }
  // Attention walks rows that lie kilobytes apart: large pages spare most of its address look-ups. Only advice.
  ::madvise(memory, bytes, MADV_HUGEPAGE);
  return KvCache(static_cast<float*>(memory), bytes, n_pages, n_layers, row_width);
}

KvCache::KvCache(float* memory, std::size_t bytes, int n_pages, int n_layers, int row_width)
    : memory_(memory), bytes_(bytes), n_pages_(n_pages), n_layers_(n_layers), row_width_(row_width) {}

KvCache::KvCache(KvCache&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      bytes_(other.bytes_),
      n_pages_(other.n_pages_),
      n_layers_(other.n_layers_),
      row_width_(other.row_width_) {}

KvCache& KvCache::operator=(KvCache&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(bytes_, other.bytes_);
  std::swap(n_pages_, other.n_pages_);
  std::swap(n_layers_, other.n_layers_);
  std::swap(row_width_, other.row_width_);
  return *this;
}

KvCache::~KvCache() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

std::size_t KvCache::page_bytes(int n_layers, int row_width) {
  return static_cast<std::size_t>(n_layers) * kPageTokens * static_cast<std::size_t>(row_width) * sizeof(float);
}

void KvCache::copy(std::int32_t from, std::int32_t to) { std::memcpy(rows(to, 0), rows(from, 0), page_bytes()); }

float* KvCache::rows(std::int32_t page, int layer) {
  return memory_ +
         (static_cast<std::size_t>(page) * static_cast<std::size_t>(n_layers_) + static_cast<std::size_t>(layer)) *
             kPageTokens * static_cast<std::size_t>(row_width_);
}

float* KvCache::row(std::span<const std::int32_t> pages, int layer, int position) {
  return rows(pages[static_cast<std::size_t>(position / kPageTokens)], layer) +
         static_cast<std::ptrdiff_t>(position % kPageTokens) * row_width_;
}

}  // namespace assay::runners
