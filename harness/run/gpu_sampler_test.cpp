#include "harness/run/gpu_sampler.h"

#include <atomic>

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;
using namespace std::chrono_literals;

namespace {

std::optional<GpuReader> fake_gpu() { return GpuReader::open("0000:1b:00.0", ASSAY_FAKE_NVML); }

}  // namespace

TEST_CASE("GpuSampler: a first and a last sample even if nothing passes between", "[run]") {
  std::atomic<int> now_ms = 0;
  GpuSampler sampler(
      fake_gpu(), [&] { return static_cast<double>(now_ms++); }, 1h);
  sampler.stop();
  sampler.stop();
  const auto samples = sampler.take();
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].at_ms == 0);
  CHECK(samples[1].at_ms == 1);
  CHECK(samples[0].sm_clock_mhz == 1755.0);
  CHECK(samples[0].power_watts == 143.94);
  CHECK(samples[0].throttle_reasons == 4);
  CHECK_FALSE(samples[0].temperature_c);
  CHECK(*samples[1].total_energy_joules > *samples[0].total_energy_joules);
  CHECK(sampler.take().empty());
}

TEST_CASE("GpuSampler: samples each period until it is stopped", "[run]") {
  std::atomic<int> n_read = 0;
  GpuSampler sampler(
      fake_gpu(), [&] { return static_cast<double>(n_read++); }, 1ms);
  std::vector<results::GpuSample> samples;
  while (samples.size() < 5) {
    for (const auto& sample : sampler.take()) samples.push_back(sample);
  }
  sampler.stop();
  for (const auto& sample : sampler.take()) samples.push_back(sample);
  CHECK(static_cast<int>(samples.size()) == n_read);
  for (std::size_t i = 0; i < samples.size(); ++i) CHECK(samples[i].at_ms == static_cast<double>(i));
}

TEST_CASE("GpuSampler: without a GPU it does nothing", "[run]") {
  const auto never = []() -> double {
    FAIL("nothing is to be sampled");
    return 0;
  };
  GpuSampler no_gpu(GpuReader::open("", ASSAY_FAKE_NVML), never);
  GpuSampler other(GpuReader::open("0000:00:00.0", ASSAY_FAKE_NVML), never);
  GpuSampler no_driver(GpuReader::open("0000:1b:00.0", "libnothing-of-the-kind.so"), never);
  for (GpuSampler* sampler : {&no_gpu, &other, &no_driver}) {
    sampler->stop();
    CHECK(sampler->take().empty());
  }
}
