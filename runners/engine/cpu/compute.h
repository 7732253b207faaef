#pragma once
// What every part of a forward pass on the CPU computes with.

#include <algorithm>

#include "kernels/simd/cpu_ops.h"
#include "kernels/threads/thread_pool.h"
#include "runners/engine/executor.h"

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

}  // namespace assay::runners
