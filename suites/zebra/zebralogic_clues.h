#pragma once
// Reads the puzzles of the ZebraLogic data set: their lists of values and their English clues. Its sentences come from
// a fixed set of forms; what is of none of them is refused, never guessed.

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "suites/zebra/puzzle.h"

namespace assay::suites {

struct ZebraLogicPuzzle {
  ZebraSize size;
  std::vector<std::vector<std::string>> values;  ///< [attribute][value], as listed
  std::vector<ZebraClue> clues;
};

/// `keys` are the attributes in the order of the lists ("Name", "PhoneModel", …). Error{bad_input} names the list or
/// the clue that can't be read.
Result<ZebraLogicPuzzle> read_zebralogic_puzzle(std::string_view text, const std::vector<std::string>& keys);

}  // namespace assay::suites
