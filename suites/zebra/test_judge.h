#pragma once
// For tests alone: reads a generated puzzle back from its text and counts its solutions by another method than the
// generator's solver. No cell is narrowed: all orders of each attribute's values are listed, those that break a clue
// are struck out, and the orders of different attributes are joined.

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "suites/zebra/puzzle.h"

namespace assay::suites::testing {

/// A puzzle as its text says it.
struct ReadPuzzle {
  std::vector<std::string> keys;                 ///< of the attributes, in the solution's order
  std::vector<std::vector<std::string>> values;  ///< [attribute][value], as listed
  std::vector<ZebraClue> clues;
};

/// Reads `question` of a grid record; attribute names are taken from its solution. Fails the test if a line is not
/// understood.
ReadPuzzle read_puzzle(const Json& record);

/// The solution of the record in the numbering of the puzzle that was read.
ZebraSolution read_solution(const Json& record, const ReadPuzzle& puzzle);

/// All solutions, at most `max_solutions`.
std::vector<ZebraSolution> join_orders(const ReadPuzzle& puzzle, std::size_t max_solutions);

}  // namespace assay::suites::testing
