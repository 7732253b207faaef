#pragma once
// The product with a weight on the device, as the layers call it.

#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/matmul/matmul_quantized.cuh"
#include "runners/engine/cuda/upload.h"

namespace assay::runners {

/// Rows of a weight in bfloat16, and where their columns of y begin.
inline Result<> multiply_bf16(const Bf16* x, int n_rows, const Bf16* w, int n_out, int n_in, kernels::Epilogue epilogue,
                              void* y, std::int64_t y_stride, const float* bias, cudaStream_t stream) {
  kernels::MatmulBf16Args args;
  args.x = x;
  args.x_stride = n_in;
  args.m_rows = n_rows;
  args.w = w;
  args.n_out = n_out;
  args.n_in = n_in;
  args.epilogue = epilogue;
  args.bias = bias;
  args.y = y;
  args.y_stride = y_stride;
  return kernels::matmul_bf16(args, stream);
}

/// y = x · wᵀ for n_rows dense rows; `y` is what the epilogue makes.
inline Result<> multiply(const Bf16* x, int n_rows, const DeviceMatrix& w, kernels::Epilogue epilogue, void* y,
                         cudaStream_t stream, const float* bias = nullptr) {
  using kernels::Epilogue;
  const std::int64_t y_stride = epilogue == Epilogue::swiglu_bf16 ? w.n_out / 2 : w.n_out;
  if (w.parts.empty()) {
    return multiply_bf16(x, n_rows, w.data.data(), w.n_out, w.n_in, epilogue, y, y_stride, bias, stream);
  }
  auto* to = static_cast<std::byte*>(y);
  for (const DeviceRows& part : w.parts) {
    if (part.type == kernels::WeightType::bf16) {
      ASSAY_TRY(multiply_bf16(x, n_rows, part.data.data(), part.n_rows, w.n_in, epilogue, to, y_stride, bias, stream));
    } else {
      kernels::MatmulQuantizedArgs args;
      args.x = x;
      args.x_stride = w.n_in;
      args.m_rows = n_rows;
      args.w = part.blocks.data();
      args.type = part.type;
      args.n_out = part.n_rows;
      args.n_in = w.n_in;
      args.epilogue = epilogue;
      args.bias = bias;
      args.y = to;
      args.y_stride = y_stride;
      ASSAY_TRY(kernels::matmul_quantized(args, stream));
    }
    const bool is_float = epilogue == Epilogue::store_f32 || epilogue == Epilogue::add_f32;
    const std::size_t n_columns =
        static_cast<std::size_t>(epilogue == Epilogue::swiglu_bf16 ? part.n_rows / 2 : part.n_rows);
    to += n_columns * (is_float ? sizeof(float) : sizeof(Bf16));
    if (bias != nullptr) bias += part.n_rows;
  }
  return {};
}

/// A buffer of n_rows rows.
template <class T>
Result<DeviceBuffer<T>> rows_buffer(std::int64_t n_rows, std::int64_t width) {
  return DeviceBuffer<T>::create(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(width));
}

}  // namespace assay::runners
