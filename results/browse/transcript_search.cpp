#include <algorithm>
#include <set>

#include "harness/base/text.h"
#include "results/browse/sample_index.h"

namespace assay::results {

namespace {

constexpr std::size_t kMostWords = 32;
constexpr std::size_t kMostTypedBytes = 2000;
constexpr std::size_t kExcerptBytes = 160;
constexpr std::size_t kBeforeMatch = 50;
constexpr std::size_t kLeastPrefix = 2;

constexpr std::string_view kMatches =
    "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC";
constexpr std::string_view kKeysOfRun =
    "SELECT s.sample_key FROM runs r JOIN run_suites rs ON rs.run_key = r.run_key "
    "JOIN items i ON i.run_suite_id = rs.run_suite_id JOIN samples s ON s.item_key = i.item_key WHERE r.run_id = ?1";
constexpr std::string_view kHit =
    "SELECT r.run_id, rs.suite, i.item, s.sample, s.text FROM samples s JOIN items i ON i.item_key = s.item_key "
    "JOIN run_suites rs ON rs.run_suite_id = i.run_suite_id JOIN runs r ON r.run_key = rs.run_key "
    "WHERE s.sample_key = ?1";

/// A word or a phrase that was typed.
struct Term {
  std::string text;
  bool is_prefix = false;
};

bool is_word_byte(char c) { return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80; }

std::vector<Term> terms_of(std::string_view typed) {
  // Control characters separate: the index's query language ends at a NUL.
  std::string text = to_valid_utf8(typed.substr(0, kMostTypedBytes));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  std::vector<Term> terms;
  std::size_t at = 0;
  while (at < text.size() && terms.size() < kMostWords) {
    Term term;
    std::size_t end = 0;
    if (text[at] == '"') {
      end = std::min(text.find('"', at + 1), text.size());
      term.text = text.substr(at + 1, end - at - 1);
      end = std::min(end + 1, text.size());
      if (end < text.size() && text[end] == '*') {
        term.is_prefix = true;
        ++end;
      }
    } else {
      end = std::min(text.find_first_of(" \"", at), text.size());
      term.text = text.substr(at, end - at);
      if (term.text.ends_with('*')) term.is_prefix = true;
      while (term.text.ends_with('*')) term.text.pop_back();
    }
    at = std::max(end, at + 1);
    const auto n_letters = std::count_if(term.text.begin(), term.text.end(), is_word_byte);
    if (n_letters == 0) continue;
    term.is_prefix = term.is_prefix && static_cast<std::size_t>(n_letters) >= kLeastPrefix;
    terms.push_back(std::move(term));
  }
  return terms;
}

/// Where `word` (lower case) begins in `text` (lower case), at the beginning of a word if it does so anywhere.
std::size_t find_word(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    if (at == 0 || !is_word_byte(text[at - 1])) return at;
  }
  return text.find(word);
}

}  // namespace

std::string match_expression(std::string_view words) {
  std::string expression;
  for (const Term& term : terms_of(words)) {
    if (!expression.empty()) expression += ' ';
    expression += '"' + replace_all(term.text, "\"", "\"\"") + '"' + (term.is_prefix ? " *" : "");
  }
  return expression;
}

std::string excerpt_around(std::string_view text, std::string_view words) {
  const std::vector<Term> terms = terms_of(words);
  std::size_t found = std::string::npos;
  if (!terms.empty()) {
    const std::string lower = to_lower_ascii(text);
    for (const Term& term : terms) {
      found = find_word(lower, to_lower_ascii(term.text));
      if (found != std::string::npos) break;
    }
  }
  std::size_t begin = found == std::string::npos || found < kBeforeMatch ? 0 : found - kBeforeMatch;
  std::size_t end = std::min(begin + kExcerptBytes, text.size());
  const auto is_inside = [&](std::size_t i) {
    return i < text.size() && (static_cast<unsigned char>(text[i]) >> 6) == 2;
  };
  while (begin > 0 && is_inside(begin)) --begin;
  while (end < text.size() && is_inside(end)) ++end;
  std::string excerpt = to_valid_utf8(text.substr(begin, end - begin));
  std::replace_if(
      excerpt.begin(), excerpt.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return (begin > 0 ? "… " : "") + excerpt + (end < text.size() ? " …" : "");
}

Result<TranscriptMatches> SampleIndex::search(std::string_view words, std::span<const RunId> runs,
                                              std::size_t most) const {
  TranscriptMatches matches;
  const std::string expression = match_expression(words);
  if (expression.empty()) return matches;
  if (!index_) return environment_error(index_error_);
  std::vector<std::int64_t> keys;  // of the runs
  ASSAY_ASSIGN(auto row, database_->prepare(kKeysOfRun));
  for (const RunId& run : runs) {
    row.reset();
    row.bind(1, run.value);
    ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
      keys.push_back(row.integer(0));
      return {};
    }));
  }
  std::sort(keys.begin(), keys.end());
  if (!runs.empty() && keys.empty()) return matches;

  ASSAY_ASSIGN(auto match, index_->prepare(kMatches));
  match.bind(1, expression);
  match.bind(2, runs.empty() ? std::int64_t{0} : keys.front());
  match.bind(3, runs.empty() ? INT64_MAX : keys.back());
  while (true) {
    ASSAY_ASSIGN(const bool found, match.step());
    if (!found) return matches;
    const std::int64_t key = match.integer(0);
    if (!runs.empty() && !std::binary_search(keys.begin(), keys.end(), key)) continue;
    if (matches.sample_keys.size() == most) {
      matches.has_more = true;
      return matches;
    }
    matches.sample_keys.push_back(key);
  }
}

Result<std::vector<TranscriptHit>> SampleIndex::hits(std::span<const std::int64_t> keys, std::string_view words) const {
  std::vector<TranscriptHit> hits;
  ASSAY_ASSIGN(auto row, database_->prepare(kHit));
  for (const std::int64_t key : keys) {
    row.reset();
    ASSAY_ASSIGN(const bool found, row.bind(1, key).step());
    if (!found) return bad_input(database_->path().string(), ": there is no sample ", key);
    hits.push_back(
        {RunId(row.text(0)), {row.text(1), ItemId(row.text(2)), row.integer(3)}, excerpt_around(row.text(4), words)});
  }
  return hits;
}

}  // namespace assay::results
