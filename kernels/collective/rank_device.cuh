#pragma once
// What a block of a collective does beside moving data: it meets its like on the other ranks, keeps the pace of a link
// that is held back, and goes through its pieces. Device code only.

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/collective/peer_group.cuh"

namespace assay::kernels::ranks {

constexpr int kThreads = 512;
constexpr int kPollsBetweenLooks = 256;  // at the clock and at the group's failure, which lies behind the PCIe bus

__device__ inline std::uint64_t global_ns() {
  std::uint64_t ns;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
  return ns;
}
/// Everything that this thread has written or seen is visible on all devices to who sees the word.
__device__ inline void release_word(std::uint32_t* word, std::uint32_t value) {
  asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(word), "r"(value) : "memory");
}
__device__ inline std::uint32_t acquire_word(const std::uint32_t* word) {
  std::uint32_t value;
  asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(word) : "memory");
  return value;
}

/// Waits until `rank` has come to meeting `epoch`; false if the group fails first, or it does not come in time.
__device__ inline bool wait_for(const PeerLinks& links, const std::uint32_t* word, std::uint32_t epoch, int rank) {
  const auto is_there = [&] { return static_cast<std::int32_t>(acquire_word(word) - epoch) >= 0; };
  if (is_there()) return true;
  const std::uint64_t start = global_ns();
  for (int polls = 1;; ++polls) {
    if (is_there()) return true;
    if (polls % kPollsBetweenLooks != 0) continue;
    if (*links.failure != 0) return false;
    if (global_ns() - start > links.timeout_ns) {
      *links.failure = static_cast<std::uint32_t>(rank) + 1;
      return false;
    }
  }
}

/// Meets this block's like on the other ranks: what any of them wrote before, all see afterwards. Every thread gets the
/// same answer; false: the group has failed.
__device__ inline bool meet(const PeerLinks& links) {
  __shared__ std::uint32_t epoch;
  if (threadIdx.x == 0) {
    epoch = links.epochs[blockIdx.x] + 1;
    links.epochs[blockIdx.x] = epoch;
  }
  __syncthreads();
  bool all_there = true;
  const int peer = static_cast<int>(threadIdx.x);
  if (peer < links.n_ranks && peer != links.rank) {
    const auto word_of = [&](int from) { return from * kMaxCollectiveBlocks + static_cast<int>(blockIdx.x); };
    release_word(links.meetings[peer] + word_of(links.rank), epoch);
    all_there = wait_for(links, links.meetings[links.rank] + word_of(peer), epoch, peer);
  }
  return __syncthreads_and(all_there ? 1 : 0) != 0;
}

/// How a message is held back, and where it is counted.
struct Pace {
  double ns_per_byte = 0;  // of the link; 0: not held back, and nothing is counted
  LinkMeter* meter = nullptr;
  std::uint64_t n_bytes = 0;  // of the whole message, over a rank's link one way
  int meter_class = 0;
};

/// A block's part in a message that is held back: all blocks start when their ranks have met.
class Pacer {
 public:
  __device__ explicit Pacer(const Pace& pace) : pace_(pace), start_(global_ns()) {}
  /// This block has moved its piece, which ends at so many bytes of the message: returns when the link would be there.
  __device__ void moved_up_to(std::int64_t n_bytes) {
    if (pace_.ns_per_byte == 0) return;
    const double due_ns = static_cast<double>(n_bytes) * pace_.ns_per_byte;
    __syncthreads();
    while (static_cast<double>(global_ns() - start_) < due_ns) __nanosleep(20);
  }
  /// The block of the last piece counts the message, without waiting for what was counted before.
  __device__ void finish(std::int64_t n_pieces) const {
    LinkMeter* meter = pace_.meter;
    if (meter == nullptr || threadIdx.x != 0 || blockIdx.x != (n_pieces - 1) % gridDim.x) return;
    const auto c = static_cast<std::size_t>(pace_.meter_class);
    count(meter->n[c], 1);
    count(meter->bytes[c], pace_.n_bytes);
    count(meter->ns[c], global_ns() - start_);
  }

 private:
  __device__ static void count(std::uint64_t& sum, std::uint64_t value) {
    static_assert(sizeof(std::uint64_t) == sizeof(unsigned long long));
    atomicAdd(reinterpret_cast<unsigned long long*>(&sum), static_cast<unsigned long long>(value));
  }

  const Pace& pace_;
  std::uint64_t start_;
};

/// Vectors that a block moves between two looks at its pace: kAhead a thread, all on their way at once.
template <int kAhead>
constexpr std::int64_t kPieceVectors = std::int64_t{kThreads} * kAhead;

/// Calls move(first) for the first vector of each of this block's pieces in [begin, end), at the pace of a link that
/// carries `n_times` as many bytes.
template <int kAhead, class Move>
__device__ void for_each_piece(std::int64_t begin, std::int64_t end, int n_times, const Pace& pace, const Move& move) {
  constexpr std::int64_t kPiece = kPieceVectors<kAhead>;
  Pacer pacer(pace);
  for (std::int64_t first = begin + blockIdx.x * kPiece; first < end; first += gridDim.x * kPiece) {
    move(first);
    const std::int64_t n_vectors = min(first + kPiece, end) - begin;
    pacer.moved_up_to(n_times * n_vectors * static_cast<std::int64_t>(sizeof(float4)));
  }
  if (end > begin) pacer.finish((end - begin + kPiece - 1) / kPiece);
}

}  // namespace assay::kernels::ranks
