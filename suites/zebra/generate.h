#pragma once
// Makes house puzzles with exactly one solution. The clues are drawn one by one, each excluding a solution that the
// ones before it still allow, until an exhaustive search finds no other: the end of the drawing is the proof of
// uniqueness.

#include <cstdint>
#include <vector>

#include "suites/zebra/puzzle.h"
#include "suites/zebra/solver.h"

namespace assay::suites {

/// How many clues are left in a puzzle.
enum class ClueAmount {
  drawn,    ///< all that were drawn; some may follow from others
  minimal,  ///< none follows from the others: without any one of them there would be a second solution
};

struct ZebraPuzzle {
  ZebraSize size;
  std::vector<int> attributes;           ///< places in the vocabulary (vocabulary.h); the first is the name
  std::vector<std::vector<int>> values;  ///< [attribute][value]: places among the attribute's words, as they are listed
  std::vector<ZebraClue> clues;
  ZebraSolution solution;
  SolverEffort effort;  ///< of solving it and proving that there is no second solution
};

/// Puzzle `index` of `seed` at a size. A function of its arguments alone: Philox keyed by the seed, with size and index
/// in its counter. Sizes as ZebraSize allows.
ZebraPuzzle generate_zebra(const ZebraSize& size, std::uint64_t seed, std::uint32_t index, ClueAmount amount);

}  // namespace assay::suites
