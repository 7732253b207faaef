// The management library, as tests/support/fake_nvml.cpp plays it.

#include "harness/run/gpu_probe.h"

#include <string>
#include <vector>

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
  const auto links = reader->links();
  REQUIRE(links);
  CHECK(links->n_links == 17);
  CHECK_THAT(links->link_gb_per_s.value_or(0), Catch::Matchers::WithinRel(17 * 26.562, 1e-12));
  CHECK_FALSE(GpuReader::open("0000:00:00.0", ASSAY_FAKE_NVML));
  CHECK_FALSE(GpuReader::open("0000:1b:00.0", "libnothing-of-the-kind.so"));
}

TEST_CASE("GpuReader: several GPUs are one, with their powers and energies added", "[run]") {
  // The library has one GPU; asked for twice, it is two that are alike.
  const std::vector<std::string> ids{"0000:1b:00.0", "0000:1b:00.0"};
  const auto reader = GpuReader::open(ids, ASSAY_FAKE_NVML);
  const auto one = GpuReader::open(ids[0], ASSAY_FAKE_NVML);
  REQUIRE(reader);
  REQUIRE(one);
  const double before = *one->read().total_energy_joules;
  const GpuState state = reader->read();
  CHECK(state.sm_clock_mhz == 1755.0);
  CHECK(state.power_watts == 2 * 143.94);
  CHECK(state.power_limit_watts == 700.0);
  CHECK_FALSE(state.temperature_c);
  CHECK(state.throttle_reasons == 4u);
  // Every reading of the library's counter is one more step on.
  CHECK_THAT(state.total_energy_joules.value_or(0), Catch::Matchers::WithinAbs(2 * before + 3 * 143.94, 1e-6));
  CHECK_FALSE(GpuReader::open(std::vector<std::string>{"0000:1b:00.0", "0000:00:00.0"}, ASSAY_FAKE_NVML));
  CHECK_FALSE(GpuReader::open(std::vector<std::string>{}, ASSAY_FAKE_NVML));
}
