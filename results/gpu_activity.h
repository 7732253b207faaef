#pragma once
// What the GPU samples of a run say together: clocks, power, temperature, throttling, energy. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/facts.h"

namespace assay::results {

/// Over the samples that know the value.
struct ValueRange {
  std::int64_t n = 0;
  double min = 0, mean = 0, max = 0;
};

/// How energy was found.
enum class EnergySource {
  counter,  ///< the difference of the device's own counter
  power,    ///< the integral of the power readings over time, where there is no counter
};
std::string to_string(EnergySource source);

struct GpuActivity {
  std::int64_t n_samples = 0;
  std::optional<ValueRange> sm_clock_mhz, memory_clock_mhz, power_watts, temperature_c;
  /// Share of the samples (0–1) in which the clocks were held down for a reason, by its name: "sw_power_cap",
  /// "hw_thermal_slowdown", …; only reasons that were seen. Empty also where no sample knows.
  std::map<std::string, double> throttled_ratio;
  /// From the first to the last sample of each segment, over all segments and GPUs; of the GPUs alone, idle draw
  /// included. None if one of the segments that did work has no samples to tell it from, or was too short to.
  std::optional<double> energy_joules;
  std::string energy_reason;                  ///< why energy_joules is none
  std::optional<EnergySource> energy_source;  ///< `power` if any part is
  /// False where the samples are of processors, which tell their energy alone.
  bool is_gpu() const { return sm_clock_mhz || memory_clock_mhz || power_watts || temperature_c; }
};

/// If a GPU's stretches of time are shorter than this on average, they give no energy: counters move about every 100
/// ms, so fewer than ten of their steps would be seen. Source: Zeus' documentation on measuring; NVML's counter on
/// Volta and later.
inline constexpr double kLeastEnergyWindowMs = 1000;

/// The names of the bits of nvmlClocksThrottleReason* that are set, in order; a bit without a name is "bit_N".
/// Source: nvml.h of CUDA 13.0, section "ClocksEventReasons".
std::vector<std::string> throttle_reason_names(std::int64_t bits);

/// Takes the samples of a run one by one, as Store::for_each_gpu_sample gives them: by segment, GPU and time.
class GpuActivityMeter {
 public:
  void add(std::size_t segment, const GpuSample& sample);
  /// None without samples. `segments_at_work`: the indices of the segments that did work.
  std::optional<GpuActivity> finish(const std::vector<std::size_t>& segments_at_work);

 private:
  struct Sum {
    ValueRange range;
    double sum = 0;
    void add(const std::optional<double>& value);
    std::optional<ValueRange> finish() const;
  };
  /// One GPU in one segment.
  struct Stretch {
    std::size_t segment = 0;
    GpuSample first, last;
    bool has_counter = true;  ///< all its samples know the counter, which never fell
    bool has_power = true;
    std::int64_t n_samples = 0;
    double integral_joules = 0;
  };
  void end_stretch();

  Sum sm_clock_mhz_, memory_clock_mhz_, power_watts_, temperature_c_;
  std::int64_t n_samples_ = 0;
  std::int64_t n_with_reasons_ = 0;
  std::map<std::string, std::int64_t> n_throttled_;
  std::optional<Stretch> stretch_;
  std::map<std::size_t, std::optional<double>> joules_of_segment_;  ///< none: one of its GPUs is unknown
  EnergySource source_ = EnergySource::counter;
  double window_ms_ = 0;  ///< of all stretches together
  std::int64_t n_stretches_ = 0;
};

}  // namespace assay::results
