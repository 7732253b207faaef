// Sampling of Llama-3's vocabulary: the largest logit, the settings of R1's cards, and Qwen3's with top-k.

#include <random>
#include <string>

#include "kernels/device/bench_support.cuh"
#include "kernels/sampling/sample_rows.cuh"

namespace assay::kernels {

Result<> bench_sampling(const BenchContext& context) {
  constexpr int kVocab = 128256, kRows = 256;
  std::mt19937 generator(9);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> row(kVocab);
  ASSAY_ASSIGN(const auto logits, DeviceBuffer<float>::create(std::size_t{kRows} * kVocab));
  for (int r = 0; r < kRows; ++r) {
    if (r % 64 == 0) {
      for (float& v : row) v = normal(generator);
      row[static_cast<std::size_t>(r)] = 20;  // some token is likely
    }
    ASSAY_TRY(check(cudaMemcpy(logits.data() + std::size_t{kVocab} * static_cast<std::size_t>(r), row.data(),
                               sizeof(float) * kVocab, cudaMemcpyHostToDevice),
                    "logits"));
  }
  ASSAY_ASSIGN(const auto tokens, DeviceBuffer<std::int32_t>::create(kRows));
  struct Case {
    const char* name;
    SampleRow how;
  };
  const Case cases[] = {{"largest", {}},
                        {"T 0.6, top-p 0.95", {0.95, 0, {1, 2}, 0.6f, 0, 3, 0}},
                        {"T 0.6, top-p 0.95, top-k 20", {0.95, 0, {1, 2}, 0.6f, 20, 3, 0}},
                        {"T 1", {1, 0, {1, 2}, 1, 0, 3, 0}}};
  for (const Case& c : cases) {
    std::vector<SampleRow> rows_how(kRows, c.how);
    for (std::uint32_t r = 0; r < kRows; ++r) rows_how[r].logits_row = r;
    ASSAY_ASSIGN(const auto how, DeviceBuffer<SampleRow>::from(rows_how));
    for (const int rows : {1, kRows}) {
      ASSAY_ASSIGN(
          const double us, time_us(context.stream, 10, [&](int) {
            return sample_rows({logits.data(), kVocab, rows, kVocab, how.data(), tokens.data()}, context.stream.get());
          }));
      print_row(context, {"sampling " + std::to_string(rows) + " x 128256, " + c.name, us, 4.0 * rows * kVocab, 0});
    }
  }
  return {};
}

}  // namespace assay::kernels
