#include "kernels/rmsnorm/rmsnorm_bf16.cuh"

#include <cmath>
#include <cstring>

#include "kernels/device/gpu_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// The norm in float64 of rows picked from x.
std::vector<double> norm_in_float64(const std::vector<float>& x, const std::vector<float>& weight, float eps,
                                    int hidden, const std::vector<int>& rows) {
  std::vector<double> out;
  for (const int row : rows) {
    const float* from = x.data() + static_cast<std::size_t>(row) * static_cast<std::size_t>(hidden);
    double squares = 0;
    for (int i = 0; i < hidden; ++i) squares += static_cast<double>(from[i]) * static_cast<double>(from[i]);
    const double scale = 1 / std::sqrt(squares / hidden + static_cast<double>(eps));
    for (int i = 0; i < hidden; ++i) {
      out.push_back(static_cast<double>(from[i]) * scale * static_cast<double>(weight[static_cast<std::size_t>(i)]));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("rmsnorm_bf16: no worse than rounding float64, wherever a row lies", "[gpu][invariance]") {
  const int hidden = GENERATE(8, 24, 576, 4096, 7168), n_rows = 19;
  std::mt19937 generator(61);
  const auto x = normal_floats(generator, static_cast<std::size_t>(n_rows * hidden), 3);
  const auto weight = normal_floats(generator, static_cast<std::size_t>(hidden));
  const std::vector<int> rows{18, 0, 7, 7, 3};
  const auto expected = norm_in_float64(x, weight, 1e-5f, hidden, rows);
  const auto device_x = on_device(x), device_weight = on_device(weight);
  const auto device_rows = on_device(rows);
  const auto y = poisoned<Bf16>(expected.size());
  must(rmsnorm_bf16({device_x.data(), device_rows.data(), device_weight.data(), 1e-5f, 5, hidden, y.data()}, nullptr));
  const auto picked = from_device(y);
  const std::vector<float> plain(expected.begin(), expected.end());
  CHECK(relative_error_of(picked, expected) <= 1.5 * relative_error_of(to_bf16(plain), expected));

  const auto all = poisoned<Bf16>(x.size());
  must(rmsnorm_bf16({device_x.data(), nullptr, device_weight.data(), 1e-5f, n_rows, hidden, all.data()}, nullptr));
  const auto every = from_device(all);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto width = static_cast<std::size_t>(hidden);
    CHECK(same_bits(picked.data() + i * width, every.data() + static_cast<std::size_t>(rows[i]) * width, width));
  }
}

TEST_CASE("rmsnorm_bf16: a width it can't have is refused, no rows are no work", "[gpu]") {
  CHECK_FALSE(rmsnorm_bf16({nullptr, nullptr, nullptr, 0, 1, 12, nullptr}, nullptr).has_value());
  CHECK(rmsnorm_bf16({nullptr, nullptr, nullptr, 0, 0, 16, nullptr}, nullptr).has_value());
}

TEST_CASE("embed_rows: widens the rows of the ids, given or drawn before", "[gpu]") {
  const int vocab = 11, hidden = 40;
  std::mt19937 generator(67);
  const auto table = normal_bf16(generator, vocab * hidden);
  const std::vector<int> given{10, 0, -2, 3, -1, -3}, drawn{7, 3, -1}, ids{10, 0, 3, 3, 7, 0};
  const auto device_table = on_device(table);
  const auto device_ids = on_device(given);
  const auto device_drawn = on_device(drawn);
  const auto x = poisoned<float>(ids.size() * hidden);
  must(embed_rows({device_table.data(), device_ids.data(), device_drawn.data(), 6, hidden, x.data()}, nullptr));
  std::vector<float> expected;
  for (const int id : ids) {
    for (int i = 0; i < hidden; ++i) expected.push_back(as_float(table[static_cast<std::size_t>(id * hidden + i)]));
  }
  CHECK(from_device(x) == expected);
}
