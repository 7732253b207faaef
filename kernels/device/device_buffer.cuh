#pragma once
// Memory on the device, allocated in set-up and never per token.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "kernels/device/device.cuh"

namespace assay::kernels {

struct DeviceFree {
  void operator()(void* memory) const noexcept { cudaFree(memory); }
};

/// n elements of T in device memory. Moves, does not copy; an empty one owns nothing. span() and data() are device
/// addresses: only kernels and copies may follow them.
template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;

  /// Uninitialised memory. Error{environment} names the size that did not fit.
  static Result<DeviceBuffer> create(std::size_t n) {
    DeviceBuffer buffer;
    if (n == 0) return {std::move(buffer)};
    void* memory = nullptr;
    if (const cudaError_t status = cudaMalloc(&memory, n * sizeof(T)); status != cudaSuccess) {
      static_cast<void>(cudaGetLastError());  // out of memory is not sticky: the next call must not see it
      return environment_error("device memory of ", n * sizeof(T) >> 20, " MiB: ", cudaGetErrorString(status));
    }
    buffer.memory_.reset(static_cast<T*>(memory));
    buffer.size_ = n;
    return {std::move(buffer)};
  }

  /// A buffer with a copy of host values; returns when they are there.
  static Result<DeviceBuffer> from(std::span<const T> values) {
    auto buffer = create(values.size());
    if (!buffer) return buffer;
    if (auto copied = buffer->upload(values); !copied) return copied.error();
    return buffer;
  }

  T* data() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  std::size_t size_bytes() const { return size_ * sizeof(T); }
  std::span<T> span() const { return {memory_.get(), size_}; }

  /// Copies host values to the start of the buffer and waits for the copy. values.size() <= size().
  Result<> upload(std::span<const T> values) const {
    ASSAY_ASSERT(values.size() <= size_, "callers size the buffer for what they upload");
    return check(cudaMemcpy(data(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice), "copy to the device");
  }
  /// All elements, after everything that was launched before.
  Result<std::vector<T>> download() const {
    std::vector<T> values(size_);
    if (auto copied =
            check(cudaMemcpy(values.data(), data(), size_bytes(), cudaMemcpyDeviceToHost), "copy from the device");
        !copied) {
      return copied.error();
    }
    return {std::move(values)};
  }
  /// Every byte set to `value`: 0xFF makes NaN of any float.
  Result<> fill_bytes(int value) const { return check(cudaMemset(data(), value, size_bytes()), "fill"); }

 private:
  std::unique_ptr<T, DeviceFree> memory_;
  std::size_t size_ = 0;
};

}  // namespace assay::kernels
