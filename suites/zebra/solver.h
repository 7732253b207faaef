#pragma once
// Solves house puzzles: each value's possible houses as a set of bits, narrowed by the clues until nothing changes,
// then a guess at the value with the fewest houses left. Exhaustive, so finding one solution of two asked for is a
// proof.

#include <cstdint>
#include <span>
#include <vector>

#include "suites/zebra/puzzle.h"

namespace assay::suites {

/// What a search did; the same on every machine.
struct SolverEffort {
  std::int64_t n_guesses = 0;     ///< houses tried for a value where narrowing alone did not decide
  std::int64_t n_exclusions = 0;  ///< houses that narrowing took from values
};

struct SolverOutcome {
  std::vector<ZebraSolution> solutions;
  SolverEffort effort;
  bool gave_up = false;  ///< at `max_guesses`, before all was searched
};

/// The first `max_solutions` solutions of the clues, all of them if there are fewer and the search did not give up.
/// Clues may contradict each other. Real puzzles of 6x6 take some ten guesses; clues from elsewhere may be made to take
/// forever.
SolverOutcome solve_zebra(const ZebraSize& size, std::span<const ZebraClue> clues, std::size_t max_solutions,
                          std::int64_t max_guesses = INT64_MAX);

}  // namespace assay::suites
