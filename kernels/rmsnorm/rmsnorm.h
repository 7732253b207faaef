#pragma once
// RMSNorm: y[t, i] = x[t, i] · (1 / sqrt(mean_i(x[t, i]²) + eps)) · weight[i].  Source: arXiv:1910.07467.
//   x, y [tokens, hidden] float32 row-major with strides, y may be x; weight [hidden] float32.
//   The squares are summed in 16 lanes (kernels/simd/lanes.h); division and square root are IEEE float32.

#include <cstddef>

#include "kernels/simd/cpu_ops.h"

namespace assay::kernels {

struct RmsNormArgs {
  const float* x = nullptr;
  std::ptrdiff_t x_stride = 0;
  const float* weight = nullptr;
  float eps = 0;
  int tokens = 0;
  int hidden = 0;
  float* y = nullptr;
  std::ptrdiff_t y_stride = 0;
};

inline void rmsnorm(const CpuOps& ops, const RmsNormArgs& a) {
  for (int t = 0; t < a.tokens; ++t)
    ops.rmsnorm_row(a.x + t * a.x_stride, a.weight, a.eps, a.hidden, a.y + t * a.y_stride);
}

/// The reference, in float64.
void rmsnorm_ref(const RmsNormArgs& args);

}  // namespace assay::kernels
