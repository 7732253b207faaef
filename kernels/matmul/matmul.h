#pragma once
// Matrix product with a weight: y[m, n] = Σ_k x[m, k] · w[n, k].
//   x [m_rows, n_in] and y [m_rows, n_out] float32, row-major with strides; w [n_out, n_in] row-major in its stored
//   form. The sum over k runs in 16 float32 lanes: lane l adds k = l, l+16, … in that order with fused multiply-add
//   (the last part zero-padded), then the lanes are added as the tree of kernels/simd/lanes.h. So an element of y
//   depends on its own row of x and row of w alone: not on m_rows, tiles, threads or instruction set. A weight is
//   widened to float32 exactly as stored: E4M3 value times its block's scale, rounded once.
//   GGUF's quantised types are multiplied as integers: kernels/quantized/quantized.h has their contract.

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/simd/cpu_ops.h"
#include "kernels/threads/thread_pool.h"

namespace assay::kernels {

/// The stored forms of a weight: those of safetensors files and DeepSeek's FP8 blocks as they lie in the file, and then
/// GGUF's quantised types, repacked (kernels/quantized/repack.h).
enum class WeightType { f32, f16, bf16, f8_e4m3, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k };

constexpr int kScaleBlock = 128;  ///< an E4M3 scale covers 128 x 128 elements (the last block what is left)

/// A weight [n_out, n_in] that someone else owns; n_in of a quantised type is a multiple of its block in the file. Row
/// n of an f8_e4m3 weight uses block_scales[(n / 128) · scale_stride
/// + k / 128].
struct WeightMatrix {
  const void* data = nullptr;
  WeightType type = WeightType::f32;
  int n_out = 0;
  int n_in = 0;
  const float* block_scales = nullptr;  ///< [ceil(n_out / 128), ceil(n_in / 128)], f8_e4m3 only
};

constexpr int kPanelRows = 16;  ///< rows of w that are widened at a time

/// Columns [begin, end) of a product, or to its last one. begin is a multiple of kPanelRows, and so is an end that is
/// not the last.
struct ColumnRange {
  int begin = 0;
  int end = std::numeric_limits<int>::max();
};

/// One product. y may not overlap x.
struct MatmulArgs {
  const float* x = nullptr;
  std::ptrdiff_t x_stride = 0;  ///< floats from a row of x to the next, >= w.n_in
  int m_rows = 0;
  WeightMatrix w;
  float* y = nullptr;
  std::ptrdiff_t y_stride = 0;  ///< floats from a row of y to the next, >= w.n_out
  ColumnRange columns = {};     ///< those of y that are computed; the others stay as they are
};

constexpr std::size_t matmul_panel_floats(int n_in) {
  return static_cast<std::size_t>(kPanelRows) * static_cast<std::size_t>((n_in + 15) / 16 * 16);
}

/// All products of a list, cut over the threads of the pool. The products must not write to each other's x or y.
void matmul(const CpuOps& ops, ThreadPool& pool, const MatmulArgs* products, int n_products);
inline void matmul(const CpuOps& ops, ThreadPool& pool, const MatmulArgs& product) { matmul(ops, pool, &product, 1); }

/// The reference: the same product with float64 sums in ascending k, written to be read.
void matmul_ref(const MatmulArgs& args);

/// Element (n, k) of a weight, widened to float32 as the contract says; an element of a quantised type is rounded once.
float weight_at(const WeightMatrix& w, int n, int k);
/// Row n of a weight, to[n_in].
void weight_row(const WeightMatrix& w, int n, float* to);
/// An IEEE half as float32.
float widen_half(std::uint16_t half);

}  // namespace assay::kernels
