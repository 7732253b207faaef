#include "kernels/ceilings/cublas_products.h"

#include <dlfcn.h>
#include <library_types.h>

#include <array>
#include <string>
#include <string_view>

namespace assay::kernels {

namespace {

// The part of the interfaces that is used: a status is 0 for success, and these are their enumerators.
using Handle = void*;
using CublasStatus = int;
constexpr int kPlain = 0, kTransposed = 1, kComputeF32 = 68, kDefaultAlgorithm = -1;
constexpr int kDescribeTransposeA = 3, kDescribeTransposeB = 4;

struct CublasFunctions {
  CublasStatus (*create)(Handle*) = nullptr;
  CublasStatus (*destroy)(Handle) = nullptr;
  CublasStatus (*set_stream)(Handle, cudaStream_t) = nullptr;
  CublasStatus (*multiply)(Handle, int transpose_a, int transpose_b, int m, int n, int k, const void* alpha,
                           const void* a, cudaDataType, int lda, const void* b, cudaDataType, int ldb, const void* beta,
                           void* c, cudaDataType, int ldc, int compute, int algorithm) = nullptr;
  CublasStatus (*lt_create)(Handle*) = nullptr;
  CublasStatus (*lt_destroy)(Handle) = nullptr;
  CublasStatus (*describe)(Handle* description, int compute, cudaDataType scale) = nullptr;
  CublasStatus (*describe_more)(Handle description, int attribute, const void* value, std::size_t n_bytes) = nullptr;
  CublasStatus (*end_description)(Handle) = nullptr;
  CublasStatus (*layout)(Handle* layout, cudaDataType, std::uint64_t rows, std::uint64_t columns,
                         std::int64_t stride) = nullptr;
  CublasStatus (*end_layout)(Handle) = nullptr;
  CublasStatus (*lt_multiply)(Handle, Handle description, const void* alpha, const void* a, Handle layout_a,
                              const void* b, Handle layout_b, const void* beta, const void* c, Handle layout_c, void* d,
                              Handle layout_d, const void* algorithm, void* workspace, std::size_t n_bytes,
                              cudaStream_t) = nullptr;
};

struct CublasClose {
  void operator()(void* library) const noexcept { dlclose(library); }
};
using CublasLibrary = std::unique_ptr<void, CublasClose>;

/// The newest version of a library that is there.
Result<CublasLibrary> open_newest(const std::string& name) {
  for (const char* const version : {".13", ".12"}) {
    if (void* found = dlopen((name + version).c_str(), RTLD_NOW | RTLD_LOCAL)) return CublasLibrary(found);
  }
  return environment_error("cuBLAS is not here: no ", name, ".13 or .12 where the dynamic linker looks");
}

template <class Function>
Result<> find_in(const CublasLibrary& library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library.get(), name));
  if (function == nullptr) return environment_error("cuBLAS has no ", name);
  return {};
}

Result<> check_status(CublasStatus status, std::string_view what) {
  if (status == 0) return {};
  return environment_error("cuBLAS, ", what, ": status ", status);
}

}  // namespace

struct CublasProducts::Library {
  CublasLibrary lt, blas;
  CublasFunctions functions;
  Handle handle = nullptr, lt_handle = nullptr;

  ~Library() {
    if (handle != nullptr) functions.destroy(handle);
    if (lt_handle != nullptr) functions.lt_destroy(lt_handle);
  }
  Result<> multiply(const void* x, const void* w, void* y, int m, int n, int k, cudaDataType type, int compute,
                    cudaStream_t stream) const;
};

CublasProducts::CublasProducts() : library_(std::make_unique<Library>()) {}
CublasProducts::CublasProducts(CublasProducts&&) noexcept = default;
CublasProducts& CublasProducts::operator=(CublasProducts&&) noexcept = default;
CublasProducts::~CublasProducts() = default;

Result<CublasProducts> CublasProducts::open() {
  CublasProducts products;
  Library& library = *products.library_;
  ASSAY_ASSIGN(library.lt, open_newest("libcublasLt.so"));
  ASSAY_ASSIGN(library.blas, open_newest("libcublas.so"));
  CublasFunctions& f = library.functions;
  ASSAY_TRY(find_in(library.blas, "cublasCreate_v2", f.create));
  ASSAY_TRY(find_in(library.blas, "cublasDestroy_v2", f.destroy));
  ASSAY_TRY(find_in(library.blas, "cublasSetStream_v2", f.set_stream));
  ASSAY_TRY(find_in(library.blas, "cublasGemmEx", f.multiply));
  ASSAY_TRY(find_in(library.lt, "cublasLtCreate", f.lt_create));
  ASSAY_TRY(find_in(library.lt, "cublasLtDestroy", f.lt_destroy));
  ASSAY_TRY(find_in(library.lt, "cublasLtMatmulDescCreate", f.describe));
  ASSAY_TRY(find_in(library.lt, "cublasLtMatmulDescSetAttribute", f.describe_more));
  ASSAY_TRY(find_in(library.lt, "cublasLtMatmulDescDestroy", f.end_description));
  ASSAY_TRY(find_in(library.lt, "cublasLtMatrixLayoutCreate", f.layout));
  ASSAY_TRY(find_in(library.lt, "cublasLtMatrixLayoutDestroy", f.end_layout));
  ASSAY_TRY(find_in(library.lt, "cublasLtMatmul", f.lt_multiply));
  ASSAY_TRY(check_status(f.create(&library.handle), "handle"));
  ASSAY_TRY(check_status(f.lt_create(&library.lt_handle), "handle"));
  return {std::move(products)};
}

// Its matrices go down columns: what is [m, n] by rows here is [n, m] there, so w comes first.
Result<> CublasProducts::Library::multiply(const void* x, const void* w, void* y, int m, int n, int k,
                                           cudaDataType type, int compute, cudaStream_t stream) const {
  const float one = 1, zero = 0;
  ASSAY_TRY(check_status(functions.set_stream(handle, stream), "stream"));
  return check_status(functions.multiply(handle, kTransposed, kPlain, n, m, k, &one, w, type, k, x, type, k, &zero, y,
                                         type, n, compute, kDefaultAlgorithm),
                      "product");
}

Result<> CublasProducts::bf16(const void* x, const void* w, void* y, int m, int n, int k, cudaStream_t stream) const {
  return library_->multiply(x, w, y, m, n, k, CUDA_R_16BF, kComputeF32, stream);
}

Result<> CublasProducts::fp32(const void* x, const void* w, void* y, int m, int n, int k, cudaStream_t stream) const {
  return library_->multiply(x, w, y, m, n, k, CUDA_R_32F, kComputeF32, stream);
}

Result<> CublasProducts::fp8(const void* x, const void* w, void* y, int m, int n, int k, void* workspace,
                             cudaStream_t stream) const {
  const CublasFunctions& f = library_->functions;
  struct Parts {
    const CublasFunctions& f;
    Handle description = nullptr;
    std::array<Handle, 3> layouts = {};  // of w, x and y
    ~Parts() {
      for (Handle layout : layouts) {
        if (layout != nullptr) f.end_layout(layout);
      }
      if (description != nullptr) f.end_description(description);
    }
  } parts{f};
  const auto rows = [](int count) { return static_cast<std::uint64_t>(count); };
  ASSAY_TRY(check_status(f.describe(&parts.description, kComputeF32, CUDA_R_32F), "description"));
  ASSAY_TRY(check_status(f.describe_more(parts.description, kDescribeTransposeA, &kTransposed, sizeof kTransposed),
                         "description"));
  ASSAY_TRY(
      check_status(f.describe_more(parts.description, kDescribeTransposeB, &kPlain, sizeof kPlain), "description"));
  ASSAY_TRY(check_status(f.layout(&parts.layouts[0], CUDA_R_8F_E4M3, rows(k), rows(n), k), "layout"));
  ASSAY_TRY(check_status(f.layout(&parts.layouts[1], CUDA_R_8F_E4M3, rows(k), rows(m), k), "layout"));
  ASSAY_TRY(check_status(f.layout(&parts.layouts[2], CUDA_R_16BF, rows(n), rows(m), n), "layout"));
  const float one = 1, zero = 0;
  return check_status(
      f.lt_multiply(library_->lt_handle, parts.description, &one, w, parts.layouts[0], x, parts.layouts[1], &zero, y,
                    parts.layouts[2], y, parts.layouts[2], nullptr, workspace, kWorkspaceBytes, stream),
      "FP8 product");
}

}  // namespace assay::kernels
