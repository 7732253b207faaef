#pragma once
// Where a reply gives its mathematical answer.

#include <optional>
#include <string>
#include <string_view>

namespace assay::suites {

struct ExtractedMath {
  std::string text;  ///< as it was written, without delimiters and emphasis
  std::string rule;  ///< "boxed", "answer_line", "whole_reply", "last_formula" or "last_number"
};

struct MathExtraction {
  std::optional<ExtractedMath> answer;
  bool box_is_open = false;  ///< the last box never closes: the reply was cut, and nothing is extracted
};

/// Extracts from a reply without thoughts, in this order: the last closed box that is not empty; the last clause
/// "answer is" or "answer:" with something behind it; a reply that is one line with nothing but an answer in it; the
/// last formula between TeX's delimiters or number, whichever is later. Any UTF-8, linear time.
MathExtraction extract_math(std::string_view reply);

}  // namespace assay::suites
