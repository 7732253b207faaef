#pragma once
// A stored run as it would have been on other hardware: what of a database speaks for it, and how far off it may be.
// Reads the database, and nothing of this machine.

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/projection.h"
#include "results/cost/run_cost.h"
#include "results/hardware/hardware.h"
#include "results/store.h"

namespace assay::run {

struct ProjectRequest {
  RunId from;
  std::vector<results::HardwareProfile> profiles;  ///< all that are known: the run's own device is looked up in them
  std::string to;                                  ///< a profile's name
  /// What a GPU's links carry there one way; none: what the run's machine reached, times the ratio of the published
  /// rates of the two.
  std::optional<double> link_gb_per_s;
  std::optional<results::HourlyPrice> price;  ///< none: the profile's usual one
};

/// A setting of the run: passes, or the run of suites as a whole.
struct ProjectedPoint {
  results::BenchPoint point;                 ///< as it is stored: figures, settings, details.projection
  double measured_ms = 0, projected_ms = 0;  ///< of a pass, or of the whole run
  double link_share = 0;                     ///< of projected_ms, spent on links
  ProjectionError error;
  /// The same setting with links held back to about this rate, where it was measured: in no figure above.
  std::optional<double> emulated_ms;
  bool emulated_is_within() const { return std::abs(projected_ms / *emulated_ms - 1) <= error.ratio; }
};

/// A published figure beside what this projection says of it.
struct Anchor {
  std::string what;
  double projected = 0, published = 0;
  std::string unit, source;
  double difference_ratio() const { return projected / published - 1; }
};

struct ProjectedRun {
  results::RunRecord from;
  std::string from_profile;
  results::HardwareProfile to;
  int n_ranks = 1;
  std::string rates_from;  ///< "measured" on both, or "published"
  std::optional<LinkFits> from_link, to_link;
  std::optional<double> link_gb_per_s;  ///< that the projection is for
  std::vector<ProjectedPoint> points;
  std::optional<results::HourlyPrice> price;
  std::string price_reason;  ///< why there is none
  std::vector<Anchor> anchors;
};

/// Error{bad_input} where the run can't be projected, or nothing says how far off that would be: the message says
/// which, and what would.
Result<ProjectedRun> project_run(const results::Store& store, const ProjectRequest& request);

/// Stores it as a run of its own, provenance "projected".
Result<RunId> store_projected_run(results::Store& store, const ProjectedRun& projected, const std::string& name,
                                  const std::string& command_line, std::int64_t now_ms);

}  // namespace assay::run
