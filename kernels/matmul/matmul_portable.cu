// The portable products. Contract in matmul_portable.cuh.
//
// A block's threads copy both operands' stages into a ring and multiply them, one barrier a stage. Blocks stay and walk
// over tiles: of one or more equal products, or of the list of experts' rows that the device itself has made.

#include "kernels/matmul/matmul_portable.cuh"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/attention/mma.cuh"
#include "kernels/device/copy_async.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"
#include "kernels/matmul/matmul_epilogue.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kRasterRows = 8;  // row tiles that are walked together, so that their tokens stay in the L2 cache
constexpr int kUnitElements = 8;

/// A block's tile, the part of it that each warp has, and its ring: stages of `step` elements of k.
template <int tokens, int rows, int warp_tokens, int warp_rows, int step, int stages, int blocks>
struct PortableTile {
  static constexpr int kTokens = tokens, kRows = rows, kWarpTokens = warp_tokens, kWarpRows = warp_rows;
  static constexpr int kStep = step, kStages = stages;
  static constexpr int kBlocks = blocks;  // on a multiprocessor, at the least
  static constexpr int kRowWarps = rows / warp_rows;
  static constexpr int kThreads = kRowWarps * (tokens / warp_tokens) * kWarpThreads;
  static constexpr int kBoxes = step / kSwizzleElements;  // 64 elements of k lie together, rows of 128 bytes
  static constexpr int kStageBytes = (rows + tokens) * step * 2;
  static constexpr int kSharedBytes = kStageBytes * stages;
};
using Tile8 = PortableTile<8, 32, 8, 16, 128, 8, 2>;
using Tile16 = PortableTile<16, 32, 16, 16, 128, 7, 2>;
using Tile32 = PortableTile<32, 32, 16, 16, 128, 6, 2>;
using Tile64x32 = PortableTile<64, 32, 16, 16, 128, 4, 2>;
using Tile64 = PortableTile<64, 64, 32, 32, 64, 4, 3>;
using Tile128 = PortableTile<128, 128, 64, 64, 64, 3, 2>;

struct PortableArgs {
  MatmulOutput output;
  const __nv_bfloat16* x;
  const __nv_bfloat16* w;
  std::int64_t x_stride, x_batch_stride, w_batch_stride;
  int n_out, n_in;
  int row_tiles, token_tiles, n_batches;
  // Of grouped products; else null.
  const ExpertTile* tiles;
  const std::int32_t* n_tiles;
  int tile_parts;  // tiles of a block that an expert's tile is made of
};

/// One tile: its first weight row and token, where these begin, and how many tokens there are in all.
struct Place {
  int row, token, batch, token_end;
  const __nv_bfloat16* w;
  const __nv_bfloat16* x;
};

template <class T>
__device__ inline Place dense_place(const PortableArgs& a, int index) {
  const int per_product = a.row_tiles * a.token_tiles, batch = index / per_product;
  index -= batch * per_product;
  const int per_band = kRasterRows * a.token_tiles;
  const int band = index / per_band, i = index - band * per_band;
  const int rows_in_band = min(kRasterRows, a.row_tiles - band * kRasterRows);
  const int row = (band * kRasterRows + i % rows_in_band) * T::kRows, token = i / rows_in_band * T::kTokens;
  return {row,
          token,
          batch,
          a.output.m_rows,
          a.w + batch * a.w_batch_stride + std::int64_t{row} * a.n_in,
          a.x + batch * a.x_batch_stride + token * a.x_stride};
}

/// Row tiles of one part of an expert's tile follow each other. A part past the tile's rows has no tokens.
template <class T>
__device__ inline Place expert_place(const PortableArgs& a, int index) {
  const int row = index % a.row_tiles * T::kRows, part = index / a.row_tiles;
  const ExpertTile tile = a.tiles[part / a.tile_parts];
  const int token = tile.first_place + part % a.tile_parts * T::kTokens;
  return {row,
          token,
          0,
          tile.first_place + tile.n_rows,
          a.w + (std::int64_t{tile.expert} * a.n_out + row) * a.n_in,
          a.x + token * a.x_stride};
}

/// Asks for one stage of `kRows` rows of a matrix, of which n_rows exist.
template <class T, int kRows>
__device__ inline void copy_rows(std::uint32_t to, const __nv_bfloat16* from, std::int64_t stride, int n_rows, int k,
                                 int n_in) {
  constexpr int kRowUnits = T::kStep / kUnitElements, kRowStep = T::kThreads / kRowUnits;
  static_assert(T::kThreads % kRowUnits == 0 && kRows % kRowStep == 0);
  const int first_row = static_cast<int>(threadIdx.x) / kRowUnits, unit = static_cast<int>(threadIdx.x) % kRowUnits;
  const int own_k = k + unit * kUnitElements;
  const bool is_within = own_k < n_in;
  const __nv_bfloat16* own = from + first_row * stride + own_k;
  to += unit / 8 * (kRows * kSwizzleRowBytes);
#pragma unroll
  for (int i = 0; i < kRows / kRowStep; ++i, own += kRowStep * stride) {
    const int row = first_row + i * kRowStep;
    const bool valid = is_within && row < n_rows;
    copy_unit_async(to + swizzled_offset(row, unit % 8), valid ? own : from, valid);
  }
}

/// A warp's part of one stage: sums[row fragment][token fragment · 4 …] += weights · tokens.
template <class T>
__device__ inline void multiply_stage(std::uint32_t stage, int warp_row, int warp_token,
                                      float (&sums)[T::kWarpRows / 16][T::kWarpTokens / 2]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  constexpr int kRowFragments = T::kWarpRows / 16, kTokenFragments = T::kWarpTokens / 8;
#pragma unroll
  for (int box = 0; box < T::kBoxes; ++box) {
    const std::uint32_t w = stage + box * (T::kRows * kSwizzleRowBytes);
    const std::uint32_t x = stage + T::kRows * T::kStep * 2 + box * (T::kTokens * kSwizzleRowBytes);
#pragma unroll
    for (int pair = 0; pair < 2; ++pair) {  // two steps of 16: a load of tokens serves both
      std::uint32_t tokens[kTokenFragments][4];
#pragma unroll
      for (int t = 0; t < kTokenFragments; ++t) {
        load_matrices(tokens[t], x + swizzled_offset(warp_token + 8 * t + lane % 8, 4 * pair + lane / 8));
      }
#pragma unroll
      for (int half = 0; half < 2; ++half) {
#pragma unroll
        for (int r = 0; r < kRowFragments; ++r) {
          std::uint32_t weights[4];
          load_matrices(weights, w + swizzled_offset(warp_row + 16 * r + lane % 16, 4 * pair + 2 * half + lane / 16));
#pragma unroll
          for (int t = 0; t < kTokenFragments; ++t) {
            auto& sum = reinterpret_cast<float(&)[4]>(sums[r][4 * t]);
            multiply_16x8(sum, weights, tokens[t][2 * half], tokens[t][2 * half + 1]);
          }
        }
      }
    }
  }
}

template <class T>
__device__ void multiply_tile(const PortableArgs& a, const Place& place, std::uint32_t shared) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpThreads;
  const int warp_row = warp % T::kRowWarps * T::kWarpRows, warp_token = warp / T::kRowWarps * T::kWarpTokens;
  const int n_rows = a.n_out - place.row, n_tokens = place.token_end - place.token;
  const int n_steps = (a.n_in + T::kStep - 1) / T::kStep;
  const auto copy_stage = [&](int step) {
    if (step < n_steps) {
      const std::uint32_t to = shared + step % T::kStages * T::kStageBytes;
      copy_rows<T, T::kRows>(to, place.w, a.n_in, n_rows, step * T::kStep, a.n_in);
      copy_rows<T, T::kTokens>(to + T::kRows * T::kStep * 2, place.x, a.x_stride, n_tokens, step * T::kStep, a.n_in);
    }
    close_copies();  // of nothing behind the end, so that the count of open groups stays
  };
  float sums[T::kWarpRows / 16][T::kWarpTokens / 2] = {};
  for (int step = 0; step < T::kStages - 1; ++step) copy_stage(step);
  for (int step = 0; step < n_steps; ++step) {
    wait_for_copies<T::kStages - 2>();
    __syncthreads();  // all copies of this stage are there, and all have read the one before it
    copy_stage(step + T::kStages - 1);
    multiply_stage<T>(shared + step % T::kStages * T::kStageBytes, warp_row, warp_token, sums);
  }
  MatmulOutput output = a.output;
  output.m_rows = place.token_end;
#pragma unroll
  for (int r = 0; r < T::kWarpRows / 16; ++r) {
    store_warp_sums<T::kWarpTokens>(output, sums[r], place.row + warp_row + 16 * r, a.n_out, place.token + warp_token,
                                    place.batch);
  }
  __syncthreads();  // the next tile's copies overwrite what this one's slowest warp reads
}

template <class T>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    portable_matmul_kernel(const __grid_constant__ PortableArgs a) {
  extern __shared__ __align__(1024) char memory[];
  const std::uint32_t shared = shared_address(memory);
  const bool grouped = a.tiles != nullptr;
  const int n_tiles = grouped ? *a.n_tiles * a.tile_parts * a.row_tiles : a.row_tiles * a.token_tiles * a.n_batches;
  for (int index = static_cast<int>(blockIdx.x); index < n_tiles; index += static_cast<int>(gridDim.x)) {
    const Place place = grouped ? expert_place<T>(a, index) : dense_place<T>(a, index);
    if (place.token < place.token_end) multiply_tile<T>(a, place, shared);
  }
}

/// Blocks that the current device runs at a time.
template <class T>
Result<int> resident_blocks() {
  int device = 0, n_multiprocessors = 0, of_one = 0;
  ASSAY_TRY(allow_shared_memory(portable_matmul_kernel<T>, T::kSharedBytes));
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(check(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  ASSAY_TRY(check(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(&of_one, portable_matmul_kernel<T>, T::kThreads, T::kSharedBytes),
      "matmul_bf16"));
  return std::max(of_one, 1) * n_multiprocessors;
}

/// `most_tiles` is what the grid is for, where the device alone knows how many there are.
template <class T>
Result<> launch_tile(const char* what, const PortableArgs& a, std::int64_t most_tiles, cudaStream_t stream) {
  static OncePerDevice<int> of_device;
  const Result<int>& resident = of_device(resident_blocks<T>);
  if (!resident) return resident.error();
  const auto n_blocks = static_cast<unsigned>(std::min<std::int64_t>(most_tiles, *resident));
  return launch(what, portable_matmul_kernel<T>, {dim3(n_blocks), T::kThreads, T::kSharedBytes}, stream, a);
}

template <class T>
MatmulPlan plan_of() {
  return {T::kTokens, 1, T::kRows};
}

/// All tiles that were built.
template <class... Ts>
struct TileList {
  static std::vector<MatmulPlan> plans() { return {plan_of<Ts>()...}; }
  /// Calls visit(a tile) for each.
  template <class Visit>
  static void for_each(Visit visit) {
    (visit(Ts{}), ...);
  }
};
using Tiles = TileList<Tile8, Tile16, Tile32, Tile64x32, Tile64, Tile128>;
/// Those for experts, one for each number of rows; the last also takes twice as many.
using GroupedTiles = TileList<Tile8, Tile16, Tile32, Tile64, Tile128>;
constexpr int kMostTileRows = 2 * Tile128::kTokens;

template <class T>
Result<> launch_dense(const MatmulBf16Args& args, PortableArgs a, cudaStream_t stream) {
  a.row_tiles = (args.n_out + T::kRows - 1) / T::kRows;
  a.token_tiles = (args.m_rows + T::kTokens - 1) / T::kTokens;
  return launch_tile<T>("matmul_bf16", a, std::int64_t{a.row_tiles} * a.token_tiles * a.n_batches, stream);
}

template <class T>
Result<> launch_grouped(const GroupedMatmulBf16Args& args, PortableArgs a, cudaStream_t stream) {
  a.row_tiles = (args.n_out + T::kRows - 1) / T::kRows;
  a.tile_parts = (args.tile_rows + T::kTokens - 1) / T::kTokens;
  const std::int64_t most_tiles = args.n_places / args.tile_rows + std::min(args.n_experts, args.n_places);
  return launch_tile<T>("grouped_matmul_bf16", a, most_tiles * a.tile_parts * a.row_tiles, stream);
}

}  // namespace

std::vector<MatmulPlan> portable_matmul_plans() { return Tiles::plans(); }

MatmulPlan choose_portable_matmul_plan(int m_rows, int n_out, int n_multiprocessors, int n_batches) {
  const auto n_tiles = [&](const MatmulPlan& plan) {
    return std::int64_t{(n_out + plan.rows - 1) / plan.rows} * ((m_rows + plan.tokens - 1) / plan.tokens) * n_batches;
  };
  if (m_rows <= 8) return plan_of<Tile8>();
  if (m_rows <= 16) return plan_of<Tile16>();
  if (m_rows <= 32) return plan_of<Tile32>();
  // Measured: a larger tile wastes less, but only where nearly all multiprocessors have one.
  if (m_rows <= 64 && n_tiles(plan_of<Tile64>()) < n_multiprocessors) return plan_of<Tile64x32>();
  if (m_rows <= 64 || 4 * n_tiles(plan_of<Tile128>()) < 3 * n_multiprocessors) return plan_of<Tile64>();
  return plan_of<Tile128>();
}

std::vector<MatmulPlan> portable_grouped_matmul_plans() {
  std::vector<MatmulPlan> plans = GroupedTiles::plans();
  plans.push_back({kMostTileRows, 1, Tile128::kRows});
  return plans;
}

int portable_grouped_rows(int tile_rows) {
  int rows = tile_rows == kMostTileRows ? Tile128::kRows : 0;
  GroupedTiles::for_each([&]<class T>(T) {
    if (tile_rows == T::kTokens) rows = T::kRows;
  });
  return rows;
}

Result<> launch_portable_matmul(const MatmulBf16Args& args, const MatmulPlan& plan, cudaStream_t stream) {
  PortableArgs a{};
  a.output = {args.epilogue, args.m_rows, args.bias, args.y, args.y_stride, args.y_batch_stride};
  a.x = args.x;
  a.w = args.w;
  a.x_stride = args.x_stride;
  a.x_batch_stride = args.x_batch_stride;
  a.w_batch_stride = args.w_batch_stride;
  a.n_out = args.n_out;
  a.n_in = args.n_in;
  a.n_batches = args.n_batches;
  Result<> result = bad_input("matmul_bf16: no kernel for a tile of ", plan.tokens, " tokens and ", plan.rows, " rows");
  Tiles::for_each([&]<class T>(T) {
    if (plan == plan_of<T>()) static_cast<void>(result = launch_dense<T>(args, a, stream));
  });
  return result;
}

Result<> launch_portable_grouped_matmul(const GroupedMatmulBf16Args& args, const MatmulPlan& plan,
                                        cudaStream_t stream) {
  if (plan.tokens != args.tile_rows || plan.rows == 0 || plan.rows != portable_grouped_rows(plan.tokens)) {
    return bad_input("grouped_matmul_bf16: no kernel for tiles of ", args.tile_rows, " rows and ", plan.rows,
                     " weight rows");
  }
  PortableArgs a{};
  a.output = {args.epilogue, 0, nullptr, args.y, args.y_stride, 0};
  a.x = args.x;
  a.w = args.w;
  a.x_stride = args.x_stride;
  a.n_out = args.n_out;
  a.n_in = args.n_in;
  a.tiles = args.tiles;
  a.n_tiles = args.n_tiles;
  if (plan.tokens == kMostTileRows) return launch_grouped<Tile128>(args, a, stream);
  Result<> result;
  GroupedTiles::for_each([&]<class T>(T) {
    if (plan.tokens == T::kTokens) static_cast<void>(result = launch_grouped<T>(args, a, stream));
  });
  return result;
}

}  // namespace assay::kernels
