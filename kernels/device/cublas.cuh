#pragma once
// cuBLAS, the peer of our products in benchmarks. Nothing that computes a result uses it.

#include <cublas_v2.h>

#include <memory>
#include <type_traits>

#include "kernels/device/device.cuh"

namespace assay::kernels {

struct CublasDestroy {
  void operator()(cublasHandle_t handle) const noexcept { cublasDestroy(handle); }
};
using Cublas = std::unique_ptr<std::remove_pointer_t<cublasHandle_t>, CublasDestroy>;

inline Result<> check(cublasStatus_t status, std::string_view what) {
  if (status == CUBLAS_STATUS_SUCCESS) return {};
  return environment_error(what, ": ", cublasGetStatusString(status));
}

inline Result<Cublas> create_cublas(cudaStream_t stream) {
  cublasHandle_t handle = nullptr;
  ASSAY_TRY(check(cublasCreate(&handle), "cuBLAS"));
  Cublas cublas(handle);
  ASSAY_TRY(check(cublasSetStream(handle, stream), "cuBLAS"));
  return cublas;
}

}  // namespace assay::kernels
