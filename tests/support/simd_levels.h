#pragma once
// The CPU dispatch levels that this machine has, best last.

#include <vector>

#include "kernels/simd/cpu_ops.h"

namespace assay::tests {

inline std::vector<kernels::SimdLevel> available_levels() {
  std::vector<kernels::SimdLevel> levels;
  for (const kernels::SimdLevel level : kernels::kSimdLevels) {
    if (kernels::simd_level_available(level)) levels.push_back(level);
  }
  return levels;
}

}  // namespace assay::tests
