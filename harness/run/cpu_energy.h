#pragma once
// The energy counters of this machine's processors (RAPL), where the kernel lets this user read them.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace assay::run {

inline constexpr const char* kPowercapFolder = "/sys/class/powercap";

/// Reads the counters again and again. One thread at a time uses it. The kernel's files are for root alone unless the
/// machine's owner opened them: chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj
/// Source: Linux, Documentation/power/powercap/powercap.rst; AMD's processors have the same names.
class CpuEnergyReader {
 public:
  /// None if `folder` has no package that can be read.
  static std::optional<CpuEnergyReader> open(const std::filesystem::path& folder = kPowercapFolder);

  /// Joules of all packages together since open(), memory only where the package counts it; none if one of them can't
  /// be read any more. Counters wrap around within minutes to hours: read at least once a minute.
  std::optional<double> read();

 private:
  struct Package {
    std::filesystem::path counter;
    std::int64_t range_microjoules = 0;  ///< the counter starts at 0 again behind this
    std::int64_t last_microjoules = 0;
    double joules = 0;
  };
  explicit CpuEnergyReader(std::vector<Package> packages) : packages_(std::move(packages)) {}
  std::vector<Package> packages_;
};

}  // namespace assay::run
