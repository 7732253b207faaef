#pragma once
// The input of a multi-token-prediction module: the next token's embedding and the main model's hidden state, each
// normed, side by side.
//   y[t] = [ bf16(rmsnorm(table[ids[t]]) · enorm) | bf16(rmsnorm(states[rows[t]]) · hnorm) ], y [tokens, 2·hidden]
//   table [vocab, hidden] and states [rows, hidden] bfloat16, enorm and hnorm [hidden] float32, dense and 16-byte
//   aligned; hidden % 8 == 0. rmsnorm(x) = x · (1 / sqrt(mean(x²) + eps)); the squares are summed by 256 threads, each
//   over its pairs in ascending order, then as a tree.
//   Moves tokens · hidden · 8 bytes.
// Source: arXiv:2412.19437, 2.2.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include "kernels/device/device.cuh"

namespace assay::kernels {

struct MtpPairArgs {
  const __nv_bfloat16* table = nullptr;
  const int* ids = nullptr;  ///< [tokens], each in [0, vocab): the caller has checked
  const __nv_bfloat16* states = nullptr;
  const int* rows = nullptr;  ///< [tokens]
  const float* enorm = nullptr;
  const float* hnorm = nullptr;
  float eps = 0;
  int tokens = 0;
  int hidden = 0;
  __nv_bfloat16* y = nullptr;
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> mtp_pair(const MtpPairArgs& args, cudaStream_t stream);

}  // namespace assay::kernels
