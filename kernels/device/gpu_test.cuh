#pragma once
// What the GPU tests share: values to and from the device, and float64 views of bfloat16. Every test program that
// includes it exits 77 (skipped) where there is no device: see gpu_test.cpp.

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "kernels/device/device_buffer.cuh"
#include "tests/support/catch.h"
#include "tests/support/random.h"

namespace assay::tests {

using Bf16 = __nv_bfloat16;

/// The value, or a failed test with the error's words.
template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}
inline void must(const Result<>& result) {
  if (!result) FAIL(result.error().message);
}

/// For ranks side by side on one device, before CUDA starts: a kernel that waits for its neighbour must neither keep
/// the neighbour's code from being loaded, nor share with it one of the queues that the device serves, of which there
/// are eight unless more are asked for.
inline int let_ranks_share_a_device() {
  setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 1);
  return setenv("CUDA_MODULE_LOADING", "EAGER", 1);
}

inline std::vector<Bf16> to_bf16(const std::vector<float>& values) {
  std::vector<Bf16> rounded;
  rounded.reserve(values.size());
  for (const float v : values) rounded.push_back(__float2bfloat16(v));
  return rounded;
}
inline std::vector<Bf16> normal_bf16(std::mt19937& generator, std::size_t n, float spread = 1) {
  return to_bf16(normal_floats(generator, n, spread));
}
inline float as_float(float v) { return v; }
inline float as_float(Bf16 v) { return __bfloat162float(v); }

/// ‖a - expected‖ / ‖expected‖; not a number if any of a is.
template <class T>
double relative_error_of(const std::vector<T>& a, const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double d = static_cast<double>(as_float(a[i])) - expected[i];
    difference += d * d;
    norm += expected[i] * expected[i];
  }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

template <class T>
kernels::DeviceBuffer<T> on_device(const std::vector<T>& values) {
  return must(kernels::DeviceBuffer<T>::from(values));
}
/// Memory whose every float is NaN.
template <class T>
kernels::DeviceBuffer<T> poisoned(std::size_t n) {
  auto buffer = must(kernels::DeviceBuffer<T>::create(n));
  if (n > 0) must(buffer.fill_bytes(0xFF));
  return buffer;
}
/// Waits for the device and copies.
template <class T>
std::vector<T> from_device(const kernels::DeviceBuffer<T>& buffer) {
  must(kernels::check(cudaDeviceSynchronize(), "kernel"));
  return must(buffer.download());
}
/// The same bits, NaN included.
template <class T>
bool same_bits(const T* a, const T* b, std::size_t n) {
  return std::memcmp(a, b, n * sizeof(T)) == 0;
}

}  // namespace assay::tests
