#include "kernels/device/ceiling.cuh"

#include <algorithm>
#include <cstdint>

#include "kernels/device/device_buffer.cuh"
#include "kernels/device/handles.cuh"

namespace assay::kernels {

Result<double> measure_read_bytes_per_s() {
  constexpr std::size_t kBytes = std::size_t{4} << 30;
  constexpr int kReads = 12;
  ASSAY_ASSIGN(const auto memory, DeviceBuffer<std::uint8_t>::create(kBytes));
  ASSAY_ASSIGN(const auto sink, DeviceBuffer<unsigned>::create(1));
  ASSAY_TRY(memory.fill_bytes(0x5A));
  ASSAY_ASSIGN(const Stream stream, create_stream());
  ASSAY_ASSIGN(const Event before, create_event());
  ASSAY_ASSIGN(const Event after, create_event());
  float best_ms = 0;
  for (int i = 0; i < kReads; ++i) {
    ASSAY_TRY(check(cudaEventRecord(before.get(), stream.get()), "event"));
    ASSAY_TRY(read_all(memory.data(), kBytes, sink.data(), stream.get()));
    ASSAY_TRY(check(cudaEventRecord(after.get(), stream.get()), "event"));
    ASSAY_ASSIGN(const float ms, elapsed_ms(before, after));
    best_ms = i == 0 ? ms : std::min(best_ms, ms);
  }
  return static_cast<double>(kBytes) / (static_cast<double>(best_ms) * 1e-3);
}

}  // namespace assay::kernels
