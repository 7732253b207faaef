// The quantised products built for AVX-512 with VNNI; see level_avx512.cpp for the other operations.

#include "kernels/quantized/quantized.h"
#include "kernels/simd/cpu_ops.h"

#include "kernels/simd/lanes.h"

#include "kernels/simd/byte_lanes.h"

#include "kernels/quantized/quantized_lanes.inl"

namespace assay::kernels {

const QuantizedOps& avx512_vnni_ops();
const QuantizedOps& avx512_vnni_ops() {
  static const QuantizedOps ops{quantize_tile, multiply_panels};
  return ops;
}

}  // namespace assay::kernels
