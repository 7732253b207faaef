#include "suites/zebra/puzzle_text.h"

#include "suites/zebra/difficulty.h"
#include "suites/zebra/vocabulary.h"

namespace assay::suites {

namespace {

const ZebraAttribute& attribute_of(const ZebraPuzzle& puzzle, std::size_t attribute) {
  return zebra_vocabulary()[static_cast<std::size_t>(puzzle.attributes[attribute])];
}

const ZebraWord& word_of(const ZebraPuzzle& puzzle, std::size_t attribute, std::size_t value) {
  return attribute_of(puzzle, attribute).words[static_cast<std::size_t>(puzzle.values[attribute][value])];
}

std::string person(const ZebraPuzzle& puzzle, const ZebraMention& mention) {
  const auto attribute = static_cast<std::size_t>(mention.attribute);
  return zebra_phrase(attribute_of(puzzle, attribute),
                      word_of(puzzle, attribute, static_cast<std::size_t>(mention.value)));
}

std::string ordinal(int house) {
  static constexpr std::string_view kOrdinals[kMaxZebraHouses] = {"first", "second", "third",   "fourth",
                                                                  "fifth", "sixth",  "seventh", "eighth"};
  return std::string(kOrdinals[house]);
}

std::string sentence(const ZebraPuzzle& puzzle, const ZebraClue& clue) {
  const std::string a = person(puzzle, clue.a), b = person(puzzle, clue.b);
  switch (clue.type) {
    case ClueType::found_at:
      return a + " is in the " + ordinal(clue.house) + " house.";
    case ClueType::not_at:
      return a + " is not in the " + ordinal(clue.house) + " house.";
    case ClueType::same_house:
      return a + " is " + b + ".";
    case ClueType::directly_left:
      return a + " is directly left of " + b + ".";
    case ClueType::directly_right:
      return a + " is directly right of " + b + ".";
    case ClueType::side_by_side:
      return a + " and " + b + " are next to each other.";
    case ClueType::somewhere_left:
      return a + " is somewhere to the left of " + b + ".";
    case ClueType::somewhere_right:
      return a + " is somewhere to the right of " + b + ".";
    case ClueType::one_between:
      return "There is one house between " + a + " and " + b + ".";
    case ClueType::two_between:
      return "There are two houses between " + a + " and " + b + ".";
  }
  return {};
}

std::string with_capital(std::string text) {
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace

std::string zebra_question(const ZebraPuzzle& puzzle) {
  const std::string n = std::to_string(puzzle.size.n_houses);
  std::string text = n + " houses stand in a row. Seen from the street they are numbered 1 to " + n +
                     " from left to right. One person lives in each house, and each of them has one value of every "
                     "attribute below that no one else has:\n";
  for (std::size_t a = 0; a < puzzle.attributes.size(); ++a) {
    text += " - " + std::string(attribute_of(puzzle, a).introduction) + ": ";
    for (std::size_t v = 0; v < puzzle.values[a].size(); ++v) {
      text += (v == 0 ? "`" : ", `") + std::string(word_of(puzzle, a, v).name) + "`";
    }
    text += "\n";
  }
  text += "\n## Clues:\n";
  for (std::size_t i = 0; i < puzzle.clues.size(); ++i) {
    text += std::to_string(i + 1) + ". " + with_capital(sentence(puzzle, puzzle.clues[i])) + "\n";
  }
  return text;
}

Json zebra_record(const ZebraPuzzle& puzzle, const std::string& id) {
  Json solution = Json::object();
  for (int house = 0; house < puzzle.size.n_houses; ++house) {
    Json& cells = solution["House " + std::to_string(house + 1)];
    for (std::size_t a = 0; a < puzzle.attributes.size(); ++a) {
      for (std::size_t v = 0; v < puzzle.values[a].size(); ++v) {
        if (puzzle.solution[a][v] == house) cells[attribute_of(puzzle, a).key] = word_of(puzzle, a, v).name;
      }
    }
  }
  Json difficulty = to_json(zebra_difficulty(puzzle.size));
  difficulty["n_clues"] = puzzle.clues.size();
  difficulty["solver_guesses"] = puzzle.effort.n_guesses;
  difficulty["solver_exclusions"] = puzzle.effort.n_exclusions;
  return {{"id", id},
          {"tag", to_string(puzzle.size)},
          {"question", zebra_question(puzzle)},
          {"solution", solution},
          {"difficulty", difficulty}};
}

}  // namespace assay::suites
