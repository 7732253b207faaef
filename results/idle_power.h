#pragma once
// What a run's devices draw while they do nothing, and the run's energy without it.

#include <optional>
#include <string>

#include "harness/base/json.h"
#include "results/gpu_activity.h"
#include "results/store.h"

namespace assay::results {

/// Idle power of one GPU, or of all processors together, as it was measured before a segment's work began.
struct IdlePower {
  std::optional<double> watts;
  std::optional<EnergySource> source;  ///< of watts: the median of power readings, or a counter's difference over time
  std::int64_t n_readings = 0;
  double window_ms = 0;  ///< from the first reading to the last
  std::string reason;    ///< why watts are not known; empty where they are
};

/// As it is stored in EnvironmentFacts::details under "idle_power", with its provenance: measured.
Json to_json(const IdlePower& idle);
/// What is stored of a segment's device. Without watts, and with a reason, where nothing or no such thing is.
IdlePower idle_power_of(const EnvironmentFacts& environment);

struct NetEnergy {
  std::optional<double> joules;
  std::optional<double> idle_watts;  ///< the mean over the time of the run's devices, weighted by it
  std::string provenance;            ///< of idle_watts: "measured", or "stated"; empty where there are none
  std::string reason;                ///< why joules are none; empty where they are known
};

/// The run's energy less idle power over the time in which its devices were sampled. Each GPU of each segment with the
/// idle power measured before that segment; or `stated_watts` of all devices together, if given.
NetEnergy net_of_idle(const GpuActivity& activity, const std::vector<SegmentRecord>& segments,
                      const std::optional<double>& stated_watts = {});

}  // namespace assay::results
