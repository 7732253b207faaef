#pragma once
// How hard a house puzzle is by its size: ZebraLogic's buckets. They follow from the number of ways to fill the table,
// (N!)^M for N houses and M attributes; the limits give the lists of sizes in ZeroEval's zebra_grid_eval.py.

#include <string>

#include "harness/base/json.h"
#include "suites/zebra/puzzle.h"

namespace assay::suites {

struct ZebraDifficulty {
  double search_space = 0;  ///< (N!)^M; exact below 2^53
  std::string bucket;       ///< "small" (below 10^3), "medium" (10^6), "large" (10^10) or "xl"
  std::string split;        ///< "easy" or "hard": all with two houses, 3x2 and 3x3 are easy
};

/// Any size from 1x1; a space beyond a double's range is infinite.
ZebraDifficulty zebra_difficulty(const ZebraSize& size);

/// {"search_space", "bucket", "split"}.
Json to_json(const ZebraDifficulty& difficulty);

/// "3x4", houses first.
std::string to_string(const ZebraSize& size);

}  // namespace assay::suites
