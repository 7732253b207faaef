#pragma once
// What a machine gives at most, as `assay bench machine` measured it: the roofline that kernels and runs are shown
// against, and what collectives over its GPUs take. README.md has the points' shape, field by field.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/points.h"
#include "results/store.h"

namespace assay::results {

inline constexpr const char* kMachineKind = "machine";        ///< BenchPoint::kind of a ceiling
inline constexpr const char* kCollectiveKind = "collective";  ///< of an operation over several GPUs, at one size
/// ModelFacts::reference of a run that measured a machine and no model.
inline constexpr const char* kMachineReference = "machine";

/// One ceiling of a kind of device, over all repeats and all devices of that name in a run.
struct Ceiling {
  std::string ceiling;                    ///< "read", "bf16", "grid_barrier", … (README.md)
  std::string by;                         ///< what reached it: "own", "cublas", "cuda", "nvml"
  std::string metric;                     ///< "gb_per_s", "tflops", "time_us", "n_links"
  RepeatedFigure figure;                  ///< of valid points alone
  std::string provenance;                 ///< "measured"; "published" of what the driver says of itself
  Json settings = Json::object();         ///< of the first point: sizes, shapes
  std::optional<double> sm_clock_mhz;     ///< median while it was measured
  std::optional<double> power_watts;      ///< likewise
  std::vector<std::string> throttled_by;  ///< what held the clocks back, in words; empty: nothing that is known
};

/// An operation over several GPUs, by size.
struct CollectiveSize {
  std::int64_t bytes = 0;  ///< of the buffer that is reduced; of a rank's part where parts are gathered or exchanged
  RepeatedFigure time_us;
  RepeatedFigure bus_gb_per_s;  ///< bytes that a rank's link must carry one way at the least, over the time
};
struct CollectiveCurve {
  std::string operation;  ///< "peer_copy", "peer_exchange", "all_reduce", "all_gather", "reduce_scatter", "all_to_all"
  std::string by;         ///< "own" or "nccl"
  std::int64_t n_ranks = 0;
  std::optional<double> link_gb_per_s;  ///< the rate it was held back to; none: the link as it is
  std::string provenance;               ///< "measured", or "emulated" where it was held back
  std::vector<CollectiveSize> sizes;    ///< by bytes
};

/// What is known of one kind of device.
struct MachineCeilings {
  std::string device;  ///< the name that it gives itself: "NVIDIA H200", or the processor's
  RunId run_id;        ///< what measured it
  std::int64_t measured_at_ms = 0;
  std::string environment_fingerprint;  ///< environment_fingerprint() of the machine and build
  RunId collectives_run_id;             ///< what measured the collectives; empty: nothing did
  std::vector<Ceiling> ceilings;        ///< in the order in which they were measured
  std::vector<CollectiveCurve> collectives;

  /// The ceiling's median, by whatever reached most (least, of times); none if it was not measured.
  std::optional<double> best(std::string_view ceiling) const;
};

/// The ceilings and collectives among points, by device. run_id and the like are left empty. Pure.
std::vector<MachineCeilings> ceilings_of(std::span<const BenchPoint> points);

/// Of each kind of device in the database, the ceilings of the newest finished run that has some, and the collectives
/// of the newest that has those; the device that was measured last first.
Result<std::vector<MachineCeilings>> newest_ceilings(const Store& store);
/// Those of one device; none if nothing measured it.
Result<std::optional<MachineCeilings>> newest_ceilings(const Store& store, std::string_view device);

Json to_json(const MachineCeilings& machine);
/// Tables for people: ceilings, then collectives with ours beside NCCL's. Empty if the points have neither.
std::string ceilings_text(std::span<const BenchPoint> points);

}  // namespace assay::results
