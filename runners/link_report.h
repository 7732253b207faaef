#pragma once
// Links between GPUs that were held back to a rate, so that a machine behaves as one with slower links: what the
// holding back reached when it was tried, and what the links carried while a model worked. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"

namespace assay::runners {

/// A way to hold back that was tried at the start.
struct LinkTrial {
  std::string operation;  ///< "peer_exchange", "all_reduce one_shot", …
  std::int64_t bytes = 0;
  int n_blocks = 0;
  bool short_pieces = false;
  double gb_per_s = 0;  ///< that a rank's link carried one way
};

/// Messages of a size and more, below twice that size, on the first rank's link.
struct LinkSize {
  std::int64_t bytes_from = 0;
  std::int64_t n = 0;
  double bytes = 0;    ///< of all of them, one way
  double time_us = 0;  ///< of all of them, from the ranks' meeting to the last byte
};

struct LinkReport {
  double link_gb_per_s = 0;        ///< that the links are held to, one way
  double calibrated_gb_per_s = 0;  ///< what the way that was taken reached at the start
  double spread_ratio = 0;         ///< between all ways within 3 %: the emulation's own uncertainty
  int n_blocks = 0;                ///< of the way that was taken
  bool short_pieces = false;
  std::vector<LinkTrial> trials;
  std::vector<LinkSize> sizes;  ///< since the model was loaded, ascending

  /// GB/s of the messages of at least `least_bytes`; none if there were none.
  std::optional<double> reached_gb_per_s(std::int64_t least_bytes = std::int64_t{1} << 20) const;
};

/// `now` with what was counted before it taken off.
LinkReport since(const LinkReport& before, LinkReport now);

/// As results/README.md says of points of kind "link": "sizes" and "calibration".
Json to_json(const LinkReport& report);

}  // namespace assay::runners
