#include "runners/engine/cuda/staged_inputs.h"

#include <cuda_runtime.h>

namespace assay::runners {

Result<StagedInputs> StagedInputs::create(std::size_t capacity_bytes) {
  StagedInputs inputs;
  inputs.capacity_bytes_ = capacity_bytes;
  for (PinnedMemory& memory : inputs.host_) {
    ASSAY_ASSIGN(memory, allocate_pinned(capacity_bytes));
  }
  ASSAY_ASSIGN(inputs.device_, DeviceBuffer<std::byte>::create(capacity_bytes));
  return inputs;
}

void StagedInputs::begin() {
  turn_ = 1 - turn_;
  used_bytes_ = 0;
}

Result<> StagedInputs::upload(cudaStream_t stream) const {
  return kernels::check(
      cudaMemcpyAsync(device_.data(), host_[turn_].get(), used_bytes_, cudaMemcpyHostToDevice, stream),
      "a pass's inputs");
}

}  // namespace assay::runners
