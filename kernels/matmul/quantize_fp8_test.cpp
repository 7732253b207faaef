#include "kernels/matmul/quantize_fp8.cuh"

#include <algorithm>
#include <cstring>

#include "kernels/matmul/fp8_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Quantized {
  std::vector<std::uint8_t> q;
  std::vector<float> scales;
};

Quantized quantize(const std::vector<Bf16>& x, const std::vector<std::int32_t>& rows, int n_rows, int n_in,
                   std::int64_t scale_stride) {
  const auto device_x = on_device(x);
  const auto device_rows = on_device(rows);
  const auto q = poisoned<std::uint8_t>(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(n_in));
  const auto scales = poisoned<float>(static_cast<std::size_t>(n_in / kFp8Group * scale_stride));
  must(quantize_fp8({device_x.data(), rows.empty() ? nullptr : device_rows.data(), n_rows, n_in, q.data(),
                     scales.data(), scale_stride},
                    nullptr));
  return {from_device(q), from_device(scales)};
}

}  // namespace

// Worked example (a) of the specification: amax 4, scale 4/448.
TEST_CASE("quantize_fp8: the specification's example", "[gpu]") {
  std::vector<float> x;
  for (int i = 0; i < 128; ++i) x.push_back(static_cast<float>(i - 64) / 16);
  const Quantized quantized = quantize(to_bf16(x), {}, 1, 128, 1);
  std::uint32_t bits = 0;
  std::memcpy(&bits, quantized.scales.data(), sizeof bits);
  CHECK(bits == 0x3C124925u);
  const std::pair<std::size_t, int> expected[] = {{0, 0xFE},  {1, 0xFE},  {10, 0xFC},  {63, 0xCE}, {64, 0x00},
                                                  {65, 0x4E}, {70, 0x62}, {100, 0x78}, {127, 0x7E}};
  for (const auto& [i, byte] : expected) CHECK(static_cast<int>(quantized.q[i]) == byte);
}

TEST_CASE("quantize_fp8: the nearest byte of every quotient, wherever a row comes from", "[gpu][invariance]") {
  const int n_in = GENERATE(128, 1536, 7168), n_source = 9, n_rows = 7;
  std::mt19937 generator(103);
  auto values = normal_floats(generator, static_cast<std::size_t>(n_source * n_in), 2);
  for (int i = 0; i < 128; ++i) values[static_cast<std::size_t>(i)] *= i < 64 ? 1e-6f : 0;  // below the least magnitude
  for (int i = 128; i < n_in; ++i) values[static_cast<std::size_t>(i)] *= 1e4f;
  const auto x = to_bf16(values);
  const std::vector<std::int32_t> rows{8, 0, 3, 3, 7, 1, 0};
  const std::int64_t stride = n_rows + 3;
  const Quantized quantized = quantize(x, rows, n_rows, n_in, stride);
  int wrong = 0;
  for (int r = 0; r < n_rows; ++r) {
    for (int group = 0; group < n_in / kFp8Group; ++group) {
      const Bf16* from = x.data() + rows[static_cast<std::size_t>(r)] * n_in + group * kFp8Group;
      float largest = 1e-4f;
      for (int i = 0; i < kFp8Group; ++i) largest = std::max(largest, std::abs(as_float(from[i])));
      const float scale = largest / 448.0f;
      wrong += quantized.scales[static_cast<std::size_t>(group * stride + r)] != scale;
      for (int i = 0; i < kFp8Group; ++i) {
        const float quotient = as_float(from[i]) / scale;
        wrong += quantized.q[static_cast<std::size_t>(r * n_in + group * kFp8Group + i)] !=
                 to_e4m3(static_cast<double>(quotient));
      }
    }
    // The rows between n_rows and the stride are not this kernel's.
    wrong += !std::isnan(quantized.scales[static_cast<std::size_t>(n_rows)]);
  }
  CHECK(wrong == 0);
  const Quantized all = quantize(x, {}, n_source, n_in, n_source);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto width = static_cast<std::size_t>(n_in);
    CHECK(same_bits(quantized.q.data() + r * width, all.q.data() + static_cast<std::size_t>(rows[r]) * width, width));
  }
}

TEST_CASE("quantize_fp8: widths without whole groups are refused, no rows are no work", "[gpu]") {
  CHECK_FALSE(quantize_fp8({nullptr, nullptr, 1, 192, nullptr, nullptr, 1}, nullptr).has_value());
  CHECK_FALSE(quantize_fp8({nullptr, nullptr, 5, 256, nullptr, nullptr, 4}, nullptr).has_value());
  CHECK(quantize_fp8({nullptr, nullptr, 0, 256, nullptr, nullptr, 0}, nullptr).has_value());
}
