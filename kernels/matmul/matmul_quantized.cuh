#pragma once
// Matrix product with a weight of GGUF's quantised types on Hopper: y[m, n] = Σ_k x[m, k] · w[n, k].
//   x [m_rows, n_in] bfloat16 row-major with a stride; w [n_out, n_in] as kernels/quantized/device_layout.h lays it
//   down: a weight is u · scale + addend with an integer u, all as in the file, nothing rounded. n_in % 64 == 0,
//   n_out % 8 == 0, x_stride % 8 == 0, addresses 16-byte aligned; m_rows from 0 on.
//
//   For up to some hundred rows. More are faster with a weight that was widened before (quantized/quantized_rows.cuh);
//   that is another sum, so who calls chooses by something else than the number of rows.
//
//   The sum. Block b has the inputs 32b … 32b + 31. Its part of a sum is made by the tensor cores from zero, two
//   products of 16 inputs (mma.m16n8k16; weights are always the 16-row operand, as integers, which bfloat16 holds):
//   S_b = Σ u·x, and X_b = Σ x likewise, as a product with ones. Blocks with the same b mod 8 are added in ascending
//   order in one float32 accumulator, from zero:
//     acc = fma(scale_b, S_b, acc), then for types with an addend acc = fma(addend_b, X_b, acc)
//     Q6_K: acc = fma(scale, S, acc) for the first 16 inputs and again for the last 16, each a product from zero
//   and then the eight accumulators in ascending order, from the first. Scales and addends are exact in float32. So an
//   element's bits depend on its row of x and its row of w alone: not on m_rows, the tile or the block. What is stored
//   (Epilogue, matmul_bf16.cuh) follows from the finished sum by the same few float32 operations in every tile.
//
//   Tolerance: relative error in norm below 2^-18 before the last rounding (matmul_quantized_test.cpp).
//   Moves the weight's bytes once per pass while m_rows <= 32: memory-bound for few rows.
// Sources: NVIDIA, Parallel Thread Execution ISA 8.x (mma, cp.async.bulk); kernels/quantized/quantized.h for the types.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/device/device.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/quantized/device_layout.h"

namespace assay::kernels {

/// One product. y may not overlap x.
struct MatmulQuantizedArgs {
  const __nv_bfloat16* x = nullptr;
  std::int64_t x_stride = 0;  ///< elements from a row of x to the next
  int m_rows = 0;
  const std::byte* w = nullptr;
  WeightType type = WeightType::q8_0;
  int n_out = 0;  ///< rows of w; swiglu_bf16 stores half as many columns and needs a multiple of 16
  int n_in = 0;
  Epilogue epilogue = Epilogue::store_bf16;
  const float* bias = nullptr;  ///< [n_out] or null
  void* y = nullptr;            ///< bfloat16 or float32, as the epilogue says
  std::int64_t y_stride = 0;    ///< elements from a row of y to the next, even
};

/// Who computes: never what. A block has a tile of `rows` of the weight and `tokens` rows of x.
struct QuantizedPlan {
  int rows = 0;
  int tokens = 0;
  bool operator==(const QuantizedPlan&) const = default;
};

/// Every plan that a kernel was built for, of every type.
std::vector<QuantizedPlan> quantized_plans();
/// The plan for a shape on a device with this many multiprocessors.
QuantizedPlan choose_quantized_plan(int m_rows, int n_out, int n_multiprocessors);

/// Launches the product. Error{bad_input} names what breaks the contract.
Result<> matmul_quantized(const MatmulQuantizedArgs& args, cudaStream_t stream);
/// The same with a plan of the caller's choice (tests and benchmarks). Error{bad_input} if no kernel was built for it.
Result<> matmul_quantized(const MatmulQuantizedArgs& args, const QuantizedPlan& plan, cudaStream_t stream);

}  // namespace assay::kernels
