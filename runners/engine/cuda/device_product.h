#pragma once
// The product with a weight on the device, as the layers call it.

#include "kernels/matmul/matmul_bf16.cuh"
#include "runners/engine/cuda/upload.h"

namespace assay::runners {

/// y = x · wᵀ for n_rows dense rows; `y` is what the epilogue makes.
inline Result<> multiply(const Bf16* x, int n_rows, const DeviceMatrix& w, kernels::Epilogue epilogue, void* y,
                         cudaStream_t stream, const float* bias = nullptr) {
  kernels::MatmulBf16Args args;
  args.x = x;
  args.x_stride = w.n_in;
  args.m_rows = n_rows;
  args.w = w.data.data();
  args.n_out = w.n_out;
  args.n_in = w.n_in;
  args.epilogue = epilogue;
  args.bias = bias;
  args.y = y;
  args.y_stride = epilogue == kernels::Epilogue::swiglu_bf16 ? w.n_out / 2 : w.n_out;
  return kernels::matmul_bf16(args, stream);
}

/// A buffer of n_rows rows.
template <class T>
Result<DeviceBuffer<T>> rows_buffer(std::int64_t n_rows, std::int64_t width) {
  return DeviceBuffer<T>::create(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(width));
}

}  // namespace assay::runners
