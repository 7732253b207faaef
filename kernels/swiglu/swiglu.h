#pragma once
// SwiGLU: y[i] = silu(gate[i]) · up[i], silu(z) = z / (1 + e^-z), in float32.  Source: arXiv:2002.05202.
//   e^x is the polynomial of kernels/simd/lanes.h (within 1.5 units in the last place), the same at every level.

#include "kernels/simd/cpu_ops.h"

namespace assay::kernels {

/// The reference for one row, in float64.
void swiglu_ref(const float* gate, const float* up, int n, float* y);

}  // namespace assay::kernels
