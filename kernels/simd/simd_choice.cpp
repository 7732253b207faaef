#include "kernels/simd/simd_choice.h"

#include <cstdlib>
#include <string_view>

#include "harness/base/text.h"

namespace assay::kernels {

Result<SimdLevel> chosen_simd_level() {
  const char* chosen = std::getenv("ASSAY_SIMD");
  if (chosen == nullptr) return best_simd_level();
  for (const SimdLevel level : kSimdLevels) {
    if (std::string_view(chosen) != to_string(level)) continue;
    if (simd_level_available(level)) return level;
    return environment_error("ASSAY_SIMD: this processor has no ", chosen, "; its best is ",
                             to_string(best_simd_level()));
  }
  return bad_input("ASSAY_SIMD must be scalar, neon, avx2 or avx512, is ", quoted_excerpt(chosen));
}

}  // namespace assay::kernels
