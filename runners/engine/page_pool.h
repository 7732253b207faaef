#pragma once
// Who owns which page of a KV cache. Pages are shared by counting. One thread.

#include <cstdint>
#include <vector>

#include "harness/base/assert.h"

namespace assay::runners {

class PagePool {
 public:
  explicit PagePool(int n_pages) : n_owners_(static_cast<std::size_t>(n_pages), 0) {
    for (int page = n_pages - 1; page >= 0; --page) free_.push_back(page);
  }

  int n_pages() const { return static_cast<int>(n_owners_.size()); }
  int n_free() const { return static_cast<int>(free_.size()); }

  /// A page with one owner. There must be a free one: callers reserve before they start a sequence.
  std::int32_t allocate() {
    ASSAY_ASSERT(!free_.empty(), "sequences start only with their pages reserved");
    const std::int32_t page = free_.back();
    free_.pop_back();
    n_owners_[static_cast<std::size_t>(page)] = 1;
    return page;
  }
  /// One more owner.
  void share(std::int32_t page) { ++n_owners_[static_cast<std::size_t>(page)]; }
  /// One owner less; free when none is left.
  void release(std::int32_t page) {
    if (--n_owners_[static_cast<std::size_t>(page)] == 0) free_.push_back(page);
  }

 private:
  std::vector<std::int32_t> free_;
  std::vector<std::int32_t> n_owners_;
};

}  // namespace assay::runners
