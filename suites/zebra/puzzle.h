#pragma once
// A house puzzle as data: N houses in a row, M attributes, each attribute's N values spread over the houses, and clues.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace assay::suites {

constexpr int kMinZebraHouses = 2;
constexpr int kMaxZebraHouses = 8;
constexpr int kMinZebraAttributes = 2;
constexpr int kMaxZebraAttributes = 8;

/// Houses × attributes, each from 2 to 8. ZebraLogic's own sizes are the 25 with 2 to 6 of both.
struct ZebraSize {
  int n_houses = 3;
  int n_attributes = 3;
  bool operator==(const ZebraSize&) const = default;
};

/// A value of an attribute; both are places within the puzzle. It stands for the house that it belongs to.
struct ZebraMention {
  int attribute = 0;
  int value = 0;
  bool operator==(const ZebraMention&) const = default;
};

/// What a clue says of the houses of its mentions a and b.
enum class ClueType {
  found_at,         ///< a is in house `house`
  not_at,           ///< a is not in house `house`
  same_house,       ///< a and b share a house
  directly_left,    ///< a is the left neighbour of b
  directly_right,   ///< a is the right neighbour of b
  side_by_side,     ///< a and b are neighbours
  somewhere_left,   ///< a is left of b, at any distance
  somewhere_right,  ///< a is right of b, at any distance
  one_between,      ///< one house stands between a and b
  two_between,      ///< two houses stand between a and b
};

struct ZebraClue {
  ClueType type = ClueType::found_at;
  ZebraMention a;
  ZebraMention b;  ///< not used by found_at and not_at
  int house = 0;   ///< 0-based; of found_at and not_at
};

/// Where each value is: house_of[attribute][value], 0-based.
using ZebraSolution = std::vector<std::vector<int>>;

/// Whether `clue` is true of `solution`.
bool holds(const ZebraClue& clue, const ZebraSolution& solution);

}  // namespace assay::suites
