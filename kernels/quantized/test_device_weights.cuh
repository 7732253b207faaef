#pragma once
// For GPU tests alone: quantised weights on the device.

#include "kernels/device/gpu_test.cuh"
#include "kernels/quantized/device_layout.h"
#include "kernels/quantized/test_quantized_files.h"

namespace assay::tests {

/// A weight on the device as a loader lays it down; nothing lies behind it.
inline kernels::DeviceBuffer<std::byte> laid_down(const kernels::WeightMatrix& w) {
  std::vector<std::byte> bytes(kernels::device_weight_bytes(w.type, w.n_out, w.n_in));
  for (int group = 0; group < kernels::device_row_groups(w.n_out); ++group) {
    kernels::DeviceRow rows[kernels::kDeviceRows];
    for (int i = 0; i < kernels::kDeviceRows; ++i) {
      const int row = group * kernels::kDeviceRows + i;
      if (row < w.n_out) rows[i] = {&w, row};
    }
    kernels::write_device_rows(
        w.type, w.n_in, rows,
        bytes.data() + static_cast<std::size_t>(group) * kernels::device_row_group_bytes(w.type, w.n_in));
  }
  return on_device(bytes);
}

/// n_in of a shape for types whose blocks of the file have 256 inputs.
inline int whole_blocks(kernels::WeightType type, int n_in) {
  return kernels::quantized_form(type).file_inputs == 32 ? n_in : (n_in + 255) / 256 * 256;
}

}  // namespace assay::tests
