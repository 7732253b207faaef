#include "gui/models/word_diff.h"

#include <QHash>
#include <algorithm>
#include <cstdint>

namespace assay::gui {

namespace {

constexpr std::size_t kMostSteps = 4'000'000;

using Spans = std::vector<TextSpan>;

Spans words_in(const QString& text) {
  Spans words;
  qsizetype begin = -1;
  for (qsizetype i = 0; i <= text.size(); ++i) {
    const bool is_space = i == text.size() || text[i].isSpace();
    if (!is_space && begin < 0) begin = i;
    if (is_space && begin >= 0) {
      words.push_back({begin, i});
      begin = -1;
    }
  }
  return words;
}

QStringView word(const QString& text, const TextSpan& span) {
  return QStringView(text).mid(span.begin, span.end - span.begin);
}

/// Appends, and joins with the span before where only white space lies between them.
void add(Spans& spans, const Spans& words, std::size_t i) {
  if (!spans.empty() && i > 0 && spans.back().end == words[i - 1].end) {
    spans.back().end = words[i].end;
  } else {
    spans.push_back(words[i]);
  }
}

}  // namespace

WordDiff word_diff(const QString& left, const QString& right) {
  const Spans a = words_in(left);
  const Spans b = words_in(right);
  const auto same = [&](std::size_t i, std::size_t j) { return word(left, a[i]) == word(right, b[j]); };
  std::size_t begin = 0;
  while (begin < a.size() && begin < b.size() && same(begin, begin)) ++begin;
  std::size_t a_end = a.size(), b_end = b.size();
  while (a_end > begin && b_end > begin && same(a_end - 1, b_end - 1)) {
    --a_end;
    --b_end;
  }
  const std::size_t n = a_end - begin, m = b_end - begin;
  WordDiff diff;
  if (n == 0 || m == 0 || n > UINT16_MAX || m > UINT16_MAX || n * m > kMostSteps) {
    diff.is_exact = n == 0 || m == 0;
    for (std::size_t i = begin; i < a_end; ++i) add(diff.left, a, i);
    for (std::size_t j = begin; j < b_end; ++j) add(diff.right, b, j);
    return diff;
  }
  // length[i][j]: of the longest common subsequence of the words from i and from j on.
  std::vector<std::uint16_t> length((n + 1) * (m + 1), 0);
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint16_t& { return length[i * (m + 1) + j]; };
  std::vector<std::size_t> hash_a(n), hash_b(m);
  for (std::size_t i = 0; i < n; ++i) hash_a[i] = qHash(word(left, a[begin + i]));
  for (std::size_t j = 0; j < m; ++j) hash_b[j] = qHash(word(right, b[begin + j]));
  const auto equal = [&](std::size_t i, std::size_t j) { return hash_a[i] == hash_b[j] && same(begin + i, begin + j); };
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      at(i, j) = equal(i, j) ? static_cast<std::uint16_t>(at(i + 1, j + 1) + 1) : std::max(at(i + 1, j), at(i, j + 1));
    }
  }
  std::size_t i = 0, j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && equal(i, j)) {
      ++i;
      ++j;
    } else if (j == m || (i < n && at(i + 1, j) >= at(i, j + 1))) {
      add(diff.left, a, begin + i++);
    } else {
      add(diff.right, b, begin + j++);
    }
  }
  return diff;
}

}  // namespace assay::gui
