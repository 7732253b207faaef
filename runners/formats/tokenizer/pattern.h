#pragma once
// A compiled splitting pattern (PCRE2 with its just-in-time compiler).

#include <memory>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

/// Moves, never copies. Any number of threads may use one Pattern at a time.
class Pattern {
 public:
  /// Error{bad_input} with `where` and the byte offset for a pattern that is no regular expression, is longer than 64
  /// KiB, or is not supported (pattern_dialect.h).
  static Result<Pattern> compile(const SplitStep& step, std::string_view where);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  /// Appends the parts of `text` (well-formed UTF-8): each match and each gap between matches, in order, none empty,
  /// nothing lost. They point into `text`. Error{bad_input} if matching exceeds its limits (a pattern that backtracks
  /// without end).
  Result<> split(std::string_view text, std::vector<std::string_view>& pieces) const;

 private:
  struct Code;
  explicit Pattern(std::unique_ptr<Code> code);
  std::unique_ptr<Code> code_;
};

}  // namespace assay::runners
