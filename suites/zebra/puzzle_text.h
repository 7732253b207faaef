#pragma once
// A generated puzzle as people and models read it, and as a record of kind `grid`.

#include <string>

#include "harness/base/json.h"
#include "suites/zebra/generate.h"

namespace assay::suites {

/// The houses, the attributes with their values, and the numbered clues.
std::string zebra_question(const ZebraPuzzle& puzzle);

/// The record: id, tag (the size), question, solution, and `difficulty`: size, search_space, bucket, split, n_clues,
/// and what solving took (solver_guesses, solver_exclusions).
Json zebra_record(const ZebraPuzzle& puzzle, const std::string& id);

}  // namespace assay::suites
