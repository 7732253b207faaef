// The CPU operations built for NEON, which every aarch64 has. Lanes come first, then the dot product in lanes, then the
// operations that are written in both.

#define ASSAY_NEON

#include "kernels/attention/attention.h"
#include "kernels/matmul/matmul.h"
#include "kernels/quantized/quantized.h"
#include "kernels/simd/cpu_ops.h"

#include "kernels/simd/lanes.h"

#include "kernels/simd/byte_lanes.h"

#include "kernels/simd/dot_lanes.inl"

#include "kernels/attention/attention_lanes.inl"
#include "kernels/matmul/matmul_lanes.inl"
#include "kernels/quantized/quantized_lanes.inl"
#include "kernels/rmsnorm/rmsnorm_lanes.inl"
#include "kernels/sampling/sampling_lanes.inl"
#include "kernels/swiglu/swiglu_lanes.inl"

namespace assay::kernels {

const CpuOps& neon_ops(const QuantizedOps& quantized);
const CpuOps& neon_ops(const QuantizedOps& quantized) {
  static const CpuOps ops{SimdLevel::neon, quantized, matmul_columns, attend,      rmsnorm_row,
                          swiglu_row,      exp_row,   largest,        weigh_logits};
  return ops;
}

const QuantizedOps& neon_quantized_ops();
const QuantizedOps& neon_quantized_ops() {
  static const QuantizedOps ops{quantize_tile, multiply_panels};
  return ops;
}

}  // namespace assay::kernels
