#pragma once
// Set-up that every device needs for itself, such as the limits of a kernel: made at the first call on a device,
// remembered afterwards. Any thread may call it; the current device of the calling thread counts.

#include <cuda_runtime_api.h>

#include <array>
#include <mutex>
#include <optional>

#include "kernels/device/device.cuh"

namespace assay::kernels {

template <class T = void>
class OncePerDevice {
 public:
  template <class Make>
  const Result<T>& operator()(const Make& make) {
    int device = 0;
    static_cast<void>(cudaGetDevice(&device));
    ASSAY_ASSERT(device < kMaxDevices, "no machine has more");
    Made& made = made_[static_cast<std::size_t>(device)];
    std::call_once(made.once, [&] { made.result = make(); });
    return *made.result;
  }

 private:
  static constexpr int kMaxDevices = 64;
  struct Made {
    std::once_flag once;
    std::optional<Result<T>> result;
  };
  std::array<Made, kMaxDevices> made_;
};

}  // namespace assay::kernels
