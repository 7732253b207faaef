#include "suites/zebra/generate.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "harness/base/assert.h"
#include "harness/base/philox.h"
#include "suites/zebra/vocabulary.h"

namespace assay::suites {

namespace {

/// Random numbers of one puzzle.
class Draws {
 public:
  Draws(const ZebraSize& size, std::uint64_t seed, std::uint32_t index)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        size_word_(static_cast<std::uint32_t>(size.n_houses * 256 + size.n_attributes)),
        index_(index) {}

  /// Uniform in 0 … n-1, n >= 1. A word above the largest multiple of n is drawn again, so no number is favoured.
  int below(int n) {
    const auto range = static_cast<std::uint32_t>(n);
    const std::uint32_t limit = UINT32_MAX - UINT32_MAX % range;
    std::uint32_t word = next();
    while (word >= limit) word = next();
    return static_cast<int>(word % range);
  }

  /// Another than `taken` out of 0 … n-1, n >= 2.
  int below_except(int n, int taken) {
    const int drawn = below(n - 1);
    return drawn < taken ? drawn : drawn + 1;
  }

  template <class T>
  void shuffle(std::vector<T>& list) {
    for (std::size_t left = list.size(); left > 1; --left) {
      std::swap(list[left - 1], list[static_cast<std::size_t>(below(static_cast<int>(left)))]);
    }
  }

  /// `n` different ones out of 0 … from-1, in random order.
  std::vector<int> sample(int n, int from) {
    std::vector<int> all(static_cast<std::size_t>(from));
    std::iota(all.begin(), all.end(), 0);
    shuffle(all);
    all.resize(static_cast<std::size_t>(n));
    return all;
  }

 private:
  std::uint32_t next() {
    if (n_used_ == words_.size()) {
      words_ = philox({block_++, index_, size_word_, kStream}, key_);
      n_used_ = 0;
    }
    return words_[n_used_++];
  }

  static constexpr std::uint32_t kStream = 0x7A656272;  // "zebr": no other use of a seed has this word
  std::array<std::uint32_t, 2> key_;
  std::uint32_t size_word_, index_;
  std::uint32_t block_ = 0;
  PhiloxWords words_{};
  std::size_t n_used_ = words_.size();
};

// How often each type is tried. About the mix of ZebraLogic's puzzles: mostly shared houses, few clues that name a
// house.
constexpr std::array<std::pair<ClueType, int>, 10> kClueWeights{{
    {ClueType::same_house, 16},
    {ClueType::somewhere_left, 4},
    {ClueType::somewhere_right, 4},
    {ClueType::not_at, 5},
    {ClueType::directly_left, 5},
    {ClueType::directly_right, 2},
    {ClueType::side_by_side, 4},
    {ClueType::found_at, 3},
    {ClueType::one_between, 3},
    {ClueType::two_between, 2},
}};

ClueType draw_type(Draws& draws) {
  int total = 0;
  for (const auto& [type, weight] : kClueWeights) total += weight;
  int left = draws.below(total);
  for (const auto& [type, weight] : kClueWeights) {
    if (left < weight) return type;
    left -= weight;
  }
  ASSAY_ASSERT(false, "the weights add up to their total");
  return ClueType::found_at;
}

/// Draws true clues about one solution.
class ClueDrawer {
 public:
  ClueDrawer(const ZebraSize& size, const ZebraSolution& solution, Draws& draws)
      : size_(size), draws_(draws), value_in_(solution.size(), std::vector<int>(solution.front().size())) {
    for (std::size_t a = 0; a < solution.size(); ++a) {
      for (std::size_t v = 0; v < solution[a].size(); ++v) {
        value_in_[a][static_cast<std::size_t>(solution[a][v])] = static_cast<int>(v);
      }
    }
  }

  ZebraClue draw() {
    while (true) {
      const ClueType type = draw_type(draws_);
      if (distance_of(type) < size_.n_houses) return draw_of(type);  // else no two houses are that far apart
    }
  }

 private:
  static int distance_of(ClueType type) {
    if (type == ClueType::one_between) return 2;
    return type == ClueType::two_between ? 3 : 1;
  }

  ZebraMention in_house(int house, int attribute) const {
    return {attribute, value_in_[static_cast<std::size_t>(attribute)][static_cast<std::size_t>(house)]};
  }
  ZebraMention anything_in(int house) { return in_house(house, draws_.below(size_.n_attributes)); }

  ZebraClue draw_of(ClueType type) {
    ZebraClue clue;
    clue.type = type;
    const int house = draws_.below(size_.n_houses);
    switch (type) {
      case ClueType::found_at:
        clue.a = anything_in(house);
        clue.house = house;
        return clue;
      case ClueType::not_at:
        clue.a = anything_in(house);
        clue.house = draws_.below_except(size_.n_houses, house);
        return clue;
      case ClueType::same_house: {
        const int attribute = draws_.below(size_.n_attributes);
        clue.a = in_house(house, attribute);
        clue.b = in_house(house, draws_.below_except(size_.n_attributes, attribute));
        return clue;
      }
      case ClueType::somewhere_left:
      case ClueType::somewhere_right: {
        const int other = draws_.below_except(size_.n_houses, house);
        const bool is_left = type == ClueType::somewhere_left;
        clue.a = anything_in(is_left ? std::min(house, other) : std::max(house, other));
        clue.b = anything_in(is_left ? std::max(house, other) : std::min(house, other));
        return clue;
      }
      default:
        break;
    }
    const int left = draws_.below(size_.n_houses - distance_of(type));
    const int right = left + distance_of(type);
    const bool a_is_left =
        type == ClueType::directly_left || (type != ClueType::directly_right && draws_.below(2) == 0);
    clue.a = anything_in(a_is_left ? left : right);
    clue.b = anything_in(a_is_left ? right : left);
    return clue;
  }

  ZebraSize size_;
  Draws& draws_;
  std::vector<std::vector<int>> value_in_;  // [attribute][house]
};

/// A solution of the clues besides `solution`; empty if there is none.
ZebraSolution other_solution(const ZebraSize& size, std::span<const ZebraClue> clues, const ZebraSolution& solution) {
  for (ZebraSolution& found : solve_zebra(size, clues, 2).solutions) {
    if (found != solution) return std::move(found);
  }
  return {};
}

std::vector<ZebraClue> draw_clues(const ZebraSize& size, const ZebraSolution& solution, Draws& draws) {
  ClueDrawer drawer(size, solution, draws);
  std::vector<ZebraClue> clues;
  for (ZebraSolution other = other_solution(size, clues, solution); !other.empty();
       other = other_solution(size, clues, solution)) {
    ZebraClue clue = drawer.draw();
    while (holds(clue, other)) clue = drawer.draw();
    clues.push_back(clue);
  }
  return clues;
}

/// Takes out, in random order, each clue that the others imply. What stays is needed: fewer clues allow more solutions.
void drop_implied(const ZebraSize& size, const ZebraSolution& solution, std::vector<ZebraClue>& clues, Draws& draws) {
  draws.shuffle(clues);
  for (std::size_t i = clues.size(); i-- > 0;) {
    std::vector<ZebraClue> others = clues;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    if (other_solution(size, others, solution).empty()) clues = std::move(others);
  }
}

}  // namespace

ZebraPuzzle generate_zebra(const ZebraSize& size, std::uint64_t seed, std::uint32_t index, ClueAmount amount) {
  ASSAY_ASSERT(size.n_houses >= kMinZebraHouses && size.n_houses <= kMaxZebraHouses, "the specification was checked");
  ASSAY_ASSERT(size.n_attributes >= kMinZebraAttributes && size.n_attributes <= kMaxZebraAttributes, "likewise");
  Draws draws(size, seed, index);
  ZebraPuzzle puzzle;
  puzzle.size = size;
  puzzle.attributes = {0};  // the name leads
  for (const int other : draws.sample(size.n_attributes - 1, static_cast<int>(zebra_vocabulary().size()) - 1)) {
    puzzle.attributes.push_back(other + 1);
  }
  const int n_words = std::max(size.n_houses, kZebraLogicValues);
  for (int a = 0; a < size.n_attributes; ++a) {
    puzzle.values.push_back(draws.sample(size.n_houses, n_words));
    puzzle.solution.push_back(draws.sample(size.n_houses, size.n_houses));
  }
  puzzle.clues = draw_clues(size, puzzle.solution, draws);
  if (amount == ClueAmount::minimal) drop_implied(size, puzzle.solution, puzzle.clues, draws);
  draws.shuffle(puzzle.clues);
  const SolverOutcome proof = solve_zebra(size, puzzle.clues, 2);
  ASSAY_ASSERT(proof.solutions.size() == 1 && proof.solutions.front() == puzzle.solution,
               "drawing ends when no other solution is left");
  puzzle.effort = proof.effort;
  return puzzle;
}

}  // namespace assay::suites
