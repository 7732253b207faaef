// Latent decode attention on the portable path, for any number of heads: sixteen at a time. Contract in
// mla_decode_attention.cuh, core in decode_portable.cuh.

#include "kernels/attention/decode_portable.cuh"
#include "kernels/attention/portable.cuh"

namespace assay::kernels {

namespace {

using MlaDecodeShape = DecodeShape<kMlaRow, kMlaLatent, 32, 2, true>;

struct KernelArgs {
  MlaDecodeAttentionArgs a;
  ItemPart* parts;  // [item][heads]
};

struct LatentRows {
  const __nv_bfloat16* rows;
  __device__ const __nv_bfloat16* key(std::int64_t page, int row, int column) const {
    return rows + (page * kCachePageTokens + row) * kMlaRow + column;
  }
};

__global__ void __launch_bounds__(kDecodeThreads, 2) portable_mla_decode_kernel(const __grid_constant__ KernelArgs k) {
  extern __shared__ __align__(1024) char memory[];
  auto& shared = *reinterpret_cast<DecodeShared<MlaDecodeShape>*>(memory);
  const MlaDecodeAttentionArgs& a = k.a;
  // Tiles of heads follow each other, so that an item's rows are read from memory once.
  const int head_tiles = (a.heads + kHeadRows - 1) / kHeadRows, n_work = a.first_item[a.rows] * head_tiles;
  for (int number = static_cast<int>(blockIdx.x); number < n_work; number += static_cast<int>(gridDim.x)) {
    const int index = number / head_tiles, first_head = number % head_tiles * kHeadRows;
    const MlaDecodeItem item = a.items[index];
    const std::int64_t head = std::int64_t{index} * a.heads + first_head;
    const DecodeWork<LatentRows> work{{a.cache.rows},
                                      a.pages + item.first_page,
                                      item.n_keys,
                                      a.q + (std::int64_t{item.row} * a.heads + first_head) * kMlaRow,
                                      min(kHeadRows, a.heads - first_head),
                                      a.scratch + head * kMlaLatent,
                                      k.parts + head,
                                      item.starts_span};
    attend_item<MlaDecodeShape>(shared, work, a.scale);
  }
}

}  // namespace

Result<> launch_portable_mla_decode(const MlaDecodeAttentionArgs& args, cudaStream_t stream) {
  float* parts = args.scratch + static_cast<std::size_t>(args.max_items) * args.heads * kMlaLatent;
  const KernelArgs k{args, reinterpret_cast<ItemPart*>(parts)};
  const int head_tiles = (args.heads + kHeadRows - 1) / kHeadRows;
  ASSAY_TRY(launch_decode_blocks<MlaDecodeShape>("mla_decode_attention", portable_mla_decode_kernel, k,
                                                 std::int64_t{args.max_items} * head_tiles, stream));
  return merge_items<kMlaLatent, 4>(
      merge_args(args.rows, args.heads, args.first_item, args.items, args.scratch, k.parts, args.out, false), stream);
}

}  // namespace assay::kernels
