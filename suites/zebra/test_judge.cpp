#include "suites/zebra/test_judge.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <optional>

#include "harness/base/text.h"
#include "suites/zebra/vocabulary.h"
#include "tests/support/catch.h"

namespace assay::suites::testing {

namespace {

using Phrases = std::map<std::string, ZebraMention>;

/// What stands between `before` and `after`; nothing if the text is not of that form.
std::optional<std::string> between(const std::string& text, const std::string& before, const std::string& after) {
  if (text.size() < before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after)) {
    return std::nullopt;
  }
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

std::optional<ZebraMention> mention_of(std::string phrase, const Phrases& phrases) {
  if (phrase.starts_with("The ")) phrase[0] = 't';
  const auto found = phrases.find(phrase);
  return found == phrases.end() ? std::nullopt : std::optional(found->second);
}

/// "A<middle>B" with A and B both persons of the puzzle.
std::optional<ZebraClue> pair_clue(const std::string& text, const std::string& middle, ClueType type,
                                   const Phrases& phrases) {
  for (auto at = text.find(middle); at != std::string::npos; at = text.find(middle, at + 1)) {
    const auto a = mention_of(text.substr(0, at), phrases);
    const auto b = mention_of(text.substr(at + middle.size()), phrases);
    if (a && b) return ZebraClue{type, *a, *b, 0};
  }
  return std::nullopt;
}

std::optional<ZebraClue> house_clue(const std::string& text, const std::string& middle, ClueType type,
                                    const Phrases& phrases) {
  static const std::array<std::string, 8> kOrdinals = {"first", "second", "third",   "fourth",
                                                       "fifth", "sixth",  "seventh", "eighth"};
  for (std::size_t house = 0; house < kOrdinals.size(); ++house) {
    const auto person = between(text, "", middle + kOrdinals[house] + " house");
    if (!person) continue;
    if (const auto mention = mention_of(*person, phrases))
      return ZebraClue{type, *mention, {}, static_cast<int>(house)};
  }
  return std::nullopt;
}

ZebraClue read_clue(const std::string& text, const Phrases& phrases) {
  std::vector<std::optional<ZebraClue>> readings;
  if (const auto pair = between(text, "There is one house between ", "")) {
    readings.push_back(pair_clue(*pair, " and ", ClueType::one_between, phrases));
  } else if (const auto wider = between(text, "There are two houses between ", "")) {
    readings.push_back(pair_clue(*wider, " and ", ClueType::two_between, phrases));
  } else if (const auto neighbours = between(text, "", " are next to each other")) {
    readings.push_back(pair_clue(*neighbours, " and ", ClueType::side_by_side, phrases));
  } else {
    readings.push_back(house_clue(text, " is in the ", ClueType::found_at, phrases));
    readings.push_back(house_clue(text, " is not in the ", ClueType::not_at, phrases));
    readings.push_back(pair_clue(text, " is directly left of ", ClueType::directly_left, phrases));
    readings.push_back(pair_clue(text, " is directly right of ", ClueType::directly_right, phrases));
    readings.push_back(pair_clue(text, " is somewhere to the left of ", ClueType::somewhere_left, phrases));
    readings.push_back(pair_clue(text, " is somewhere to the right of ", ClueType::somewhere_right, phrases));
    readings.push_back(pair_clue(text, " is ", ClueType::same_house, phrases));
  }
  std::erase(readings, std::nullopt);
  INFO(text);
  REQUIRE(readings.size() == 1);
  return *readings.front();
}

Phrases phrases_of(const ReadPuzzle& puzzle) {
  Phrases phrases;
  for (std::size_t a = 0; a < puzzle.keys.size(); ++a) {
    const auto vocabulary = zebra_vocabulary();
    const auto attribute = std::find_if(vocabulary.begin(), vocabulary.end(),
                                        [&](const ZebraAttribute& known) { return known.key == puzzle.keys[a]; });
    REQUIRE(attribute != vocabulary.end());
    for (std::size_t v = 0; v < puzzle.values[a].size(); ++v) {
      const auto word = std::find_if(attribute->words.begin(), attribute->words.end(),
                                     [&](const ZebraWord& known) { return known.name == puzzle.values[a][v]; });
      REQUIRE(word != attribute->words.end());
      const bool is_new =
          phrases.emplace(zebra_phrase(*attribute, *word), ZebraMention{static_cast<int>(a), static_cast<int>(v)})
              .second;
      REQUIRE(is_new);
    }
  }
  return phrases;
}

/// One attribute's orders that no clue about it alone forbids: house_of[value] each.
using Orders = std::vector<std::vector<int>>;

bool is_about(const ZebraClue& clue, int a, int b) {
  const bool names_house = clue.type == ClueType::found_at || clue.type == ClueType::not_at;
  const int second = names_house ? clue.a.attribute : clue.b.attribute;
  return (clue.a.attribute == a && second == b) || (clue.a.attribute == b && second == a);
}

class Join {
 public:
  Join(const ReadPuzzle& puzzle, std::size_t max_solutions)
      : puzzle_(puzzle), n_(puzzle.keys.size()), max_solutions_(max_solutions), scratch_(n_) {
    for (std::size_t a = 0; a < n_; ++a) scratch_[a].assign(puzzle.values[a].size(), 0);
    for (std::size_t a = 0; a < n_; ++a) orders_.push_back(allowed_orders(a));
    fits_.assign(n_, std::vector<std::vector<std::vector<char>>>(n_));
    for (std::size_t a = 0; a < n_; ++a) {
      for (std::size_t b = a + 1; b < n_; ++b) compare(a, b);
    }
  }

  std::vector<ZebraSolution> run() {
    std::vector<std::vector<std::size_t>> left(n_);
    for (std::size_t a = 0; a < n_; ++a) {
      left[a].resize(orders_[a].size());
      std::iota(left[a].begin(), left[a].end(), std::size_t{0});
    }
    std::vector<std::size_t> open(n_);
    std::iota(open.begin(), open.end(), std::size_t{0});
    choose(open, left, ZebraSolution(n_));
    return solutions_;
  }

 private:
  bool all_hold(int a, int b) const {
    return std::all_of(puzzle_.clues.begin(), puzzle_.clues.end(),
                       [&](const ZebraClue& clue) { return !is_about(clue, a, b) || holds(clue, scratch_); });
  }

  Orders allowed_orders(std::size_t a) {
    Orders orders;
    std::vector<int> order(puzzle_.values[a].size());
    std::iota(order.begin(), order.end(), 0);
    do {
      scratch_[a] = order;
      if (all_hold(static_cast<int>(a), static_cast<int>(a))) orders.push_back(order);
    } while (std::next_permutation(order.begin(), order.end()));
    return orders;
  }

  /// Fills fits_[a][b]: which orders of b go with each order of a. Left empty where no clue is about both.
  void compare(std::size_t a, std::size_t b) {
    const bool linked = std::any_of(puzzle_.clues.begin(), puzzle_.clues.end(), [&](const ZebraClue& clue) {
      return is_about(clue, static_cast<int>(a), static_cast<int>(b));
    });
    if (!linked) return;
    fits_[a][b].assign(orders_[a].size(), std::vector<char>(orders_[b].size()));
    fits_[b][a].assign(orders_[b].size(), std::vector<char>(orders_[a].size()));
    for (std::size_t i = 0; i < orders_[a].size(); ++i) {
      scratch_[a] = orders_[a][i];
      for (std::size_t j = 0; j < orders_[b].size(); ++j) {
        scratch_[b] = orders_[b][j];
        fits_[a][b][i][j] = fits_[b][a][j][i] = all_hold(static_cast<int>(a), static_cast<int>(b));
      }
    }
  }

  /// Takes each order left to the open attribute with the fewest, and keeps of the others' what goes with it.
  void choose(std::vector<std::size_t> open, const std::vector<std::vector<std::size_t>>& left, ZebraSolution taken) {
    if (open.empty()) {
      solutions_.push_back(std::move(taken));
      return;
    }
    const auto fewest =
        std::min_element(open.begin(), open.end(), [&](auto x, auto y) { return left[x].size() < left[y].size(); });
    const std::size_t attribute = *fewest;
    open.erase(fewest);
    for (const std::size_t order : left[attribute]) {
      if (solutions_.size() >= max_solutions_) return;
      auto rest = left;
      for (const std::size_t other : open) {
        if (fits_[attribute][other].empty()) continue;
        std::erase_if(rest[other], [&](std::size_t o) { return fits_[attribute][other][order][o] == 0; });
      }
      taken[attribute] = orders_[attribute][order];
      choose(open, rest, taken);
    }
  }

  const ReadPuzzle& puzzle_;
  std::size_t n_;
  std::size_t max_solutions_;
  ZebraSolution scratch_;
  std::vector<Orders> orders_;
  std::vector<std::vector<std::vector<std::vector<char>>>> fits_;  // [a][b][order of a][order of b]
  std::vector<ZebraSolution> solutions_;
};

}  // namespace

ReadPuzzle read_puzzle(const Json& record) {
  ReadPuzzle puzzle;
  for (const auto& [key, value] : record.at("solution").at("House 1").items()) puzzle.keys.push_back(key);
  std::vector<std::string> clue_texts;
  for (const std::string& line : split(record.at("question").get<std::string>(), '\n')) {
    if (line.starts_with(" - ")) {
      std::vector<std::string> values;
      const std::vector<std::string> parts = split(line, '`');
      for (std::size_t i = 1; i < parts.size(); i += 2) values.push_back(parts[i]);
      puzzle.values.push_back(values);
    }
    const std::size_t dot = line.find(". ");
    if (!line.empty() && line[0] >= '1' && line[0] <= '9' && dot < 4) {
      REQUIRE(line.substr(0, dot) == std::to_string(clue_texts.size() + 1));
      REQUIRE(line.ends_with('.'));
      clue_texts.push_back(line.substr(dot + 2, line.size() - dot - 3));
    }
  }
  REQUIRE(puzzle.keys.size() == puzzle.values.size());
  const Phrases phrases = phrases_of(puzzle);
  for (const std::string& text : clue_texts) puzzle.clues.push_back(read_clue(text, phrases));
  return puzzle;
}

ZebraSolution read_solution(const Json& record, const ReadPuzzle& puzzle) {
  ZebraSolution solution;
  for (std::size_t a = 0; a < puzzle.keys.size(); ++a) {
    solution.emplace_back(puzzle.values[a].size(), -1);
    int house = 0;
    for (const auto& [name, cells] : record.at("solution").items()) {
      REQUIRE(name == "House " + std::to_string(house + 1));
      const auto value = std::find(puzzle.values[a].begin(), puzzle.values[a].end(), cells.at(puzzle.keys[a]));
      REQUIRE(value != puzzle.values[a].end());
      solution[a][static_cast<std::size_t>(value - puzzle.values[a].begin())] = house++;
    }
  }
  return solution;
}

std::vector<ZebraSolution> join_orders(const ReadPuzzle& puzzle, std::size_t max_solutions) {
  return Join(puzzle, max_solutions).run();
}

}  // namespace assay::suites::testing
