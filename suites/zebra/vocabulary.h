#pragma once
// The words of generated puzzles: ZebraLogic's attributes and values, and how this project's clues speak of them.

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "suites/zebra/puzzle.h"

namespace assay::suites {

constexpr int kZebraLogicValues = 6;  ///< larger puzzles alone use the words behind these

struct ZebraWord {
  std::string_view name;   ///< as listed and as answered: "samsung galaxy s21"
  std::string_view shown;  ///< in clues, "Samsung Galaxy S21"; empty: as `name`
};

struct ZebraAttribute {
  std::string_view key;           ///< ZebraLogic's name of it, the key in a solution: "PhoneModel"
  std::string_view introduction;  ///< heads the list of values: "They use different phones"
  std::string_view phrase;        ///< how a clue speaks of the person with value {}: "the owner of a {}"
  std::array<ZebraWord, kMaxZebraHouses> words;
};

/// All attributes; the first is Name.
std::span<const ZebraAttribute> zebra_vocabulary();

/// The person with a value, as within a clue: "the person who uses a OnePlus 9". Different for any two values.
std::string zebra_phrase(const ZebraAttribute& attribute, const ZebraWord& word);

}  // namespace assay::suites
