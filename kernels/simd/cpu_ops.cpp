#include "kernels/simd/cpu_ops.h"

#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "harness/base/assert.h"

namespace assay::kernels {

const CpuOps& scalar_ops();
#if defined(__x86_64__)
const CpuOps& avx2_ops();
const CpuOps& avx512_ops(const QuantizedOps& quantized);
const QuantizedOps& avx512_vnni_ops();
const QuantizedOps& avx512_amx_ops();
#elif defined(__aarch64__)
const CpuOps& neon_ops(const QuantizedOps& quantized);
const QuantizedOps& neon_quantized_ops();
const QuantizedOps& neon_dotprod_ops();
#endif

namespace {

#if defined(__x86_64__)
/// Whether the processor converts halves. clang 14 knows no __builtin_cpu_supports("f16c").
bool has_f16c() {
  constexpr unsigned kF16cBit = 1u << 29;  // CPUID leaf 1, ECX
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & kF16cBit) != 0;
}

/// Whether processor and kernel let this process use AMX's tiles. Linux wants to be asked, once a process: the tiles
/// enlarge what it saves of every thread that touches them.
bool request_amx() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr unsigned kTileBit = 1u << 24, kInt8Bit = 1u << 25;  // CPUID leaf 7, EDX
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((edx & kTileBit) == 0 || (edx & kInt8Bit) == 0) return false;
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

}  // namespace

const char* to_string(SimdLevel level) {
  switch (level) {
    case SimdLevel::scalar:
      return "scalar";
    case SimdLevel::neon:
      return "neon";
    case SimdLevel::avx2:
      return "avx2";
    case SimdLevel::avx512:
      return "avx512";
  }
  return "?";
}

bool simd_level_available(SimdLevel level) {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  if (level == SimdLevel::avx2) return avx2;
  if (level == SimdLevel::avx512) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
#elif defined(__aarch64__)
  if (level == SimdLevel::neon) return true;  // part of the architecture
#endif
  return level == SimdLevel::scalar;
}

SimdLevel best_simd_level() {
  SimdLevel best = SimdLevel::scalar;
  for (const SimdLevel level : kSimdLevels) {
    if (simd_level_available(level)) best = level;
  }
  return best;
}

const CpuOps& cpu_ops(SimdLevel level) {
  ASSAY_ASSERT(simd_level_available(level), "callers ask for levels that this processor has");
#if defined(__x86_64__)
  if (level == SimdLevel::avx512) {
    for (const QuantizedBuild build : {QuantizedBuild::avx512_amx, QuantizedBuild::avx512_vnni}) {
      if (quantized_build_available(build)) return avx512_ops(quantized_ops(build));
    }
    return avx512_ops(avx2_ops().quantized);
  }
  if (level == SimdLevel::avx2) return avx2_ops();
#elif defined(__aarch64__)
  if (level == SimdLevel::neon) {
    const bool dotprod = quantized_build_available(QuantizedBuild::neon_dotprod);
    return neon_ops(quantized_ops(dotprod ? QuantizedBuild::neon_dotprod : QuantizedBuild::neon));
  }
#endif
  return scalar_ops();
}

bool quantized_build_available(QuantizedBuild build) {
#if defined(__x86_64__)
  if (build == QuantizedBuild::avx2) return simd_level_available(SimdLevel::avx2);
  const bool vnni = simd_level_available(SimdLevel::avx512) && __builtin_cpu_supports("avx512vnni");
  if (build == QuantizedBuild::avx512_vnni) return vnni;
  if (build == QuantizedBuild::avx512_amx) {
    static const bool amx = vnni && request_amx();
    return amx;
  }
#elif defined(__aarch64__)
  if (build == QuantizedBuild::neon) return true;
#if defined(__linux__)
  constexpr unsigned long kDotProduct = 1ul << 20;  // HWCAP_ASIMDDP
  if (build == QuantizedBuild::neon_dotprod) return (::getauxval(AT_HWCAP) & kDotProduct) != 0;
#endif
#endif
  return build == QuantizedBuild::scalar;
}

const QuantizedOps& quantized_ops(QuantizedBuild build) {
  ASSAY_ASSERT(quantized_build_available(build), "callers ask for builds that this processor runs");
#if defined(__x86_64__)
  if (build == QuantizedBuild::avx512_amx) return avx512_amx_ops();
  if (build == QuantizedBuild::avx512_vnni) return avx512_vnni_ops();
  if (build == QuantizedBuild::avx2) return avx2_ops().quantized;
#elif defined(__aarch64__)
  if (build == QuantizedBuild::neon_dotprod) return neon_dotprod_ops();
  if (build == QuantizedBuild::neon) return neon_quantized_ops();
#endif
  return scalar_ops().quantized;
}

}  // namespace assay::kernels
