// The CPU operations built for one instruction set; the flags stand in CMakeLists.txt. Lanes come first, then the dot
// product in lanes, then the operations that are written in both.

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

const CpuOps& scalar_ops();
const CpuOps& scalar_ops() {
  static const CpuOps ops{SimdLevel::scalar, {quantize_tile, multiply_panels},
                          matmul_columns,    attend,
                          rmsnorm_row,       swiglu_row,
                          exp_row,           largest,
                          weigh_logits};
  return ops;
}

}  // namespace assay::kernels
