#pragma once
// The CPU dispatch levels that this machine has, best last.

#include <vector>

#include "kernels/simd/cpu_ops.h"

namespace assay::tests {

inline std::vector<kernels::SimdLevel> available_levels() {
  std::vector<kernels::SimdLevel> levels;
  for (const auto level : {kernels::SimdLevel::scalar, kernels::SimdLevel::avx2, kernels::SimdLevel::avx512}) {
    if (kernels::simd_level_available(level)) levels.push_back(level);
  }
  return levels;
}

}  // namespace assay::tests
