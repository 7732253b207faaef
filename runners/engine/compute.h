#pragma once
// What every part of a forward pass computes with, and the rows that a pass runs over.

#include <algorithm>
#include <cstdint>
#include <span>

#include "kernels/simd/cpu_ops.h"
#include "kernels/threads/thread_pool.h"

namespace assay::runners {

/// The operations and threads of one engine. References: the engine owns them.
struct Compute {
  const kernels::CpuOps& ops;
  kernels::ThreadPool& pool;

  /// Calls body(row) for every row in [0, n_rows), shared out over the threads.
  template <class Body>
  void for_rows(int n_rows, const Body& body) const {
    constexpr int kRowsPerTask = 8;
    pool.for_each((n_rows + kRowsPerTask - 1) / kRowsPerTask, [&](int task, float*) {
      const int end = std::min(n_rows, (task + 1) * kRowsPerTask);
      for (int row = task * kRowsPerTask; row < end; ++row) body(row);
    });
  }
};

/// What a position is decides the form of its attention, and nothing else does: prompt positions are materialised,
/// generated ones (drafts under verification included) absorbed.
enum class PositionRole { prompt, generated };

/// Consecutive positions of one sequence. Earlier positions are in the cache already.
struct TokenSpan {
  std::span<const std::int32_t> pages;  ///< the sequence's pages, enough for every position up to the last one here
  int first_position = 0;
  std::span<const std::int32_t> tokens;  ///< token ids at first_position, first_position + 1, …

  int n_rows() const { return static_cast<int>(tokens.size()); }
  int end_position() const { return first_position + n_rows(); }
};

/// Rows of all segments follow each other in every activation: row = row of the segment's first token + offset.
inline int count_rows(std::span<const TokenSpan> segments) {
  int n = 0;
  for (const TokenSpan& s : segments) n += s.n_rows();
  return n;
}

}  // namespace assay::runners
