#pragma once
// What NVIDIA's management library says of this machine, without linking it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay::run {

constexpr const char* kNvmlLibrary = "libnvidia-ml.so.1";

struct GpuEntry {
  std::string name;
  std::uint64_t memory_bytes = 0;
  std::string pci_bus_id;  ///< "0000:1b:00.0", in lower case; empty if the library doesn't say
};

struct GpuProbe {
  std::string driver;  ///< "580.65.06"; empty if there is no driver
  std::vector<GpuEntry> gpus;
  std::string reason;  ///< why there is no driver or no list; empty if all was read
};

/// Loads the library if it is there and asks it.
GpuProbe probe_gpus(const char* library = kNvmlLibrary);

/// A GPU at one moment; what the library does not say is empty.
struct GpuState {
  std::string driver;
  std::optional<double> sm_clock_mhz, max_sm_clock_mhz, memory_clock_mhz;
  std::optional<double> power_watts, power_limit_watts;
  std::optional<double> temperature_c;
  std::optional<double> busy_pct;                 ///< of the last second or less, in which a kernel ran
  std::optional<std::uint64_t> throttle_reasons;  ///< bits of nvmlClocksThrottleReason*
  std::optional<double> total_energy_joules;      ///< since the driver was loaded
};

/// A GPU's NVLink, as the driver says.
struct GpuLinks {
  int n_links = 0;                      ///< that are active; 0: none, or all are off
  std::optional<double> link_gb_per_s;  ///< one way, all of them together, as they are clocked; empty: not told
};

/// Keeps the library open to ask a GPU again and again, or several that work together. One thread at a time uses it.
class GpuReader {
 public:
  /// The GPU at a PCI bus id ("0000:1b:00.0"); none if it can't be asked, or the id is empty.
  static std::optional<GpuReader> open(const std::string& pci_bus_id, const char* library = kNvmlLibrary);
  /// Several GPUs as one: none if there are none, or any of them can't be asked.
  static std::optional<GpuReader> open(std::span<const std::string> pci_bus_ids, const char* library = kNvmlLibrary);
  GpuReader(GpuReader&&) noexcept;
  GpuReader& operator=(GpuReader&&) noexcept;
  ~GpuReader();

  /// Of several GPUs: power and energy added, the lowest clocks, the highest temperature and busy share, and whatever
  /// holds any of them back. A value that one of them does not tell is not told. Limits are those of one.
  GpuState read() const;
  /// Of the first GPU; none if the library can't say.
  std::optional<GpuLinks> links() const;

 private:
  struct State;
  explicit GpuReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::run
