#pragma once
// The two kernels behind mla_decode_attention.cuh, for its wrapper.

#include "kernels/attention/mla_decode_attention.cuh"

namespace assay::kernels {

/// One call's parts, ready for a launch: args.max_items outputs [heads][512] and parts [heads] (ItemPart) in scratch.
struct MlaDecodeLaunch {
  const MlaDecodeAttentionArgs* args;
  int n_multiprocessors;
  cudaStream_t stream;
};

/// Each item's parts, for up to kMlaFewHeads heads and for more.
Result<> launch_mla_decode_few(const MlaDecodeLaunch& launch);
Result<> launch_mla_decode_many(const MlaDecodeLaunch& launch);

}  // namespace assay::kernels
