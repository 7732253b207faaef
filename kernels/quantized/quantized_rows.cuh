#pragma once
// Rows of a quantised weight as numbers: of an embedding, and all of them for a product in bfloat16.
//   The weight lies as device_layout.h says. A value is the file's, u · scale + addend in float32: exact but for a type
//   with an addend, where the sum is rounded once. Both kernels move each byte that they need once.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/device/device.cuh"
#include "kernels/quantized/device_layout.h"

namespace assay::kernels {

/// The first values of the residual stream from a quantised table: x[t, :] = table[id, :]. Ids as embed_rows takes them
/// (rmsnorm_bf16.cuh).
struct EmbedQuantizedArgs {
  const std::byte* table = nullptr;
  WeightType type = WeightType::q8_0;
  const int* ids = nullptr;    ///< [tokens], each below the table's rows: the caller has checked
  const int* drawn = nullptr;  ///< or null, if no id is negative
  int tokens = 0;
  int hidden = 0;      ///< a multiple of 32
  float* x = nullptr;  ///< [tokens, hidden], 16-byte aligned
};
/// Error{bad_input} names what breaks the contract.
Result<> embed_quantized_rows(const EmbedQuantizedArgs& args, cudaStream_t stream);

/// A whole weight rounded to nearest bfloat16, row-major: the same bits as one that was widened at load. A product that
/// takes it next must say that it is new (MatmulBf16Args::w_is_new).
struct WidenQuantizedArgs {
  const std::byte* w = nullptr;
  WeightType type = WeightType::q8_0;
  int n_out = 0;
  int n_in = 0;                  ///< a multiple of 32
  __nv_bfloat16* out = nullptr;  ///< [n_out, n_in], 16-byte aligned
};
/// Error{bad_input} names what breaks the contract.
Result<> widen_quantized(const WidenQuantizedArgs& args, cudaStream_t stream);

}  // namespace assay::kernels
