#pragma once
// The kernel behind matmul_fp8.cuh, one template for all tiles. Included by matmul_fp8_*.cu only.
//
// As in matmul_bf16_kernel.cuh one warpgroup only copies and kGroups only multiply, with a ring of stages between them;
// a stage is one block of 128 of k, or several where they are small: tiles, for which one thread asks the copy engine,
// and scales, which another warp copies word by word. Rows of x are wgmma's 64-row operand here: a thread then has two
// rows of x and so two scales of them for all its sums, gate and up of a column side by side, and neighbours of a row
// of y.

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/matmul/matmul_epilogue.cuh"
#include "kernels/matmul/matmul_fp8_tiles.cuh"

namespace assay::kernels {

constexpr int kFp8MaxStages = 24;       // barriers that fit in the head of shared memory
constexpr int kFp8BarrierBytes = 1024;  // that head; keeps the tiles aligned to the swizzle's 1024 bytes
constexpr int kFp8SharedBytes = 227 * 1024;
constexpr int kFp8RasterTiles = 8;  // tiles of x that are walked together, so that weights stay in the L2 cache

struct MatmulFp8KernelArgs {
  MatmulFp8Args product;
  int tokens;    // rows of x of a block
  int n_steps;   // blocks of k
  int n_rounds;  // stages along k
  int n_stages;
  int row_tiles;
  int scale_rows;  // rows of w_scales of one expert
};

/// A tile as template arguments: weight rows, multiplying warpgroups, and 64-row products that each of them holds.
template <int rows, int groups, int halves>
struct Fp8Tile {
  static constexpr int kRows = rows, kGroups = groups, kHalves = halves;
  static constexpr int kTokens = 64 * groups * halves;
  static constexpr int kThreads = (groups + 1) * hopper::kGroupThreads;
  static constexpr bool kMovesRegisters = groups == 2;
  static constexpr bool kTakesTurns = halves > 1;  // see tile_of_many
  // Blocks of k in a stage: several where they are small, to ask and to wait less often.
  static constexpr int kBlocks = rows <= 16 ? 4 : rows <= 64 ? 2 : 1;
  static constexpr int stage_bytes(int tokens) { return kBlocks * (rows + tokens) * hopper::kSwizzleRowBytes; }
  /// Floats of scales in a stage: for each block the rows of x, and two of the weight.
  static constexpr int stage_scales(int tokens) { return kBlocks * (tokens + 2); }
};

namespace {

using namespace hopper;

/// Stages in shared memory and their barriers.
struct Fp8Ring {
  std::uint64_t* full;
  std::uint64_t* empty;
  char* stages;
  float* scales;  // of a stage: for each block tokens of x, then two of the weight
  int stage_bytes;
  int stage_scales;
  int n_stages;
};

/// A walk around a ring: the slot, and the parity of the round.
struct Fp8RingPlace {
  int slot = 0;
  std::uint32_t parity = 0;
  __device__ void advance(const Fp8Ring& ring) {
    if (++slot == ring.n_stages) {
      slot = 0;
      parity ^= 1;
    }
  }
};

/// What a block computes: rows of x, and the first row of its expert's weight.
struct Fp8Work {
  int expert, first_token, n_tokens, row;
};

/// The work with this index among n_tiles tiles of x.
template <class T>
__device__ Fp8Work fp8_work(const MatmulFp8KernelArgs& a, int n_tiles, int index) {
  const int per_band = kFp8RasterTiles * a.row_tiles, band = index / per_band, i = index - band * per_band;
  const int in_band = min(kFp8RasterTiles, n_tiles - band * kFp8RasterTiles);
  const int tile = band * kFp8RasterTiles + i % in_band, row = i / in_band * T::kRows;
  if (a.product.tiles == nullptr) {
    const int first = tile * a.tokens;
    return {0, first, min(a.tokens, a.product.m_rows - first), row};
  }
  const ExpertTile listed = a.product.tiles[tile];
  return {listed.expert, listed.first_place, listed.n_rows, row};
}

__device__ inline int fp8_tiles(const MatmulFp8KernelArgs& a) {
  return a.product.tiles == nullptr ? (a.product.m_rows + a.tokens - 1) / a.tokens : *a.product.n_tiles;
}

/// Calls visit(work) for all work of this block.
template <class T, class Visit>
__device__ void for_each_work(const MatmulFp8KernelArgs& a, Visit visit) {
  const int n_tiles = fp8_tiles(a);
  for (int i = static_cast<int>(blockIdx.x); i < n_tiles * a.row_tiles; i += static_cast<int>(gridDim.x)) {
    visit(fp8_work<T>(a, n_tiles, i));
  }
}

/// The copying side of the tiles, one warp, so that all it computes is the warp's and not a thread's; its first thread
/// asks. A dense product's first weights are asked for before the previous grid has ended.
template <class T>
__device__ void load_fp8_tiles(const MatmulFp8KernelArgs& a, const Fp8Ring& ring, const CUtensorMap& w_map,
                               const CUtensorMap& x_map) {
  constexpr int kWeightBytes = T::kBlocks * T::kRows * kSwizzleRowBytes;
  const int box_rows = min(a.tokens, kFp8BoxRows), box_bytes = T::kBlocks * box_rows * kSwizzleRowBytes;
  const bool asks = threadIdx.x % kWarpThreads == 0;
  const auto load_weights = [&](int slot, int first_row, int n_boxes, int round) {
    barrier_arrive_expect(&ring.full[slot], kWeightBytes + n_boxes * box_bytes);
    load_box(ring.stages + slot * ring.stage_bytes, &w_map, &ring.full[slot], 0, first_row, round * T::kBlocks);
  };
  const auto weight_row = [&](const Fp8Work& work) { return warp_uniform(work.expert * a.product.n_out + work.row); };
  const auto boxes = [&](const Fp8Work& work) { return warp_uniform((work.n_tokens + box_rows - 1) / box_rows); };
  int n_ahead = 0;
  if (a.product.tiles == nullptr) {
    const Fp8Work first = fp8_work<T>(a, fp8_tiles(a), static_cast<int>(blockIdx.x));
    n_ahead = min(ring.n_stages, a.n_rounds);
    const int first_row = weight_row(first), n_boxes = boxes(first);
    for (int round = 0; asks && round < n_ahead; ++round) load_weights(round, first_row, n_boxes, round);
  }
  wait_for_previous_grid();
  Fp8RingPlace at;
  int n_loaded = 0;
  for_each_work<T>(a, [&](const Fp8Work& work) {
    const int first_row = weight_row(work), n_boxes = boxes(work), first_token = warp_uniform(work.first_token);
    for (int round = 0; round < a.n_rounds; ++round, ++n_loaded, at.advance(ring)) {
      const int slot = warp_uniform(at.slot);
      if (n_loaded >= ring.n_stages) barrier_wait(&ring.empty[slot], at.parity ^ 1);
      if (!asks) continue;
      if (n_loaded >= n_ahead) load_weights(slot, first_row, n_boxes, round);
      char* to = ring.stages + slot * ring.stage_bytes + kWeightBytes;
#pragma unroll
      for (int i = 0; i < T::kTokens / kFp8BoxRows; ++i, to += box_bytes) {
        if (i > 0 && i >= n_boxes) break;
        load_box(to, &x_map, &ring.full[slot], 0, first_token + i * kFp8BoxRows, round * T::kBlocks);
      }
    }
  });
}

/// Threads that copy scales, and so arrive at a stage's barrier: no more than a block has scales.
__device__ inline int scale_threads(const MatmulFp8KernelArgs& a) { return min(a.tokens + 2, kWarpThreads); }

/// The copying side of the scales, one warp. Rows past the tile's last keep whatever is there.
template <class T>
__device__ void load_fp8_scales(const MatmulFp8KernelArgs& a, const Fp8Ring& ring) {
  const MatmulFp8Args& product = a.product;
  const bool is_gated = product.epilogue == Epilogue::swiglu_bf16;
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads, n_threads = scale_threads(a);
  if (lane >= n_threads) return;
  wait_for_previous_grid();
  Fp8RingPlace at;
  int n_loaded = 0;
  for_each_work<T>(a, [&](const Fp8Work& work) {
    const int scale_row = work.expert * a.scale_rows + work.row / (is_gated ? 2 * kFp8Group : kFp8Group);
    const std::int64_t w_at = static_cast<std::int64_t>(scale_row) * a.n_steps;
    const float* w_scales = (is_gated && lane == 1 ? product.up_scales : product.w_scales) + w_at;
    const float* x_scales = product.x_scales + work.first_token;
    for (int round = 0; round < a.n_rounds; ++round, ++n_loaded, at.advance(ring)) {
      if (n_loaded >= ring.n_stages) barrier_wait(&ring.empty[at.slot], at.parity ^ 1);
      float* to = ring.scales + at.slot * ring.stage_scales;
#pragma unroll
      for (int block = 0; block < T::kBlocks; ++block, to += a.tokens + 2, x_scales += product.x_scale_stride) {
        const int step = round * T::kBlocks + block;
        if (block > 0 && step >= a.n_steps) break;
        for (int i = lane; i < work.n_tokens; i += n_threads) copy_word_async(to + i, x_scales + i);
        if (lane < 2) copy_word_async(to + a.tokens + lane, w_scales + step);
      }
      barrier_arrive_after_copies(&ring.full[at.slot]);
    }
  });
}

__device__ inline float fp8_silu_times(float gate, float up) { return gate / (1.0f + expf(-gate)) * up; }

/// What one 64-row product of a block of k is multiplied with: the scales of the thread's rows of x, and of the weight
/// in turns of eight columns (gate, up).
struct Fp8Scales {
  float x[2], w[2];
};

/// The multiplying side, one warpgroup: the 64-row products `group`, `group` + kGroups, … of a tile.
template <class T>
struct Fp8Multiplier {
  using Product = WgmmaFp8<T::kRows>;
  using Sums = float[Product::kRegisters];

  const MatmulFp8KernelArgs& a;
  const Fp8Ring& ring;
  const int group;
  Fp8RingPlace at = {};

  __device__ int lane() const { return static_cast<int>(threadIdx.x) % kWarpThreads; }
  __device__ int first_row(int half) const { return (half * T::kGroups + group) * 64; }  // in the tile
  __device__ int thread_row() const { return static_cast<int>(threadIdx.x) / kWarpThreads % 4 * 16 + lane() / 4; }

  __device__ Fp8Scales scales_of(int slot, int block, int half) const {
    const float* scales = ring.scales + slot * ring.stage_scales + block * (a.tokens + 2);
    Fp8Scales loaded;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      loaded.x[i] = scales[min(first_row(half) + thread_row() + 8 * i, a.tokens - 1)];
      loaded.w[i] = scales[a.tokens + i];
    }
    return loaded;
  }
  /// Asks for the products of a stage's blocks, side by side.
  __device__ void multiply(Sums (&blocks)[T::kBlocks], int slot, int half) const {
    const char* stage = ring.stages + slot * ring.stage_bytes;
    std::uint64_t w[T::kBlocks], x[T::kBlocks];
#pragma unroll
    for (int i = 0; i < T::kBlocks; ++i) {
      w[i] = tile_descriptor(stage + i * T::kRows * kSwizzleRowBytes);
      x[i] = tile_descriptor(stage + (T::kBlocks * T::kRows + i * a.tokens + first_row(half)) * kSwizzleRowBytes);
    }
    products_begin();
#pragma unroll
    for (int k = 0; k < 4; ++k) {
#pragma unroll
      for (int i = 0; i < T::kBlocks; ++i) Product::run(blocks[i], x[i] + 2 * k, w[i] + 2 * k, k > 0);
      if (T::kTakesTurns && k == 1) products_commit();
    }
    products_commit();
  }
  // Named barriers 1 and 2: the turns of groups 0 and 1, met by both.
  __device__ static void wait_for_turn(int of_group) { barrier_sync(1 + of_group, 2 * kGroupThreads); }
  __device__ static void give_turn(int to_group) { barrier_arrive_only(1 + to_group, 2 * kGroupThreads); }
  __device__ void release(int slot) const { barrier_arrive(&ring.empty[slot]); }  // this thread has read its scales
  __device__ static void add(Sums& sums, const Sums& block, const Fp8Scales& scales) {
    float scale[2][2];
#pragma unroll
    for (int i = 0; i < 4; ++i) scale[i / 2][i % 2] = scales.x[i / 2] * scales.w[i % 2];
#pragma unroll
    for (int i = 0; i < Product::kRegisters; ++i) sums[i] = fmaf(block[i], scale[i / 2 % 2][i / 4 % 2], sums[i]);
  }
  __device__ void store(const Sums& sums, const Fp8Work& work, int half) const {
    const MatmulOutput out{
        a.product.epilogue, work.first_token + work.n_tokens, nullptr, a.product.y, a.product.y_stride, 0};
    store_warp_columns<T::kRows, fp8_silu_times>(out, sums, work.row, a.product.n_out,
                                                 work.first_token + first_row(half) + thread_row() - lane() / 4);
  }

  /// A stage on its way.
  struct Stage {
    Sums blocks[T::kBlocks];
    Fp8Scales scales[T::kBlocks];
    int slot, first_step;
  };
  __device__ void begin(Stage& stage, int round) {
    stage.slot = warp_uniform(at.slot);
    stage.first_step = round * T::kBlocks;
    barrier_wait(&ring.full[stage.slot], at.parity);
    multiply(stage.blocks, stage.slot, 0);
#pragma unroll
    for (int i = 0; i < T::kBlocks; ++i) stage.scales[i] = scales_of(stage.slot, i, 0);
    at.advance(ring);
  }
  __device__ void finish(Sums& sums, Stage& stage) const {
#pragma unroll
    for (int i = 0; i < T::kBlocks; ++i) pin_sums(stage.blocks[i]);
    release(stage.slot);
#pragma unroll
    for (int i = 0; i < T::kBlocks; ++i) {
      if (i == 0 || stage.first_step + i < a.n_steps) add(sums, stage.blocks[i], stage.scales[i]);
    }
  }

  /// With one 64-row product a group there is room for two stages: one is multiplied while the other is added.
  __device__ void tile_of_one(const Fp8Work& work) {
    if (first_row(0) >= work.n_tokens) {  // no rows for this group
      for (int round = 0; round < a.n_rounds; ++round, at.advance(ring)) {
        barrier_wait(&ring.full[at.slot], at.parity);
        release(at.slot);
      }
      return;
    }
    Sums sums = {};
    Stage even, odd;
    begin(even, 0);
    int round = 1;
    for (; round + 1 < a.n_rounds; round += 2) {
      begin(odd, round);
      products_wait<1>();
      finish(sums, even);
      begin(even, round + 1);
      products_wait<1>();
      finish(sums, odd);
    }
    if (round < a.n_rounds) {
      begin(odd, round);
      products_wait<1>();
      finish(sums, even);
      products_wait<0>();
      finish(sums, odd);
    } else {
      products_wait<0>();
      finish(sums, even);
    }
    store(sums, work, 0);
  }

  /// With more, one group adds while the other multiplies: a product may begin only when the other group's is half
  /// done, so that the tensor cores work for one after the other and never for both at once. Products without rows are
  /// left out.
  __device__ void tile_of_many(const Fp8Work& work) {
    static_assert(T::kBlocks == 1);
    Sums sums[T::kHalves] = {};
    for (int step = 0; step < a.n_steps; ++step, at.advance(ring)) {
      const int slot = warp_uniform(at.slot);
      barrier_wait(&ring.full[slot], at.parity);
#pragma unroll
      for (int half = 0; half < T::kHalves; ++half) {
        const bool is_last = half == T::kHalves - 1;
        wait_for_turn(group);
        if (first_row(half) >= work.n_tokens) {
          give_turn(1 - group);
          if (is_last) release(slot);
          continue;
        }
        Sums block[1];
        multiply(block, slot, half);
        const Fp8Scales scales = scales_of(slot, 0, half);
        products_wait<1>();
        give_turn(1 - group);
        products_wait<0>();
        pin_sums(block[0]);
        if (is_last) release(slot);
        add(sums[half], block[0], scales);
      }
    }
#pragma unroll
    for (int half = 0; half < T::kHalves; ++half) store(sums[half], work, half);
  }

  __device__ void all_tiles() {
    wait_for_previous_grid();
    if (T::kTakesTurns && group == 1) give_turn(0);
    for_each_work<T>(a, [&](const Fp8Work& work) {
      if constexpr (T::kHalves == 1) {
        tile_of_one(work);
      } else {
        tile_of_many(work);
      }
    });
  }
};

template <class T>
__global__ void __launch_bounds__(T::kThreads, 1)
    matmul_fp8_kernel(const __grid_constant__ CUtensorMap w_map, const __grid_constant__ CUtensorMap x_map,
                      const __grid_constant__ MatmulFp8KernelArgs a) {
  extern __shared__ __align__(1024) char shared[];
  auto* barriers = reinterpret_cast<std::uint64_t*>(shared);
  const int stage_bytes = T::stage_bytes(a.tokens);
  char* stages = shared + kFp8BarrierBytes;
  const Fp8Ring ring{
      barriers,    barriers + kFp8MaxStages,  stages,    reinterpret_cast<float*>(stages + a.n_stages * stage_bytes),
      stage_bytes, T::stage_scales(a.tokens), a.n_stages};
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&w_map);
    prefetch_tensor_map(&x_map);
    for (int i = 0; i < ring.n_stages; ++i) {
      barrier_init(&ring.full[i], 1 + scale_threads(a));
      barrier_init(&ring.empty[i], T::kGroups * kGroupThreads);
    }
    barrier_init_fence();
  }
  __syncthreads();
  const int group = warp_uniform(static_cast<int>(threadIdx.x) / kGroupThreads);
  if (group == 0) {
    if constexpr (T::kMovesRegisters) give_registers<40>();
    const int warp = warp_uniform(static_cast<int>(threadIdx.x) / kWarpThreads);
    if (warp == 0) load_fp8_tiles<T>(a, ring, w_map, x_map);
    if (warp == 1) load_fp8_scales<T>(a, ring);
  } else {
    if constexpr (T::kMovesRegisters) take_registers<232>();
    Fp8Multiplier<T>{a, ring, T::kGroups == 1 ? 0 : group - 1}.all_tiles();
  }
}

}  // namespace

/// Launches one tile's kernel.
template <class T>
Result<> launch_fp8_tile(const MatmulFp8Launch& launched) {
  const MatmulFp8Args& args = *launched.args;
  ASSAY_ASSIGN(const CUtensorMap w_map,
               fp8_blocks_map(args.w, std::int64_t{args.n_experts} * args.n_out, args.n_in, T::kRows, T::kBlocks));
  ASSAY_ASSIGN(const CUtensorMap x_map, fp8_blocks_map(args.x, args.m_rows, args.n_in,
                                                       std::min(launched.plan->tokens, kFp8BoxRows), T::kBlocks));
  const int tokens = launched.plan->tokens, stage_bytes = T::stage_bytes(tokens);
  // A product of 64 rows reads past the last stage if the tile has fewer; what it reads there is never stored.
  const int slack = (T::kTokens - tokens) * hopper::kSwizzleRowBytes;
  const int room = kFp8SharedBytes - kFp8BarrierBytes - slack,
            ring_bytes = stage_bytes + T::stage_scales(tokens) * static_cast<int>(sizeof(float));
  MatmulFp8KernelArgs a{};
  a.product = args;
  a.tokens = tokens;
  a.n_steps = args.n_in / kFp8Group;
  a.n_rounds = (a.n_steps + T::kBlocks - 1) / T::kBlocks;
  a.n_stages = std::min(kFp8MaxStages, room / ring_bytes);
  a.row_tiles = (args.n_out + T::kRows - 1) / T::kRows;
  const int scale_columns = args.epilogue == Epilogue::swiglu_bf16 ? args.n_out / 2 : args.n_out;
  a.scale_rows = (scale_columns + kFp8Group - 1) / kFp8Group;
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(matmul_fp8_kernel<T>, kFp8SharedBytes); }));
  const std::int64_t most_tiles = args.tiles == nullptr ? (args.m_rows + tokens - 1) / tokens
                                                        : args.m_rows / tokens + std::min(args.n_experts, args.m_rows);
  const auto n_blocks =
      static_cast<unsigned>(std::min<std::int64_t>(most_tiles * a.row_tiles, launched.n_multiprocessors));
  const auto shared_bytes = static_cast<std::size_t>(kFp8BarrierBytes + slack + a.n_stages * ring_bytes);
  return launch("matmul_fp8", matmul_fp8_kernel<T>, {dim3(n_blocks), T::kThreads, shared_bytes}, launched.stream, w_map,
                x_map, a);
}

/// Launches the one of `Tiles` that is the plan's.
template <class... Tiles>
Result<> launch_one_fp8(const MatmulFp8Launch& launched) {
  const MatmulFp8Plan& plan = *launched.plan;
  Result<> result = bad_input("matmul_fp8: no kernel for a tile of ", plan.tokens, " x ", plan.rows);
  const auto try_tile = [&]<class T>(T) {
    if (std::max(plan.tokens, kFp8BoxRows) != T::kTokens || plan.rows != T::kRows) return;
    static_cast<void>(result = launch_fp8_tile<T>(launched));
  };
  (try_tile(Tiles{}), ...);
  return result;
}

}  // namespace assay::kernels
