#include "kernels/quantized/device_layout.h"

#include "kernels/quantized/test_quantized_files.h"
#include "tests/support/catch.h"

using namespace assay::kernels;
using namespace assay::tests;

// What the layout's words say in bytes, by hand: 16 · 256 integers of 4, 5, 6 or 8 bits, and the scales.
TEST_CASE("device layout: sizes of a chunk", "[kernels]") {
  CHECK(device_chunk_bytes(WeightType::q4_0) == 2048 + 8 * 32);
  CHECK(device_chunk_bytes(WeightType::q4_1) == 2048 + 8 * 64);
  CHECK(device_chunk_bytes(WeightType::q5_0) == 2560 + 8 * 32);
  CHECK(device_chunk_bytes(WeightType::q5_1) == 2560 + 8 * 64);
  CHECK(device_chunk_bytes(WeightType::q8_0) == 4096 + 8 * 32);
  CHECK(device_chunk_bytes(WeightType::q4_k) == 2048 + 64 + 8 * 32);
  CHECK(device_chunk_bytes(WeightType::q5_k) == 2560 + 64 + 8 * 32);
  CHECK(device_chunk_bytes(WeightType::q6_k) == 3072 + 32 + 8 * 32);
  CHECK(device_weight_bytes(WeightType::q8_0, 17, 288) == 2 * 2 * 4352);
}

TEST_CASE("device layout: every element is the weight's own, in any order of rows, and the rest are zeros",
          "[kernels]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  std::mt19937 generator(23);
  const int n_in = quantized_form(type).file_inputs == 32 ? 352 : 768;
  const RepackedWeight first = random_file(generator, type, 37, n_in).repacked(),
                       second = random_file(generator, type, 5, n_in).repacked();
  DeviceRow rows[kDeviceRows];
  for (int i = 0; i < kDeviceRows; ++i) {
    if (i % 5 == 4) continue;
    rows[i] = i % 3 == 0 ? DeviceRow{&second.matrix(), i / 3 % 5} : DeviceRow{&first.matrix(), 36 - 2 * i};
  }
  std::vector<std::byte> memory(device_row_group_bytes(type, n_in), std::byte{0xFF});
  write_device_rows(type, n_in, rows, memory.data());
  for (int row = 0; row < kDeviceRows; ++row) {
    for (int k = 0; k < device_chunks(n_in) * kDeviceInputs; ++k) {
      CAPTURE(row, k);
      const bool is_there = rows[row].weight != nullptr && k < n_in;
      const float expected = is_there ? weight_at(*rows[row].weight, rows[row].row, k) : 0.0f;
      REQUIRE(device_weight_at(type, memory.data(), row, k) == expected);
    }
  }
}
