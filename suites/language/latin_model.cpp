#include "suites/language/latin_model.h"

#include <cmath>

#include "harness/base/text.h"
#include "suites/language/latin_text.h"
#include "suites/language/words.h"

namespace assay::suites {

namespace {

constexpr float kFrequentWordWeight = 3;  // a listed word counts as often as one that stands in three sentences
constexpr double kWordShare = 0.5;        // of the mixture; the rest is the letters'
constexpr double kTripleBackoff = 3, kPairBackoff = 5, kLetterFloor = 0.5;
constexpr double kAlphabet = 64;
constexpr std::uint64_t kEdge = 1;  // stands before and behind each word

std::uint64_t key(std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0) { return a << 42 | b << 21 | c; }

/// The letters of a word between two edges on the left and one on the right.
std::u32string edged(std::string_view word) {
  std::u32string letters{static_cast<char32_t>(kEdge), static_cast<char32_t>(kEdge)};
  for (std::size_t at = 0; at < word.size();) letters += next_code_point(word, at);
  letters += static_cast<char32_t>(kEdge);
  return letters;
}

}  // namespace

const LatinModel& LatinModel::trained() {
  static const LatinModel model;
  return model;
}

LatinModel::LatinModel() {
  for (const LatinText& text : latin_texts()) {
    const auto language = static_cast<std::size_t>(text.language);
    add(text.sentences, language, 1);
    add(text.frequent_words, language, kFrequentWordWeight);
  }
}

void LatinModel::add(std::string_view text, std::size_t language, float weight) {
  for (const Word& word : split_words(text)) add_word(word.text, language, weight);
}

void LatinModel::add_word(const std::string& word, std::size_t language, float weight) {
  words_[word][language] += weight;
  n_words_[language] += weight;
  const std::u32string letters = edged(word);
  for (std::size_t i = 2; i < letters.size(); ++i) {
    const std::uint64_t a = letters[i - 2], b = letters[i - 1], c = letters[i];
    singles_[key(c)][language] += weight;
    pairs_[key(b, c)][language] += weight;
    pair_starts_[key(b)][language] += weight;
    triples_[key(a, b, c)][language] += weight;
    triple_starts_[key(a, b)][language] += weight;
    n_letters_[language] += weight;
  }
}

std::array<double, kLatinLanguages> LatinModel::log_likelihoods(std::string_view word) const {
  static constexpr Counts kNone{};
  const auto counts = [](const Table& table, std::uint64_t of) -> const Counts& {
    const auto found = table.find(of);
    return found == table.end() ? kNone : found->second;
  };
  std::array<double, kLatinLanguages> letters_log{};
  const std::u32string letters = edged(word);
  for (std::size_t i = 2; i < letters.size(); ++i) {
    const std::uint64_t a = letters[i - 2], b = letters[i - 1], c = letters[i];
    const Counts& single = counts(singles_, key(c));
    const Counts& pair = counts(pairs_, key(b, c));
    const Counts& pair_start = counts(pair_starts_, key(b));
    const Counts& triple = counts(triples_, key(a, b, c));
    const Counts& triple_start = counts(triple_starts_, key(a, b));
    for (std::size_t l = 0; l < kLatinLanguages; ++l) {
      const double of_one = (single[l] + kLetterFloor) / (n_letters_[l] + kLetterFloor * kAlphabet);
      const double of_two = (pair[l] + kPairBackoff * of_one) / (pair_start[l] + kPairBackoff);
      const double of_three = (triple[l] + kTripleBackoff * of_two) / (triple_start[l] + kTripleBackoff);
      letters_log[l] += std::log(of_three);
    }
  }
  const auto known = words_.find(std::string(word));
  std::array<double, kLatinLanguages> result{};
  for (std::size_t l = 0; l < kLatinLanguages; ++l) {
    const double of_word = known == words_.end() ? 0 : known->second[l] / n_words_[l];
    result[l] = std::log(kWordShare * of_word + (1 - kWordShare) * std::exp(letters_log[l]) + 1e-300);
  }
  return result;
}

}  // namespace assay::suites
