#pragma once
// A reply's text as it comes in: cut at stop strings, and parted into thoughts and answer. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace assay::serve {

/// Gives out text up to the first of the stop strings; what may be the beginning of one is held back. The outcome does
/// not depend on how the text was cut into pieces.
class StopFilter {
 public:
  explicit StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// The text that is safe to give out. Nothing any more once a stop string was found.
  std::string push(std::string_view text);
  /// What was held back, at the end of the text.
  std::string finish();
  bool found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool found_ = false;
};

/// What a piece of text adds to a reply's two parts.
struct ReplyParts {
  std::string reasoning, content;
};

/// Parts a reply into what stands between <think> and the first </think>, and what comes behind, to the byte. Where the
/// template has opened the thoughts, they begin at once; else with a <think> that only white space precedes.
class ReasoningSplitter {
 public:
  explicit ReasoningSplitter(bool opened) : place_(opened ? Place::thoughts : Place::start) {}

  ReplyParts push(std::string_view text);
  ReplyParts finish();

 private:
  enum class Place { start, thoughts, answer };
  Place place_;
  std::string held_;
};

/// How many bytes at the end of `text` may be the beginning of `word`, short of all of it.
std::size_t partial_match(std::string_view text, std::string_view word);

}  // namespace assay::serve
