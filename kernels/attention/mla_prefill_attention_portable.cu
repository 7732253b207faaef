// Latent attention of prompts on the portable path. Contract in mla_prefill_attention.cuh, core in
// prefill_portable.cuh: a key's two parts, expanded and cached, are copied side by side.

#include "kernels/attention/portable.cuh"
#include "kernels/attention/prefill_portable.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"

namespace assay::kernels {

namespace {

constexpr int kHeadsTogether = 16;  // so that their keys and values stay in the L2 cache
constexpr int kExpandedHead = kMlaNope + kMlaValue;
using MlaPrefillShape = PrefillShape<kMlaHead, kMlaValue>;

/// Where a tile's queries and its sequence's rows are, for one head.
struct MaterialisedRows {
  const __nv_bfloat16* q;
  std::int64_t q_stride;
  const __nv_bfloat16* expanded;  // this head's, from the sequence's first row on
  std::int64_t expanded_stride;
  const __nv_bfloat16* gathered;
  __device__ const __nv_bfloat16* query(int row, int column) const { return q + row * q_stride + column; }
  __device__ const __nv_bfloat16* key(int u, int column) const {
    return column < kMlaNope ? expanded + u * expanded_stride + column
                             : gathered + std::int64_t{u} * kMlaRow + kMlaLatent + (column - kMlaNope);
  }
  __device__ const __nv_bfloat16* value(int u, int column) const {
    return expanded + u * expanded_stride + kMlaNope + column;
  }
};

__global__ void __launch_bounds__(kPrefillThreads, 1)
    portable_mla_prefill_kernel(const __grid_constant__ MlaPrefillAttentionArgs a) {
  const int first_head = static_cast<int>(blockIdx.x) / (kHeadsTogether * a.n_tiles) * kHeadsTogether;
  const int index = static_cast<int>(blockIdx.x) - first_head * a.n_tiles;
  const int heads = min(kHeadsTogether, a.n_heads - first_head), head = first_head + index % heads;  // the call's
  const PrefillTile tile = a.tiles[index / heads];
  const std::int64_t first_key = a.first_key[tile.sequence];
  const std::int64_t q_stride = std::int64_t{a.heads} * kMlaHead,
                     expanded_stride = std::int64_t{a.n_heads} * kExpandedHead;
  const MaterialisedRows rows{a.q + tile.first_row * q_stride + (a.first_head + head) * kMlaHead, q_stride,
                              a.expanded + first_key * expanded_stride + head * kExpandedHead, expanded_stride,
                              a.gathered + first_key * kMlaRow};
  attend_tile<MlaPrefillShape>(tile, rows, a.scale, a.out, a.heads, a.first_head + head);
}

}  // namespace

Result<> launch_portable_mla_prefill(const MlaPrefillAttentionArgs& args, cudaStream_t stream) {
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(portable_mla_prefill_kernel, MlaPrefillShape::kSharedBytes); }));
  return launch(
      "mla_prefill_attention", portable_mla_prefill_kernel,
      {dim3(static_cast<unsigned>(args.n_tiles * args.n_heads)), kPrefillThreads, MlaPrefillShape::kSharedBytes},
      stream, args);
}

}  // namespace assay::kernels
