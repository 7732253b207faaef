#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>

#include "kernels/ceilings/ceilings.h"
#include "kernels/matmul/matmul.h"

namespace assay::kernels {

namespace {

constexpr std::int64_t kBytes = std::int64_t{256} << 20;  // far more than caches hold
constexpr std::int64_t kPieceBytes = std::int64_t{1} << 20;
constexpr int kWidth = 1024;  // of the product's three sides
constexpr double kWarmS = 0.1, kTimedS = 0.3;

constexpr CeilingMethod kMethods[] = {{"read", "own", "gb_per_s", kBytes},
                                      {"write", "own", "gb_per_s", kBytes},
                                      {"copy", "own", "gb_per_s", 2 * kBytes},
                                      {"fp32", "own", "tflops", 0, kWidth, kWidth, kWidth}};

using Words = std::vector<std::uint64_t>;

std::uint64_t sum_of(const std::uint64_t* words, std::size_t n) {
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 8 <= n; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
  }
  return std::accumulate(std::begin(sums), std::end(sums), std::uint64_t{0});
}

class CpuCeilings final : public CeilingDevice {
 public:
  CpuCeilings(const CpuOps& ops, int n_threads, std::string name)
      : ops_(ops), pool_(n_threads), name_(std::move(name)) {}

  std::string name() const override { return name_; }
  std::vector<CeilingMethod> methods() const override { return {std::begin(kMethods), std::end(kMethods)}; }
  std::vector<std::string> missing() const override { return {}; }

  Result<CeilingReading> measure(const CeilingMethod& method) override {
    if (method.ceiling == "fp32") return measure_product();
    if (from_.empty()) {
      from_.assign(kBytes / sizeof(std::uint64_t), 1);
      to_.assign(from_.size(), 2);
    }
    constexpr auto kWords = static_cast<std::size_t>(kPieceBytes) / sizeof(std::uint64_t);
    const auto for_pieces = [&](const auto& work) {
      pool_.for_each(static_cast<int>(kBytes / kPieceBytes),
                     [&](int piece, float*) { work(kWords * static_cast<std::size_t>(piece)); });
    };
    if (method.ceiling == "read") {
      return rate(1e-9 * kBytes, [&] {
        std::atomic<std::uint64_t> sum = 0;
        for_pieces([&](std::size_t at) { sum += sum_of(from_.data() + at, kWords); });
        checksum_ += sum;
      });
    }
    if (method.ceiling == "write") {
      return rate(1e-9 * kBytes,
                  [&] { for_pieces([&](std::size_t at) { std::memset(to_.data() + at, 3, kPieceBytes); }); });
    }
    return rate(2e-9 * kBytes, [&] {
      for_pieces([&](std::size_t at) { std::memcpy(to_.data() + at, from_.data() + at, kPieceBytes); });
    });
  }

 private:
  Result<CeilingReading> measure_product() {
    const std::vector<float> x(kWidth * kWidth, 0.5f), w(kWidth * kWidth, 0.25f);
    std::vector<float> y(kWidth * kWidth);
    MatmulArgs product;
    product.x = x.data();
    product.x_stride = product.y_stride = kWidth;
    product.m_rows = kWidth;
    product.w = {w.data(), WeightType::f32, kWidth, kWidth, nullptr};
    product.y = y.data();
    return rate(2e-12 * kWidth * kWidth * kWidth, [&] { matmul(ops_, pool_, product); });
  }

  /// Does `work`, which is so much of the metric's unit times seconds, again and again.
  static Result<CeilingReading> rate(double amount, const std::function<void()>& work) {
    using Clock = std::chrono::steady_clock;
    const auto seconds_since = [](Clock::time_point start) {
      return std::chrono::duration<double>(Clock::now() - start).count();
    };
    CeilingReading reading;
    for (const auto start = Clock::now(); reading.warm_s < kWarmS; reading.warm_s = seconds_since(start)) work();
    double squares = 0;
    while (reading.timed_s < kTimedS || reading.n < 3) {
      const auto start = Clock::now();
      work();
      const double seconds = seconds_since(start);
      reading.timed_s += seconds;
      squares += (amount / seconds) * (amount / seconds);
      reading.value += amount / seconds;
      ++reading.n;
    }
    const auto n = static_cast<double>(reading.n);
    const double mean = reading.value / n;
    reading.stddev = std::sqrt(std::max(0.0, squares - n * mean * mean) / (n - 1));
    reading.value = amount * n / reading.timed_s;
    return reading;
  }

  const CpuOps& ops_;
  ThreadPool pool_;
  std::string name_;
  Words from_, to_;
  std::uint64_t checksum_ = 0;  // keeps the reads alive
};

}  // namespace

std::unique_ptr<CeilingDevice> open_cpu_ceilings(const CpuOps& ops, int n_threads, std::string name) {
  return std::make_unique<CpuCeilings>(ops, n_threads, std::move(name));
}

}  // namespace assay::kernels
