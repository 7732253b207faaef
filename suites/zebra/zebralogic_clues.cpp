#include "suites/zebra/zebralogic_clues.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "harness/base/text.h"

namespace assay::suites {

namespace {

constexpr std::size_t kMaxClueBytes = 500;  // ZebraLogic's have at most 200
constexpr std::size_t kMaxClues = 500;

/// A way in which clues write a value, in comparable() form.
struct Spelling {
  std::string words;
  ZebraMention mention;
  std::string key;  ///< of the attribute
};

/// Lower case, everything but letters and digits as single spaces, one more at both ends: words are found as " word ".
std::string comparable(std::string_view text) {
  std::string out = " ";
  for (const char c : to_lower_ascii(text)) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_word) out += c;
    if (!is_word && out.back() != ' ') out += ' ';
  }
  return out.back() == ' ' ? out : out + " ";
}

/// The forms of a listed value in clues besides itself and its plural.
std::vector<std::string> other_forms(const std::string& value) {
  static const std::map<std::string, std::vector<std::string>> kForms = {{"brit", {"british", "briton"}},
                                                                         {"dane", {"danish"}},
                                                                         {"swede", {"swedish"}},
                                                                         {"jan", {"january"}},
                                                                         {"feb", {"february"}},
                                                                         {"mar", {"march"}},
                                                                         {"apr", {"april"}},
                                                                         {"jun", {"june"}},
                                                                         {"jul", {"july"}},
                                                                         {"aug", {"august"}},
                                                                         {"sept", {"september"}},
                                                                         {"oct", {"october"}},
                                                                         {"nov", {"november"}},
                                                                         {"dec", {"december"}},
                                                                         {"painting", {"paints"}},
                                                                         {"cooking", {"cooks"}},
                                                                         {"gardening", {"gardens"}},
                                                                         {"knitting", {"knits"}},
                                                                         {"lilies", {"lily"}},
                                                                         {"ford f150", {"ford f 150"}}};
  const auto found = kForms.find(value);
  return found == kForms.end() ? std::vector<std::string>{} : found->second;
}

/// Where several attributes have the same values (a child and its mother's neighbour may both be Alice), the words
/// around the value say which is meant.
bool is_spoken_of(const std::string& key, const std::string& clause) {
  const auto says = [&](const char* words) { return clause.find(words) != std::string::npos; };
  const bool of_child = says(" child ") || says(" mother of ");
  const bool of_mother = says(" mother s name ");
  const bool as_keeper =
      says(" keeper ") || says(" owner ") || says(" lover ") || says(" enthusiast ") || says(" horses ");
  if (key == "Children") return of_child;
  if (key == "Mother") return of_mother;
  if (key == "Name") return !of_child && !of_mother;
  if (key == "Animal") return as_keeper;
  if (key == "Pet") return !as_keeper;
  if (key == "HairColor") return says(" hair ");
  if (key == "Color") return !says(" hair ");
  return true;
}

class ClueReader {
 public:
  explicit ClueReader(const std::vector<std::string>& keys) : keys_(keys) {}

  void add_values(int attribute, const std::vector<std::string>& values) {
    for (std::size_t v = 0; v < values.size(); ++v) {
      const std::string value = trimmed(comparable(values[v]));
      std::vector<std::string> forms = other_forms(value);
      forms.push_back(value);
      forms.push_back(value.ends_with('s') ? value.substr(0, value.size() - 1) : value + "s");
      for (const std::string& form : forms) {
        spellings_.push_back(
            {" " + form + " ", {attribute, static_cast<int>(v)}, keys_[static_cast<std::size_t>(attribute)]});
      }
    }
  }

  std::optional<ZebraClue> read(std::string_view sentence) const {
    struct Form {
      std::string_view before, middle, after;
      ClueType type;
    };
    static constexpr std::array<Form, 7> kPairForms{{
        {"There is one house between ", " and ", "", ClueType::one_between},
        {"There are two houses between ", " and ", "", ClueType::two_between},
        {"", " and ", " are next to each other", ClueType::side_by_side},
        {"", " is directly left of ", "", ClueType::directly_left},
        {"", " is directly right of ", "", ClueType::directly_right},
        {"", " is somewhere to the left of ", "", ClueType::somewhere_left},
        {"", " is somewhere to the right of ", "", ClueType::somewhere_right},
    }};
    if (const auto clue = read_house(sentence)) return clue;
    for (const Form& form : kPairForms) {
      if (!sentence.starts_with(form.before) || !sentence.ends_with(form.after)) continue;
      std::string_view inner = sentence.substr(form.before.size());
      inner.remove_suffix(std::min(form.after.size(), inner.size()));
      if (inner.find(form.middle) != std::string_view::npos) return read_pair(inner, form.middle, form.type);
    }
    return read_pair(sentence, " is ", ClueType::same_house);
  }

 private:
  static std::string trimmed(const std::string& text) { return std::string(trim(text)); }

  /// The one value that `clause` speaks of.
  std::optional<ZebraMention> mention_in(std::string_view clause) const {
    const std::string text = comparable(clause);
    struct Found {
      std::size_t begin, end;
      const Spelling* spelling;
    };
    std::vector<Found> found;
    for (const Spelling& spelling : spellings_) {
      for (auto at = text.find(spelling.words); at != std::string::npos; at = text.find(spelling.words, at + 1)) {
        found.push_back({at, at + spelling.words.size(), &spelling});
      }
    }
    std::optional<ZebraMention> mention;
    for (const Found& one : found) {
      const bool within_longer = std::any_of(found.begin(), found.end(), [&](const Found& other) {
        return other.begin <= one.begin && one.end <= other.end && other.end - other.begin > one.end - one.begin;
      });
      if (within_longer || !is_spoken_of(one.spelling->key, text)) continue;
      if (mention && *mention != one.spelling->mention) return std::nullopt;
      mention = one.spelling->mention;
    }
    return mention;
  }

  /// "A<middle>B", wherever the two sides speak of one value each. All such cuts must say the same.
  std::optional<ZebraClue> read_pair(std::string_view text, std::string_view middle, ClueType type) const {
    std::optional<ZebraClue> clue;
    for (auto at = text.find(middle); at != std::string_view::npos; at = text.find(middle, at + 1)) {
      const auto a = mention_in(text.substr(0, at)), b = mention_in(text.substr(at + middle.size()));
      if (!a || !b || *a == *b) continue;
      if (clue && (clue->a != *a || clue->b != *b)) return std::nullopt;
      clue = ZebraClue{type, *a, *b, 0};
    }
    return clue;
  }

  std::optional<ZebraClue> read_house(std::string_view sentence) const {
    static constexpr std::array<std::string_view, kMaxZebraHouses> kOrdinals = {"first", "second", "third",   "fourth",
                                                                                "fifth", "sixth",  "seventh", "eighth"};
    for (std::size_t house = 0; house < kOrdinals.size(); ++house) {
      for (const auto& [words, type] :
           {std::pair(" is in the ", ClueType::found_at), std::pair(" is not in the ", ClueType::not_at)}) {
        const std::string end = words + std::string(kOrdinals[house]) + " house";
        if (!sentence.ends_with(end)) continue;
        const auto mention = mention_in(sentence.substr(0, sentence.size() - end.size()));
        if (!mention) return std::nullopt;
        return ZebraClue{type, *mention, {}, static_cast<int>(house)};
      }
    }
    return std::nullopt;
  }

  const std::vector<std::string>& keys_;
  std::vector<Spelling> spellings_;
};

/// What stands between backquotes.
std::vector<std::string> quoted_values(const std::string& line) {
  std::vector<std::string> values;
  const std::vector<std::string> parts = split(line, '`');
  for (std::size_t i = 1; i < parts.size(); i += 2) values.push_back(parts[i]);
  return values;
}

/// The sentence of a line "12. Eric is in the first house."; nothing for other lines.
std::optional<std::string> clue_sentence(std::string_view line) {
  const std::size_t dot = line.find(". ");
  if (dot == 0 || dot > 3 || !parse_integer(line.substr(0, dot))) return std::nullopt;
  std::string_view sentence = trim(line.substr(dot + 2));
  if (sentence.ends_with('.')) sentence.remove_suffix(1);
  return std::string(sentence);
}

}  // namespace

Result<ZebraLogicPuzzle> read_zebralogic_puzzle(std::string_view text, const std::vector<std::string>& keys) {
  ZebraLogicPuzzle puzzle;
  std::vector<std::string> sentences;
  for (const std::string& raw : split(text, '\n')) {
    const std::string line(trim(raw));
    if (line.starts_with("- ") && line.find('`') != std::string::npos) puzzle.values.push_back(quoted_values(line));
    if (const auto sentence = clue_sentence(line)) sentences.push_back(*sentence);
  }
  const auto out_of = [](std::size_t n, int least, int most) {
    return n < static_cast<std::size_t>(least) || n > static_cast<std::size_t>(most);
  };
  if (puzzle.values.size() != keys.size() || out_of(keys.size(), kMinZebraAttributes, kMaxZebraAttributes)) {
    return bad_input("lists the values of ", puzzle.values.size(), " attributes for ", keys.size(),
                     " names; there must be as many, from 2 to 8");
  }
  if (sentences.size() > kMaxClues) return bad_input("has ", sentences.size(), " clues; at most 500 are read");
  ClueReader reader(keys);
  for (std::size_t a = 0; a < puzzle.values.size(); ++a) {
    const std::size_t n = puzzle.values[a].size();
    if (n != puzzle.values[0].size() || out_of(n, kMinZebraHouses, kMaxZebraHouses)) {
      return bad_input("lists ", n, " values of ", quoted_excerpt(keys[a]),
                       "; it must be one for each of 2 to 8 houses");
    }
    reader.add_values(static_cast<int>(a), puzzle.values[a]);
  }
  puzzle.size = {static_cast<int>(puzzle.values[0].size()), static_cast<int>(keys.size())};
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const auto clue = sentences[i].size() <= kMaxClueBytes ? reader.read(sentences[i]) : std::nullopt;
    if (!clue) return bad_input("clue ", i + 1, " can't be read: ", quoted_excerpt(sentences[i], 100));
    const bool names_house = clue->type == ClueType::found_at || clue->type == ClueType::not_at;
    if (names_house && clue->house >= puzzle.size.n_houses) return bad_input("clue ", i + 1, " names a house too many");
    puzzle.clues.push_back(*clue);
  }
  return puzzle;
}

}  // namespace assay::suites
