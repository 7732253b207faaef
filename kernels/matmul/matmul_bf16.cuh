#pragma once
// Matrix product with a bfloat16 weight: y[m, n] = Σ_k x[m, k] · w[n, k].
//   x [m_rows, n_in] bfloat16 row-major with a stride; w [n_out, n_in] bfloat16 row-major, as in the file.
//   n_in % 8 == 0, n_out % 8 == 0, x_stride % 8 == 0, addresses 16-byte aligned; m_rows from 0 on. Several such
//   products of one shape (a weight for each head) are one launch: n_batches, each its strides further on.
//
//   The sum: one float32 accumulator per element takes k in ascending steps of 16 with wgmma, from zero at k = 0 to
//   the end; what lies past n_in counts as zero. There is no split of k. (Weights or, in pairs, tokens are the 64-row
//   operand: the bits are the same.) So an element's bits depend on its row of x and its row of w alone: not on m_rows,
//   the tile or the block. What is stored (Epilogue) follows from the finished sum by the same few float32 operations
//   in every tile.
//
//   On the portable path (device.cuh) the same with mma.m16n8k16 in place of wgmma, and other plans:
//   matmul_portable.cuh.
//
//   Tolerance: relative error in norm below 2^-18 before the last rounding (matmul_bf16_test.cpp).
//   Moves 2·n_out·n_in bytes of weight once per pass while m_rows <= 256: memory-bound below about 250 rows.
// Source: NVIDIA, Parallel Thread Execution ISA 8.x (wgmma, cp.async.bulk.tensor).

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/device/device.cuh"

namespace assay::kernels {

/// What happens to a finished sum.
enum class Epilogue {
  store_bf16,   ///< y = bf16(sum + bias), bias optional
  store_f32,    ///< y = sum + bias in float32, bias optional: logits
  add_f32,      ///< y += sum in float32, added by memory (add_in_memory): the residual stream
  swiglu_bf16,  ///< rows 16j … 16j+7 of w are gates, the next eight their ups: y[m, 8j+i] = bf16(silu(gate)·up)
};

/// Elements that a thread stores at once: y_stride is a multiple of it.
constexpr int stored_unit(Epilogue epilogue) {
  return epilogue == Epilogue::store_f32 || epilogue == Epilogue::add_f32 ? 2 : 8;
}

/// One product. y may not overlap x.
struct MatmulBf16Args {
  const __nv_bfloat16* x = nullptr;
  std::int64_t x_stride = 0;  ///< elements from a row of x to the next
  int m_rows = 0;
  const __nv_bfloat16* w = nullptr;
  int n_out = 0;  ///< rows of w; swiglu_bf16 stores half as many columns and needs a multiple of 16
  int n_in = 0;
  Epilogue epilogue = Epilogue::store_bf16;
  const float* bias = nullptr;      ///< [n_out] or null, aligned to 8 bytes
  void* y = nullptr;                ///< bfloat16 or float32, as the epilogue says
  std::int64_t y_stride = 0;        ///< elements from a row of y to the next, a multiple of stored_unit
  int n_batches = 1;                ///< products; a bias needs exactly one
  std::int64_t x_batch_stride = 0;  ///< elements from a product's x to the next one's, a multiple of 8
  std::int64_t w_batch_stride = 0;  ///< likewise of w, a multiple of 8
  std::int64_t y_batch_stride = 0;  ///< likewise of y, as y_stride
  bool w_is_new = false;            ///< work ahead on the stream writes w; else it may be read before that is done
};

/// Who computes: never what. A block has `groups` warpgroups of 64 weight rows and a tile of `tokens` rows of x; with
/// one group, `rows` of its 64 may be fewer, so that small weights still occupy every multiprocessor. In a pair a
/// group has 64 tokens instead, and all of the block's weight rows.
struct MatmulPlan {
  int tokens = 0;
  int groups = 1;
  int rows = 64;  ///< weight rows of a block: 16, 32, 48 or 64 with one group, 112 or 128 with two; in pairs 64 to 256
  bool paired = false;  ///< two blocks with the same weight rows, next to each other in tokens, share what they bring
  bool operator==(const MatmulPlan&) const = default;
};

/// Every plan that a kernel of the process's path was built for.
std::vector<MatmulPlan> matmul_plans();
/// The plan for a shape on a device with this many multiprocessors.
MatmulPlan choose_matmul_plan(int m_rows, int n_out, int n_multiprocessors, int n_batches = 1);

/// Launches the product. Error{bad_input} names what breaks the contract.
Result<> matmul_bf16(const MatmulBf16Args& args, cudaStream_t stream);
/// The same with a plan of the caller's choice (tests and benchmarks). Error{bad_input} if no kernel was built for it.
Result<> matmul_bf16(const MatmulBf16Args& args, const MatmulPlan& plan, cudaStream_t stream);

}  // namespace assay::kernels
