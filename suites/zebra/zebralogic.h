#pragma once
// ZebraLogic's records as records of kind `grid`. Two forms are read: the data set's lines,
//   {"id", "puzzle", "solution": {"header": ["House", "Name", …], "rows": [["1", "Eric", …], …]}}
// and ZeroEval's results, which hold no key:
//   {"id", "puzzle", "chat_history": [prompt, …], …}
// Public copies of the data set hold "___" for every cell. Then, and without a key, the solution is derived: the clues
// are read and solved, and the record is refused unless they have exactly one solution.

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::suites {

/// True if `record` has the field "puzzle" and neither "question" nor "prompt".
bool is_zebralogic_record(const Json& record);

/// The `grid` record: id, tag (the size), question (the puzzle), solution, difficulty, and `solution_source`: "record"
/// or "clues". `difficulty` has the size's search_space, bucket and split; solver_guesses and solver_exclusions where
/// the clues were solved; z3_conflicts where ZebraLogic's authors published it for this id (z3_conflicts.json).
/// Error{bad_input} begins with `where`.
Result<Json> from_zebralogic(const Json& record, const std::string& where);

}  // namespace assay::suites
