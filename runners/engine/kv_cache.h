#pragma once
// The paged KV cache: a page holds 64 tokens' rows of every layer. What a row holds is its attention's business: the
// latent and the rotated shared key (MLA), or keys and values of all heads (GQA). Pages are shared by counting.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/base/result.h"
#include "kernels/attention/attention.h"

namespace assay::runners {

constexpr int kPageTokens = kernels::kChunkTokens;

/// Pages of [n_layers][64, row_width] float32. Memory is reserved at once and becomes real when a page is first
/// written. One thread allocates and releases; while nobody does, any thread may read and write rows.
class KvCache {
 public:
  /// Error{environment} if the address space can't be reserved.
  static Result<KvCache> create(int n_pages, int n_layers, int row_width);
  KvCache(KvCache&& other) noexcept;
  KvCache& operator=(KvCache&& other) noexcept;
  ~KvCache();

  int n_pages() const { return n_pages_; }
  int n_free() const { return static_cast<int>(free_.size()); }
  static std::size_t page_bytes(int n_layers, int row_width);

  /// A page with one owner. There must be a free one: callers reserve before they start a sequence.
  std::int32_t allocate();
  void share(std::int32_t page);    ///< one more owner
  void release(std::int32_t page);  ///< one owner less; free when none is left
  void copy(std::int32_t from, std::int32_t to);

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
  std::vector<std::int32_t> free_;
  std::vector<std::int32_t> n_owners_;
};

/// Pages that hold n_tokens.
constexpr int pages_for(std::int64_t n_tokens) { return static_cast<int>((n_tokens + kPageTokens - 1) / kPageTokens); }

}  // namespace assay::runners
