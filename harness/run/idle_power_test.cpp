// The management library as tests/support/fake_nvml.cpp plays it, and a powercap folder made by hand.
#include "harness/run/idle_power.h"

#include <cstdlib>

#include "harness/base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::run;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

const runners::DeviceFacts kGpu = {"cuda", "Fake H100", {{"pci_bus_id", "0000:1B:00.0"}}};
const runners::DeviceFacts kCpu = {"cpu", "Some CPU", Json::object()};

struct Machine {
  test_support::TemporaryFolder folder;
  IdleSources sources{.gpus = true, .processors = true, .nvml_library = ASSAY_FAKE_NVML, .powercap = folder / "none"};
  double passed_ms = 0;
  std::function<void()> meanwhile;

  PassTime time() {
    return [this](double ms) {
      if (meanwhile) meanwhile();
      passed_ms += ms;
      return ms;
    };
  }
  void set_counter(std::int64_t microjoules) {
    const std::filesystem::path zone = folder / "powercap/intel-rapl:0";
    std::filesystem::create_directories(zone);
    REQUIRE(write_file(zone / "name", "package-0\n").has_value());
    REQUIRE(write_file(zone / "max_energy_range_uj", "262143328850\n").has_value());
    REQUIRE(write_file(zone / "energy_uj", std::to_string(microjoules) + "\n").has_value());
    sources.powercap = folder / "powercap";
  }
};

/// How busy the fake GPU says that it is, while this lives.
struct Load {
  explicit Load(const char* pct) { ::setenv("ASSAY_FAKE_NVML_BUSY_PCT", pct, 1); }
  ~Load() { ::unsetenv("ASSAY_FAKE_NVML_BUSY_PCT"); }
};

}  // namespace

TEST_CASE("measure_idle_power: the median of a GPU's power readings over a second", "[run]") {
  Machine machine;
  const IdlePowers powers = measure_idle_power(machine.sources, machine.time());
  const results::IdlePower idle = idle_power_of_device(powers, kGpu);
  CHECK(idle.watts == 143.94);
  CHECK(idle.source == results::EnergySource::power);
  CHECK(idle.n_readings == 11);
  CHECK(idle.window_ms == 1000);
  CHECK(idle.reason.empty());
  // Processors without a counter, a GPU that is not there, and a run that is not on this machine have none.
  CHECK_THAT(idle_power_of_device(powers, kCpu).reason, Contains("no energy counter"));
  CHECK_FALSE(idle_power_of_device(powers, {"cuda", "Other", {{"pci_bus_id", "0000:99:00.0"}}}).watts);
  CHECK_FALSE(idle_power_of_device(powers, {"replay", "recording", Json::object()}).watts);
}

TEST_CASE("measure_idle_power: a GPU at work is not idle", "[run]") {
  Machine machine;
  SECTION("all the time") {
    const Load load("87");
    const auto idle = idle_power_of_device(measure_idle_power(machine.sources, machine.time()), kGpu);
    CHECK_FALSE(idle.watts);
    CHECK_THAT(idle.reason, Contains("at work before the run (87 % busy)"));
  }
  SECTION("at first, as behind a run that has just ended") {
    std::optional<Load> load(std::in_place, "87");
    machine.meanwhile = [&] {
      if (machine.passed_ms == 500) load.reset();
    };
    const auto idle = idle_power_of_device(measure_idle_power(machine.sources, machine.time()), kGpu);
    CHECK(idle.watts == 143.94);
    CHECK(idle.n_readings == 5);
  }
}

TEST_CASE("measure_idle_power: processors by their counters", "[run]") {
  Machine machine;
  machine.set_counter(1'000'000);
  machine.sources.gpus = false;
  machine.meanwhile = [&] { machine.set_counter(21'000'000); };
  const IdlePowers powers = measure_idle_power(machine.sources, machine.time());
  const results::IdlePower idle = idle_power_of_device(powers, kCpu);
  CHECK_THAT(idle.watts.value(), WithinRel(20.0, 1e-12));
  CHECK(idle.source == results::EnergySource::counter);
  CHECK(powers.gpus.empty());
}

TEST_CASE("measure_idle_power: no time passes where nothing can be asked, and a stop ends it", "[run]") {
  Machine machine;
  machine.sources.nvml_library = "libnothing-of-the-kind.so";
  CHECK_FALSE(idle_power_of_device(measure_idle_power(machine.sources, machine.time()), kCpu).watts);
  CHECK(machine.passed_ms == 0);
  machine.sources.nvml_library = ASSAY_FAKE_NVML;
  const auto stopped = measure_idle_power(machine.sources, [](double) { return -1.0; });
  CHECK_FALSE(idle_power_of_device(stopped, kGpu).watts);
  std::stop_source stop;
  stop.request_stop();
  CHECK(machine_time(stop.get_token())(1e6) < 0);
  CHECK(machine_time({})(0.01) >= 0.01);
}
