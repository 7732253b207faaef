#pragma once
// The kernel behind grouped_matmul_bf16.cuh: the ring of matmul_bf16_kernel.cuh, walked by tiles that the device itself
// has listed. Included by grouped_matmul_bf16_*.cu only.
//
// Which experts' weights are needed is known only when the routing is, so nothing is asked for before the previous grid
// has ended. A tile of up to 256 rows is copied 64 rows at a time and multiplied with as few columns as hold its rows,
// so that the last, short tile of each expert costs little.

#include "kernels/device/once_per_device.cuh"
#include "kernels/matmul/grouped_matmul_bf16_tiles.cuh"
#include "kernels/matmul/matmul_bf16_kernel.cuh"

namespace assay::kernels {

struct GroupedKernelArgs {
  MatmulKernelArgs product;  ///< the output's m_rows is set per tile
  const ExpertTile* tiles;
  const std::int32_t* n_tiles;
};

/// With tiles of 128 rows of x the two groups take tiles in turns, each all of its 128 weight rows: one stores while
/// the other multiplies, which pays where k is short. Otherwise they share a tile, 64 weight rows each.
template <class T>
constexpr bool kTilesInTurns = T::kTokens == 128 && T::kGroups == 2;
template <class T>
constexpr bool kGroupedMovesRegisters = T::kMovesRegisters || kTilesInTurns<T>;

namespace {

constexpr int kRasterTiles = 4;  // row tiles of x that are walked together, so that weights stay in the L2 cache

/// Calls visit(tile, row) for every tile of this block: row tiles of the weight for a few tiles of x at a time.
template <class Visit>
__device__ void for_each_expert_tile(const GroupedKernelArgs& a, Visit visit) {
  const int n_tiles = *a.n_tiles, n_row_tiles = a.product.row_tiles;
  for (int index = static_cast<int>(blockIdx.x); index < n_tiles * n_row_tiles; index += static_cast<int>(gridDim.x)) {
    const int per_band = kRasterTiles * n_row_tiles, band = index / per_band, i = index - band * per_band;
    const int in_band = min(kRasterTiles, n_tiles - band * kRasterTiles);
    visit(a.tiles[band * kRasterTiles + i % in_band], i / in_band * a.product.rows);
  }
}

/// Rows of x in a box, and the boxes that hold n rows.
template <class T>
constexpr int kXBoxRows = T::kTokens < kGroupedBoxRows ? T::kTokens : kGroupedBoxRows;
template <class T>
__device__ int x_boxes(int n_rows) {
  return T::kTokens <= kGroupedBoxRows ? 1 : (n_rows + kGroupedBoxRows - 1) / kGroupedBoxRows;
}

/// The copying side, for every kAskingWarps-th stage. A whole warp, so that all it computes is the warp's and not a
/// thread's; its first thread asks.
template <class T>
__device__ void load_expert_tiles(const GroupedKernelArgs& a, const Ring& ring, const CUtensorMap& w_map,
                                  const CUtensorMap& x_map, int warp) {
  constexpr int kXBoxBytes = kXBoxRows<T> * kSwizzleRowBytes;
  const int w_box_bytes = a.product.rows * kSwizzleRowBytes;
  const bool asks = threadIdx.x % kWarpThreads == 0;
  RingPlace at;
  int n_loaded = 0;
  for_each_expert_tile(a, [&](const ExpertTile& tile, int row) {
    const int n_boxes = warp_uniform(x_boxes<T>(tile.n_rows)), first_place = warp_uniform(tile.first_place);
    const int first_row = warp_uniform(tile.expert * a.product.n_out + row);
    const int bytes = T::kBoxes * (w_box_bytes + n_boxes * kXBoxBytes);
    for (int step = 0; step < a.product.n_steps; ++step, ++n_loaded, at.advance(ring)) {
      if (n_loaded % T::kAskingWarps != warp) continue;
      const int slot = warp_uniform(at.slot);
      if (n_loaded >= ring.n_stages) barrier_wait(&ring.empty[slot], at.parity ^ 1);
      if (!asks) continue;
      std::uint64_t* full = &ring.full[slot];
      barrier_arrive_expect(full, bytes);
      char* to = ring.stages + slot * ring.stage_bytes;
      load_stage<T::kBoxes>(to, w_map, full, a.product.joined, a.product.rows, first_row, step, 0);
      to += T::kBoxes * w_box_bytes;
#pragma unroll
      for (int i = 0; i < T::kTokens / kXBoxRows<T>; ++i, to += kXBoxBytes) {
        if (i > 0 && i >= n_boxes) break;
        load_stage<T::kBoxes>(to, x_map, full, a.product.joined, kXBoxRows<T>, first_place + i * kXBoxRows<T>, step, 0);
      }
    }
  });
}

template <int columns>
struct Columns {
  static constexpr int kTokens = columns;
};

/// One tile's sums and their epilogue, with `columns` rows of x, by one group: its 64 weight rows, or both 64 of them.
template <class T, int columns>
__device__ void multiply_tile(const MatmulKernelArgs& a, const Ring& ring, RingPlace& at, int group, int row,
                              int first_place) {
  using Product = Wgmma<columns>;
  constexpr int kHalves = kTilesInTurns<T> ? 2 : 1;
  const int first_row = kTilesInTurns<T> ? 0 : group * kGroupRows, w_box_bytes = a.rows * kSwizzleRowBytes;
  float sums[kHalves][Product::kRegisters] = {};  // no variant's registers shall live while another's are in use
  int previous = 0;
  const auto release = [&](int slot) {  // this warp has read a stage
    if (threadIdx.x % kWarpThreads == 0) barrier_arrive(&ring.empty[slot]);
  };
  if constexpr (kTilesInTurns<T>) barrier_sync(1 + group, 2 * kGroupThreads);
  for (int step = 0; step < a.n_steps; ++step, at.advance(ring)) {
    const int slot = warp_uniform(at.slot);
    barrier_wait(&ring.full[slot], at.parity);
    const char* stage = ring.stages + slot * ring.stage_bytes;
    std::uint64_t w = tile_descriptor(stage + first_row * kSwizzleRowBytes);
    std::uint64_t x = tile_descriptor(stage + T::kBoxes * w_box_bytes);
    products_begin();
#pragma unroll
    for (int box = 0; box < T::kBoxes; ++box) {
#pragma unroll
      for (int half = 0; half < kHalves; ++half) {
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          Product::run(sums[half], w + (half * kGroupRows * kSwizzleRowBytes >> 4) + 2 * k, x + 2 * k,
                       step + box + k > 0);
        }
      }
      w += static_cast<std::uint64_t>(w_box_bytes >> 4);
      x += static_cast<std::uint64_t>(T::kTokens * kSwizzleRowBytes >> 4);
    }
    products_commit();
    products_wait<1>();  // the stage before this one has been read
    if (step > 0) release(previous);
    previous = slot;
  }
  if constexpr (kTilesInTurns<T>) barrier_arrive_only(2 - group, 2 * kGroupThreads);
  products_wait<0>();
  release(previous);
#pragma unroll
  for (int half = 0; half < kHalves; ++half) {
    store_sums<Columns<columns>>(a, sums[half], {row + first_row + half * kGroupRows, first_place, 0}, row + a.rows);
  }
}

/// The multiplying side, one warpgroup.
template <class T>
__device__ void multiply_expert_tiles(const GroupedKernelArgs& a, const Ring& ring, int group) {
  RingPlace at;
  MatmulKernelArgs product = a.product;
  int index = 0;
  if (kTilesInTurns<T> && group == 1) barrier_arrive_only(1, 2 * kGroupThreads);  // the first turn is group 0's
  for_each_expert_tile(a, [&](const ExpertTile& tile, int row) {
    if (kTilesInTurns<T> && index++ % 2 != group) {  // the other group's
      const int slot = at.slot + a.product.n_steps;
      at.slot = slot % ring.n_stages;
      at.parity ^= static_cast<std::uint32_t>(slot / ring.n_stages) & 1;
      return;
    }
    product.output.m_rows = tile.first_place + tile.n_rows;
    const auto multiply = [&]<int columns>() {
      multiply_tile<T, columns>(product, ring, at, group, row, tile.first_place);
    };
    const int n_boxes = x_boxes<T>(tile.n_rows);
    if constexpr (T::kTokens == 256) {
      if (n_boxes == 4) return multiply.template operator()<256>();
      if (n_boxes == 3) return multiply.template operator()<192>();
    }
    if constexpr (T::kTokens >= 128) {
      if (n_boxes == 2) return multiply.template operator()<128>();
      return multiply.template operator()<64>();
    } else {
      return multiply.template operator()<T::kTokens>();
    }
  });
}

template <class T>
__global__ void __launch_bounds__(T::kThreads, 1)
    grouped_matmul_bf16_kernel(const __grid_constant__ CUtensorMap w_map, const __grid_constant__ CUtensorMap x_map,
                               const __grid_constant__ GroupedKernelArgs a) {
  extern __shared__ __align__(1024) char shared[];
  auto* barriers = reinterpret_cast<std::uint64_t*>(shared);
  const Ring ring{barriers, barriers + kMaxStages, shared + kBarrierBytes, T::stage_bytes(a.product.rows),
                  a.product.n_stages};
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&w_map);
    prefetch_tensor_map(&x_map);
    for (int i = 0; i < ring.n_stages; ++i) {
      barrier_init(&ring.full[i], 1);
      barrier_init(&ring.empty[i], kTilesInTurns<T> ? 4 : T::kGroups * 4);
    }
    barrier_init_fence();
  }
  __syncthreads();
  wait_for_previous_grid();
  const int group = warp_uniform(static_cast<int>(threadIdx.x) / kGroupThreads);
  if (group == 0) {
    if constexpr (kGroupedMovesRegisters<T>) give_registers<40>();
    const int warp = warp_uniform(static_cast<int>(threadIdx.x) / kWarpThreads);
    if (warp < T::kAskingWarps) load_expert_tiles<T>(a, ring, w_map, x_map, warp);
  } else {
    if constexpr (kGroupedMovesRegisters<T>) take_registers<232>();
    multiply_expert_tiles<T>(a, ring, group - 1);
  }
}

}  // namespace

/// Launches one tile's kernel.
template <class T>
Result<> launch_grouped_tile(const GroupedLaunch& launched) {
  const GroupedMatmulBf16Args& args = *launched.args;
  const int rows = launched.plan->rows;
  // A product of 64 rows reads past the last stage if the tile has fewer rows; what it reads there is never stored.
  const int slack = T::kGroups == 1 ? (kGroupRows - rows) * hopper::kSwizzleRowBytes : 0;
  const int room = kSharedBytes - kBarrierBytes - slack;
  GroupedKernelArgs a{};
  a.product.n_out = args.n_out;
  a.product.joined = joins_boxes(args.n_in, 1);
  a.product.n_steps = (args.n_in + T::kStepElements - 1) / T::kStepElements;
  a.product.rows = rows;
  a.product.n_stages = std::min(kMaxStages, room / T::stage_bytes(rows));
  a.product.row_tiles = (args.n_out + rows - 1) / rows;
  a.product.output = {args.epilogue, 0, nullptr, args.y, args.y_stride, 0};
  a.tiles = args.tiles;
  a.n_tiles = args.n_tiles;
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(grouped_matmul_bf16_kernel<T>, kSharedBytes); }));
  const std::int64_t most_tiles =
      std::int64_t{a.product.row_tiles} *
      (args.n_places / args.tile_rows + std::min(args.n_experts, args.n_places));  // as max_expert_tiles has it
  const auto n_blocks = static_cast<unsigned>(std::min<std::int64_t>(most_tiles, launched.n_multiprocessors));
  const auto shared_bytes = static_cast<std::size_t>(kBarrierBytes + slack + a.product.n_stages * T::stage_bytes(rows));
  return launch("grouped_matmul_bf16", grouped_matmul_bf16_kernel<T>, {dim3(n_blocks), T::kThreads, shared_bytes},
                launched.stream, launched.w_map, launched.x_map, a);
}

/// Launches the one of `Tiles` that is the plan's.
template <class... Tiles>
Result<> launch_one_grouped(const GroupedLaunch& launched) {
  const MatmulPlan& plan = *launched.plan;
  Result<> result =
      bad_input("grouped_matmul_bf16: no kernel for tiles of ", plan.tokens, " rows and ", plan.groups, " groups");
  const auto try_tile = [&]<class T>(T) {
    if (plan.tokens != T::kTokens || plan.groups != T::kGroups) return;
    static_cast<void>(result = launch_grouped_tile<T>(launched));
  };
  (try_tile(Tiles{}), ...);
  return result;
}

}  // namespace assay::kernels
