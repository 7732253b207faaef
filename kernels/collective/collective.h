#pragma once
// Sums over ranks: what the collectives of collective.cuh compute, and the reference. Needs no CUDA.
//   A group has n_ranks ranks, one a GPU. Rank r's part of a sum is parts[r] [n] float32, and every rank has the same
//   x [n] float32:
//     x[i] = x[i] + (((parts[0][i] + parts[1][i]) + parts[2][i]) + …)
//   in the order of the ranks, each addition rounded once. So all ranks end with the same bits, in every run, whatever
//   the algorithm, the number of blocks and who adds.

#include <span>

namespace assay::kernels {

constexpr int kMaxRanks = 8;

/// The sum above, written to be read. All spans have the size of x; 1 to kMaxRanks parts.
void add_in_rank_order(std::span<const std::span<const float>> parts, std::span<float> x);

}  // namespace assay::kernels
