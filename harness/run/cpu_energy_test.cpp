#include "harness/run/cpu_energy.h"

#include "harness/base/file.h"
#include "harness/run/gpu_sampler.h"
#include "harness/run/machine_devices.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::run;
using namespace std::chrono_literals;

namespace {

/// A powercap folder as the kernel makes it: two packages, a part of the first, and the board.
struct FakePowercap {
  test_support::TemporaryFolder folder;

  FakePowercap() {
    add("intel-rapl:0", "package-0", 1'000'000);
    add("intel-rapl:1", "package-1", 5'000'000);
    add("intel-rapl:0:0", "core", 77);
    add("intel-rapl:2", "psys", 99);
  }
  void add(const std::string& zone, const std::string& name, std::int64_t microjoules) {
    std::filesystem::create_directories(folder / zone);
    write(zone + "/name", name);
    write(zone + "/max_energy_range_uj", "10000000");
    set(zone, microjoules);
  }
  void set(const std::string& zone, std::int64_t microjoules) {
    write(zone + "/energy_uj", std::to_string(microjoules));
  }
  void write(const std::string& file, const std::string& text) {
    REQUIRE(write_file(folder / file, text + "\n").has_value());
  }
};

}  // namespace

TEST_CASE("CpuEnergyReader: packages add up, parts and the board are left out, counters wrap", "[run]") {
  FakePowercap powercap;
  auto reader = CpuEnergyReader::open(powercap.folder / "");
  REQUIRE(reader);
  CHECK(reader->read() == 0.0);
  powercap.set("intel-rapl:0", 3'500'000);
  powercap.set("intel-rapl:0:0", 9'000'000);
  powercap.set("intel-rapl:2", 9'000'000);
  CHECK(reader->read() == 2.5);
  powercap.set("intel-rapl:1", 1'000'000);  // from 5 J over 10 J to 1 J
  CHECK(reader->read() == 8.5);
  std::filesystem::remove(powercap.folder / "intel-rapl:1/energy_uj");
  CHECK_FALSE(reader->read());
}

TEST_CASE("CpuEnergyReader: without a readable package there is none", "[run]") {
  test_support::TemporaryFolder empty;
  CHECK_FALSE(CpuEnergyReader::open(empty / ""));
  CHECK_FALSE(CpuEnergyReader::open(empty / "nothing"));
  FakePowercap powercap;
  std::filesystem::remove(powercap.folder / "intel-rapl:1/energy_uj");
  CHECK_FALSE(CpuEnergyReader::open(powercap.folder / ""));
  powercap.write("intel-rapl:1/energy_uj", "-5");
  CHECK_FALSE(CpuEnergyReader::open(powercap.folder / ""));
  powercap.write("intel-rapl:1/energy_uj", "many");
  CHECK_FALSE(CpuEnergyReader::open(powercap.folder / ""));
}

TEST_CASE("GpuSampler: a processor's samples have its energy alone", "[run]") {
  FakePowercap powercap;
  GpuSampler sampler(
      CpuEnergyReader::open(powercap.folder / ""), [] { return 0.0; }, 1h);
  powercap.set("intel-rapl:0", 2'000'000);
  sampler.stop();
  const auto samples = sampler.take();
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].total_energy_joules == 0.0);
  CHECK(samples[1].total_energy_joules == 1.0);
  CHECK_FALSE(samples[1].power_watts);
}

TEST_CASE("machine_devices: the board's name comes before the processor's, GPUs before both", "[run]") {
  test_support::TemporaryFolder folder;
  REQUIRE(write_file(folder / "cpuinfo", "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n").has_value());
  REQUIRE(write_file(folder / "model", std::string("Raspberry Pi 5 Model B Rev 1.0") + '\0').has_value());
  const std::string cpuinfo = folder / "cpuinfo";
  const std::string model = folder / "model";
  const auto plain = machine_devices("libnothing-of-the-kind.so", cpuinfo.c_str(), "/nothing/there");
  REQUIRE(plain.size() == 1);
  CHECK(plain[0].kind == "cpu");
  CHECK(plain[0].name == "Some CPU @ 2 GHz");
  const auto board = machine_devices(ASSAY_FAKE_NVML, cpuinfo.c_str(), model.c_str());
  REQUIRE(board.size() >= 2);
  CHECK(board.front().kind == "gpu");
  CHECK(board.front().memory_bytes);
  CHECK(board.back().name == "Raspberry Pi 5 Model B Rev 1.0");
}
