#pragma once
// The kernel behind matmul_bf16.cuh, one template for all tiles. Included by matmul_bf16_*.cu only.
//
// A block is one warpgroup that only asks the copy engine for tiles and kGroups warpgroups that only multiply. Between
// them lie two rings of stages in shared memory, one for weights and one for tokens; a stage has a barrier "full" (the
// copy engine counts bytes) and a barrier "empty" (the multiplying warps arrive). Two rings, because weights come from
// memory and must be asked for early, while tokens come from the L2 cache and would fill the shared memory. Blocks stay
// and walk over tiles, so the next tile's weights are on their way while a finished one is stored. Weights never
// change, so they are asked for before the previous grid has ended; tokens are not.

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/device/launch.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/matmul/matmul_bf16_tiles.cuh"

namespace assay::kernels {

constexpr int kGroupRows = 64;       // weight rows of one wgmma
constexpr int kMaxStages = 24;       // barriers that fit in the head of shared memory
constexpr int kBarrierBytes = 1024;  // that head; keeps the tiles aligned to the swizzle's 1024 bytes
constexpr int kRasterRows = 8;       // row tiles that are walked together, so that their tokens stay in the L2 cache
constexpr std::size_t kSharedBytes = 227 * 1024;
// Two kernels fit on a multiprocessor at once: the next one fills its ring while this one drains.
constexpr std::size_t kSharedBytesOfHalf = 112 * 1024;

struct MatmulKernelArgs {
  int m_rows, n_out;
  int n_steps;  // stages along k
  int rows;     // weight rows of a block
  int n_w_stages;
  int row_tiles, token_tiles;  // in clusters
  Epilogue epilogue;
  const float* bias;
  void* y;
  std::int64_t y_stride;
};

/// A plan as template arguments.
template <int tokens, int groups, int cluster_rows, int cluster_tokens>
struct Tile {
  static constexpr int kTokens = tokens, kGroups = groups, kClusterRows = cluster_rows, kClusterTokens = cluster_tokens;
  static constexpr int kSub = matmul_step_boxes(tokens);
  static constexpr int kStepElements = kSub * hopper::kSwizzleElements;
  static constexpr int kCluster = cluster_rows * cluster_tokens;
  static constexpr int kThreads = (groups + 1) * hopper::kGroupThreads;
  // With 128 sums a thread two multiplying groups need more registers than an even share.
  static constexpr bool kMovesRegisters = tokens == 256 && groups == 2;
  static constexpr bool kHalf = groups == 1 && tokens <= 128;  // leaves room for the next kernel
  static constexpr int kXStages = tokens <= 64 ? 6 : (kHalf ? 3 : 4);
  static constexpr int kXStageBytes = kSub * tokens * hopper::kSwizzleRowBytes;
  static constexpr int w_stage_bytes(int rows) { return kSub * rows * hopper::kSwizzleRowBytes; }
};

namespace {

using namespace hopper;

/// Where the cluster's tile number `index` lies, in clusters.
struct TilePlace {
  int row, token;
};
__device__ inline TilePlace tile_place(const MatmulKernelArgs& a, int index) {
  const int per_band = kRasterRows * a.token_tiles;
  const int band = index / per_band, i = index - band * per_band;
  const int rows_in_band = min(kRasterRows, a.row_tiles - band * kRasterRows);
  return {band * kRasterRows + i % rows_in_band, i / rows_in_band};
}

/// Stages in shared memory and their barriers.
struct Ring {
  std::uint64_t* full;
  std::uint64_t* empty;
  char* stages;
  int stage_bytes;
  int n_stages;
};

/// A walk around a ring: the slot, and the parity of the round.
struct RingPlace {
  int slot = 0;
  std::uint32_t parity = 0;
  __device__ void advance(const Ring& ring) {
    if (++slot == ring.n_stages) {
      slot = 0;
      parity ^= 1;
    }
  }
};

/// This block's place in its cluster, and the blocks with which it shares weights (same rows) and tokens.
template <class T>
struct ClusterPlace {
  int row, token;
  std::uint16_t w_blocks = 0, x_blocks = 0;
  __device__ ClusterPlace() {
    const int rank = T::kCluster > 1 ? cluster_rank() : 0;
    row = rank % T::kClusterRows;
    token = rank / T::kClusterRows;
    for (int t = 0; t < T::kClusterTokens; ++t) w_blocks |= 1u << (t * T::kClusterRows + row);
    for (int r = 0; r < T::kClusterRows; ++r) x_blocks |= 1u << (token * T::kClusterRows + r);
  }
};

/// Calls visit(place) for every tile of this block's cluster.
template <class T, class Visit>
__device__ void for_each_tile(const MatmulKernelArgs& a, Visit visit) {
  const int n_clusters = static_cast<int>(gridDim.x) / T::kCluster;
  for (int tile = static_cast<int>(blockIdx.x) / T::kCluster; tile < a.row_tiles * a.token_tiles; tile += n_clusters) {
    visit(tile_place(a, tile));
  }
}

/// Fills a ring, one thread: `kShares` blocks of the cluster load `rows` rows each of every stage's boxes, this one the
/// share number `share`, and send it to `blocks`.
template <class T, int kShares>
__device__ void fill_stage(const Ring& ring, const RingPlace& at, bool reused, const CUtensorMap& map, int step,
                           int first_row, int rows, int share, std::uint16_t blocks) {
  if (reused) barrier_wait(&ring.empty[at.slot], at.parity ^ 1);
  barrier_arrive_expect(&ring.full[at.slot], ring.stage_bytes);
  for (int s = 0; s < T::kSub; ++s) {
    char* to = ring.stages + at.slot * ring.stage_bytes + (s * kShares + share) * rows * kSwizzleRowBytes;
    const int k = step * T::kStepElements + s * kSwizzleElements;
    if constexpr (kShares == 1) {
      load_box(to, &map, &ring.full[at.slot], k, first_row);
    } else {
      load_box_multicast(to, &map, &ring.full[at.slot], k, first_row + share * rows, blocks);
    }
  }
}

template <class T>
__device__ void load_weights(const MatmulKernelArgs& a, const Ring& ring, const CUtensorMap& map) {
  const ClusterPlace<T> own;
  RingPlace at;
  int n_loaded = 0;
  for_each_tile<T>(a, [&](TilePlace place) {
    const int row = (place.row * T::kClusterRows + own.row) * a.rows;
    for (int step = 0; step < a.n_steps; ++step, ++n_loaded, at.advance(ring)) {
      fill_stage<T, T::kClusterTokens>(ring, at, n_loaded >= ring.n_stages, map, step, row, a.rows / T::kClusterTokens,
                                       own.token, own.w_blocks);
    }
  });
}

template <class T>
__device__ void load_tokens(const MatmulKernelArgs& a, const Ring& ring, const CUtensorMap& map) {
  const ClusterPlace<T> own;
  RingPlace at;
  int n_loaded = 0;
  wait_for_previous_grid();
  for_each_tile<T>(a, [&](TilePlace place) {
    const int token = (place.token * T::kClusterTokens + own.token) * T::kTokens;
    for (int step = 0; step < a.n_steps; ++step, ++n_loaded, at.advance(ring)) {
      fill_stage<T, T::kClusterRows>(ring, at, n_loaded >= ring.n_stages, map, step, token,
                                     T::kTokens / T::kClusterRows, own.row, own.x_blocks);
    }
  });
}

/// One warp has read a stage: tells every block that sends to this one.
template <class T>
__device__ void release_stage(const Ring& ring, int slot) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  if constexpr (T::kCluster == 1) {
    if (lane == 0) barrier_arrive(&ring.empty[slot]);
  } else {
    if (lane < T::kCluster) barrier_arrive_remote(&ring.empty[slot], lane);
  }
}

__device__ inline float silu_times(float gate, float up) { return gate / (1.0f + expf(-gate)) * up; }

/// Stores this thread's sums. `row` and `token` are the tile's first; rows from `row_end` on are not this block's.
template <class T>
__device__ void store_sums(const MatmulKernelArgs& a, const float (&sums)[T::kTokens / 2], int row, int row_end,
                           int token) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads % 4;
  const int block_row = row + warp * 16;  // this warp's 16 rows
  row_end = min(row_end, a.n_out);
  const int own_row = block_row + lane / 4;
  const bool has_low = own_row < row_end, has_high = own_row + 8 < row_end;
  const float bias_low = a.bias != nullptr && has_low ? a.bias[own_row] : 0.0f;
  const float bias_high = a.bias != nullptr && has_high ? a.bias[own_row + 8] : 0.0f;
  if (a.epilogue == Epilogue::store_f32 || a.epilogue == Epilogue::add_f32) {
    float* y = static_cast<float*>(a.y);
#pragma unroll
    for (int j = 0; j < T::kTokens / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int own_token = token + 8 * j + 2 * (lane % 4) + i;
        if (own_token >= a.m_rows) continue;
        float* to = y + own_token * a.y_stride + own_row;
        const float low = sums[4 * j + i], high = sums[4 * j + 2 + i];
        if (has_low) to[0] = a.epilogue == Epilogue::add_f32 ? to[0] + low : low + bias_low;
        if (has_high) to[8] = a.epilogue == Epilogue::add_f32 ? to[8] + high : high + bias_high;
      }
    }
    return;
  }
  // 16-bit results are transposed eight by eight, so that a thread stores two neighbours of a row of y.
  auto* y = static_cast<__nv_bfloat16*>(a.y);
#pragma unroll
  for (int j = 0; j < T::kTokens / 8; ++j) {
    const int own_token = token + 8 * j + lane / 4;
    const float* s = sums + 4 * j;
    if (a.epilogue == Epilogue::swiglu_bf16) {
      const std::uint32_t pair = transpose_8x8(pack_bf16(silu_times(s[0], s[2]), silu_times(s[1], s[3])));
      if (own_token >= a.m_rows || block_row >= row_end) continue;
      *reinterpret_cast<std::uint32_t*>(y + own_token * a.y_stride + block_row / 2 + 2 * (lane % 4)) = pair;
    } else {
      const std::uint32_t low = transpose_8x8(pack_bf16(s[0] + bias_low, s[1] + bias_low));
      const std::uint32_t high = transpose_8x8(pack_bf16(s[2] + bias_high, s[3] + bias_high));
      if (own_token >= a.m_rows) continue;
      __nv_bfloat16* to = y + own_token * a.y_stride + block_row + 2 * (lane % 4);
      if (block_row < row_end) *reinterpret_cast<std::uint32_t*>(to) = low;
      if (block_row + 8 < row_end) *reinterpret_cast<std::uint32_t*>(to + 8) = high;
    }
  }
}

/// The multiplying side, one warpgroup.
template <class T>
__device__ void multiply_tiles(const MatmulKernelArgs& a, const Ring& w_ring, const Ring& x_ring, int group) {
  using Product = Wgmma<T::kTokens>;
  const ClusterPlace<T> own;
  const int w_box_units = a.rows * kSwizzleRowBytes >> 4;
  constexpr int kXBoxUnits = T::kTokens * kSwizzleRowBytes >> 4;
  wait_for_previous_grid();
  RingPlace w_at, x_at;
  for_each_tile<T>(a, [&](TilePlace place) {
    float sums[Product::kRegisters];
    int w_previous = 0, x_previous = 0;
    const auto release_previous = [&] {
      release_stage<T>(w_ring, w_previous);
      release_stage<T>(x_ring, x_previous);
    };
    for (int step = 0; step < a.n_steps; ++step) {
      barrier_wait(&w_ring.full[w_at.slot], w_at.parity);
      barrier_wait(&x_ring.full[x_at.slot], x_at.parity);
      std::uint64_t w =
          tile_descriptor(w_ring.stages + w_at.slot * w_ring.stage_bytes + group * kGroupRows * kSwizzleRowBytes);
      std::uint64_t x = tile_descriptor(x_ring.stages + x_at.slot * x_ring.stage_bytes);
      products_begin();
#pragma unroll
      for (int s = 0; s < T::kSub; ++s) {
#pragma unroll
        for (int k = 0; k < 4; ++k) Product::run(sums, w + 2 * k, x + 2 * k, step + s + k > 0);
        w += static_cast<std::uint64_t>(w_box_units);
        x += static_cast<std::uint64_t>(kXBoxUnits);
      }
      products_commit();
      products_wait<1>();  // the stages before these have been read
      if (step > 0) release_previous();
      w_previous = w_at.slot;
      x_previous = x_at.slot;
      w_at.advance(w_ring);
      x_at.advance(x_ring);
    }
    products_wait<0>();
    release_previous();
    const int block_row = (place.row * T::kClusterRows + own.row) * a.rows;
    store_sums<T>(a, sums, block_row + group * kGroupRows, block_row + a.rows,
                  (place.token * T::kClusterTokens + own.token) * T::kTokens);
  });
}

template <class T>
__global__ void __launch_bounds__(T::kThreads, 1)
    matmul_bf16_kernel(const __grid_constant__ CUtensorMap w_map, const __grid_constant__ CUtensorMap x_map,
                       const __grid_constant__ MatmulKernelArgs a) {
  extern __shared__ __align__(1024) char shared[];
  auto* barriers = reinterpret_cast<std::uint64_t*>(shared);
  const Ring w_ring{barriers, barriers + kMaxStages, shared + kBarrierBytes + T::kXStages * T::kXStageBytes,
                    T::w_stage_bytes(a.rows), a.n_w_stages};
  const Ring x_ring{barriers + 2 * kMaxStages, barriers + 3 * kMaxStages, shared + kBarrierBytes, T::kXStageBytes,
                    T::kXStages};
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&w_map);
    prefetch_tensor_map(&x_map);
    for (const Ring& ring : {w_ring, x_ring}) {
      for (int i = 0; i < ring.n_stages; ++i) {
        barrier_init(&ring.full[i], 1);
        barrier_init(&ring.empty[i], T::kGroups * 4 * T::kCluster);
      }
    }
    barrier_init_fence();
  }
  if constexpr (T::kCluster == 1) {
    __syncthreads();
  } else {
    cluster_sync();
  }
  const int group = static_cast<int>(threadIdx.x) / kGroupThreads;
  if (group == 0) {
    if constexpr (T::kMovesRegisters) give_registers<40>();
    if (threadIdx.x == 0) load_weights<T>(a, w_ring, w_map);
    if (threadIdx.x == kWarpThreads) load_tokens<T>(a, x_ring, x_map);
  } else {
    if constexpr (T::kMovesRegisters) take_registers<232>();
    multiply_tiles<T>(a, w_ring, x_ring, group - 1);
  }
  if constexpr (T::kCluster > 1) {
    // A block's shared memory must stay until no other block sends to it.
    __syncwarp();
    cluster_sync();
  }
}

}  // namespace

/// Launches one tile's kernel.
template <class T>
Result<> launch_matmul_tile(const MatmulLaunch& launched) {
  const MatmulBf16Args& args = *launched.args;
  const int rows = launched.plan->rows;
  // A product of 64 rows reads past the last stage if the tile has fewer rows; what it reads there is never stored.
  const int slack = T::kGroups == 1 ? (kGroupRows - rows) * hopper::kSwizzleRowBytes : 0;
  constexpr int kFixedBytes = kBarrierBytes + T::kXStages * T::kXStageBytes;
  const auto room = static_cast<int>(T::kHalf ? kSharedBytesOfHalf : kSharedBytes) - kFixedBytes - slack;
  MatmulKernelArgs a{};
  a.m_rows = args.m_rows;
  a.n_out = args.n_out;
  a.n_steps = (args.n_in + T::kStepElements - 1) / T::kStepElements;
  a.rows = rows;
  a.n_w_stages = std::min(kMaxStages, room / T::w_stage_bytes(rows));
  a.row_tiles = (args.n_out + rows * T::kClusterRows - 1) / (rows * T::kClusterRows);
  a.token_tiles = (args.m_rows + T::kTokens * T::kClusterTokens - 1) / (T::kTokens * T::kClusterTokens);
  a.epilogue = args.epilogue;
  a.bias = args.bias;
  a.y = args.y;
  a.y_stride = args.y_stride;
  static const Result<> allowed = allow_shared_memory(matmul_bf16_kernel<T>, kSharedBytes);
  ASSAY_TRY(allowed);
  const int n_clusters = std::min(a.row_tiles * a.token_tiles, launched.n_multiprocessors / T::kCluster);
  const auto shared_bytes = static_cast<std::size_t>(kFixedBytes + slack + a.n_w_stages * T::w_stage_bytes(rows));
  return launch("matmul_bf16", matmul_bf16_kernel<T>,
                {dim3(static_cast<unsigned>(n_clusters * T::kCluster)), T::kThreads, shared_bytes, T::kCluster},
                launched.stream, launched.w_map, launched.x_map, a);
}

/// Launches the one of `Tiles` that is the plan's.
template <class... Tiles>
Result<> launch_one_of(const MatmulLaunch& launched) {
  const MatmulPlan& plan = *launched.plan;
  Result<> result = bad_input("matmul_bf16: no kernel for a tile of ", plan.tokens, " tokens and ", plan.groups,
                              " groups in clusters of ", plan.cluster_rows, " x ", plan.cluster_tokens);
  const auto try_tile = [&]<class T>(T) {
    if (plan.tokens != T::kTokens || plan.groups != T::kGroups || plan.cluster_rows != T::kClusterRows ||
        plan.cluster_tokens != T::kClusterTokens) {
      return;
    }
    static_cast<void>(result = launch_matmul_tile<T>(launched));
  };
  (try_tile(Tiles{}), ...);
  return result;
}

}  // namespace assay::kernels
