// The quantised products built for NEON with the dot product of Armv8.2; see level_neon.cpp for the other operations.

#define ASSAY_NEON

#include "kernels/quantized/quantized.h"
#include "kernels/simd/cpu_ops.h"

#include "kernels/simd/lanes.h"

#include "kernels/simd/byte_lanes.h"

#include "kernels/quantized/quantized_lanes.inl"

namespace assay::kernels {

const QuantizedOps& neon_dotprod_ops();
const QuantizedOps& neon_dotprod_ops() {
  static const QuantizedOps ops{quantize_tile, multiply_panels};
  return ops;
}

}  // namespace assay::kernels
