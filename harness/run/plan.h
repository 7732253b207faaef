#pragma once
// The plan of a run: suites × items × samples as requests. Pure: the same suites and settings give the same plan.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/run/sampling.h"
#include "runners/runner.h"
#include "suites/suite.h"

namespace assay::run {

/// What decides which samples are drawn and how.
struct PlanSettings {
  std::optional<std::int64_t> samples;  ///< per item; empty: the protocol's, else the suite's own
  std::optional<std::int64_t> limit;    ///< the first so many items of each suite; empty: all
  std::uint64_t seed = 0;
  std::optional<Protocol> protocol;  ///< empty: each suite's own sampling
  SamplingChoice sampling;
};

/// One suite's share of the plan.
struct PlannedSuite {
  suites::Suite suite;  ///< its items are those that are asked, the limit applied
  std::int64_t samples = 1;
  runners::SamplingParams sampling;
  std::string reply_opening;  ///< of the protocol
};

/// One sample: which item, which number, and the request that asks for it.
struct PlannedSample {
  std::size_t suite_index = 0;  ///< into Plan::suites
  std::size_t item_index = 0;   ///< into that suite's items
  std::int64_t sample = 0;      ///< 0-based
  runners::Request request;
};

/// Everything that will be asked, in suite order, item order, sample order: an item's samples stand together, so that a
/// runner can share their prompt.
struct Plan {
  std::vector<PlannedSuite> suites;
  std::vector<PlannedSample> samples;
};

/// First four bytes, big-endian, of SHA-256(suite hash "/" item id ":" sample number in decimal): what a sample's noise
/// is keyed by besides the run's seed.
std::uint32_t sample_word(std::string_view suite_sha256, std::string_view item_id, std::int64_t sample);

/// Plans a run. A request's id is the item's; where two suites share an item id, it is SUITE/ITEM for these.
/// Error{bad_input} if a suite stands twice or nothing is to be asked.
Result<Plan> make_plan(std::vector<suites::Suite> suites, const PlanSettings& settings);

}  // namespace assay::run
