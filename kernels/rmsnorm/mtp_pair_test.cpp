// mtp_pair against float64.

#include "kernels/rmsnorm/mtp_pair.cuh"

#include <cmath>

#include "kernels/device/gpu_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

TEST_CASE("mtp_pair: both halves against float64", "[gpu]") {
  const int hidden = GENERATE(8, 264, 7168);
  const int vocab = 7, n_states = 5, tokens = 6;
  std::mt19937 generator(139);
  const auto width = static_cast<std::size_t>(hidden);
  const auto table = normal_bf16(generator, vocab * width), states = normal_bf16(generator, n_states * width, 3);
  const auto enorm = normal_floats(generator, width), hnorm = normal_floats(generator, width);
  const std::vector<int> ids{6, 0, 3, 3, 1, 2}, rows{4, 4, 0, 2, 1, 3};
  const float eps = 1e-6f;
  const auto d_table = on_device(table), d_states = on_device(states);
  const auto d_enorm = on_device(enorm), d_hnorm = on_device(hnorm);
  const auto d_ids = on_device(ids), d_rows = on_device(rows);
  const auto y = poisoned<Bf16>(2 * tokens * width);
  must(mtp_pair({d_table.data(), d_ids.data(), d_states.data(), d_rows.data(), d_enorm.data(), d_hnorm.data(), eps,
                 tokens, hidden, y.data()},
                nullptr));
  std::vector<double> expected;
  const auto append = [&](const Bf16* x, const std::vector<float>& weight) {
    double squares = 0;
    for (std::size_t i = 0; i < width; ++i) squares += std::pow(static_cast<double>(as_float(x[i])), 2);
    const double scale = 1 / std::sqrt(squares / hidden + static_cast<double>(eps));
    for (std::size_t i = 0; i < width; ++i) {
      expected.push_back(static_cast<double>(as_float(x[i])) * scale * static_cast<double>(weight[i]));
    }
  };
  for (std::size_t t = 0; t < tokens; ++t) {
    append(table.data() + static_cast<std::size_t>(ids[t]) * width, enorm);
    append(states.data() + static_cast<std::size_t>(rows[t]) * width, hnorm);
  }
  CHECK(relative_error_of(from_device(y), expected) < 0.003);
  CHECK(mtp_pair({nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 0, 1, 12, nullptr}, nullptr).error().kind ==
        ErrorKind::bad_input);
}
