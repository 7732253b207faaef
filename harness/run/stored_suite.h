#pragma once
// A suite from what a run stored of it, for outputs that were imported: their suite is no folder of ours.

#include "harness/base/result.h"
#include "results/store.h"
#include "suites/suite.h"

namespace assay::run {

/// True if the suite came with an import: only its items' prompts and expected answers are known.
bool is_imported(const results::RunSuiteRecord& suite);

/// The stored items as records of the suite's kind. Error{bad_input} for an item without an expected answer, and for
/// kinds whose graders need more than that (code: its tests).
Result<suites::Suite> stored_suite(const results::Store& store, const RunId& run, const results::RunSuiteRecord& suite);

}  // namespace assay::run
