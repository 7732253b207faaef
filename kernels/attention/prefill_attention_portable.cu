// Prefill attention on the portable path. Contract in prefill_attention.cuh, core in prefill_portable.cuh.

#include "kernels/attention/portable.cuh"
#include "kernels/attention/prefill_portable.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"

namespace assay::kernels {

namespace {

/// Where a tile's queries and its sequence's pages are, for one head.
template <int kDim>
struct PagedRows {
  const __nv_bfloat16* q;
  std::int64_t q_stride;
  const __nv_bfloat16* memory;
  const std::int32_t* pages;
  int kv_heads, kv_head;
  __device__ const __nv_bfloat16* query(int row, int column) const { return q + row * q_stride + column; }
  __device__ const __nv_bfloat16* key(int u, int column) const {
    return memory + cache_keys_place(pages[u / kCachePageTokens], kv_heads, kv_head, kDim) +
           u % kCachePageTokens * kDim + column;
  }
  __device__ const __nv_bfloat16* value(int u, int column) const {
    return key(u, column) + cache_head_elements(kDim) / 2;
  }
};

template <int kDim>
__global__ void __launch_bounds__(kPrefillThreads, 1)
    portable_prefill_kernel(const __grid_constant__ PrefillAttentionArgs a) {
  const int head = static_cast<int>(blockIdx.x) % a.heads;
  const PrefillTile tile = a.tiles[static_cast<int>(blockIdx.x) / a.heads];
  const std::int64_t q_stride = std::int64_t{a.heads} * kDim;
  const PagedRows<kDim> rows{a.q + tile.first_row * q_stride + head * kDim,
                             q_stride,
                             a.cache.memory,
                             a.page_table + static_cast<std::ptrdiff_t>(tile.sequence) * a.page_table_stride,
                             a.cache.kv_heads,
                             head / (a.heads / a.cache.kv_heads)};
  attend_tile<PrefillShape<kDim, kDim>>(tile, rows, a.scale, a.out, a.heads, head);
}

template <int kDim>
Result<> launch_prefill(const PrefillAttentionArgs& args, cudaStream_t stream) {
  constexpr std::size_t kSharedBytes = PrefillShape<kDim, kDim>::kSharedBytes;
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(portable_prefill_kernel<kDim>, kSharedBytes); }));
  return launch("prefill_attention", portable_prefill_kernel<kDim>,
                {dim3(static_cast<unsigned>(args.n_tiles * args.heads)), kPrefillThreads, kSharedBytes}, stream, args);
}

}  // namespace

Result<> launch_portable_prefill(const PrefillAttentionArgs& args, cudaStream_t stream) {
  return args.cache.head_dim == 64 ? launch_prefill<64>(args, stream) : launch_prefill<128>(args, stream);
}

}  // namespace assay::kernels
