#pragma once
// A CPU's products cut over the processes of an engine. Each computes its own columns, and all get all of them: an
// element is computed as by one process alone, so that it has the same bits, whatever the number of processes. Each
// reads its own rows of the weights. Attention, and the key-value cache, are whole in every process.

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "runners/engine/parts/part_group.h"

namespace assay::runners {

/// Those of n_out columns that a part computes: as many panels as the others have, or one less or more.
kernels::ColumnRange columns_of(int n_out, int part, int n_parts);

/// One thread. Once a part is gone, products are undefined, and the group's check() says so.
class ColumnSplit {
 public:
  /// The group must outlive it.
  explicit ColumnSplit(PartGroup& group);

  /// Every process makes the same calls.
  void multiply(const kernels::CpuOps& ops, kernels::ThreadPool& pool, std::span<const kernels::MatmulArgs> products);

 private:
  PartGroup& group_;
  std::vector<kernels::MatmulArgs> own_;
  std::vector<std::vector<float>> of_;  // by part: its columns of all products, row by row
};

}  // namespace assay::runners
