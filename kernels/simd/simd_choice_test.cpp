#include "kernels/simd/simd_choice.h"

#include <cstdlib>

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::kernels;

TEST_CASE("chosen_simd_level: a word is taken or refused, never replaced", "[kernels]") {
  ::unsetenv("ASSAY_SIMD");
  CHECK(*chosen_simd_level() == best_simd_level());
  ::setenv("ASSAY_SIMD", "scalar", 1);
  CHECK(*chosen_simd_level() == SimdLevel::scalar);
  ::setenv("ASSAY_SIMD", "sse9", 1);
  REQUIRE_FALSE(chosen_simd_level());
  CHECK(chosen_simd_level().error().kind == ErrorKind::bad_input);
  CHECK(chosen_simd_level().error().message == "ASSAY_SIMD must be scalar, neon, avx2 or avx512, is \"sse9\"");
  for (const SimdLevel level : {SimdLevel::neon, SimdLevel::avx2, SimdLevel::avx512}) {
    ::setenv("ASSAY_SIMD", to_string(level), 1);
    const Result<SimdLevel> chosen = chosen_simd_level();
    CHECK(chosen.has_value() == simd_level_available(level));
    if (!chosen) CHECK(chosen.error().kind == ErrorKind::environment);
  }
  ::unsetenv("ASSAY_SIMD");
}
