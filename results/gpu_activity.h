#pragma once
// What the GPU samples of a run say together: clocks, power, temperature, throttling, energy. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
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

/// The energy of one device in one segment, from its first to its last sample.
struct StretchEnergy {
  std::size_t segment = 0;
  std::int64_t gpu = 0;
  double window_s = 0;
  std::optional<double> counter_joules;  ///< none if a sample doesn't know the counter, or it fell
  std::optional<double> power_joules;    ///< trapezoids; none if a sample has no power or follows too late
  double power_spread_watts = 0;         ///< between the least and the largest reading

  /// The counter's, else the integral's; none of neither.
  std::optional<double> joules() const { return counter_joules ? counter_joules : power_joules; }
};

/// The counter held against the integral of the power, over the stretches that have both.
struct EnergyCheck {
  double counter_joules = 0;
  double power_joules = 0;
  double difference_ratio = 0;  ///< |power - counter| / counter; 0 where both are 0
  bool agrees = true;
};

/// Why a run's energy is not known.
enum class EnergyProblem {
  no_readings,               ///< a part of the run has neither a counter nor power without gaps
  too_short,                 ///< fewer than ten steps of a counter
  counter_and_power_differ,  ///< the two say different things, and nothing tells which is right
  shared_device,             ///< several processes of the run used a device at a time, and each has all that it drew
};
std::string to_string(EnergyProblem problem);

struct GpuActivity {
  std::int64_t n_samples = 0;
  std::optional<ValueRange> sm_clock_mhz, memory_clock_mhz, power_watts, temperature_c;
  /// Share of the samples (0–1) in which the clocks were held down for a reason, by its name: "sw_power_cap",
  /// "hw_thermal_slowdown", …; only reasons that were seen. Empty also where no sample knows.
  std::map<std::string, double> throttled_ratio;
  /// From the first to the last sample of each segment, over all segments and GPUs; of the GPUs alone, idle draw
  /// included. None if energy_problem says why.
  std::optional<double> energy_joules;
  std::optional<EnergyProblem> energy_problem;
  std::string energy_reason;                  ///< energy_problem in words; empty without one
  std::optional<EnergySource> energy_source;  ///< of energy_joules; `power` if any part is
  std::vector<StretchEnergy> stretches;       ///< by segment and GPU
  std::optional<EnergyCheck> energy_check;    ///< none where no stretch has both
  /// False where the samples are of processors, which tell their energy alone.
  bool is_gpu() const { return sm_clock_mhz || memory_clock_mhz || power_watts || temperature_c; }
};

/// If a GPU's stretches of time are shorter than this on average, they give no energy: counters move about every 100
/// ms, so fewer than ten of their steps would be seen. Source: Zeus' documentation on measuring; NVML's counter on
/// Volta and later.
inline constexpr double kLeastEnergyWindowMs = 1000;

/// Power is not taken to be known between two samples that are further apart. Source: InferenceX's rule for power.
inline constexpr double kMostPowerGapMs = 3000;

/// The counter and the integral of power agree if they are no further apart than this share of the counter, plus what a
/// second at the largest change of power would be: a reading is the mean of up to a second before it, so short runs
/// know their first and last second badly. The share is InferenceX's.
inline constexpr double kMostEnergyDifferenceRatio = 0.05;

/// The names of the bits of nvmlClocksThrottleReason* that are set, in order; a bit without a name is "bit_N".
/// Source: nvml.h of CUDA 13.0, section "ClocksEventReasons".
std::vector<std::string> throttle_reason_names(std::int64_t bits);

/// {"is_valid", "reason_code", "reason", "counter_joules", "power_joules", "difference_ratio", "agrees"}: whether a run
/// has an energy, why not, and the two figures that it could be. Where nothing could be asked, for `reason`, the code
/// is "not_measured".
Json energy_check_json(const std::optional<GpuActivity>& activity, const std::string& reason);

/// Whether segments of a run were at work on the same device at the same time (results/run_time.h).
enum class DeviceSharing { in_turn, at_once };

/// Takes the samples of a run one by one, as Store::for_each_gpu_sample gives them: by segment, GPU and time.
class GpuActivityMeter {
 public:
  void add(std::size_t segment, const GpuSample& sample);
  /// None without samples. `segments_at_work`: the indices of the segments that did work.
  std::optional<GpuActivity> finish(const std::vector<std::size_t>& segments_at_work,
                                    DeviceSharing sharing = DeviceSharing::in_turn);

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
    bool has_power = true;    ///< all its samples know the power, without gaps
    std::int64_t n_samples = 0;
    double integral_joules = 0;
    double least_watts = 0, most_watts = 0;
  };
  void end_stretch();
  std::optional<EnergyProblem> find_problem(const std::vector<std::size_t>& segments_at_work, DeviceSharing sharing,
                                            const GpuActivity& activity) const;

  Sum sm_clock_mhz_, memory_clock_mhz_, power_watts_, temperature_c_;
  std::int64_t n_samples_ = 0;
  std::int64_t n_with_reasons_ = 0;
  std::map<std::string, std::int64_t> n_throttled_;
  std::optional<Stretch> stretch_;
  std::vector<StretchEnergy> stretches_;
};

}  // namespace assay::results
