#pragma once
// What a pass needs from the host, written into pinned memory and copied to the device at once. Two host copies take
// turns, so that the next pass is written while one is on its way; the device has one, since passes run in order.

#include <array>
#include <cstring>
#include <span>
#include <type_traits>

#include "harness/base/assert.h"
#include "runners/engine/cuda/upload.h"

namespace assay::runners {

/// An array of a pass: written here, read on the device after upload().
template <class T>
struct StagedArray {
  std::span<T> host;
  T* device = nullptr;
};

class StagedInputs {
 public:
  StagedInputs() = default;
  static Result<StagedInputs> create(std::size_t capacity_bytes);

  std::size_t capacity_bytes() const { return capacity_bytes_; }
  /// Starts the inputs of a pass. The pass before the last must have ended.
  void begin();
  /// The next n elements. The same sequence of sizes gives the same device addresses in every pass.
  template <class T>
  StagedArray<T> add(std::size_t n) {
    const std::size_t at = (used_bytes_ + 15) / 16 * 16;
    used_bytes_ = at + n * sizeof(T);
    ASSAY_ASSERT(used_bytes_ <= capacity_bytes_, "the executor makes room for the largest pass");
    return {{reinterpret_cast<T*>(host_[turn_].get() + at), n}, reinterpret_cast<T*>(device_.data() + at)};
  }
  template <class T>
  StagedArray<std::remove_const_t<T>> add(std::span<T> values) {
    const auto array = add<std::remove_const_t<T>>(values.size());
    if (!values.empty()) std::memcpy(array.host.data(), values.data(), values.size_bytes());
    return array;
  }
  /// Copies what was added, in the stream's order.
  Result<> upload(cudaStream_t stream) const;

 private:
  std::array<PinnedMemory, 2> host_;
  DeviceBuffer<std::byte> device_;
  std::size_t capacity_bytes_ = 0, used_bytes_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace assay::runners
