#pragma once
// Digests of results, and inputs for them that every standard library makes alike.

#include <cstdint>
#include <vector>

#include "kernels/device/gpu_test.cuh"

namespace assay::tests {

/// FNV-1a over the bytes.
template <class T>
inline std::uint64_t digest(const std::vector<T>& values) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (std::size_t i = 0; i < values.size() * sizeof(T); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3ull;
  return hash;
}

/// Checks a digest against what was recorded on an H100 of the kernels that run now: each path has its own order of
/// sums. Tensor cores of other generations may round differently: there nothing is checked.
inline void check_recorded(std::uint64_t out, std::uint64_t hopper, std::uint64_t portable) {
  int device = 0, major = 0;
  must(kernels::check(cudaGetDevice(&device), "device"));
  must(kernels::check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "device"));
  if (major == 9) CHECK(out == (kernels::cuda_path() == kernels::CudaPath::hopper ? hopper : portable));
}

/// Values spread over ±1 that don't depend on the standard library's distributions.
inline std::vector<float> even_floats(std::mt19937& generator, std::size_t n) {
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(static_cast<float>(generator() >> 8) * 0x1p-23f - 1.0f);
  return values;
}
inline std::vector<Bf16> even_bf16(std::mt19937& generator, std::size_t n) {
  return to_bf16(even_floats(generator, n));
}

}  // namespace assay::tests
