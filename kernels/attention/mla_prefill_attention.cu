// Latent attention of prompts. Contract in mla_prefill_attention.cuh.
//
// As in prefill_attention.cu: a block is one warpgroup that only asks the copy engine for queries, keys and values, and
// two that compute, 64 rows each; one's softmax hides under the other's products. A key's two parts, expanded and
// cached, lie side by side in shared memory as if they had come from one place.

#include "kernels/attention/mla_prefill_attention.cuh"

#include <cuda_runtime.h>

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
constexpr int kHeadsTogether = 16;
constexpr int kThreads = (kGroups + 1) * kGroupThreads;
constexpr int kHeadBytes = 1024;                         // barriers; keeps the tiles aligned to 1024
constexpr int kExpandedHead = kMlaNope + kMlaValue;      // a head's columns of the expanded rows
constexpr int kNopeParts = kMlaNope / kSwizzleElements;  // columns of 64, which lie apart in shared memory
constexpr int kKeyParts = kMlaHead / kSwizzleElements;   // the last one is the rotated part
constexpr int kValueParts = kMlaValue / kSwizzleElements;
constexpr int kQPartBytes = kTileRows * kSwizzleRowBytes;
constexpr int kQBytes = kKeyParts * kQPartBytes;
constexpr int kKeyBytes = kKeyParts * kBlockRowsBytes, kValueBytes = kValueParts * kBlockRowsBytes;
constexpr int kSharedBytes = kHeadBytes + kQBytes + kStages * (kKeyBytes + kValueBytes);

struct Barriers {
  std::uint64_t q_full;
  std::uint64_t key_full[kStages], key_empty[kStages];
  std::uint64_t value_full[kStages], value_empty[kStages];
};

struct Tiles {
  char* q;
  char* keys;
  char* values;
};

__device__ inline int n_blocks_of(const PrefillTile& tile) {
  return (tile.first_position + tile.n_rows + kBlockKeys - 1) / kBlockKeys;
}

struct Maps {
  CUtensorMap q, expanded, rope;
};

/// The copying side, one thread. `head` is the call's, from 0.
__device__ void load_tile(const MlaPrefillAttentionArgs& a, Barriers& barriers, const Tiles& tiles,
                          const PrefillTile& tile, int head, const Maps& maps) {
  barrier_arrive_expect(&barriers.q_full, kQBytes);
  for (int part = 0; part < kKeyParts; ++part) {
    load_box(tiles.q + part * kQPartBytes, &maps.q, &barriers.q_full, part * kSwizzleElements, a.first_head + head,
             tile.first_row);
  }
  const int first_key = a.first_key[tile.sequence], first_column = head * kExpandedHead, n_blocks = n_blocks_of(tile);
  for (int block = 0; block < n_blocks; ++block) {
    const int stage = block % kStages, row = first_key + block * kBlockKeys;
    const std::uint32_t parity = block / kStages % 2;
    char* keys = tiles.keys + stage * kKeyBytes;
    std::uint64_t* full = &barriers.key_full[stage];
    if (block >= kStages) barrier_wait(&barriers.key_empty[stage], parity ^ 1);
    barrier_arrive_expect(full, kKeyBytes);
    for (int part = 0; part < kNopeParts; ++part) {
      load_box(keys + part * kBlockRowsBytes, &maps.expanded, full, first_column + part * kSwizzleElements, row);
    }
    load_box(keys + kNopeParts * kBlockRowsBytes, &maps.rope, full, kMlaLatent, row);
    char* values = tiles.values + stage * kValueBytes;
    full = &barriers.value_full[stage];
    if (block >= kStages) barrier_wait(&barriers.value_empty[stage], parity ^ 1);
    barrier_arrive_expect(full, kValueBytes);
    for (int part = 0; part < kValueParts; ++part) {
      load_box(values + part * kBlockRowsBytes, &maps.expanded, full, first_column + kMlaNope + part * kSwizzleElements,
               row);
    }
  }
}

/// Asks for scores = q · keysᵀ, 64 rows by 128 keys.
__device__ inline void ask_scores(Scores& scores, const char* q, const char* keys) {
#pragma unroll
  for (int k = 0; k < kMlaHead / 16; ++k) {
    const int part = k / 4, unit = 2 * (k % 4);
    Wgmma<kBlockKeys>::run(scores, tile_descriptor(q + part * kQPartBytes) + unit,
                           tile_descriptor(keys + part * kBlockRowsBytes) + unit, k > 0);
  }
}

/// One computing group.
__device__ void attend_tile(const MlaPrefillAttentionArgs& a, Barriers& barriers, const Tiles& tiles,
                            const PrefillTile& tile, int head, int group) {
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
  Rows<kMlaValue> rows = {};
  rows.max[0] = rows.max[1] = -INFINITY;
  Scores scores;
  barrier_wait(&barriers.q_full, 0);
  barrier_wait(&barriers.key_full[0], 0);
  products_begin();
  ask_scores(scores, q, tiles.keys);
  products_commit();
  std::uint32_t weights[kBlockKeys / 4];
  // Takes a block's scores, which have been asked for, and asks for its part of the outputs.
  const auto take = [&](int block) {
    const int stage = block % kStages;
    char* values = tiles.values + stage * kValueBytes;
    products_wait<0>();
    release(&barriers.key_empty[stage]);
    if ((block + 1) * kBlockKeys > group_position) mask_scores(scores, block * kBlockKeys, own_position);
    take_block<kMlaValue>(scores, rows, scale_log2);
#pragma unroll
    for (int i = 0; i < kBlockKeys / 4; ++i) weights[i] = pack_bf16(scores[2 * i], scores[2 * i + 1]);
    barrier_wait(&barriers.value_full[stage], block / kStages % 2);
    if ((block + 1) * kBlockKeys > tile.n_cached) clear_values<kMlaValue>(values, tile.n_cached - block * kBlockKeys);
    products_begin();
    ask_outputs<kMlaValue>(rows.output, weights, values);
    products_commit();
  };
  for (int block = 0; block + 1 < n_blocks; ++block) {
    const int next = block + 1;
    take(block);
    barrier_wait(&barriers.key_full[next % kStages], next / kStages % 2);
    products_begin();
    ask_scores(scores, q, tiles.keys + next % kStages * kKeyBytes);
    products_commit();
    products_wait<1>();
    release(&barriers.value_empty[block % kStages]);
  }
  take(n_blocks - 1);
  products_wait<0>();
  store_rows<kMlaValue>(a.out, a.heads, tile, head, group, rows);
}

__global__ void __launch_bounds__(kThreads, 1)
    prefill_kernel(const __grid_constant__ Maps maps, const __grid_constant__ MlaPrefillAttentionArgs a) {
  extern __shared__ __align__(1024) char memory[];
  Barriers& barriers = *reinterpret_cast<Barriers*>(memory);
  const Tiles tiles{memory + kHeadBytes, memory + kHeadBytes + kQBytes,
                    memory + kHeadBytes + kQBytes + kStages * kKeyBytes};
  let_next_grid_start();
  if (threadIdx.x == 0) {
    prefetch_tensor_map(&maps.q);
    prefetch_tensor_map(&maps.expanded);
    prefetch_tensor_map(&maps.rope);
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
  // Some heads at a time, so that their keys and values stay in the L2 cache.
  const int first_head = static_cast<int>(blockIdx.x) / (kHeadsTogether * a.n_tiles) * kHeadsTogether;
  const int index = static_cast<int>(blockIdx.x) - first_head * a.n_tiles;
  const int heads = min(kHeadsTogether, a.n_heads - first_head), head = first_head + index % heads;
  const PrefillTile tile = a.tiles[index / heads];
  const int group = static_cast<int>(threadIdx.x) / kGroupThreads;
  if (group == 0) {
    give_registers<24>();
    if (threadIdx.x == 0) load_tile(a, barriers, tiles, tile, head, maps);
  } else {
    take_registers<240>();
    attend_tile(a, barriers, tiles, tile, a.first_head + head, group - 1);
  }
}

/// Rows of `n_columns` bfloat16, copied 128 at a time.
Result<CUtensorMap> rows_map(const __nv_bfloat16* rows, int n_rows, int n_columns) {
  const auto columns = static_cast<std::uint64_t>(n_columns);
  const std::array<TensorMapDim, 2> dims{
      TensorMapDim{columns, 0, kSwizzleElements},
      TensorMapDim{static_cast<std::uint64_t>(n_rows), columns * sizeof(__nv_bfloat16), kBlockKeys}};
  return encode_tensor_map(rows, dims);
}

}  // namespace

Result<> mla_prefill_attention(const MlaPrefillAttentionArgs& args, cudaStream_t stream) {
  if (args.first_head < 0 || args.n_heads < 1 || args.first_head + args.n_heads > args.heads) {
    return bad_input("mla_prefill_attention: heads ", args.first_head, " to ", args.first_head + args.n_heads, " of ",
                     args.heads);
  }
  if (args.n_tiles == 0) return {};
  if (args.tokens < 1 || args.n_keys < 1) {
    return bad_input("mla_prefill_attention: ", args.tokens, " positions over ", args.n_keys, " keys");
  }
  if (cuda_path() == CudaPath::portable) return launch_portable_mla_prefill(args, stream);
  const auto heads = static_cast<std::uint64_t>(args.heads);
  const std::array<TensorMapDim, 3> q_dims{
      TensorMapDim{kMlaHead, 0, kSwizzleElements}, TensorMapDim{heads, kMlaHead * 2, 1},
      TensorMapDim{static_cast<std::uint64_t>(args.tokens), heads * kMlaHead * 2, kTileRows}};
  Maps maps;
  ASSAY_ASSIGN(maps.q, encode_tensor_map(args.q, q_dims));
  ASSAY_ASSIGN(maps.expanded, rows_map(args.expanded, args.n_keys, args.n_heads * kExpandedHead));
  ASSAY_ASSIGN(maps.rope, rows_map(args.gathered, args.n_keys, kMlaRow));
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(prefill_kernel, kSharedBytes); }));
  return launch("mla_prefill_attention", prefill_kernel,
                {dim3(static_cast<unsigned>(args.n_tiles * args.n_heads)), kThreads, kSharedBytes}, stream, maps, args);
}

}  // namespace assay::kernels
