#pragma once
// All runs of a database in numbers that need no resampling, by one pass over its samples: what a table of a thousand
// runs is sorted by while its intervals are still being computed.

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <vector>

#include "results/summary.h"

namespace assay::results {

/// Overviews of all runs that nobody is writing: tokens, times and costs as summarise() gives them, and the accuracy of
/// each suite whose planned samples are all stored, from their stored counts. What needs resampling or a look at each
/// item is none.
struct RunOverviews {
  std::vector<RunSummary> runs;
  bool has_energy =
      false;  ///< energies too are as summarise() gives them; otherwise none, as there are too many samples
};

/// Reads the figures of each sample once, from the index samples_figures, or, in a database that an older version
/// wrote, from the samples' rows; GPU samples if there are at most `most_gpu_samples` of them. Errors as
/// Store::open_read_only; Error{interrupted} soon after `stop` asks for it.
Result<RunOverviews> read_overviews(const std::filesystem::path& database, const std::stop_token& stop = {},
                                    std::int64_t most_gpu_samples = 500'000);

}  // namespace assay::results
