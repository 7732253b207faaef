#pragma once
// Which build of the CPU operations a person asks for. Apart from cpu_ops.h, which code for one instruction set
// includes.

#include "harness/base/result.h"
#include "kernels/simd/cpu_ops.h"

namespace assay::kernels {

/// The level that $ASSAY_SIMD names (scalar, avx2, avx512); the best where it is not set. Error{bad_input} for another
/// word, Error{environment} for a level that this processor lacks: what was asked for is never replaced.
Result<SimdLevel> chosen_simd_level();

}  // namespace assay::kernels
