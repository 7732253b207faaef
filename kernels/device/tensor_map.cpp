#include "kernels/device/tensor_map.cuh"

#include <cudaTypedefs.h>
#include <cuda_runtime.h>

#include <array>

namespace assay::kernels {

namespace {

struct Encoder {
  PFN_cuTensorMapEncodeTiled_v12000 encode;
};

/// The driver's encoder, found through the runtime: we don't link the driver's library, so that the program starts
/// where there is none.
Result<Encoder> find_encoder() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  ASSAY_TRY(
      check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found),
            "tensor map"));
  if (found != cudaDriverEntryPointSuccess) return environment_error("tensor map: the NVIDIA driver has no encoder");
  return Encoder{reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(function)};
}

}  // namespace

Result<CUtensorMap> encode_tensor_map(const void* address, std::span<const TensorMapDim> dims,
                                      TensorMapElement element) {
  constexpr std::size_t kMaxDims = 5;
  if (dims.empty() || dims.size() > kMaxDims) return bad_input("tensor map: ", dims.size(), " dimensions");
  static const auto encoder = find_encoder();
  if (!encoder) return encoder.error();
  std::array<cuuint64_t, kMaxDims> sizes{}, strides{};
  std::array<cuuint32_t, kMaxDims> box{}, element_strides{};
  for (std::size_t i = 0; i < dims.size(); ++i) {
    sizes[i] = dims[i].size;
    box[i] = dims[i].box;
    element_strides[i] = 1;
    if (i > 0) strides[i - 1] = dims[i].stride_bytes;
  }
  CUtensorMap map{};
  const CUresult status = encoder->encode(
      &map, element == TensorMapElement::bf16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_UINT8,
      static_cast<cuuint32_t>(dims.size()), const_cast<void*>(address), sizes.data(), strides.data(), box.data(),
      element_strides.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
      CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS) {
    return bad_input("tensor map: the driver refuses it (code ", static_cast<int>(status), "); row of ", dims[0].size,
                     " elements, box of ", dims[0].box);
  }
  return map;
}

}  // namespace assay::kernels
