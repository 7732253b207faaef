#include "suites/zebra/solver.h"

#include <array>
#include <bit>

namespace assay::suites {

namespace {

using HouseSet = std::uint32_t;  // bit h: house h is possible

/// The possible houses of every value.
using State = std::array<std::array<HouseSet, kMaxZebraHouses>, kMaxZebraAttributes>;

constexpr HouseSet below(int n) { return (HouseSet{1} << n) - 1; }
constexpr int highest(HouseSet houses) { return std::bit_width(houses) - 1; }
constexpr int lowest(HouseSet houses) { return std::countr_zero(houses); }

class Search {
 public:
  Search(const ZebraSize& size, std::span<const ZebraClue> clues, std::size_t max_solutions, std::int64_t max_guesses)
      : n_houses_(size.n_houses),
        n_attributes_(size.n_attributes),
        clues_(clues),
        max_solutions_(max_solutions),
        max_guesses_(max_guesses) {}

  SolverOutcome run() {
    State state{};
    for (auto& values : state) values.fill(below(n_houses_));
    descend(state);
    return std::move(outcome_);
  }

 private:
  /// Narrows `state`; then takes it as a solution, or tries each house of the value with the fewest left.
  void descend(State state) {
    if (!narrow(state)) return;
    ZebraMention fewest;
    int fewest_houses = kMaxZebraHouses + 1;
    for (int a = 0; a < n_attributes_; ++a) {
      for (int v = 0; v < n_houses_; ++v) {
        const int n = std::popcount(at(state, {a, v}));
        if (n > 1 && n < fewest_houses) {
          fewest_houses = n;
          fewest = {a, v};
        }
      }
    }
    if (fewest_houses > kMaxZebraHouses) return keep(state);
    for (HouseSet left = at(state, fewest); left != 0 && !is_done(); left &= left - 1) {
      if (outcome_.effort.n_guesses >= max_guesses_) {
        outcome_.gave_up = true;
        return;
      }
      State guess = state;
      at(guess, fewest) = left & ~(left - 1);
      ++outcome_.effort.n_guesses;
      descend(guess);
    }
  }

  bool is_done() const { return outcome_.gave_up || outcome_.solutions.size() >= max_solutions_; }

  void keep(const State& state) {
    ZebraSolution solution(static_cast<std::size_t>(n_attributes_));
    for (std::size_t a = 0; a < solution.size(); ++a) {
      for (int v = 0; v < n_houses_; ++v) solution[a].push_back(lowest(state[a][static_cast<std::size_t>(v)]));
    }
    outcome_.solutions.push_back(std::move(solution));
  }

  static HouseSet& at(State& state, const ZebraMention& mention) {
    return state[static_cast<std::size_t>(mention.attribute)][static_cast<std::size_t>(mention.value)];
  }
  static HouseSet at(const State& state, const ZebraMention& mention) {
    return state[static_cast<std::size_t>(mention.attribute)][static_cast<std::size_t>(mention.value)];
  }

  /// Applies clues and distinctness until nothing changes. False if a value has no house left.
  bool narrow(State& state) {
    do {
      changed_ = false;
      for (const ZebraClue& clue : clues_) {
        if (!apply(clue, state)) return false;
      }
      for (int a = 0; a < n_attributes_; ++a) {
        if (!keep_distinct(state, a)) return false;
      }
    } while (changed_);
    return true;
  }

  /// Leaves `mention` only houses in `allowed`; false if that is none.
  bool restrict(State& state, const ZebraMention& mention, HouseSet allowed) {
    HouseSet& houses = at(state, mention);
    const HouseSet kept = houses & allowed;
    if (kept != houses) {
      changed_ = true;
      outcome_.effort.n_exclusions += std::popcount(houses) - std::popcount(kept);
      houses = kept;
    }
    return kept != 0;
  }

  bool apply(const ZebraClue& clue, State& state) {
    const HouseSet a = at(state, clue.a), b = at(state, clue.b);
    const auto both = [&](HouseSet of_a, HouseSet of_b) {
      return restrict(state, clue.a, of_a)&& restrict(state, clue.b, of_b);
    };
    const auto apart = [&](int d) { return both(b << d | b >> d, a << d | a >> d); };
    switch (clue.type) {
      case ClueType::found_at:
        return restrict(state, clue.a, HouseSet{1} << clue.house);
      case ClueType::not_at:
        return restrict(state, clue.a, ~(HouseSet{1} << clue.house));
      case ClueType::same_house:
        return both(b, a);
      case ClueType::directly_left:
        return both(b >> 1, a << 1);
      case ClueType::directly_right:
        return both(b << 1, a >> 1);
      case ClueType::side_by_side:
        return apart(1);
      case ClueType::somewhere_left:
        return both(below(highest(b)), ~below(lowest(a) + 1));
      case ClueType::somewhere_right:
        return both(~below(lowest(b) + 1), below(highest(a)));
      case ClueType::one_between:
        return apart(2);
      case ClueType::two_between:
        return apart(3);
    }
    return true;
  }

  /// Values of one attribute are in different houses: a value that is settled takes its house from the others, and a
  /// house that only one value can be in is that value's.
  bool keep_distinct(State& state, int attribute) {
    HouseSet once = 0, more = 0;
    for (int v = 0; v < n_houses_; ++v) {
      const HouseSet houses = at(state, {attribute, v});
      more |= once & houses;
      once |= houses;
      if (!std::has_single_bit(houses)) continue;
      for (int other = 0; other < n_houses_; ++other) {
        if (other != v && !restrict(state, {attribute, other}, ~houses)) return false;
      }
    }
    if (once != below(n_houses_)) return false;
    const HouseSet only = once & ~more;
    for (int v = 0; v < n_houses_; ++v) {
      const HouseSet own = at(state, {attribute, v}) & only;
      if (own == 0) continue;
      if (!std::has_single_bit(own) || !restrict(state, {attribute, v}, own)) return false;
    }
    return true;
  }

  int n_houses_;
  int n_attributes_;
  std::span<const ZebraClue> clues_;
  std::size_t max_solutions_;
  std::int64_t max_guesses_;
  bool changed_ = false;
  SolverOutcome outcome_;
};

}  // namespace

SolverOutcome solve_zebra(const ZebraSize& size, std::span<const ZebraClue> clues, std::size_t max_solutions,
                          std::int64_t max_guesses) {
  if (max_solutions == 0) return {};
  return Search(size, clues, max_solutions, max_guesses).run();
}

}  // namespace assay::suites
