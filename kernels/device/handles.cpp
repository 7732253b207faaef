#include "kernels/device/handles.cuh"

#include <cuda_runtime.h>

namespace assay::kernels {

Result<Stream> create_stream() {
  cudaStream_t stream = nullptr;
  ASSAY_TRY(check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream"));
  return Stream(stream);
}

Result<Event> create_event() {
  cudaEvent_t event = nullptr;
  ASSAY_TRY(check(cudaEventCreate(&event), "event"));
  return Event(event);
}

Result<float> elapsed_ms(const Event& from, const Event& to) {
  ASSAY_TRY(check(cudaEventSynchronize(to.get()), "event"));
  float ms = 0;
  ASSAY_TRY(check(cudaEventElapsedTime(&ms, from.get(), to.get()), "event"));
  return ms;
}

}  // namespace assay::kernels
