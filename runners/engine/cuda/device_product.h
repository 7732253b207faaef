#pragma once
// The product with a weight on the device, as the layers call it.

#include "kernels/matmul/grouped_matmul_bf16.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/matmul/matmul_fp8.cuh"
#include "kernels/matmul/matmul_quantized.cuh"
#include "runners/engine/cuda/device_model.h"
#include "runners/engine/cuda/pass_rows.h"
#include "runners/engine/cuda/upload.h"

namespace assay::runners {

/// A buffer of n_rows rows.
template <class T>
Result<DeviceBuffer<T>> rows_buffer(std::int64_t n_rows, std::int64_t width) {
  return DeviceBuffer<T>::create(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(width));
}

/// y = x · wᵀ for n_rows dense rows of a bfloat16 weight; `y` is what the epilogue makes.
Result<> multiply(const Bf16* x, int n_rows, const DeviceMatrix& w, kernels::Epilogue epilogue, void* y,
                  cudaStream_t stream, const float* bias = nullptr);

/// Rows of the experts of a layer, one place for each row and expert that it goes to.
struct ExpertPlaces {
  kernels::ExpertRows rows;
  int n_places = 0;
  int n_experts = 0;
  int tile_rows = 0;
};

/// Products with weights of any form. Has the room in which the inputs of FP8 products are rounded and quantised
/// weights are widened, so one product at a time, on one stream.
class DeviceProducts {
 public:
  /// For up to max_rows rows of a product, or places of a grouped one.
  static Result<DeviceProducts> create(const DeviceModel& model, int max_rows);

  /// y = x · wᵀ for n_rows dense rows of one role. A quantised weight is taken exactly for generated positions and
  /// widened, rounded to bfloat16, for prompts: many rows are faster so. An FP8 weight has no bias.
  Result<> multiply(const Bf16* x, int n_rows, PositionRole role, const DeviceWeight& w, kernels::Epilogue epilogue,
                    void* y, cudaStream_t stream, const float* bias = nullptr) const;
  /// The same for each expert's places (bfloat16 or FP8 weights), which lie in the order of the experts. `x` has a row
  /// for each place, or, with `gathers`, is the rows themselves, and `gathered` [n_places, n_in] is where they may be
  /// brought together.
  Result<> multiply_grouped(const Bf16* x, Bf16* gathered, const ExpertPlaces& places, const DeviceWeight& w,
                            kernels::Epilogue epilogue, void* y, cudaStream_t stream) const;

 private:
  kernels::MatmulFp8Args fp8_args(const DeviceFp8Matrix& w, int n_experts, int n_rows, kernels::Epilogue epilogue,
                                  void* y) const;
  Result<> quantize(const Bf16* x, const std::int32_t* rows, int n_rows, int n_in, cudaStream_t stream) const;
  Result<> multiply_parts(const Bf16* x, int n_rows, PositionRole role, const DeviceQuantizedMatrix& w,
                          kernels::Epilogue epilogue, void* y, cudaStream_t stream, const float* bias) const;

  DeviceBuffer<std::uint8_t> codes_;  // [max_rows, the widest FP8 weight's n_in], or empty
  DeviceBuffer<float> scales_;        // [n_in / 128, max_rows]
  DeviceBuffer<Bf16> widened_;        // the largest part of a quantised weight, or empty
  int max_rows_ = 0;
};

}  // namespace assay::runners
