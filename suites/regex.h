#pragma once
// Regular expressions over UTF-8, through PCRE2. For patterns of our own: texts come from outside, patterns never do.

#include <cstddef>
#include <memory>
#include <string_view>

namespace assay::suites {

/// A compiled pattern. Immutable, so any thread may match with it.
class Regex {
 public:
  /// `pattern` is PCRE2's syntax with Unicode properties, "." matching line breaks too; that it compiles is asserted.
  explicit Regex(std::string_view pattern);
  Regex(Regex&&) noexcept;
  ~Regex();

  /// True if it matches somewhere in `text`, which is well-formed UTF-8. A match that takes more than a million steps
  /// is none, so time is bounded.
  bool matches(std::string_view text) const;
  /// The number of matches that don't overlap, at most `limit`.
  std::size_t count(std::string_view text, std::size_t limit) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace assay::suites
