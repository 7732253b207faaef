#pragma once
// Operations over ranks: what the collectives of collective.cuh compute, the reference, and what of them is needed
// where there is no CUDA.
//   A group has n_ranks ranks, one a GPU. Rank r's part of a sum is parts[r] [n] float32, and every rank has the same
//   x [n] float32:
//     x[i] = x[i] + (((parts[0][i] + parts[1][i]) + parts[2][i]) + …)
//   in the order of the ranks, each addition rounded once. So all ranks end with the same bits, in every run, whatever
//   the algorithm, the number of blocks and who adds.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace assay::kernels {

constexpr int kMaxRanks = 8;

/// The sum above, written to be read. All spans have the size of x; 1 to kMaxRanks parts.
void add_in_rank_order(std::span<const std::span<const float>> parts, std::span<float> x);

enum class AllReduceForm {
  one_shot,  ///< every rank reads all parts: n_ranks - 1 times the bytes into each GPU, one meeting
  two_shot,  ///< each rank adds its share and writes it to all: 2·(n_ranks - 1)/n_ranks times, two meetings
};

/// What a rank's link carried, message by message, in classes by size: class c has messages of 2^c bytes and more,
/// below 2^(c+1). Of a message counts what the rank's link carries one way, and the time from the ranks' meeting to its
/// end.
struct LinkMeter {
  static constexpr int kClasses = 40;
  std::array<std::uint64_t, kClasses> n, bytes, ns;
};

/// Holds remote traffic back to a rate, so that a faster link behaves as a slower one. A block that has moved a piece
/// of a message waits, on the device's global timer, until the link would have carried the message up to there.
struct LinkPace {
  double bytes_per_s = 0;      ///< one way, of a rank's link; 0: not held back
  int n_blocks = 32;           ///< that a collective then takes at most
  bool short_pieces = false;   ///< of 8 KiB, where large messages have pieces of 32 KiB (of 8 ranks 8 KiB anyway)
  LinkMeter* meter = nullptr;  ///< this rank's, in its device's memory: counts what is held back; null: nothing
};

/// What is measured of a link.
enum class CollectiveOperation {
  peer_copy,       ///< rank 0 writes to rank 1: one way
  peer_exchange,   ///< every rank writes to the next one: both ways at a time
  all_reduce,      ///< of `bytes` on every rank
  all_gather,      ///< of a part of `bytes` of every rank
  reduce_scatter,  ///< of `bytes` on every rank, of which each ends with its share
  all_to_all,      ///< of `bytes` on every rank, of which each other one gets a share
};
std::string_view to_string(CollectiveOperation operation);

/// Bytes that a rank's link carries one way at the least: what "bus bandwidth" counts. (NVIDIA nccl-tests,
/// doc/PERFORMANCE.md, has the factors.)
double link_bytes(CollectiveOperation operation, int n_ranks, double n_bytes);

}  // namespace assay::kernels
