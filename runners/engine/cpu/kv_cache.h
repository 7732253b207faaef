#pragma once
// The paged KV cache in host memory: a page holds 64 tokens' rows of every layer. What a row holds is its attention's
// business: the latent and the rotated shared key (MLA), or keys and values of all heads (GQA). Who owns a page is
// PagePool's.

#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/base/result.h"
#include "kernels/attention/attention.h"
#include "runners/engine/executor.h"

namespace assay::runners {

static_assert(kPageTokens == kernels::kChunkTokens, "attention takes a page as a chunk");

/// Pages of [n_layers][64, row_width] float32. Memory is reserved at once and becomes real when a page is first
/// written. Any thread may read and write rows.
class KvCache {
 public:
  /// Error{environment} if the address space can't be reserved.
  static Result<KvCache> create(int n_pages, int n_layers, int row_width);
  KvCache(KvCache&& other) noexcept;
  KvCache& operator=(KvCache&& other) noexcept;
  ~KvCache();

  int n_pages() const { return n_pages_; }
  static std::size_t page_bytes(int n_layers, int row_width);

  std::size_t page_bytes() const { return page_bytes(n_layers_, row_width_); }

  void copy(std::int32_t from, std::int32_t to);
  /// All that a page holds.
  std::span<std::byte> bytes(std::int32_t page) {
    return std::as_writable_bytes(std::span(rows(page, 0), page_bytes() / sizeof(float)));
  }

  /// The first row of a page's layer; 64 rows of row_width floats follow each other.
  float* rows(std::int32_t page, int layer);
  /// The row of one position in a sequence whose pages are listed in order.
  float* row(std::span<const std::int32_t> pages, int layer, int position);
  int row_width() const { return row_width_; }

 private:
  KvCache(float* memory, std::size_t bytes, int n_pages, int n_layers, int row_width);
  float* memory_ = nullptr;
  std::size_t bytes_ = 0;
  int n_pages_ = 0;
  int n_layers_ = 0;
  int row_width_ = 0;
};

}  // namespace assay::runners
