#pragma once
// NVIDIA's matrix library, found at run time: a ceiling beside the instructions' own. Nothing that computes a result
// uses it, and nothing links to it.
// Source of names and numbers: NVIDIA cuBLAS 12 and 13 documentation, cublas and cublasLt.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>

#include "harness/base/result.h"

namespace assay::kernels {

/// Products y[m, n] = x[m, k] · w[n, k]ᵀ, dense, on the device that was current when it was opened.
class CublasProducts {
 public:
  /// Error{environment} if libcublas or libcublasLt, of version 13 or 12, is not found where the dynamic linker looks.
  static Result<CublasProducts> open();
  CublasProducts(CublasProducts&&) noexcept;
  CublasProducts& operator=(CublasProducts&&) noexcept;
  ~CublasProducts();

  /// bfloat16 in and out, sums in float32.
  Result<> bf16(const void* x, const void* w, void* y, int m, int n, int k, cudaStream_t stream) const;
  /// float32 throughout, no TF32.
  Result<> fp32(const void* x, const void* w, void* y, int m, int n, int k, cudaStream_t stream) const;
  /// e4m3 in, bfloat16 out, scales of 1; `workspace` of kWorkspaceBytes on the device.
  Result<> fp8(const void* x, const void* w, void* y, int m, int n, int k, void* workspace, cudaStream_t stream) const;
  static constexpr std::size_t kWorkspaceBytes = std::size_t{64} << 20;

 private:
  struct Library;
  CublasProducts();
  std::unique_ptr<Library> library_;
};

}  // namespace assay::kernels
