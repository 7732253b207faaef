// Grouped-query decode attention on the portable path. Contract in decode_attention.cuh, core in decode_portable.cuh.

#include "kernels/attention/decode_portable.cuh"
#include "kernels/attention/portable.cuh"

namespace assay::kernels {

namespace {

template <int kDim>
using GqaShape = DecodeShape<kDim, kDim, 64, kDim == 128 ? 2 : 4, false>;

struct KernelArgs {
  DecodeAttentionArgs a;
  float* part_outputs;  // [item][heads][d]
  ItemPart* parts;      // [item][heads]
};

/// A KV head's rows.
template <int kDim>
struct PagedRows {
  const __nv_bfloat16* memory;
  int kv_heads, kv_head;
  __device__ const __nv_bfloat16* key(int page, int row, int column) const {
    return memory + cache_keys_place(page, kv_heads, kv_head, kDim) + row * kDim + column;
  }
  __device__ const __nv_bfloat16* value(int page, int row, int column) const {
    return key(page, row, column) + cache_head_elements(kDim) / 2;
  }
};

template <int kDim>
__global__ void __launch_bounds__(kDecodeThreads, 3) portable_decode_kernel(const __grid_constant__ KernelArgs k) {
  extern __shared__ __align__(1024) char memory[];
  auto& shared = *reinterpret_cast<DecodeShared<GqaShape<kDim>>*>(memory);
  const DecodeAttentionArgs& a = k.a;
  const int kv_heads = a.cache.kv_heads, group = a.heads / kv_heads, n_work = a.first_item[a.rows] * kv_heads;
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += static_cast<int>(gridDim.x)) {
    const int index = number / kv_heads, kv_head = number % kv_heads;
    const DecodeItem& item = a.items[index];
    const std::int64_t head = std::int64_t{index} * a.heads + kv_head * group;
    const DecodeWork<PagedRows<kDim>> work{{a.cache.memory, kv_heads, kv_head},
                                           item.pages,
                                           item.n_keys,
                                           a.q + (std::int64_t{item.row} * a.heads + kv_head * group) * kDim,
                                           group,
                                           k.part_outputs + head * kDim,
                                           k.parts + head,
                                           item.starts_span};
    attend_item<GqaShape<kDim>>(shared, work, a.scale);
  }
}

template <int kDim>
Result<> launch_decode(const DecodeAttentionArgs& args, cudaStream_t stream) {
  KernelArgs k{args, args.scratch, nullptr};
  k.parts = reinterpret_cast<ItemPart*>(args.scratch + static_cast<std::size_t>(args.max_items) * args.heads * kDim);
  ASSAY_TRY(launch_decode_blocks<GqaShape<kDim>>("decode_attention", portable_decode_kernel<kDim>, k,
                                                 std::int64_t{args.max_items} * args.cache.kv_heads, stream));
  return merge_items<kDim, 4>(
      merge_args(args.rows, args.heads, args.first_item, args.items, k.part_outputs, k.parts, args.out, false), stream);
}

}  // namespace

Result<> launch_portable_decode(const DecodeAttentionArgs& args, cudaStream_t stream) {
  return args.cache.head_dim == 64 ? launch_decode<64>(args, stream) : launch_decode<128>(args, stream);
}

}  // namespace assay::kernels
