#pragma once
// The CPU operations in their builds (scalar, NEON, AVX2, AVX-512) behind one table of functions. All builds compute
// the same bits: they are one source, kernels/*/*_lanes.inl, over the 16 lanes of lanes.h.

#include <cstddef>
#include <cstdint>

namespace assay::kernels {

enum class SimdLevel { scalar, neon, avx2, avx512 };
inline constexpr SimdLevel kSimdLevels[] = {SimdLevel::scalar, SimdLevel::neon, SimdLevel::avx2,
                                            SimdLevel::avx512};  ///< of one machine, the better is behind
const char* to_string(SimdLevel level);

struct MatmulArgs;     // kernels/matmul/matmul.h
struct AttentionArgs;  // kernels/attention/attention.h
struct QuantizedArgs;  // kernels/quantized/quantized.h
struct QuantizedBlock;

/// Products with quantised weights; see QuantizedBuild.
struct QuantizedOps {
  /// Quantises a tile of 1, 2, 4, 8 or 16 rows of x to blocks [n_in / 32][n_rows].
  void (*quantize_tile)(const float* x, std::ptrdiff_t x_stride, int n_rows, int n_in, QuantizedBlock* to);
  /// Columns of y that belong to panels [panel_begin, panel_end).
  void (*multiply_panels)(const QuantizedArgs& args, int panel_begin, int panel_end);
};

struct CpuOps {
  SimdLevel level;
  QuantizedOps quantized;
  /// Columns [n_begin, n_end) of a product; `panel` holds matmul_panel_floats(n_in) floats.
  void (*matmul_columns)(const MatmulArgs& args, int n_begin, int n_end, float* panel);
  /// Softmax attention of one group of queries; `scratch` holds attention_scratch_floats(value_width) floats.
  void (*attend)(const AttentionArgs& args, float* scratch);
  /// y[i] = x[i] · (1 / sqrt(Σx²/n + eps)) · weight[i]; y may be x.
  void (*rmsnorm_row)(const float* x, const float* weight, float eps, int n, float* y);
  /// y[i] = gate[i] / (1 + e^-gate[i]) · up[i]; y may be gate or up.
  void (*swiglu_row)(const float* gate, const float* up, int n, float* y);
  /// y[i] = e^x[i]; y may be x.
  void (*exp_row)(const float* x, int n, float* y);
  /// The largest of x, not a number if any of them isn't, minus infinity if there are none.
  float (*largest)(const float* x, int n);
  /// y[i] = e^(x[i] / temperature - largest / temperature), 0 where that is below 1e-38; y may be x.
  void (*weigh_logits)(const float* x, int n, float temperature, float largest, float* y);
};

/// The best level that this processor offers.
SimdLevel best_simd_level();
bool simd_level_available(SimdLevel level);
/// The operations of one level, which must be available.
const CpuOps& cpu_ops(SimdLevel level);

/// The builds of the quantised products. They are finer than levels: at avx512 and neon the best that the processor
/// offers is taken, avx2 if the former has no VNNI.
enum class QuantizedBuild { scalar, neon, neon_dotprod, avx2, avx512_vnni, avx512_amx };
bool quantized_build_available(QuantizedBuild build);
/// The quantised products of one build, which must be available.
const QuantizedOps& quantized_ops(QuantizedBuild build);

}  // namespace assay::kernels
