#include "runners/engine/cuda/device_product.h"

#include "harness/base/assert.h"
#include "kernels/quantized/quantized_rows.cuh"

namespace assay::runners {

using kernels::Epilogue;

namespace {

std::int64_t width_of_y(Epilogue epilogue, int n_out) { return epilogue == Epilogue::swiglu_bf16 ? n_out / 2 : n_out; }

/// What the products with the rows of a weight share.
struct RowsProduct {
  const Bf16* x;
  int n_rows, n_in;
  Epilogue epilogue;
  std::int64_t y_stride;
  cudaStream_t stream;

  Result<> run(const Bf16* w, int n_out, bool w_is_new, void* y, const float* bias) const {
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
    args.w_is_new = w_is_new;
    return kernels::matmul_bf16(args, stream);
  }
  Result<> run_quantized(const DeviceRows& w, void* y, const float* bias) const {
    kernels::MatmulQuantizedArgs args;
    args.x = x;
    args.x_stride = n_in;
    args.m_rows = n_rows;
    args.w = w.blocks.data();
    args.type = w.type;
    args.n_out = w.n_rows;
    args.n_in = n_in;
    args.epilogue = epilogue;
    args.bias = bias;
    args.y = y;
    args.y_stride = y_stride;
    return kernels::matmul_quantized(args, stream);
  }
};

}  // namespace

Result<> multiply(const Bf16* x, int n_rows, const DeviceMatrix& w, Epilogue epilogue, void* y, cudaStream_t stream,
                  const float* bias) {
  const RowsProduct product{x, n_rows, w.n_in, epilogue, width_of_y(epilogue, w.n_out), stream};
  return product.run(w.data.data(), w.n_out, false, y, bias);
}

Result<DeviceProducts> DeviceProducts::create(const DeviceModel& model, int max_rows) {
  DeviceProducts products;
  products.max_rows_ = max_rows;
  ASSAY_ASSIGN(products.widened_, DeviceBuffer<Bf16>::create(model.sizes.max_quantized_elements));
  const int width = model.sizes.max_fp8_width;
  if (width == 0) return products;
  ASSAY_ASSIGN(products.codes_, rows_buffer<std::uint8_t>(max_rows, width));
  ASSAY_ASSIGN(products.scales_, rows_buffer<float>(max_rows, width / kernels::kFp8Group));
  return products;
}

Result<> DeviceProducts::quantize(const Bf16* x, const std::int32_t* rows, int n_rows, int n_in,
                                  cudaStream_t stream) const {
  return kernels::quantize_fp8({x, rows, n_rows, n_in, codes_.data(), scales_.data(), max_rows_}, stream);
}

kernels::MatmulFp8Args DeviceProducts::fp8_args(const DeviceFp8Matrix& w, int n_experts, int n_rows, Epilogue epilogue,
                                                void* y) const {
  kernels::MatmulFp8Args args;
  args.x = codes_.data();
  args.x_scales = scales_.data();
  args.x_scale_stride = max_rows_;
  args.m_rows = n_rows;
  args.w = w.codes.data();
  args.w_scales = w.scales.data();
  args.up_scales = w.up_scales.data();
  args.n_experts = n_experts;
  args.n_out = w.n_out / n_experts;
  args.n_in = w.n_in;
  args.epilogue = epilogue;
  args.y = y;
  args.y_stride = width_of_y(epilogue, args.n_out);
  return args;
}

/// Each part makes its own columns of y.
Result<> DeviceProducts::multiply_parts(const Bf16* x, int n_rows, PositionRole role, const DeviceQuantizedMatrix& w,
                                        Epilogue epilogue, void* y, cudaStream_t stream, const float* bias) const {
  const RowsProduct product{x, n_rows, w.n_in, epilogue, width_of_y(epilogue, w.n_out), stream};
  const bool is_float = epilogue == Epilogue::store_f32 || epilogue == Epilogue::add_f32;
  auto* columns = static_cast<std::byte*>(y);
  for (const DeviceRows& part : w.parts) {
    if (part.type == kernels::WeightType::bf16) {
      ASSAY_TRY(product.run(part.data.data(), part.n_rows, false, columns, bias));
    } else if (role == PositionRole::generated) {
      ASSAY_TRY(product.run_quantized(part, columns, bias));
    } else {
      ASSAY_TRY(
          kernels::widen_quantized({part.blocks.data(), part.type, part.n_rows, w.n_in, widened_.data()}, stream));
      ASSAY_TRY(product.run(widened_.data(), part.n_rows, true, columns, bias));
    }
    columns += width_of_y(epilogue, part.n_rows) * static_cast<std::int64_t>(is_float ? sizeof(float) : sizeof(Bf16));
    if (bias != nullptr) bias += part.n_rows;
  }
  return {};
}

Result<> DeviceProducts::multiply(const Bf16* x, int n_rows, PositionRole role, const DeviceWeight& w,
                                  Epilogue epilogue, void* y, cudaStream_t stream, const float* bias) const {
  if (const auto* bf16 = std::get_if<DeviceMatrix>(&w)) {
    return runners::multiply(x, n_rows, *bf16, epilogue, y, stream, bias);
  }
  if (const auto* quantized = std::get_if<DeviceQuantizedMatrix>(&w)) {
    return multiply_parts(x, n_rows, role, *quantized, epilogue, y, stream, bias);
  }
  const auto& fp8 = std::get<DeviceFp8Matrix>(w);
  ASSAY_ASSERT(bias == nullptr, "products with FP8 weights have no bias");
  ASSAY_TRY(quantize(x, nullptr, n_rows, fp8.n_in, stream));
  return kernels::matmul_fp8(fp8_args(fp8, 1, n_rows, epilogue, y), stream);
}

Result<> DeviceProducts::multiply_grouped(const Bf16* x, Bf16* gathered, const ExpertPlaces& places,
                                          const DeviceWeight& w, Epilogue epilogue, void* y,
                                          cudaStream_t stream) const {
  const std::int32_t* rows = gathered != nullptr ? places.rows.tokens : nullptr;
  if (const auto* fp8 = std::get_if<DeviceFp8Matrix>(&w)) {
    ASSAY_TRY(quantize(x, rows, places.n_places, fp8->n_in, stream));
    kernels::MatmulFp8Args args = fp8_args(*fp8, places.n_experts, places.n_places, epilogue, y);
    args.tiles = places.rows.tiles;
    args.n_tiles = places.rows.n_tiles;
    args.tile_rows = places.tile_rows;
    return kernels::matmul_fp8(args, stream);
  }
  const auto& bf16 = std::get<DeviceMatrix>(w);
  if (rows != nullptr) {
    ASSAY_TRY(kernels::gather_rows({x, rows, places.n_places, bf16.n_in, gathered}, stream));
    x = gathered;
  }
  kernels::GroupedMatmulBf16Args args;
  args.x = x;
  args.x_stride = args.n_in = bf16.n_in;
  args.n_places = places.n_places;
  args.w = bf16.data.data();
  args.n_experts = places.n_experts;
  args.n_out = bf16.n_out / places.n_experts;
  args.epilogue = epilogue;
  args.y = y;
  args.y_stride = width_of_y(epilogue, args.n_out);
  args.tiles = places.rows.tiles;
  args.n_tiles = places.rows.n_tiles;
  args.tile_rows = places.tile_rows;
  return kernels::grouped_matmul_bf16(args, stream);
}

}  // namespace assay::runners
