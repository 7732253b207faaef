#pragma once
// The kernel behind matmul_bf16.cuh, one template for all tiles. Included by matmul_bf16_*.cu only.
//
// A block is one warpgroup that only asks the copy engine for tiles and kGroups warpgroups that only multiply. Between
// them lies a ring of stages in shared memory, each with weights and tokens of some k, a barrier "full" (the copy
// engine counts bytes) and a barrier "empty" (the multiplying warps arrive). Blocks stay and walk over tiles, so the
// next tile's weights are on their way while a finished one is stored. Weights never change, so the ring's first round
// of them is asked for before the previous grid has ended; tokens are not. Asking takes a warp longer than it takes a
// few KiB to come, so where it can be, one copy brings all of a stage's weights and one its tokens, and two warps ask
// for stages in turns. The copy engine works in order: one or two rows of tokens, which would wait behind the first
// round's weights, are brought by the other two warps. Tiles of all products are one row of work, the products one
// after the other.

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/matmul/matmul_bf16_tiles.cuh"
#include "kernels/matmul/matmul_epilogue.cuh"

namespace assay::kernels {

constexpr int kGroupRows = 64;        // weight rows of one wgmma
constexpr int kMaxStages = 24;        // barriers that fit in the head of shared memory
constexpr int kBarrierBytes = 1024;   // that head; keeps the tiles aligned to the swizzle's 1024 bytes
constexpr int kRasterRows = 8;        // row tiles that are walked together, so that their tokens stay in the L2 cache
constexpr int kMaxRowsByThreads = 2;  // of tokens: with more, or with several products, the copy engine is sooner
constexpr int kSharedBytes = 227 * 1024;  // all that a block can have: a deep ring beats two blocks side by side

struct MatmulKernelArgs {
  MatmulOutput output;
  int n_out;
  int n_in;
  const __nv_bfloat16* x;
  std::int64_t x_stride;
  bool joined;         // one copy brings all boxes of a stage (stage_map)
  bool threads_bring;  // the first round's tokens
  int n_steps;         // stages along k
  int rows;            // weight rows of a block
  int n_stages;
  int row_tiles, token_tiles, n_batches;
};

/// A plan as template arguments.
template <int tokens, int groups>
struct Tile {
  static constexpr int kTokens = tokens, kGroups = groups;
  static constexpr int kBoxes = stage_boxes(tokens, groups);  // of 64 elements of k
  static constexpr int kStepElements = kBoxes * hopper::kSwizzleElements;
  static constexpr int kThreads = (groups + 1) * hopper::kGroupThreads;
  // With 128 sums a thread two multiplying groups need more registers than an even share.
  static constexpr bool kMovesRegisters = tokens == 256 && groups == 2;
  // Warps that ask for copies, stages in turns: two where one group multiplies all stages in order.
  static constexpr int kAskingWarps = groups == 1 ? 2 : 1;
  static constexpr bool kThreadsMayBring = tokens == 8;  // tokens of the ring's first round
  static constexpr int stage_bytes(int rows) { return kBoxes * (rows + tokens) * hopper::kSwizzleRowBytes; }
};

namespace {

using namespace hopper;

/// Where a tile lies: its first weight row, its first token and its product.
struct TilePlace {
  int row, token, batch;
};
template <class T>
__device__ inline TilePlace tile_place(const MatmulKernelArgs& a, int index) {
  if (a.token_tiles == 1 && a.n_batches == 1) return {index * a.rows, 0, 0};  // decode, where divisions take too long
  const int per_product = a.row_tiles * a.token_tiles, batch = index / per_product;
  index -= batch * per_product;
  const int per_band = kRasterRows * a.token_tiles;
  const int band = index / per_band, i = index - band * per_band;
  const int rows_in_band = min(kRasterRows, a.row_tiles - band * kRasterRows);
  return {(band * kRasterRows + i % rows_in_band) * a.rows, i / rows_in_band * T::kTokens, batch};
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

__host__ __device__ inline int n_tiles_of(const MatmulKernelArgs& a) {
  return a.row_tiles * a.token_tiles * a.n_batches;
}

/// Calls visit(place) for every tile of this block.
template <class T, class Visit>
__device__ void for_each_tile(const MatmulKernelArgs& a, Visit visit) {
  for (int tile = static_cast<int>(blockIdx.x); tile < n_tiles_of(a); tile += static_cast<int>(gridDim.x)) {
    visit(tile_place<T>(a, tile));
  }
}

/// Asks for the boxes of a stage: `rows` rows of one matrix from `first_row` on, kBoxes boxes of k.
template <int kBoxes>
__device__ inline void load_stage(char* to, const CUtensorMap& map, std::uint64_t* full, bool joined, int rows,
                                  int first_row, int step, int batch) {
  if (kBoxes > 1 && joined) return load_box(to, &map, full, 0, first_row, step * kBoxes);
#pragma unroll
  for (int box = 0; box < kBoxes; ++box) {
    load_box(to + box * rows * kSwizzleRowBytes, &map, full, (step * kBoxes + box) * kSwizzleElements, first_row,
             batch);
  }
}

/// Stages of the ring's first round that this block has work for.
__device__ inline int first_round(const MatmulKernelArgs& a, const Ring& ring) {
  const int n_blocks = static_cast<int>(gridDim.x), block = static_cast<int>(blockIdx.x);
  return min(ring.n_stages, (n_tiles_of(a) - block + n_blocks - 1) / n_blocks * a.n_steps);
}

/// The copying group's other warps bring the tokens of the ring's first round, 16 bytes at a time.
template <class T>
__device__ void bring_first_tokens(const MatmulKernelArgs& a, const Ring& ring) {
  constexpr int kUnitElements = 8, kUnits = T::kStepElements / kUnitElements, kBoxUnits = kSwizzleRowBytes / 16;
  constexpr int kThreads = kGroupThreads - T::kAskingWarps * kWarpThreads, kAhead = 5;
  const int thread = static_cast<int>(threadIdx.x) - T::kAskingWarps * kWarpThreads;
  const int of_stage = min(T::kTokens, a.output.m_rows) * kUnits, n_units = first_round(a, ring) * of_stage;
  int n_stages_there = 0;
  for (int first = 0; first < n_units; first += kAhead * kThreads) {
    const uint4* from[kAhead];
    uint4* to[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int index = first + i * kThreads + thread, stage = index / of_stage;
      const int row = index % of_stage / kUnits, unit = index % kUnits;
      const int tile = static_cast<int>(blockIdx.x) + stage / a.n_steps * static_cast<int>(gridDim.x);
      const TilePlace place = tile_place<T>(a, tile);
      const int column = stage % a.n_steps * T::kStepElements + unit * kUnitElements;
      const bool is_there = index < n_units && place.token + row < a.output.m_rows;
      char* tokens = ring.stages + stage * ring.stage_bytes +
                     (T::kBoxes * a.rows + unit / kBoxUnits * T::kTokens + row) * kSwizzleRowBytes;
      to[i] = is_there ? reinterpret_cast<uint4*>(tokens + (unit % kBoxUnits ^ row) * 16) : nullptr;
      from[i] = is_there && column < a.n_in
                    ? reinterpret_cast<const uint4*>(a.x + (place.token + row) * a.x_stride + column)
                    : nullptr;
    }
    if (first == 0) wait_for_previous_grid();
    uint4 values[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) values[i] = from[i] != nullptr ? *from[i] : uint4{};
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      if (to[i] != nullptr) *to[i] = values[i];
    }
    fence_for_async();
    barrier_sync(1, kThreads);
    const int n_complete = min(n_units, first + kAhead * kThreads) / of_stage;
    for (int stage = n_stages_there + thread; stage < n_complete; stage += kThreads) barrier_arrive(&ring.full[stage]);
    n_stages_there = n_complete;
  }
}

/// The copying side, for every kAskingWarps-th stage. A whole warp, so that all it computes is the warp's and not a
/// thread's; its first thread asks.
template <class T>
__device__ void load_tiles(const MatmulKernelArgs& a, const Ring& ring, const CUtensorMap& w_map,
                           const CUtensorMap& x_map, int warp) {
  const bool asks = threadIdx.x % kWarpThreads == 0;
  const auto uniform = [](TilePlace place) {
    return TilePlace{warp_uniform(place.row), warp_uniform(place.token), warp_uniform(place.batch)};
  };
  const int weights_bytes = T::kBoxes * a.rows * kSwizzleRowBytes;
  const auto load_weights = [&](int slot, TilePlace place, int step, int bytes) {
    barrier_arrive_expect(&ring.full[slot], bytes);
    load_stage<T::kBoxes>(ring.stages + slot * ring.stage_bytes, w_map, &ring.full[slot], a.joined, a.rows, place.row,
                          step, place.batch);
  };
  const auto load_tokens = [&](int slot, TilePlace place, int step) {
    load_stage<T::kBoxes>(ring.stages + slot * ring.stage_bytes + weights_bytes, x_map, &ring.full[slot], a.joined,
                          T::kTokens, place.token, step, place.batch);
  };
  const int first_bytes = a.threads_bring ? weights_bytes : ring.stage_bytes;
  int n_ahead = 0;
  for (int tile = static_cast<int>(blockIdx.x); tile < n_tiles_of(a) && n_ahead < ring.n_stages;
       tile += static_cast<int>(gridDim.x)) {
    const TilePlace place = uniform(tile_place<T>(a, tile));
    const int n_steps = min(a.n_steps, ring.n_stages - n_ahead);
    for (int step = 0; asks && step < n_steps; ++step) {
      if ((n_ahead + step) % T::kAskingWarps == warp) load_weights(n_ahead + step, place, step, first_bytes);
    }
    n_ahead += n_steps;
  }
  wait_for_previous_grid();
  RingPlace at;
  int n_loaded = 0;
  for_each_tile<T>(a, [&](TilePlace any_place) {
    const TilePlace place = uniform(any_place);
    for (int step = 0; step < a.n_steps; ++step, ++n_loaded, at.advance(ring)) {
      if (n_loaded % T::kAskingWarps != warp) continue;
      const int slot = warp_uniform(at.slot);
      if (n_loaded >= ring.n_stages) barrier_wait(&ring.empty[slot], at.parity ^ 1);
      if (!asks) continue;
      if (n_loaded >= n_ahead) load_weights(slot, place, step, ring.stage_bytes);
      if (a.threads_bring && n_loaded < n_ahead) continue;
      load_tokens(slot, place, step);
      if (a.threads_bring) barrier_arrive(&ring.full[slot]);  // in place of those threads
    }
  });
}

/// Stores a group's sums. `place` has the tile's first token and this group's first row; rows from `row_end` on are
/// not this block's.
template <class T>
__device__ void store_sums(const MatmulKernelArgs& a, const float (&sums)[T::kTokens / 2], const TilePlace& place,
                           int row_end) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads % 4;
  store_warp_sums<T::kTokens>(a.output, sums, place.row + warp * 16, min(row_end, a.n_out), place.token, place.batch);
}

/// The multiplying side, one warpgroup.
template <class T>
__device__ void multiply_tiles(const MatmulKernelArgs& a, const Ring& ring, int group) {
  using Product = Wgmma<T::kTokens>;
  const int w_box_bytes = a.rows * kSwizzleRowBytes;
  constexpr int kXBoxBytes = T::kTokens * kSwizzleRowBytes;
  const auto release = [&](int slot) {  // this warp has read a stage
    if (threadIdx.x % kWarpThreads == 0) barrier_arrive(&ring.empty[slot]);
  };
  wait_for_previous_grid();
  RingPlace at;
  for_each_tile<T>(a, [&](TilePlace place) {
    float sums[Product::kRegisters];
    int previous = 0;
    for (int step = 0; step < a.n_steps; ++step, at.advance(ring)) {
      const int slot = warp_uniform(at.slot);
      barrier_wait(&ring.full[slot], at.parity);
      const char* stage = ring.stages + slot * ring.stage_bytes;
      std::uint64_t w = tile_descriptor(stage + group * kGroupRows * kSwizzleRowBytes);
      std::uint64_t x = tile_descriptor(stage + T::kBoxes * w_box_bytes);
      products_begin();
#pragma unroll
      for (int box = 0; box < T::kBoxes; ++box) {
#pragma unroll
        for (int k = 0; k < 4; ++k) Product::run(sums, w + 2 * k, x + 2 * k, step + box + k > 0);
        w += static_cast<std::uint64_t>(w_box_bytes >> 4);
        x += static_cast<std::uint64_t>(kXBoxBytes >> 4);
      }
      products_commit();
      products_wait<1>();  // the stage before this one has been read
      if (step > 0) release(previous);
      previous = slot;
    }
    products_wait<0>();
    release(previous);
    store_sums<T>(a, sums, {place.row + group * kGroupRows, place.token, place.batch}, place.row + a.rows);
  });
}

template <class T>
__global__ void __launch_bounds__(T::kThreads, 1)
    matmul_bf16_kernel(const __grid_constant__ CUtensorMap w_map, const __grid_constant__ CUtensorMap x_map,
                       const __grid_constant__ MatmulKernelArgs a) {
  extern __shared__ __align__(1024) char shared[];
  auto* barriers = reinterpret_cast<std::uint64_t*>(shared);
  const Ring ring{barriers, barriers + kMaxStages, shared + kBarrierBytes, T::stage_bytes(a.rows), a.n_stages};
  let_next_grid_start();  // at once: its first weights may come while this grid is at work
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&w_map);
    prefetch_tensor_map(&x_map);
    for (int i = 0; i < ring.n_stages; ++i) {
      barrier_init(&ring.full[i], a.threads_bring ? 2 : 1);
      barrier_init(&ring.empty[i], T::kGroups * 4);
    }
    barrier_init_fence();
  }
  __syncthreads();
  const int group = warp_uniform(static_cast<int>(threadIdx.x) / kGroupThreads);
  if (group == 0) {
    if constexpr (T::kMovesRegisters) give_registers<40>();
    const int warp = warp_uniform(static_cast<int>(threadIdx.x) / kWarpThreads);
    if (warp < T::kAskingWarps) {
      load_tiles<T>(a, ring, w_map, x_map, warp);
    } else if constexpr (T::kThreadsMayBring) {
      if (a.threads_bring) bring_first_tokens<T>(a, ring);
    }
  } else {
    if constexpr (T::kMovesRegisters) take_registers<232>();
    multiply_tiles<T>(a, ring, group - 1);
  }
}

}  // namespace

/// Launches one tile's kernel.
template <class T>
Result<> launch_matmul_tile(const MatmulLaunch& launched) {
  const MatmulBf16Args& args = *launched.args;
  const int rows = launched.plan->rows;
  // Products of 64 rows read past the last stage if the tile has fewer rows; what they read there is never stored.
  const int slack = (T::kGroups * kGroupRows - rows) * hopper::kSwizzleRowBytes;
  const int room = kSharedBytes - kBarrierBytes - slack;
  MatmulKernelArgs a{};
  a.output = {args.epilogue, args.m_rows, args.bias, args.y, args.y_stride, args.y_batch_stride};
  a.n_out = args.n_out;
  a.n_in = args.n_in;
  a.x = args.x;
  a.x_stride = args.x_stride;
  a.joined = joins_boxes(args.n_in, args.n_batches);
  a.threads_bring = T::kThreadsMayBring && args.m_rows <= kMaxRowsByThreads && args.n_batches == 1;
  a.n_steps = (args.n_in + T::kStepElements - 1) / T::kStepElements;
  a.rows = rows;
  a.n_stages = std::min(kMaxStages, room / T::stage_bytes(rows));
  a.row_tiles = (args.n_out + rows - 1) / rows;
  a.token_tiles = (args.m_rows + T::kTokens - 1) / T::kTokens;
  a.n_batches = args.n_batches;
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(matmul_bf16_kernel<T>, kSharedBytes); }));
  const int n_blocks = std::min(n_tiles_of(a), launched.n_multiprocessors);
  const auto shared_bytes = static_cast<std::size_t>(kBarrierBytes + slack + a.n_stages * T::stage_bytes(rows));
  return launch("matmul_bf16", matmul_bf16_kernel<T>,
                {dim3(static_cast<unsigned>(n_blocks)), T::kThreads, shared_bytes, !args.w_is_new}, launched.stream,
                launched.w_map, launched.x_map, a);
}

/// Launches the one of `Tiles` that is the plan's.
template <class... Tiles>
Result<> launch_one_of(const MatmulLaunch& launched) {
  const MatmulPlan& plan = *launched.plan;
  Result<> result =
      bad_input("matmul_bf16: no kernel for a tile of ", plan.tokens, " tokens and ", plan.groups, " groups");
  const auto try_tile = [&]<class T>(T) {
    if (plan.tokens != T::kTokens || plan.groups != T::kGroups) return;
    static_cast<void>(result = launch_matmul_tile<T>(launched));
  };
  (try_tile(Tiles{}), ...);
  return result;
}

}  // namespace assay::kernels
