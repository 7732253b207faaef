#pragma once
// A run in a small JSON file, so that a pipeline can keep its baseline beside the code: what comparisons need and no
// text of any prompt or reply.

#include <string_view>

#include "results/comparable_run.h"

namespace assay::results {

/// {"format":"assay-baseline","format_version":1, …}; the keys are the fields of ComparableRun, samples by columns.
Json to_baseline_json(const ComparableRun& run);

/// Reads such a document. `where` names it in errors. Error{bad_input} names the field that is wrong and what would be
/// right; unknown fields are left alone, so that a newer program may add some.
Result<ComparableRun> parse_baseline(std::string_view text, const std::string& where);

}  // namespace assay::results
