#include "kernels/sampling/sample_rows.cuh"

#include <algorithm>
#include <cmath>

#include "kernels/device/gpu_test.cuh"
#include "kernels/sampling/sampling.h"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// The tokens drawn from rows of logits, all of one length; each from the row that it names.
std::vector<std::int32_t> drawn_on_gpu(const std::vector<std::vector<float>>& logits,
                                       const std::vector<SampleRow>& how) {
  const std::size_t vocab = logits.front().size(), stride = vocab + 3;
  std::vector<float> all(logits.size() * stride, NAN);  // what lies between rows is not read
  for (std::size_t r = 0; r < logits.size(); ++r) {
    std::copy(logits[r].begin(), logits[r].end(), all.begin() + static_cast<std::ptrdiff_t>(r * stride));
  }
  const auto device_logits = on_device(all);
  const auto device_how = on_device(how);
  const auto tokens = poisoned<std::int32_t>(how.size());
  must(sample_rows({device_logits.data(), static_cast<std::int64_t>(stride), static_cast<int>(how.size()),
                    static_cast<int>(vocab), device_how.data(), tokens.data()},
                   nullptr));
  return from_device(tokens);
}

/// The same with a row of logits for each token.
std::vector<std::int32_t> on_gpu(const std::vector<std::vector<float>>& logits, std::vector<SampleRow> how) {
  for (std::size_t r = 0; r < how.size(); ++r) how[r].logits_row = static_cast<std::uint32_t>(r);
  return drawn_on_gpu(logits, how);
}

std::int32_t on_cpu(const std::vector<float>& logits, const SampleRow& how) {
  std::vector<float> scratch(sampling_scratch_floats(logits.size()));
  const SamplingArgs args{static_cast<double>(how.temperature), how.top_p, how.top_k, how.min_p};
  const auto token = sample_token(cpu_ops(best_simd_level()), logits, args, how.key, how.position, scratch.data());
  return token ? *token : kNanLogits;
}

struct Setting {
  float temperature;
  double top_p;
  int top_k;
  double min_p;
};
constexpr Setting kSettings[] = {{0, 1, 0, 0},       {1, 1, 0, 0},
                                 {0.6f, 0.95, 0, 0}, {0.6f, 0.95, 20, 0},
                                 {1, 1, 40, 0.05},   {1, 1, 1, 0},
                                 {3, 0.9, 3000, 0},  {2, 0.5, 0, 0},
                                 {1, 1e-9, 0, 0},    {1.5f, 0.999, 0, 0.001},
                                 {50, 0.9, 0, 0}};  // so flat that the short list overflows

SampleRow sampled(float temperature, double top_p, int top_k, double min_p, std::uint32_t position) {
  return {top_p, min_p, {1234, 7}, temperature, top_k, position, 0};
}

}  // namespace

// spec/sampling.md section 5, as the CPU's test has it.
TEST_CASE("sample_rows: the worked example", "[gpu]") {
  const std::vector<float> logits{2.0f, 1.0f, 0.454545f, 0.5f, -1.0f, 2.727273f};
  const std::vector<SampleRow> how{sampled(0.6f, 0.95, 4, 0.05, 0), sampled(0.6f, 0.95, 4, 0.05, 1),
                                   sampled(0.6f, 0.95, 4, 0.05, 2)};
  CHECK(on_gpu({logits, logits, logits}, how) == std::vector<std::int32_t>{0, 0, 5});
}

TEST_CASE("sample_rows: the CPU's token for every setting, side by side in one launch", "[gpu]") {
  const int vocab = GENERATE(9, 3000);
  std::mt19937 generator(107);
  std::vector<std::vector<float>> logits;
  std::vector<SampleRow> how;
  std::vector<std::int32_t> expected;
  for (const Setting& s : kSettings) {
    logits.push_back(normal_floats(generator, static_cast<std::size_t>(vocab), 3));
    how.push_back(sampled(s.temperature, s.top_p, s.top_k, s.min_p, static_cast<std::uint32_t>(how.size())));
    expected.push_back(on_cpu(logits.back(), how.back()));
  }
  CHECK(on_gpu(logits, how) == expected);
}

TEST_CASE("sample_rows: the CPU's token for every setting", "[gpu][heavy]") {
  const int vocab = GENERATE(1, 7, 1000, 50257);
  const Setting s = GENERATE(from_range(std::begin(kSettings), std::end(kSettings)));
  std::mt19937 generator(109);
  std::vector<std::vector<float>> logits;
  std::vector<SampleRow> how;
  std::vector<std::int32_t> expected;
  for (std::uint32_t r = 0; r < 24; ++r) {
    logits.push_back(normal_floats(generator, static_cast<std::size_t>(vocab), 3));
    if (vocab > 3 && r % 3 == 0) logits.back()[1] = -INFINITY;
    how.push_back(sampled(s.temperature, s.top_p, s.top_k, s.min_p, r));
    how.back().key = {0x123456789ABCDEFull + r, 77 + r};
    expected.push_back(on_cpu(logits.back(), how.back()));
  }
  CAPTURE(vocab, s.temperature, s.top_p, s.top_k, s.min_p);
  CHECK(on_gpu(logits, how) == expected);
}

TEST_CASE("sample_rows: the CPU's token of a large vocabulary, flat or full of equals", "[gpu][heavy]") {
  const int vocab = GENERATE(32000, 128256, 151936);
  const auto [spread, steps] = GENERATE(table<float, float>({{3, 0}, {1, 0}, {0.01f, 0}, {2, 8}, {0.1f, 64}, {0, 1}}));
  std::mt19937 generator(127);
  std::vector<std::vector<float>> logits;
  std::vector<SampleRow> how;
  std::vector<std::int32_t> expected;
  const std::vector<SampleRow> settings{sampled(0.6f, 0.95, 0, 0, 1),    sampled(1, 0.3, 0, 0, 2),
                                        sampled(0.6f, 0.95, 20, 0, 3),   sampled(1.1f, 1, 700, 0.001, 4),
                                        sampled(0.7f, 0.8, 20000, 0, 5), sampled(1, 1, 0, 0, 6)};
  for (const SampleRow& setting : settings) {
    logits.push_back(normal_floats(generator, static_cast<std::size_t>(vocab), spread));
    if (steps > 0) {
      for (float& l : logits.back()) l = std::round(l * steps) / steps;
    }
    how.push_back(setting);
    expected.push_back(on_cpu(logits.back(), setting));
  }
  CAPTURE(vocab, spread, steps);
  CHECK(on_gpu(logits, how) == expected);
}

TEST_CASE("sample_rows: extreme logits and temperatures divide as the CPU does", "[gpu][heavy]") {
  const float scale = GENERATE(1e-41f, 1e-20f, 1.0f, 1e15f, 1e30f);
  const float temperature = GENERATE(1e-3f, 0.7f, 1.9999999f, 1e4f);
  const bool cuts = scale >= 1 && temperature < 10;  // else weights are equal where logits differ, and cuts fall apart
  std::mt19937 generator(131);
  std::vector<std::vector<float>> logits;
  std::vector<SampleRow> how;
  std::vector<std::int32_t> expected;
  for (std::uint32_t r = 0; r < 8; ++r) {
    logits.push_back(normal_floats(generator, 500));
    for (float& l : logits.back()) l *= scale;
    logits.back()[r] = 0;
    logits.back()[r + 1] = -0.0f;
    how.push_back(sampled(temperature, cuts && r % 2 == 0 ? 0.9 : 1.0, cuts && r % 3 == 0 ? 50 : 0, 0, r));
    expected.push_back(on_cpu(logits.back(), how.back()));
  }
  CAPTURE(scale, temperature);
  CHECK(on_gpu(logits, how) == expected);
}

TEST_CASE("sample_rows: a row's token is the same in every batch and place", "[gpu][invariance][heavy]") {
  std::mt19937 generator(137);
  std::vector<std::vector<float>> logits;
  std::vector<SampleRow> how;
  for (std::uint32_t r = 0; r < 40; ++r) {
    logits.push_back(normal_floats(generator, 50257, r % 2 == 0 ? 1.0f : 4.0f));
    how.push_back(sampled(0.8f, 0.95, r % 5 == 0 ? 30 : 0, 0, r));
  }
  const auto together = on_gpu(logits, how);
  for (std::size_t r = 0; r < 40; r += 3) CHECK(on_gpu({logits[r]}, {how[r]})[0] == together[r]);
}

TEST_CASE("sample_rows: several tokens are drawn from one row", "[gpu]") {
  std::mt19937 generator(113);
  const std::vector<std::vector<float>> logits{normal_floats(generator, 300), normal_floats(generator, 300)};
  std::vector<SampleRow> how;
  std::vector<std::int32_t> expected;
  for (std::uint32_t i = 0; i < 20; ++i) {
    how.push_back(sampled(1.5f, 0.9, 0, 0, 5));
    how.back().key = {3, i};
    how.back().logits_row = i < 13 ? 1 : 0;
    expected.push_back(on_cpu(logits[how.back().logits_row], how.back()));
  }
  CHECK(drawn_on_gpu(logits, how) == expected);
}

TEST_CASE("sample_rows: ties and rows without a number", "[gpu]") {
  const auto one = [](const std::vector<float>& logits, const SampleRow& how) { return on_gpu({logits}, {how})[0]; };
  CHECK(one({1, 7, 7}, sampled(0, 1, 0, 0, 0)) == 1);
  CHECK(one({-0.0f, 0.0f}, sampled(0, 1, 0, 0, 0)) == 0);
  CHECK(one({1, NAN}, sampled(0, 1, 0, 0, 0)) == kNanLogits);
  CHECK(one({-INFINITY, -INFINITY}, sampled(1, 1, 0, 0, 0)) == kNanLogits);
  CHECK(one({1, INFINITY}, sampled(1, 1, 0, 0, 0)) == kNanLogits);
  // Equal logits, a tail of 0.4 of the whole goes: the higher ids first. 4 tokens use the list, 4,000 the search.
  for (const int n : {4, 4000}) {
    const std::vector<float> logits(static_cast<std::size_t>(n), 3.0f);
    std::vector<SampleRow> how;
    for (std::uint32_t position = 0; position < 200; ++position) how.push_back(sampled(1, 0.6, 0, 0, position));
    const auto tokens = drawn_on_gpu({logits}, how);
    const std::int32_t largest_id = *std::max_element(tokens.begin(), tokens.end());
    for (std::size_t i = 0; n == 4 && i < how.size(); ++i) CHECK(tokens[i] == on_cpu(logits, how[i]));
    CHECK(largest_id < (n == 4 ? 3 : 2402));  // 0.4 · 4,000 = 1,600, give or take the rounding of 0.6
    CHECK(largest_id >= n / 2);
  }
}

TEST_CASE("sample_rows: rows that are too short or too long are refused, no rows are no work", "[gpu]") {
  CHECK_FALSE(sample_rows({nullptr, 9, 1, 10, nullptr, nullptr}, nullptr).has_value());
  CHECK_FALSE(sample_rows({nullptr, 500000, 1, 500000, nullptr, nullptr}, nullptr).has_value());
  CHECK(sample_rows({nullptr, 10, 0, 10, nullptr, nullptr}, nullptr).has_value());
}
