// Blocks of all ranks work on the same pieces of their buffers, so that a block waits for the blocks of its own number
// alone. Contract in collective.cuh.

#include "kernels/collective/collective.cuh"

#include <cuda_runtime.h>

#include <algorithm>
#include <limits>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 512;
constexpr int kPollsBetweenLooks = 256;  // at the clock and at the group's failure, which lies behind the PCIe bus
constexpr std::int64_t kManyVectors = std::int64_t{kThreads} * kMaxCollectiveBlocks;

// ---- what a block does beside moving data

__device__ std::uint64_t global_ns() {
  std::uint64_t ns;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
  return ns;
}
/// Everything that this thread has written or seen is visible on all devices to who sees the word.
__device__ void release_word(std::uint32_t* word, std::uint32_t value) {
  asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(word), "r"(value) : "memory");
}
__device__ std::uint32_t acquire_word(const std::uint32_t* word) {
  std::uint32_t value;
  asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(word) : "memory");
  return value;
}

/// Waits until `rank` has come to meeting `epoch`; false if the group fails first, or it does not come in time.
__device__ bool wait_for(const PeerLinks& links, const std::uint32_t* word, std::uint32_t epoch, int rank) {
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
__device__ bool meet(const PeerLinks& links) {
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

/// A block's share of a link's rate.
class Pacer {
 public:
  __device__ explicit Pacer(double ns_per_byte) : ns_per_byte_(ns_per_byte), start_(global_ns()) {}
  /// This block has moved so many bytes: returns when the rate allows that.
  __device__ void moved(std::int64_t n_bytes) {
    if (ns_per_byte_ == 0) return;
    due_ns_ += static_cast<double>(n_bytes) * ns_per_byte_;
    __syncthreads();
    while (static_cast<double>(global_ns() - start_) < due_ns_) __nanosleep(20);
  }

 private:
  double ns_per_byte_;
  std::uint64_t start_;
  double due_ns_ = 0;
};

__device__ float4 sum_of(float4 a, float4 b) { return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w}; }

/// Vectors that a block moves between two looks at its pace: kAhead a thread, all on their way at once.
template <int kAhead>
constexpr std::int64_t kPieceVectors = std::int64_t{kThreads} * kAhead;

/// Calls move(first) for the first vector of each of this block's pieces in [begin, end).
template <int kAhead, class Move>
__device__ void for_each_piece(std::int64_t begin, std::int64_t end, const Move& move) {
  constexpr std::int64_t kPiece = kPieceVectors<kAhead>;
  for (std::int64_t first = begin + blockIdx.x * kPiece; first < end; first += gridDim.x * kPiece) move(first);
}

// ---- sums

struct ReduceArgs {
  PeerLinks links;
  PerRank<const float4> parts;
  PerRank<float4> x;
  std::int64_t n_vectors;
  double ns_per_byte;
};

/// The new values of x in [first, end), of which a thread gets those at first + thread, + kThreads, …
template <int kRanks, int kAhead>
__device__ void reduced(const ReduceArgs& a, std::int64_t first, std::int64_t end, float4 (&values)[kAhead]) {
  float4 parts[kRanks][kAhead];
  const float4* x = a.x[a.links.rank];
#pragma unroll
  for (int rank = 0; rank < kRanks; ++rank) {
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const std::int64_t i = first + threadIdx.x + k * kThreads;
      if (i < end) parts[rank][k] = a.parts[rank][i];
    }
  }
#pragma unroll
  for (int k = 0; k < kAhead; ++k) {
    const std::int64_t i = first + threadIdx.x + k * kThreads;
    if (i >= end) continue;
    float4 sum = parts[0][k];
#pragma unroll
    for (int rank = 1; rank < kRanks; ++rank) sum = sum_of(sum, parts[rank][k]);
    values[k] = sum_of(x[i], sum);
  }
}

template <int kAhead>
__device__ std::int64_t piece_bytes(std::int64_t first, std::int64_t end) {
  return min(kPieceVectors<kAhead>, end - first) * static_cast<std::int64_t>(sizeof(float4));
}

template <int kRanks, int kAhead>
__global__ void __launch_bounds__(kThreads) one_shot_kernel(ReduceArgs a) {
  hopper::wait_for_previous_grid();
  if (!meet(a.links)) return;
  hopper::let_next_grid_start();
  Pacer pacer(a.ns_per_byte);
  for_each_piece<kAhead>(0, a.n_vectors, [&](std::int64_t first) {
    float4 values[kAhead];
    reduced<kRanks, kAhead>(a, first, a.n_vectors, values);
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const std::int64_t i = first + threadIdx.x + k * kThreads;
      if (i < a.n_vectors) a.x[a.links.rank][i] = values[k];
    }
    pacer.moved((kRanks - 1) * piece_bytes<kAhead>(first, a.n_vectors));
  });
}

template <int kRanks, int kAhead>
__global__ void __launch_bounds__(kThreads) two_shot_kernel(ReduceArgs a) {
  hopper::wait_for_previous_grid();
  if (!meet(a.links)) return;
  Pacer pacer(a.ns_per_byte);
  const std::int64_t share = (a.n_vectors + kRanks - 1) / kRanks, begin = share * a.links.rank;
  const std::int64_t end = min(begin + share, a.n_vectors);
  for_each_piece<kAhead>(begin, end, [&](std::int64_t first) {
    float4 values[kAhead];
    reduced<kRanks, kAhead>(a, first, end, values);
#pragma unroll
    for (int step = 0; step < kRanks; ++step) {
      float4* x = a.x[(a.links.rank + step) % kRanks];  // each begins with its own
#pragma unroll
      for (int k = 0; k < kAhead; ++k) {
        const std::int64_t i = first + threadIdx.x + k * kThreads;
        if (i < end) x[i] = values[k];
      }
    }
    pacer.moved(2 * (kRanks - 1) * piece_bytes<kAhead>(first, end));
  });
  meet(a.links);
}

__global__ void meet_kernel(PeerLinks links) {
  hopper::wait_for_previous_grid();
  meet(links);
}

// ---- copies

struct GatherArgs {
  PeerLinks links;
  const float4* part;
  PerRank<float4> out;
  std::int64_t n_vectors;  // of part
  std::int64_t width;      // vectors of a row of part
  double ns_per_byte;
};

template <int kAhead>
__global__ void __launch_bounds__(kThreads) all_gather_kernel(GatherArgs a) {
  hopper::wait_for_previous_grid();
  if (!meet(a.links)) return;
  Pacer pacer(a.ns_per_byte);
  const int n_ranks = a.links.n_ranks;
  for_each_piece<kAhead>(0, a.n_vectors, [&](std::int64_t first) {
    float4 values[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const std::int64_t i = first + threadIdx.x + k * kThreads;
      if (i < a.n_vectors) values[k] = a.part[i];
    }
    for (int step = 0; step < n_ranks; ++step) {
      float4* out = a.out[(a.links.rank + step) % n_ranks];
#pragma unroll
      for (int k = 0; k < kAhead; ++k) {
        const std::int64_t i = first + threadIdx.x + k * kThreads;
        if (i < a.n_vectors) out[i / a.width * (n_ranks * a.width) + a.links.rank * a.width + i % a.width] = values[k];
      }
    }
    pacer.moved((n_ranks - 1) * piece_bytes<kAhead>(first, a.n_vectors));
  });
  meet(a.links);
}

template <int kAhead>
__global__ void __launch_bounds__(kThreads)
    peer_copy_kernel(const float4* from, float4* to, std::int64_t n_vectors, double ns_per_byte) {
  hopper::wait_for_previous_grid();
  Pacer pacer(ns_per_byte);
  for_each_piece<kAhead>(0, n_vectors, [&](std::int64_t first) {
    float4 values[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const std::int64_t i = first + threadIdx.x + k * kThreads;
      if (i < n_vectors) values[k] = from[i];
    }
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const std::int64_t i = first + threadIdx.x + k * kThreads;
      if (i < n_vectors) to[i] = values[k];
    }
    pacer.moved(piece_bytes<kAhead>(first, n_vectors));
  });
}

// ---- choices

constexpr int kAheadOfMany = 4;

// More than these meet longer than they gain, until the two-shot form writes large sums.
constexpr int kMostBlocks = 64;
constexpr std::int64_t kLargeVectors = std::int64_t{1} << 21;

/// Blocks for so many vectors: a vector a thread as long as there are blocks enough. All ranks choose alike.
int blocks_for(std::int64_t n_vectors, int asked, const LinkPace& pace) {
  if (pace.bytes_per_s > 0) return pace.n_blocks;
  if (asked > 0) return asked;
  const std::int64_t n = (n_vectors + kThreads - 1) / kThreads;
  return static_cast<int>(
      std::clamp<std::int64_t>(n, 1, n_vectors < kLargeVectors ? kMostBlocks : kMaxCollectiveBlocks));
}
double ns_per_byte_of(const LinkPace& pace) {
  return pace.bytes_per_s > 0 ? 1e9 * pace.n_blocks / pace.bytes_per_s : 0;
}

Result<> check_blocks(const char* what, int n_blocks, const LinkPace& pace) {
  const int given = pace.bytes_per_s > 0 ? pace.n_blocks : n_blocks;
  if (given < 0 || given > kMaxCollectiveBlocks || (pace.bytes_per_s > 0 && given == 0)) {
    return bad_input(what, ": ", given, " blocks, may be 1 to ", kMaxCollectiveBlocks);
  }
  return {};
}

template <int kRanks>
Result<> launch_reduce(const ReduceArgs& a, AllReduceForm form, int n_blocks, cudaStream_t stream) {
  constexpr int kAhead = kRanks <= 2 ? kAheadOfMany : 8 / kRanks;
  const LaunchShape shape{dim3(static_cast<unsigned>(n_blocks)), kThreads};
  const bool many = a.n_vectors > kManyVectors;
  const auto kernel = form == AllReduceForm::one_shot
                          ? (many ? one_shot_kernel<kRanks, kAhead> : one_shot_kernel<kRanks, 1>)
                          : (many ? two_shot_kernel<kRanks, kAhead> : two_shot_kernel<kRanks, 1>);
  return launch("all_reduce", kernel, shape, stream, a);
}

}  // namespace

AllReduceForm choose_all_reduce(int n_ranks, std::int64_t n) {
  // Two ranks move the same bytes either way: writes are a little faster than reads. With more, one-shot's bytes grow
  // with the ranks: it pays while messages are latency.
  const std::int64_t most_bytes = n_ranks <= 2   ? std::int64_t{32} << 20
                                  : n_ranks <= 4 ? std::int64_t{1} << 20
                                                 : std::int64_t{512} << 10;
  return n * static_cast<std::int64_t>(sizeof(float)) <= most_bytes ? AllReduceForm::one_shot : AllReduceForm::two_shot;
}

Result<> all_reduce(const AllReduceArgs& args, cudaStream_t stream) {
  const PeerLinks& links = *args.links;
  if (args.n < 0 || args.n % 4 != 0 || args.n > std::numeric_limits<std::int32_t>::max()) {
    return bad_input("all_reduce: n is ", args.n, ", must be a multiple of 4 below 2^31");
  }
  ASSAY_TRY(check_blocks("all_reduce", args.n_blocks, args.pace));
  if (args.n == 0) return {};
  ReduceArgs a{links, {}, {}, args.n / 4, ns_per_byte_of(args.pace)};
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(links.n_ranks); ++rank) {
    a.parts[rank] = reinterpret_cast<const float4*>(args.parts[rank]);
    a.x[rank] = reinterpret_cast<float4*>(args.x[rank]);
  }
  const AllReduceForm form = args.form.value_or(choose_all_reduce(links.n_ranks, args.n));
  const std::int64_t own = form == AllReduceForm::one_shot ? a.n_vectors : a.n_vectors / links.n_ranks + 1;
  const int n_blocks = blocks_for(own, args.n_blocks, args.pace);
  switch (links.n_ranks) {
    case 1:
      return launch_reduce<1>(a, form, n_blocks, stream);
    case 2:
      return launch_reduce<2>(a, form, n_blocks, stream);
    case 4:
      return launch_reduce<4>(a, form, n_blocks, stream);
    case 8:
      return launch_reduce<8>(a, form, n_blocks, stream);
    default:
      return bad_input("all_reduce: ", links.n_ranks, " ranks, may be 1, 2, 4 or 8");
  }
}

Result<> meet_ranks(const PeerLinks& links, cudaStream_t stream) {
  return launch("meet_ranks", meet_kernel, {dim3(1), 32}, stream, links);
}

Result<> all_gather(const AllGatherArgs& args, cudaStream_t stream) {
  if (args.rows < 0 || args.width < 4 || args.width % 4 != 0) {
    return bad_input("all_gather: ", args.rows, " rows of ", args.width, ", must be a multiple of 4");
  }
  ASSAY_TRY(check_blocks("all_gather", args.n_blocks, args.pace));
  if (args.rows == 0) return {};
  GatherArgs a{*args.links,
               reinterpret_cast<const float4*>(args.part),
               {},
               args.rows * args.width / 4,
               args.width / 4,
               ns_per_byte_of(args.pace)};
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(a.links.n_ranks); ++rank) {
    a.out[rank] = reinterpret_cast<float4*>(args.out[rank]);
  }
  const LaunchShape shape{dim3(static_cast<unsigned>(blocks_for(a.n_vectors, args.n_blocks, args.pace))), kThreads};
  const auto kernel = a.n_vectors > kManyVectors ? all_gather_kernel<kAheadOfMany> : all_gather_kernel<1>;
  return launch("all_gather", kernel, shape, stream, a);
}

Result<> peer_copy(const PeerCopyArgs& args, cudaStream_t stream) {
  if (args.n_bytes < 0 || args.n_bytes % 16 != 0) {
    return bad_input("peer_copy: ", args.n_bytes, " bytes, must be a multiple of 16");
  }
  ASSAY_TRY(check_blocks("peer_copy", args.n_blocks, args.pace));
  if (args.n_bytes == 0) return {};
  const std::int64_t n_vectors = args.n_bytes / 16;
  const LaunchShape shape{dim3(static_cast<unsigned>(blocks_for(n_vectors, args.n_blocks, args.pace))), kThreads};
  return launch("peer_copy", peer_copy_kernel<kAheadOfMany>, shape, stream, static_cast<const float4*>(args.from),
                static_cast<float4*>(args.to), n_vectors, ns_per_byte_of(args.pace));
}

}  // namespace assay::kernels
