// Checks, kernel choice and merge of mla_decode_attention.cuh.

#include "kernels/attention/mla_decode_attention.cuh"

#include <cuda_runtime.h>

#include "kernels/attention/decode_parts.cuh"
#include "kernels/attention/mla_decode_kernels.cuh"
#include "kernels/attention/portable.cuh"

namespace assay::kernels {

Result<> mla_decode_attention(const MlaDecodeAttentionArgs& args, cudaStream_t stream) {
  if (args.heads < 1 || args.heads > kMlaMaxHeads) {
    return bad_input("mla_decode_attention: ", args.heads, " heads, must be 1 to ", kMlaMaxHeads);
  }
  if (args.rows == 0) return {};
  if (args.max_items < args.rows) {
    return bad_input("mla_decode_attention: room for ", args.max_items, " items of ", args.rows, " rows");
  }
  if (cuda_path() == CudaPath::portable) return launch_portable_mla_decode(args, stream);
  MlaDecodeLaunch launch{&args, 0, stream};
  int device = 0;
  ASSAY_TRY(check(cudaGetDevice(&device), "CUDA device"));
  ASSAY_TRY(
      check(cudaDeviceGetAttribute(&launch.n_multiprocessors, cudaDevAttrMultiProcessorCount, device), "CUDA device"));
  ASSAY_TRY(args.heads <= kMlaFewHeads ? launch_mla_decode_few(launch) : launch_mla_decode_many(launch));
  const float* parts = args.scratch + static_cast<std::size_t>(args.max_items) * args.heads * kMlaLatent;
  return merge_items<kMlaLatent, 4>(merge_args(args.rows, args.heads, args.first_item, args.items, args.scratch,
                                               reinterpret_cast<const ItemPart*>(parts), args.out, true),
                                    stream);
}

}  // namespace assay::kernels
