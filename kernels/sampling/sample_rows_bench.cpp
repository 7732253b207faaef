// Sampling of Llama-3's vocabulary: the largest logit, the settings of R1's cards, and Qwen3's with top-k; of peaked
// logits, as trained models have them, and of flat ones.

#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/bench_support.cuh"
#include "kernels/sampling/sample_rows.cuh"

namespace assay::kernels {

namespace {

constexpr int kVocab = 128256, kRows = 256;

struct Setting {
  const char* name;
  SampleRow how;
};

/// Rows of normal logits, four different ones, in each of which one token has the logit `top`.
Result<> bench_logits(const BenchContext& context, const std::string& name, float spread, float top,
                      std::span<const Setting> settings) {
  std::mt19937 generator(9);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> row(kVocab);
  ASSAY_ASSIGN(const auto logits, DeviceBuffer<float>::create(std::size_t{kRows} * kVocab));
  for (int r = 0; r < kRows; ++r) {
    if (r % 64 == 0) {
      for (float& v : row) v = normal(generator);
      row[static_cast<std::size_t>(r)] = top;
    }
    ASSAY_TRY(check(cudaMemcpy(logits.data() + std::size_t{kVocab} * static_cast<std::size_t>(r), row.data(),
                               sizeof(float) * kVocab, cudaMemcpyHostToDevice),
                    "logits"));
  }
  ASSAY_ASSIGN(const auto tokens, DeviceBuffer<std::int32_t>::create(kRows));
  for (const Setting& setting : settings) {
    std::vector<SampleRow> rows_how(kRows, setting.how);
    for (std::uint32_t r = 0; r < kRows; ++r) rows_how[r].logits_row = r;
    ASSAY_ASSIGN(const auto how, DeviceBuffer<SampleRow>::from(rows_how));
    for (const int rows : {1, kRows}) {
      ASSAY_ASSIGN(
          const double us, time_us(context.stream, 10, [&](int) {
            return sample_rows({logits.data(), kVocab, rows, kVocab, how.data(), tokens.data()}, context.stream.get());
          }));
      print_row(context,
                {"sampling " + std::to_string(rows) + ", " + name + ", " + setting.name, us, 4.0 * rows * kVocab, 0});
    }
  }
  return {};
}

}  // namespace

Result<> bench_sampling(const BenchContext& context) {
  const Setting largest{"largest", {}}, top_p{"T 0.6, top-p 0.95", {0.95, 0, {1, 2}, 0.6f, 0, 3, 0}},
      top_k{"T 0.6, top-p 0.95, top-k 20", {0.95, 0, {1, 2}, 0.6f, 20, 3, 0}}, all{"T 1", {1, 0, {1, 2}, 1, 0, 3, 0}};
  ASSAY_TRY(bench_logits(context, "peaked", 3, 20, std::vector{largest, top_p, top_k, all}));
  ASSAY_TRY(bench_logits(context, "flat", 1, 4, std::vector{top_p, top_k, all}));
  return bench_logits(context, "nearly equal", 0.01f, 0, std::vector{top_p, top_k, all});
}

}  // namespace assay::kernels
