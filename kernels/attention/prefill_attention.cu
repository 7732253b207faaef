// Prefill attention. Contract in prefill_attention.cuh.
//
// A block is one warpgroup that only asks the copy engine for queries, keys and values, and two that compute, 64 rows
// each. A computing group asks for the weights' product with a block's values and for the next block's scores together,
// so that the tensor cores are busy with both while the other group is at its softmax.

#include "kernels/attention/prefill_attention.cuh"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>

#include "kernels/attention/portable.cuh"
#include "kernels/attention/prefill_block.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"

namespace assay::kernels {

namespace {

using namespace hopper;

constexpr int kGroups = kPrefillGroups, kTileRows = kPrefillTileRows;
constexpr int kStages = 2;
constexpr int kThreads = (kGroups + 1) * kGroupThreads;
constexpr int kHeadBytes = 1024;  // barriers; keeps the tiles aligned to 1024
constexpr int kPageTokens = kCachePageTokens;
static_assert(kBlockKeys == 2 * kPageTokens, "a block is two pages");

struct Barriers {
  std::uint64_t q_full;
  std::uint64_t key_full[kStages], key_empty[kStages];
  std::uint64_t value_full[kStages], value_empty[kStages];
};

/// Columns of 64: each of a tile's halves lies apart, rows of 128 bytes.
template <int kDim>
struct Layout {
  static constexpr int kHalves = kDim / kSwizzleElements;
  static constexpr int kQHalfBytes = kTileRows * kSwizzleRowBytes;
  static constexpr int kHalfBytes = kBlockRowsBytes;
  static constexpr int kStageBytes = kHalves * kHalfBytes;
  static constexpr int kQBytes = kHalves * kQHalfBytes;
  static constexpr int kSharedBytes = kHeadBytes + kQBytes + 2 * kStages * kStageBytes;
};

struct Tiles {
  char* q;
  char* keys;
  char* values;
};

__device__ inline int n_blocks_of(const PrefillTile& tile) {
  return (tile.first_position + tile.n_rows + kBlockKeys - 1) / kBlockKeys;
}

/// The copying side, one thread.
template <int kDim>
__device__ void load_tile(const PrefillAttentionArgs& a, Barriers& barriers, const Tiles& tiles,
                          const PrefillTile& tile, int head, const CUtensorMap& q_map, const CUtensorMap& cache_map) {
  using L = Layout<kDim>;
  const int kv_head = head / (a.heads / a.cache.kv_heads);
  barrier_arrive_expect(&barriers.q_full, L::kQBytes);
  for (int h = 0; h < L::kHalves; ++h) {
    load_box(tiles.q + h * L::kQHalfBytes, &q_map, &barriers.q_full, h * kSwizzleElements, head, tile.first_row);
  }
  const std::int32_t* pages = a.page_table + static_cast<std::size_t>(tile.sequence) * a.page_table_stride;
  const int last_page = (tile.n_cached - 1) / kPageTokens, n_blocks = n_blocks_of(tile);
  for (int block = 0; block < n_blocks; ++block) {
    const int stage = block % kStages;
    const std::uint32_t parity = block / kStages % 2;
    // The last block's second page may not exist; any page will do, for its keys are masked and its values cleared.
    const int page[2] = {pages[min(2 * block, last_page)], pages[min(2 * block + 1, last_page)]};
    const auto load = [&](char* to, int half, std::uint64_t* full, std::uint64_t* empty) {
      if (block >= kStages) barrier_wait(empty, parity ^ 1);
      barrier_arrive_expect(full, L::kStageBytes);
      for (int h = 0; h < L::kHalves; ++h) {
        for (int p = 0; p < 2; ++p) {
          load_box(to + h * L::kHalfBytes + p * kPageTokens * kSwizzleRowBytes, &cache_map, full, h * kSwizzleElements,
                   0, 2 * kv_head + half, page[p]);
        }
      }
    };
    load(tiles.keys + stage * L::kStageBytes, 0, &barriers.key_full[stage], &barriers.key_empty[stage]);
    load(tiles.values + stage * L::kStageBytes, 1, &barriers.value_full[stage], &barriers.value_empty[stage]);
  }
}

/// Asks for scores = q · keysᵀ, 64 rows by 128 keys.
template <int kDim>
__device__ inline void ask_scores(Scores& scores, const char* q, const char* keys) {
  using L = Layout<kDim>;
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    const int half = k / 4, unit = 2 * (k % 4);
    Wgmma<kBlockKeys>::run(scores, tile_descriptor(q + half * L::kQHalfBytes) + unit,
                           tile_descriptor(keys + half * L::kHalfBytes) + unit, k > 0);
  }
}

/// One computing group.
template <int kDim>
__device__ void attend_tile(const PrefillAttentionArgs& a, Barriers& barriers, const Tiles& tiles,
                            const PrefillTile& tile, int head, int group) {
  using L = Layout<kDim>;
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const char* q = tiles.q + group * kGroupRows * kSwizzleRowBytes;
  const int group_position = tile.first_position + group * kGroupRows;
  const int own_position =
      group_position + static_cast<int>(threadIdx.x) % kGroupThreads / kWarpThreads * 16 + lane / 4;
  const int n_blocks = n_blocks_of(tile);
  const float scale_log2 = a.scale * kLog2E;
  const auto release = [&](std::uint64_t* empty) {
    if (lane == 0) barrier_arrive(empty);
  };
  Rows<kDim> rows = {};
  rows.max[0] = rows.max[1] = -INFINITY;
  Scores scores;
  barrier_wait(&barriers.q_full, 0);
  barrier_wait(&barriers.key_full[0], 0);
  products_begin();
  ask_scores<kDim>(scores, q, tiles.keys);
  products_commit();
  std::uint32_t weights[kBlockKeys / 4];
  // Takes a block's scores, which have been asked for, and asks for its part of the outputs.
  const auto take = [&](int block) {
    const int stage = block % kStages;
    char* values = tiles.values + stage * L::kStageBytes;
    products_wait<0>();
    release(&barriers.key_empty[stage]);
    if ((block + 1) * kBlockKeys > group_position) mask_scores(scores, block * kBlockKeys, own_position);
    take_block<kDim>(scores, rows, scale_log2);
#pragma unroll
    for (int i = 0; i < kBlockKeys / 4; ++i) weights[i] = pack_bf16(scores[2 * i], scores[2 * i + 1]);
    barrier_wait(&barriers.value_full[stage], block / kStages % 2);
    if ((block + 1) * kBlockKeys > tile.n_cached) clear_values<kDim>(values, tile.n_cached - block * kBlockKeys);
    products_begin();
    ask_outputs<kDim>(rows.output, weights, values);
    products_commit();
  };
  for (int block = 0; block + 1 < n_blocks; ++block) {
    const int next = block + 1;
    take(block);
    barrier_wait(&barriers.key_full[next % kStages], next / kStages % 2);
    products_begin();
    ask_scores<kDim>(scores, q, tiles.keys + next % kStages * L::kStageBytes);
    products_commit();
    products_wait<1>();
    release(&barriers.value_empty[block % kStages]);
  }
  take(n_blocks - 1);
  products_wait<0>();
  store_rows<kDim>(a.out, a.heads, tile, head, group, rows);
}

/// Query heads whose tiles run side by side, so that their keys and values stay in the L2 cache: the least number that
/// is eight or more, uses whole KV heads, and divides the heads. (Fewer leave multiprocessors idle at the end.)
int heads_together(int heads, int kv_heads) {
  int kv_together = 1;
  while (kv_heads % kv_together != 0 || heads / kv_heads * kv_together < std::min(8, heads)) ++kv_together;
  return heads / kv_heads * kv_together;
}

template <int kDim>
__global__ void __launch_bounds__(kThreads, 1)
    prefill_kernel(const __grid_constant__ CUtensorMap q_map, const __grid_constant__ CUtensorMap cache_map,
                   const __grid_constant__ PrefillAttentionArgs a, int together) {
  using L = Layout<kDim>;
  extern __shared__ __align__(1024) char memory[];
  Barriers& barriers = *reinterpret_cast<Barriers*>(memory);
  const Tiles tiles{memory + kHeadBytes, memory + kHeadBytes + L::kQBytes,
                    memory + kHeadBytes + L::kQBytes + kStages * L::kStageBytes};
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&q_map);
    prefetch_tensor_map(&cache_map);
    barrier_init(&barriers.q_full, 1);
    for (int i = 0; i < kStages; ++i) {
      barrier_init(&barriers.key_full[i], 1);
      barrier_init(&barriers.value_full[i], 1);
      barrier_init(&barriers.key_empty[i], kGroups * 4);
      barrier_init(&barriers.value_empty[i], kGroups * 4);
    }
    barrier_init_fence();
  }
  __syncthreads();
  wait_for_previous_grid();
  const int first_head = static_cast<int>(blockIdx.x) / (together * a.n_tiles) * together;
  const int index = static_cast<int>(blockIdx.x) - first_head * a.n_tiles;
  const int head = first_head + index % together;
  const PrefillTile tile = a.tiles[index / together];
  const int group = static_cast<int>(threadIdx.x) / kGroupThreads;
  if (group == 0) {
    give_registers<24>();
    if (threadIdx.x == 0) load_tile<kDim>(a, barriers, tiles, tile, head, q_map, cache_map);
  } else {
    take_registers<240>();
    attend_tile<kDim>(a, barriers, tiles, tile, head, group - 1);
  }
}

template <int kDim>
Result<> launch_prefill(const PrefillAttentionArgs& args, cudaStream_t stream) {
  const auto heads = static_cast<std::uint64_t>(args.heads);
  const std::array<TensorMapDim, 3> q_dims{
      TensorMapDim{kDim, 0, kSwizzleElements}, TensorMapDim{heads, kDim * 2, 1},
      TensorMapDim{static_cast<std::uint64_t>(args.tokens), heads * kDim * 2, kTileRows}};
  ASSAY_ASSIGN(const CUtensorMap q_map, encode_tensor_map(args.q, q_dims));
  ASSAY_ASSIGN(const CUtensorMap pages, cache_map(args.cache));
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(prefill_kernel<kDim>, Layout<kDim>::kSharedBytes); }));
  return launch("prefill_attention", prefill_kernel<kDim>,
                {dim3(static_cast<unsigned>(args.n_tiles * args.heads)), kThreads, Layout<kDim>::kSharedBytes}, stream,
                q_map, pages, args, heads_together(args.heads, args.cache.kv_heads));
}

}  // namespace

Result<> prefill_attention(const PrefillAttentionArgs& args, cudaStream_t stream) {
  const PagedCache& cache = args.cache;
  if (cache.kv_heads < 1 || args.heads < 1 || args.heads % cache.kv_heads != 0) {
    return bad_input("prefill_attention: ", args.heads, " query heads over ", cache.kv_heads, " KV heads");
  }
  if (cache.head_dim != 64 && cache.head_dim != 128) {
    return bad_input("prefill_attention: head_dim is ", cache.head_dim, ", must be 64 or 128");
  }
  if (args.n_tiles == 0) return {};
  if (cuda_path() == CudaPath::portable) return launch_portable_prefill(args, stream);
  return cache.head_dim == 64 ? launch_prefill<64>(args, stream) : launch_prefill<128>(args, stream);
}

}  // namespace assay::kernels
