#pragma once
// Where two texts differ, word by word. Pure.

#include <QString>
#include <vector>

namespace assay::gui {

/// Characters [begin, end) of a text.
struct TextSpan {
  qsizetype begin = 0, end = 0;
  bool operator==(const TextSpan&) const = default;
};

struct WordDiff {
  std::vector<TextSpan> left, right;  ///< words that the other side lacks; neighbours are one span
  bool is_exact = true;  ///< false: too long to compare, so all between the common beginning and end is marked
};

/// The longest common subsequence of words (what stands between white space), after the common beginning and end; texts
/// whose middles have n and m words with n·m above four million are not compared further. Takes some 20 ms at most for
/// texts of up to a million characters.
WordDiff word_diff(const QString& left, const QString& right);

}  // namespace assay::gui
