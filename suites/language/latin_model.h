#pragma once
// Which of six languages a word in Latin letters is likely to be of.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "suites/language/languages.h"

namespace assay::suites {

/// Word frequencies mixed with a model of letter triples, both counted in latin_texts(): nothing is stored but these
/// texts. Immutable once trained, so any thread may ask.
class LatinModel {
 public:
  static const LatinModel& trained();

  /// Natural logarithm of the word's probability in each Latin-script language. `word` is in lower case.
  std::array<double, kLatinLanguages> log_likelihoods(std::string_view word) const;

 private:
  using Counts = std::array<float, kLatinLanguages>;
  using Numbers = std::array<double, kLatinLanguages>;
  using Table = std::unordered_map<std::uint64_t, Counts>;

  LatinModel();
  void add(std::string_view text, std::size_t language, float weight);
  void add_word(const std::string& word, std::size_t language, float weight);
  /// The probability of letter c behind a and b, in each language.
  Numbers letter_probabilities(std::uint64_t a, std::uint64_t b, std::uint64_t c) const;
  Numbers log_likelihoods_of(const std::string& word) const;

  Table singles_, pairs_, pair_starts_, triples_, triple_starts_;
  std::unordered_map<std::string, Counts> words_;
  std::unordered_map<std::uint64_t, Numbers> known_triples_;  ///< the probabilities of those in triples_
  std::unordered_map<std::string, Numbers> known_words_;      ///< the answers for those in words_
  Counts n_letters_{}, n_words_{};
};

}  // namespace assay::suites
