#pragma once
// Rows of samples and verdicts, for the store: their statements, and how facts are bound to them.

#include <array>
#include <cstdint>
#include <map>
#include <string_view>

#include "results/facts.h"
#include "results/sqlite.h"

namespace assay::results {

/// Parameters 1 to 4: item_key, sample, segment_id, stored_at_ms; the others by bind_sample().
extern const std::string_view kInsertSampleRow;
/// Parameters 1 and 2: grading_id, sample_key; the others by bind_verdict().
extern const std::string_view kInsertVerdictRow;
/// For add_counts().
extern const std::string_view kAddCounts;

void bind_sample(Statement& row, const SampleFacts& sample);
void bind_verdict(Statement& row, const VerdictFacts& verdict);

/// Verdicts by grading, in the order of Verdict.
using VerdictCounts = std::map<std::int64_t, std::array<std::int64_t, 5>>;
/// Adds to the stored counts of the gradings; `add` is kAddCounts.
Result<> add_counts(Statement& add, const VerdictCounts& counts);

}  // namespace assay::results
