// The management library, as tests/support/fake_nvml.cpp plays it.

#include "harness/run/gpu_probe.h"

#include "tests/support/catch.h"

using namespace assay::run;

TEST_CASE("probe_gpus: lists the GPUs of the library, or says why there are none", "[run]") {
  const GpuProbe probe = probe_gpus(ASSAY_FAKE_NVML);
  CHECK(probe.reason.empty());
  CHECK(probe.driver == "580.1");
  REQUIRE(probe.gpus.size() == 1);
  CHECK(probe.gpus[0].name == "Fake H100");
  CHECK(probe.gpus[0].memory_bytes == 80);
  const GpuProbe none = probe_gpus("libnothing-of-the-kind.so");
  CHECK(none.gpus.empty());
  CHECK_THAT(none.reason, Catch::Matchers::Contains("no NVIDIA driver"));
}

TEST_CASE("GpuReader: units are named, and what the library lacks is empty", "[run]") {
  const auto reader = GpuReader::open("0000:1b:00.0", ASSAY_FAKE_NVML);
  REQUIRE(reader);
  const GpuState state = reader->read();
  CHECK(state.driver == "580.1");
  CHECK(state.sm_clock_mhz == 1755.0);
  CHECK(state.max_sm_clock_mhz == 1980.0);
  CHECK(state.memory_clock_mhz == 2619.0);
  CHECK(state.power_watts == 143.94);
  CHECK(state.power_limit_watts == 700.0);
  CHECK_FALSE(state.temperature_c);
  CHECK(state.throttle_reasons == 4u);
  REQUIRE(state.total_energy_joules);
  CHECK(reader->read().total_energy_joules == *state.total_energy_joules + 143.94);
  CHECK_FALSE(GpuReader::open("0000:00:00.0", ASSAY_FAKE_NVML));
  CHECK_FALSE(GpuReader::open("0000:1b:00.0", "libnothing-of-the-kind.so"));
}
