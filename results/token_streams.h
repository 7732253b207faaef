#pragma once
// Whether two runs generated the same tokens: only then their times are of the same work.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "results/store.h"

namespace assay::results {

/// SHA-256 of each sample's output tokens; empty where they are not stored.
using TokenStreams = std::map<SampleKey, std::string>;
/// One pass over the run's samples with their tokens. Error{interrupted} once `stops` says so.
Result<TokenStreams> read_token_streams(const Store& store, const RunId& run, const std::function<bool()>& stops = {});

struct TokenAgreement {
  std::int64_t n_common = 0;   ///< samples (suite, item, number) that both runs have
  std::int64_t n_unknown = 0;  ///< of these, whose tokens one side does not know
  std::int64_t n_same = 0;     ///< of these, whose tokens are the same, all of them
  /// The share of same ones among those that are known; none where none is.
  std::optional<double> same_ratio() const;
};
TokenAgreement token_agreement(const TokenStreams& a, const TokenStreams& b);

}  // namespace assay::results
