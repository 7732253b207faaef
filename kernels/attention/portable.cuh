#pragma once
// The attention kernels of the portable path (sm_80 and later), as the wrappers of decode_attention.cuh,
// prefill_attention.cuh and their latent forms launch them: arguments are checked, and there is work. At most 96 KiB of
// shared memory a block.
//
//   The order in prefill is that of Hopper's kernels, with mma.m16n8k16 in place of wgmma. In decode keys are cut into
//   chunks of 256 from an item's first on; a chunk is taken in steps of 64 keys (of 32 where attention is latent) with
//   a running maximum, weights rounded to bfloat16. A weight sum has a part for each warp, a quarter of a step's keys;
//   the four are added in order. Chunks are added in order to the item, items by the merge that every path shares.

#include "kernels/attention/decode_attention.cuh"
#include "kernels/attention/mla_decode_attention.cuh"
#include "kernels/attention/mla_prefill_attention.cuh"
#include "kernels/attention/prefill_attention.cuh"

namespace assay::kernels {

Result<> launch_portable_decode(const DecodeAttentionArgs& args, cudaStream_t stream);
Result<> launch_portable_prefill(const PrefillAttentionArgs& args, cudaStream_t stream);
Result<> launch_portable_mla_decode(const MlaDecodeAttentionArgs& args, cudaStream_t stream);
Result<> launch_portable_mla_prefill(const MlaPrefillAttentionArgs& args, cudaStream_t stream);

}  // namespace assay::kernels
