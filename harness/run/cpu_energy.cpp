#include "harness/run/cpu_energy.h"

#include <fstream>
#include <iterator>
#include <string>

#include "harness/base/text.h"

namespace assay::run {

namespace {

namespace fs = std::filesystem;
constexpr double kMicrojoulesPerJoule = 1e6;

/// Empty if the file can't be read.
std::string powercap_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return std::string(trim(text));
}

std::optional<std::int64_t> microjoules(const fs::path& path) {
  const auto value = parse_integer(powercap_text(path));
  return value && *value >= 0 ? value : std::nullopt;
}

}  // namespace

std::optional<CpuEnergyReader> CpuEnergyReader::open(const fs::path& folder) {
  std::vector<Package> packages;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    // Zones are packages (intel-rapl:0), their parts (intel-rapl:0:1) and the whole board (named psys).
    if (!powercap_text(at->path() / "name").starts_with("package")) continue;
    const auto range = microjoules(at->path() / "max_energy_range_uj");
    const auto now = microjoules(at->path() / "energy_uj");
    // One package that can't be read leaves the sum unknown.
    if (!range || *range == 0 || !now) return {};
    packages.push_back({at->path() / "energy_uj", *range, *now, 0});
  }
  if (packages.empty()) return {};
  return CpuEnergyReader(std::move(packages));
}

std::optional<double> CpuEnergyReader::read() {
  double joules = 0;
  for (Package& package : packages_) {
    const auto now = microjoules(package.counter);
    if (!now) return {};
    std::int64_t step = *now - package.last_microjoules;
    if (step < 0) step += package.range_microjoules;
    if (step < 0) return {};
    package.joules += static_cast<double>(step) / kMicrojoulesPerJoule;
    package.last_microjoules = *now;
    joules += package.joules;
  }
  return joules;
}

}  // namespace assay::run
