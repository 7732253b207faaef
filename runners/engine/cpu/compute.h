#pragma once
// What every part of a forward pass on the CPU computes with.

#include <algorithm>
#include <span>

#include "kernels/simd/cpu_ops.h"
#include "kernels/threads/thread_pool.h"
#include "runners/engine/executor.h"
#include "runners/engine/operations.h"
#include "runners/engine/parts/column_split.h"

namespace assay::runners {

/// The operations and threads of one engine, which owns what is named here.
struct Compute {
  const kernels::CpuOps& ops;
  kernels::ThreadPool& pool;
  OperationMarks* marks = nullptr;  ///< whom a pass tells what it begins; null: nobody
  ColumnSplit* columns = nullptr;   ///< over the processes of an engine; null: it is one

  void begin(Operation operation) const {
    if (marks != nullptr) marks->begin(operation);
  }

  /// Products with a model's weights: all of their columns, each process's own part of them and what the others sent.
  void multiply(std::span<const kernels::MatmulArgs> products) const {
    if (columns != nullptr) return columns->multiply(ops, pool, products);
    kernels::matmul(ops, pool, products.data(), static_cast<int>(products.size()));
  }
  void multiply(const kernels::MatmulArgs& product) const { multiply({&product, 1}); }

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
