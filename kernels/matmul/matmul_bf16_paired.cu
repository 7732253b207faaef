// matmul_bf16 for what fills two tiles of tokens, large decode batches and prompts: two blocks of a cluster have the
// same weight rows, and each brings half of them for both. What a multiprocessor takes in is a limit there, and the
// energy of bringing it another; weights that come once for two blocks are less of both. Tokens are the products'
// 64-row operand, so that weight rows can be any multiple of 16; the tensor cores give the same bits either way.
// Contract in matmul_bf16.cuh.
//
// A block is one warpgroup that only asks for copies, one warp for weights and one for tokens, and kGroups warpgroups
// that each multiply 64 tokens. A slot of the ring is filled again when the warps of both blocks have read it.

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/matmul/matmul_bf16_tiles.cuh"
#include "kernels/matmul/matmul_epilogue.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kPair = 2;
constexpr std::uint16_t kBothBlocks = 3;
constexpr int kGroupTokens = 64;
constexpr int kMaxStages = 24;
constexpr int kBarrierBytes = 1024;  // keeps the tiles aligned to the swizzle's 1024 bytes
constexpr int kSharedBytes = 227 * 1024;
constexpr int kStepElements = kSwizzleElements;
constexpr int kBandRows = 8;  // row tiles that are walked together, so that their tokens stay in the L2 cache

struct PairedArgs {
  MatmulOutput output;
  int n_out;
  int n_steps;    // stages along k
  int row_tiles;  // of weights
  int token_pairs;
};

template <int groups, int rows>
struct PairedTile {
  static constexpr int kGroups = groups, kRows = rows, kTokens = groups * kGroupTokens;
  static constexpr int kThreads = (groups + 1) * kGroupThreads;
  static constexpr int kHalfRows = rows / kPair;        // what each block brings for both
  static constexpr bool kMovesRegisters = rows >= 192;  // sums of a thread that are more than an even share allows
  static constexpr int kWeightsBytes = rows * kSwizzleRowBytes, kTokensBytes = kTokens * kSwizzleRowBytes;
  static constexpr int kStageBytes = kWeightsBytes + kTokensBytes;
  static constexpr int kStages = std::min(kMaxStages, (kSharedBytes - kBarrierBytes) / kStageBytes);
};

struct Barriers {
  std::uint64_t full[kMaxStages];
  std::uint64_t empty[kMaxStages];
};
static_assert(sizeof(Barriers) <= kBarrierBytes);

/// A walk around the ring: the slot, and the parity of the round.
template <class T>
struct Place {
  int slot = 0;
  std::uint32_t parity = 0;
  __device__ void advance() {
    if (++slot == T::kStages) {
      slot = 0;
      parity ^= 1;
    }
  }
};

/// Calls visit(first weight row, first token) for every tile of this block.
template <class T, class Visit>
__device__ void for_each_tile(const PairedArgs& a, Visit visit) {
  const int rank = static_cast<int>(blockIdx.x) % kPair, n_clusters = static_cast<int>(gridDim.x) / kPair;
  for (int pair = static_cast<int>(blockIdx.x) / kPair; pair < a.row_tiles * a.token_pairs; pair += n_clusters) {
    int row_tile = pair, token_pair = 0;
    if (a.token_pairs > 1) {
      const int per_band = kBandRows * a.token_pairs, band = pair / per_band, i = pair - band * per_band;
      const int rows_in_band = min(kBandRows, a.row_tiles - band * kBandRows);
      row_tile = band * kBandRows + i % rows_in_band;
      token_pair = i / rows_in_band;
    }
    visit(row_tile * T::kRows, (token_pair * kPair + rank) * T::kTokens);
  }
}

/// Stages that this block fills, and both of its cluster alike.
__device__ inline int stages_in_all(const PairedArgs& a) {
  const int n_clusters = static_cast<int>(gridDim.x) / kPair, own = static_cast<int>(blockIdx.x) / kPair;
  return (a.row_tiles * a.token_pairs - own + n_clusters - 1) / n_clusters * a.n_steps;
}

/// The warp that asks for weights. Those of the ring's first round are asked for at once: weights never change, so the
/// previous grid may still be at work, and the other block may not have begun, so this one brings both halves for
/// itself. From then on it brings its half for both.
template <class T>
__device__ void load_weights(const PairedArgs& a, Barriers& barriers, char* stages, const CUtensorMap& map) {
  constexpr int kHalfBytes = T::kHalfRows * kSwizzleRowBytes;
  const int rank = static_cast<int>(cluster_rank());
  Place<T> at;
  int n_loaded = 0;
  for_each_tile<T>(a, [&](int row, int) {
    for (int step = 0; step < a.n_steps; ++step, ++n_loaded, at.advance()) {
      char* to = stages + at.slot * T::kStageBytes;
      std::uint64_t* full = &barriers.full[at.slot];
      if (n_loaded < T::kStages) {
        barrier_arrive_expect(full, T::kWeightsBytes);
        load_box(to, &map, full, step * kStepElements, row, 0);
        load_box(to + kHalfBytes, &map, full, step * kStepElements, row + T::kHalfRows, 0);
        continue;
      }
      if (n_loaded == T::kStages) cluster_wait();
      barrier_wait(&barriers.empty[at.slot], at.parity ^ 1);
      barrier_arrive_expect(full, T::kWeightsBytes);
      load_box_into(kBothBlocks, to + rank * kHalfBytes, &map, full, step * kStepElements, row + rank * T::kHalfRows,
                    0);
    }
  });
}

/// The warp that asks for this block's tokens.
template <class T>
__device__ void load_tokens(const PairedArgs& a, Barriers& barriers, char* stages, const CUtensorMap& map) {
  Place<T> at;
  int n_loaded = 0;
  for_each_tile<T>(a, [&](int, int token) {
    for (int step = 0; step < a.n_steps; ++step, ++n_loaded, at.advance()) {
      if (n_loaded == T::kStages) cluster_wait();  // for racecheck, which lets no other thread through before
      if (n_loaded >= T::kStages) barrier_wait(&barriers.empty[at.slot], at.parity ^ 1);
      barrier_arrive_expect(&barriers.full[at.slot], T::kTokensBytes);
      load_box(stages + at.slot * T::kStageBytes + T::kWeightsBytes, &map, &barriers.full[at.slot],
               step * kStepElements, token, 0);
    }
  });
}

/// The multiplying side, one warpgroup: 64 tokens.
template <class T>
__device__ void multiply_tiles(const PairedArgs& a, Barriers& barriers, const char* stages, int group) {
  using Product = Wgmma<T::kRows>;
  const unsigned rank = cluster_rank();
  int n_to_refill = stages_in_all(a) - T::kStages;
  // This warp has read a stage. The last round's are not filled again, and by then the other block may have ended.
  const auto release = [&](int slot) {
    if (n_to_refill-- > 0 && threadIdx.x % kWarpThreads < kPair) {
      barrier_arrive_in_block(&barriers.empty[slot], rank ^ (threadIdx.x % kWarpThreads));
    }
  };
  cluster_wait();
  Place<T> at;
  for_each_tile<T>(a, [&](int row, int token) {
    float sums[Product::kRegisters];
    int previous = 0;
    for (int step = 0; step < a.n_steps; ++step, at.advance()) {
      const int slot = warp_uniform(at.slot);
      barrier_wait(&barriers.full[slot], at.parity);
      const char* stage = stages + slot * T::kStageBytes;
      const std::uint64_t w = tile_descriptor(stage);
      const std::uint64_t x = tile_descriptor(stage + T::kWeightsBytes + group * kGroupTokens * kSwizzleRowBytes);
      products_begin();
#pragma unroll
      for (int k = 0; k < 4; ++k) Product::run(sums, x + 2 * k, w + 2 * k, step + k > 0);
      products_commit();
      products_wait<1>();  // the stage before this one has been read
      if (step > 0) release(previous);
      previous = slot;
    }
    products_wait<0>();
    release(previous);
    const int warp = static_cast<int>(threadIdx.x) / kWarpThreads % 4;
    store_warp_columns<T::kRows>(a.output, sums, row, a.n_out, token + group * kGroupTokens + warp * 16);
  });
}

template <class T>
__global__ void __launch_bounds__(T::kThreads, 1)
    paired_kernel(const __grid_constant__ CUtensorMap w_map, const __grid_constant__ CUtensorMap x_map,
                  const __grid_constant__ PairedArgs a) {
  extern __shared__ __align__(1024) char shared[];
  auto& barriers = *reinterpret_cast<Barriers*>(shared);
  char* stages = shared + kBarrierBytes;
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&w_map);
    prefetch_tensor_map(&x_map);
    for (int i = 0; i < T::kStages; ++i) {
      barrier_init(&barriers.full[i], 2);                        // the two warps that ask
      barrier_init(&barriers.empty[i], kPair * T::kGroups * 4);  // the multiplying warps of both blocks
    }
    barrier_init_fence();
  }
  __syncthreads();
  cluster_arrive();  // this block's barriers are there; who reaches for the other's waits for them
  const int group = warp_uniform(static_cast<int>(threadIdx.x) / kGroupThreads);
  if (group > 0) {
    if constexpr (T::kMovesRegisters) take_registers<232>();
    wait_for_previous_grid();
    multiply_tiles<T>(a, barriers, stages, group - 1);
    return;
  }
  if constexpr (T::kMovesRegisters) give_registers<40>();
  if (threadIdx.x == 0) {
    load_weights<T>(a, barriers, stages, w_map);
  } else if (threadIdx.x == kWarpThreads) {
    wait_for_previous_grid();
    load_tokens<T>(a, barriers, stages, x_map);
  }
}

template <class T>
Result<> launch_paired(const MatmulLaunch& launched) {
  const MatmulBf16Args& args = *launched.args;
  PairedArgs a{};
  a.output = {args.epilogue, args.m_rows, args.bias, args.y, args.y_stride, 0};
  a.n_out = args.n_out;
  a.n_steps = (args.n_in + kStepElements - 1) / kStepElements;
  a.row_tiles = (args.n_out + T::kRows - 1) / T::kRows;
  a.token_pairs = (args.m_rows + kPair * T::kTokens - 1) / (kPair * T::kTokens);
  constexpr std::size_t kBytes = kBarrierBytes + T::kStages * T::kStageBytes;
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(paired_kernel<T>, kBytes); }));
  const int n_blocks = kPair * std::min(a.row_tiles * a.token_pairs, launched.n_multiprocessors / kPair);
  LaunchShape shape{dim3(static_cast<unsigned>(n_blocks)), T::kThreads, kBytes, !args.w_is_new};
  shape.cluster_blocks = kPair;
  return launch("matmul_bf16", paired_kernel<T>, shape, launched.stream, launched.w_map, launched.x_map, a);
}

}  // namespace

Result<> launch_matmul_paired(const MatmulLaunch& launched) {
  const MatmulPlan& plan = *launched.plan;
  Result<> result = bad_input("matmul_bf16: no pair of tiles of ", plan.tokens, " tokens and ", plan.rows, " rows");
  const auto try_tile = [&]<class T>(T) {
    if (plan.tokens == T::kTokens && plan.rows == T::kRows) static_cast<void>(result = launch_paired<T>(launched));
  };
  const auto try_rows = [&]<int groups, int... rows>(std::integer_sequence<int, groups, rows...>) {
    (try_tile(PairedTile<groups, rows>{}), ...);
  };
  try_rows(std::integer_sequence<int, 1, 64, 96, 112>{});
  try_rows(std::integer_sequence<int, 2, 64, 96, 112, 192, 224, 256>{});
  return result;
}

}  // namespace assay::kernels
