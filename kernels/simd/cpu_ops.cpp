#include "kernels/simd/cpu_ops.h"

#include "harness/base/assert.h"

namespace assay::kernels {

const CpuOps& scalar_ops();
#if defined(__x86_64__)
const CpuOps& avx2_ops();
const CpuOps& avx512_ops(const QuantizedOps& quantized);
const QuantizedOps& avx512_vnni_ops();
#endif

const char* to_string(SimdLevel level) {
  switch (level) {
    case SimdLevel::scalar:
      return "scalar";
    case SimdLevel::avx2:
      return "avx2";
    case SimdLevel::avx512:
      return "avx512";
  }
  return "?";
}

bool simd_level_available(SimdLevel level) {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (level == SimdLevel::avx2) return avx2;
  if (level == SimdLevel::avx512) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
#endif
  return level == SimdLevel::scalar;
}

SimdLevel best_simd_level() {
  for (const SimdLevel level : {SimdLevel::avx512, SimdLevel::avx2}) {
    if (simd_level_available(level)) return level;
  }
  return SimdLevel::scalar;
}

const CpuOps& cpu_ops(SimdLevel level) {
  ASSAY_ASSERT(simd_level_available(level), "callers ask for levels that this processor has");
#if defined(__x86_64__)
  if (level == SimdLevel::avx512) {
    return avx512_ops(__builtin_cpu_supports("avx512vnni") ? avx512_vnni_ops() : avx2_ops().quantized);
  }
  if (level == SimdLevel::avx2) return avx2_ops();
#endif
  return scalar_ops();
}

}  // namespace assay::kernels
