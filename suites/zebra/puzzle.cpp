#include "suites/zebra/puzzle.h"

#include <cstdlib>

#include "harness/base/assert.h"

namespace assay::suites {

bool holds(const ZebraClue& clue, const ZebraSolution& solution) {
  const auto house_of = [&](const ZebraMention& mention) {
    return solution[static_cast<std::size_t>(mention.attribute)][static_cast<std::size_t>(mention.value)];
  };
  const int a = house_of(clue.a);
  if (clue.type == ClueType::found_at) return a == clue.house;
  if (clue.type == ClueType::not_at) return a != clue.house;
  const int b = house_of(clue.b);
  switch (clue.type) {
    case ClueType::same_house:
      return a == b;
    case ClueType::directly_left:
      return a + 1 == b;
    case ClueType::directly_right:
      return a == b + 1;
    case ClueType::side_by_side:
      return std::abs(a - b) == 1;
    case ClueType::somewhere_left:
      return a < b;
    case ClueType::somewhere_right:
      return a > b;
    case ClueType::one_between:
      return std::abs(a - b) == 2;
    case ClueType::two_between:
      return std::abs(a - b) == 3;
    case ClueType::found_at:
    case ClueType::not_at:
      break;
  }
  ASSAY_ASSERT(false, "every clue type is named above");
  return false;
}

}  // namespace assay::suites
