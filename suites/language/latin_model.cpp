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

/// Three code points of 21 bits each.
constexpr std::uint64_t kLetterMask = 0x1FFFFF;
std::uint64_t key(std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0) { return a << 42 | b << 21 | c; }

/// Calls `take(a, b, c)` for each letter c of a word with the two before it, and for the edge behind the word.
template <class Take>
void for_each_triple(std::string_view word, Take take) {
  std::uint64_t a = kEdge, b = kEdge;
  for (std::size_t at = 0; at < word.size();) {
    const std::uint64_t c = next_code_point(word, at);
    take(a, b, c);
    a = b;
    b = c;
  }
  take(a, b, kEdge);
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
  for (const auto& [triple, counts] : triples_) {
    known_triples_[triple] = letter_probabilities(triple >> 42, triple >> 21 & kLetterMask, triple & kLetterMask);
  }
  for (const auto& [word, counts] : words_) known_words_[word] = log_likelihoods_of(word);
}

void LatinModel::add(std::string_view text, std::size_t language, float weight) {
  for (const Word& word : split_words(text)) add_word(word.text, language, weight);
}

void LatinModel::add_word(const std::string& word, std::size_t language, float weight) {
  words_[word][language] += weight;
  n_words_[language] += weight;
  for_each_triple(word, [&](std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    singles_[key(c)][language] += weight;
    pairs_[key(b, c)][language] += weight;
    pair_starts_[key(b)][language] += weight;
    triples_[key(a, b, c)][language] += weight;
    triple_starts_[key(a, b)][language] += weight;
    n_letters_[language] += weight;
  });
}

LatinModel::Numbers LatinModel::letter_probabilities(std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
  static constexpr Counts kNone{};
  const auto counts = [](const Table& table, std::uint64_t of) -> const Counts& {
    const auto found = table.find(of);
    return found == table.end() ? kNone : found->second;
  };
  const Counts& single = counts(singles_, key(c));
  const Counts& pair = counts(pairs_, key(b, c));
  const Counts& pair_start = counts(pair_starts_, key(b));
  const Counts& triple = counts(triples_, key(a, b, c));
  const Counts& triple_start = counts(triple_starts_, key(a, b));
  Numbers probabilities{};
  for (std::size_t l = 0; l < kLatinLanguages; ++l) {
    const double of_one = (single[l] + kLetterFloor) / (n_letters_[l] + kLetterFloor * kAlphabet);
    const double of_two = (pair[l] + kPairBackoff * of_one) / (pair_start[l] + kPairBackoff);
    probabilities[l] = (triple[l] + kTripleBackoff * of_two) / (triple_start[l] + kTripleBackoff);
  }
  return probabilities;
}

LatinModel::Numbers LatinModel::log_likelihoods_of(const std::string& word) const {
  Numbers of_letters;
  of_letters.fill(1);
  for_each_triple(word, [&](std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    const auto triple = known_triples_.find(key(a, b, c));
    const auto probabilities = triple != known_triples_.end() ? triple->second : letter_probabilities(a, b, c);
    for (std::size_t l = 0; l < kLatinLanguages; ++l) of_letters[l] *= probabilities[l];
  });
  const auto known = words_.find(word);
  Numbers result{};
  for (std::size_t l = 0; l < kLatinLanguages; ++l) {
    const double of_word = known == words_.end() ? 0 : known->second[l] / n_words_[l];
    result[l] = std::log(kWordShare * of_word + (1 - kWordShare) * of_letters[l] + 1e-300);
  }
  return result;
}

std::array<double, kLatinLanguages> LatinModel::log_likelihoods(std::string_view word) const {
  const std::string text(word);
  const auto known = known_words_.find(text);
  return known != known_words_.end() ? known->second : log_likelihoods_of(text);
}

}  // namespace assay::suites
