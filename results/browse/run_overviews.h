#pragma once
// All runs of a database in numbers that need no resampling, by one pass over its samples: what a table of a thousand
// runs is sorted by while its intervals are still being computed.

#include <filesystem>
#include <stop_token>
#include <vector>

#include "results/summary.h"

namespace assay::results {

/// Overviews of all runs that nobody is writing: tokens, times and costs as summarise() gives them, and the accuracy of
/// each suite whose planned samples are all stored, from their stored counts. What needs resampling, a look at each
/// item or GPU samples is none. Reads each sample's row once, in the order of the file, and no text. Errors as
/// Store::open_read_only; Error{interrupted} soon after `stop` asks for it.
Result<std::vector<RunSummary>> read_overviews(const std::filesystem::path& database, const std::stop_token& stop = {});

}  // namespace assay::results
