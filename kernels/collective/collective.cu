// Blocks of all ranks work on the same pieces of their buffers, so that a block waits for the blocks of its own number
// alone. Contract in collective.cuh.

#include "kernels/collective/collective.cuh"

#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/collective/rank_device.cuh"
#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

using ranks::for_each_piece;
using ranks::kThreads;
using ranks::meet;
using ranks::Pace;

constexpr std::int64_t kManyVectors = std::int64_t{kThreads} * kMaxCollectiveBlocks;

// ---- sums

__device__ float4 sum_of(float4 a, float4 b) { return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w}; }

struct ReduceArgs {
  PeerLinks links;
  PerRank<const float4> parts;
  PerRank<float4> x;
  std::int64_t n_vectors;
  Pace pace;
};

/// The sums of all ranks' parts in [first, end), of which a thread gets those at first + thread, + kThreads, …
template <int kRanks, int kAhead>
__device__ void reduced(const PerRank<const float4>& all, std::int64_t first, std::int64_t end,
                        float4 (&values)[kAhead]) {
  float4 parts[kRanks][kAhead];
#pragma unroll
  for (int rank = 0; rank < kRanks; ++rank) {
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const std::int64_t i = first + threadIdx.x + k * kThreads;
      if (i < end) parts[rank][k] = all[rank][i];
    }
  }
#pragma unroll
  for (int k = 0; k < kAhead; ++k) {
    const std::int64_t i = first + threadIdx.x + k * kThreads;
    if (i >= end) continue;
    float4 sum = parts[0][k];
#pragma unroll
    for (int rank = 1; rank < kRanks; ++rank) sum = sum_of(sum, parts[rank][k]);
    values[k] = sum;
  }
}

/// The new values of x in [first, end): a thread's as above.
template <int kRanks, int kAhead>
__device__ void add_reduced(const ReduceArgs& a, std::int64_t first, std::int64_t end, float4 (&values)[kAhead]) {
  reduced<kRanks, kAhead>(a.parts, first, end, values);
  const float4* x = a.x[a.links.rank];
#pragma unroll
  for (int k = 0; k < kAhead; ++k) {
    const std::int64_t i = first + threadIdx.x + k * kThreads;
    if (i < end) values[k] = sum_of(x[i], values[k]);
  }
}

/// Stores what a thread has of [first, end).
template <int kAhead>
__device__ void store(float4* to, std::int64_t first, std::int64_t end, const float4 (&values)[kAhead]) {
#pragma unroll
  for (int k = 0; k < kAhead; ++k) {
    const std::int64_t i = first + threadIdx.x + k * kThreads;
    if (i < end) to[i] = values[k];
  }
}

template <int kRanks, int kAhead>
__global__ void __launch_bounds__(kThreads) one_shot_kernel(ReduceArgs a) {
  hopper::wait_for_previous_grid();
  if (!meet(a.links)) return;
  hopper::let_next_grid_start();
  for_each_piece<kAhead>(0, a.n_vectors, kRanks - 1, a.pace, [&](std::int64_t first) {
    float4 values[kAhead];
    add_reduced<kRanks, kAhead>(a, first, a.n_vectors, values);
    store<kAhead>(a.x[a.links.rank], first, a.n_vectors, values);
  });
}

template <int kRanks, int kAhead>
__global__ void __launch_bounds__(kThreads) two_shot_kernel(ReduceArgs a) {
  hopper::wait_for_previous_grid();
  if (!meet(a.links)) return;
  const std::int64_t share = (a.n_vectors + kRanks - 1) / kRanks, begin = share * a.links.rank;
  const std::int64_t end = min(begin + share, a.n_vectors);
  for_each_piece<kAhead>(begin, end, 2 * (kRanks - 1), a.pace, [&](std::int64_t first) {
    float4 values[kAhead];
    add_reduced<kRanks, kAhead>(a, first, end, values);
#pragma unroll
    for (int step = 0; step < kRanks; ++step) {  // each begins with its own
      store<kAhead>(a.x[(a.links.rank + step) % kRanks], first, end, values);
    }
  });
  meet(a.links);
}

struct ScatterArgs {
  PeerLinks links;
  PerRank<const float4> parts;  // of each rank: where this rank's share begins
  float4* out;
  std::int64_t n_vectors;  // of the share
  Pace pace;
};

template <int kRanks, int kAhead>
__global__ void __launch_bounds__(kThreads) reduce_scatter_kernel(ScatterArgs a) {
  hopper::wait_for_previous_grid();
  if (!meet(a.links)) return;
  for_each_piece<kAhead>(0, a.n_vectors, kRanks - 1, a.pace, [&](std::int64_t first) {
    float4 values[kAhead];
    reduced<kRanks, kAhead>(a.parts, first, a.n_vectors, values);
    store<kAhead>(a.out, first, a.n_vectors, values);
  });
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
  Pace pace;
};

/// What a thread has of [first, end).
template <int kAhead>
__device__ void load(const float4* from, std::int64_t first, std::int64_t end, float4 (&values)[kAhead]) {
#pragma unroll
  for (int k = 0; k < kAhead; ++k) {
    const std::int64_t i = first + threadIdx.x + k * kThreads;
    if (i < end) values[k] = from[i];
  }
}

template <int kAhead>
__global__ void __launch_bounds__(kThreads) all_gather_kernel(GatherArgs a) {
  hopper::wait_for_previous_grid();
  if (!meet(a.links)) return;
  const int n_ranks = a.links.n_ranks;
  for_each_piece<kAhead>(0, a.n_vectors, n_ranks - 1, a.pace, [&](std::int64_t first) {
    float4 values[kAhead];
    load<kAhead>(a.part, first, a.n_vectors, values);
    for (int step = 0; step < n_ranks; ++step) {
      float4* out = a.out[(a.links.rank + step) % n_ranks];
#pragma unroll
      for (int k = 0; k < kAhead; ++k) {
        const std::int64_t i = first + threadIdx.x + k * kThreads;
        if (i < a.n_vectors) out[i / a.width * (n_ranks * a.width) + a.links.rank * a.width + i % a.width] = values[k];
      }
    }
  });
  meet(a.links);
}

struct ExchangeArgs {
  PeerLinks links;
  const float4* from;
  PerRank<float4> to;
  std::int64_t n_vectors;  // of a share
  Pace pace;
};

template <int kAhead>
__global__ void __launch_bounds__(kThreads) all_to_all_kernel(ExchangeArgs a) {
  hopper::wait_for_previous_grid();
  if (!meet(a.links)) return;
  const int n_ranks = a.links.n_ranks;
  for_each_piece<kAhead>(0, a.n_vectors, n_ranks - 1, a.pace, [&](std::int64_t first) {
    for (int step = 0; step < n_ranks; ++step) {
      const int rank = (a.links.rank + step) % n_ranks;
      float4 values[kAhead];
      load<kAhead>(a.from + rank * a.n_vectors, first, a.n_vectors, values);
      store<kAhead>(a.to[rank] + a.links.rank * a.n_vectors, first, a.n_vectors, values);
    }
  });
  meet(a.links);
}

template <int kAhead>
__global__ void __launch_bounds__(kThreads)
    peer_copy_kernel(const float4* from, float4* to, std::int64_t n_vectors, Pace pace) {
  hopper::wait_for_previous_grid();
  for_each_piece<kAhead>(0, n_vectors, 1, pace, [&](std::int64_t first) {
    float4 values[kAhead];
    load<kAhead>(from, first, n_vectors, values);
    store<kAhead>(to, first, n_vectors, values);
  });
}

// ---- choices

constexpr int kAheadOfMany = 4;

// More than these meet longer than they gain, until the two-shot form writes large sums.
constexpr int kMostBlocks = 64;
constexpr std::int64_t kLargeVectors = std::int64_t{1} << 21;

/// Blocks for so many vectors: a vector a thread as long as there are blocks enough. All ranks choose alike. Held back,
/// small messages keep the blocks that they have otherwise, and with them the time of a meeting.
int blocks_for(std::int64_t n_vectors, int asked, const LinkPace& pace) {
  if (asked > 0 && !(pace.bytes_per_s > 0)) return asked;
  const std::int64_t n = (n_vectors + kThreads - 1) / kThreads;
  const std::int64_t most = pace.bytes_per_s > 0        ? pace.n_blocks
                            : n_vectors < kLargeVectors ? kMostBlocks
                                                        : kMaxCollectiveBlocks;
  return static_cast<int>(std::clamp<std::int64_t>(n, 1, most));
}
Pace pace_of(const LinkPace& link, std::int64_t n_bytes) {
  if (!(link.bytes_per_s > 0)) return {};
  const int meter_class = std::bit_width(static_cast<std::uint64_t>(n_bytes)) - 1;
  return {1e9 / link.bytes_per_s, link.meter, static_cast<std::uint64_t>(n_bytes),
          std::clamp(meter_class, 0, LinkMeter::kClasses - 1)};
}
/// Whether a message's pieces are the long ones.
bool has_long_pieces(std::int64_t n_vectors, const LinkPace& pace) {
  return n_vectors > kManyVectors && !(pace.bytes_per_s > 0 && pace.short_pieces);
}

Result<> check_blocks(const char* what, int n_blocks, const LinkPace& pace) {
  const int given = pace.bytes_per_s > 0 ? pace.n_blocks : n_blocks;
  if (given < 0 || given > kMaxCollectiveBlocks || (pace.bytes_per_s > 0 && given == 0)) {
    return bad_input(what, ": ", given, " blocks, may be 1 to ", kMaxCollectiveBlocks);
  }
  return {};
}

LaunchShape shape_of(int n_blocks) { return {dim3(static_cast<unsigned>(n_blocks)), kThreads}; }

template <int kRanks>
constexpr int kAheadOf = kRanks <= 2 ? kAheadOfMany : 8 / kRanks;

template <int kRanks>
Result<> launch_reduce(const ReduceArgs& a, AllReduceForm form, bool many, int n_blocks, cudaStream_t stream) {
  constexpr int kAhead = kAheadOf<kRanks>;
  const auto kernel = form == AllReduceForm::one_shot
                          ? (many ? one_shot_kernel<kRanks, kAhead> : one_shot_kernel<kRanks, 1>)
                          : (many ? two_shot_kernel<kRanks, kAhead> : two_shot_kernel<kRanks, 1>);
  return launch("all_reduce", kernel, shape_of(n_blocks), stream, a);
}

template <int kRanks>
Result<> launch_scatter(const ScatterArgs& a, bool many, int n_blocks, cudaStream_t stream) {
  const auto kernel = many ? reduce_scatter_kernel<kRanks, kAheadOf<kRanks>> : reduce_scatter_kernel<kRanks, 1>;
  return launch("reduce_scatter", kernel, shape_of(n_blocks), stream, a);
}

/// Calls with_ranks.operator()<n>() for a group of n ranks.
template <class WithRanks>
Result<> for_ranks(const char* what, int n_ranks, const WithRanks& with_ranks) {
  switch (n_ranks) {
    case 1:
      return with_ranks.template operator()<1>();
    case 2:
      return with_ranks.template operator()<2>();
    case 4:
      return with_ranks.template operator()<4>();
    case 8:
      return with_ranks.template operator()<8>();
    default:
      return bad_input(what, ": ", n_ranks, " ranks, may be 1, 2, 4 or 8");
  }
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
  const AllReduceForm form = args.form.value_or(choose_all_reduce(links.n_ranks, args.n));
  const std::int64_t n_bytes = args.n * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t n_others = links.n_ranks - 1;
  const std::int64_t n_link_bytes =
      form == AllReduceForm::one_shot ? n_others * n_bytes : 2 * n_others * n_bytes / links.n_ranks;
  ReduceArgs a{links, {}, {}, args.n / 4, pace_of(args.pace, n_link_bytes)};
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(links.n_ranks); ++rank) {
    a.parts[rank] = reinterpret_cast<const float4*>(args.parts[rank]);
    a.x[rank] = reinterpret_cast<float4*>(args.x[rank]);
  }
  const std::int64_t own = form == AllReduceForm::one_shot ? a.n_vectors : a.n_vectors / links.n_ranks + 1;
  const int n_blocks = blocks_for(own, args.n_blocks, args.pace);
  const bool many = has_long_pieces(a.n_vectors, args.pace);
  return for_ranks("all_reduce", links.n_ranks,
                   [&]<int kRanks>() { return launch_reduce<kRanks>(a, form, many, n_blocks, stream); });
}

Result<> reduce_scatter(const ReduceScatterArgs& args, cudaStream_t stream) {
  const PeerLinks& links = *args.links;
  if (args.n < 0 || args.n % 4 != 0 || args.n > std::numeric_limits<std::int32_t>::max()) {
    return bad_input("reduce_scatter: n is ", args.n, ", must be a multiple of 4 below 2^31");
  }
  ASSAY_TRY(check_blocks("reduce_scatter", args.n_blocks, args.pace));
  if (args.n == 0) return {};
  const std::int64_t n_bytes = args.n * static_cast<std::int64_t>(sizeof(float));
  ScatterArgs a{
      links, {}, reinterpret_cast<float4*>(args.out), args.n / 4, pace_of(args.pace, (links.n_ranks - 1) * n_bytes)};
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(links.n_ranks); ++rank) {
    a.parts[rank] = reinterpret_cast<const float4*>(args.parts[rank] + links.rank * args.n);
  }
  const int n_blocks = blocks_for(a.n_vectors, args.n_blocks, args.pace);
  const bool many = has_long_pieces(a.n_vectors, args.pace);
  return for_ranks("reduce_scatter", links.n_ranks,
                   [&]<int kRanks>() { return launch_scatter<kRanks>(a, many, n_blocks, stream); });
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
  const std::int64_t n_bytes = args.rows * args.width * static_cast<std::int64_t>(sizeof(float));
  GatherArgs a{*args.links,
               reinterpret_cast<const float4*>(args.part),
               {},
               args.rows * args.width / 4,
               args.width / 4,
               pace_of(args.pace, (args.links->n_ranks - 1) * n_bytes)};
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(a.links.n_ranks); ++rank) {
    a.out[rank] = reinterpret_cast<float4*>(args.out[rank]);
  }
  const auto kernel = has_long_pieces(a.n_vectors, args.pace) ? all_gather_kernel<kAheadOfMany> : all_gather_kernel<1>;
  return launch("all_gather", kernel, shape_of(blocks_for(a.n_vectors, args.n_blocks, args.pace)), stream, a);
}

Result<> all_to_all(const AllToAllArgs& args, cudaStream_t stream) {
  if (args.n < 0 || args.n % 4 != 0) return bad_input("all_to_all: n is ", args.n, ", must be a multiple of 4");
  ASSAY_TRY(check_blocks("all_to_all", args.n_blocks, args.pace));
  if (args.n == 0) return {};
  const std::int64_t n_bytes = args.n * static_cast<std::int64_t>(sizeof(float));
  ExchangeArgs a{*args.links,
                 reinterpret_cast<const float4*>(args.from),
                 {},
                 args.n / 4,
                 pace_of(args.pace, (args.links->n_ranks - 1) * n_bytes)};
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(a.links.n_ranks); ++rank) {
    a.to[rank] = reinterpret_cast<float4*>(args.to[rank]);
  }
  const auto kernel = has_long_pieces(a.n_vectors, args.pace) ? all_to_all_kernel<kAheadOfMany> : all_to_all_kernel<1>;
  return launch("all_to_all", kernel, shape_of(blocks_for(a.n_vectors, args.n_blocks, args.pace)), stream, a);
}

Result<> peer_copy(const PeerCopyArgs& args, cudaStream_t stream) {
  if (args.n_bytes < 0 || args.n_bytes % 16 != 0) {
    return bad_input("peer_copy: ", args.n_bytes, " bytes, must be a multiple of 16");
  }
  ASSAY_TRY(check_blocks("peer_copy", args.n_blocks, args.pace));
  if (args.n_bytes == 0) return {};
  const std::int64_t n_vectors = args.n_bytes / 16;
  const auto kernel =
      args.pace.bytes_per_s > 0 && args.pace.short_pieces ? peer_copy_kernel<1> : peer_copy_kernel<kAheadOfMany>;
  return launch("peer_copy", kernel, shape_of(blocks_for(n_vectors, args.n_blocks, args.pace)), stream,
                static_cast<const float4*>(args.from), static_cast<float4*>(args.to), n_vectors,
                pace_of(args.pace, args.n_bytes));
}

}  // namespace assay::kernels
