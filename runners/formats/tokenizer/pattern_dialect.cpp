#include "runners/formats/tokenizer/pattern_dialect.h"

#include <algorithm>
#include <array>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

bool is_letter_or_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

class Translator {
 public:
  Translator(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {}

  Result<std::string> run() {
    while (at_ < pattern_.size()) ASSAY_TRY(step());
    if (in_class_) return refuse("the class [… has no end");
    return std::move(out_);
  }

 private:
  Error refuse(std::string_view reason) const {
    return bad_input(where_, ": byte ", at_, " of the pattern ", quoted_excerpt(pattern_), ": ", reason);
  }
  bool starts_with(std::string_view text) const { return pattern_.substr(at_, text.size()) == text; }
  void copy(std::size_t n_bytes) {
    out_ += pattern_.substr(at_, n_bytes);
    at_ += n_bytes;
  }

  Result<> step() {
    const char c = pattern_[at_];
    if (c == '\\') return escape();
    if (in_class_) return class_member(c);
    if (c == '[') return open_class();
    if (c == '(') return open_group();
    if (c == '{') return counted_repeat();
    copy(1);
    return {};
  }

  Result<> escape() {
    if (at_ + 1 >= pattern_.size()) return refuse("nothing follows the backslash");
    const char c = pattern_[at_ + 1];
    if (c == 's' || c == 'S') {
      out_ += c == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
      at_ += 2;
      return {};
    }
    if (c == 'p' || c == 'P') {
      const std::size_t end = pattern_.find('}', at_);
      if (at_ + 2 >= pattern_.size() || pattern_[at_ + 2] != '{' || end == std::string_view::npos) {
        return refuse("a property is written \\p{Name}");
      }
      copy(end + 1 - at_);
      return {};
    }
    if (is_letter_or_digit(c) && std::string_view("dDrntf").find(c) == std::string_view::npos) {
      return refuse(std::string("the escape \\") + c +
                    " is not supported (known are \\s \\S \\p \\P \\d \\D \\r \\n \\t \\f)");
    }
    copy(2);
    return {};
  }

  Result<> open_class() {
    in_class_ = true;
    copy(starts_with("[^") ? 2 : 1);
    if (starts_with("]")) return refuse("a class may not start with an unescaped ]");
    return {};
  }

  Result<> class_member(char c) {
    if (c == '[') return refuse("a class within a class is not supported; escape the bracket: \\[");
    if (starts_with("&&")) return refuse("the intersection && of classes is not supported");
    if (c == ']') in_class_ = false;
    copy(1);
    return {};
  }

  Result<> open_group() {
    static constexpr std::array<std::string_view, 7> kKnown = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    if (!starts_with("(?") && !starts_with("(*")) {
      copy(1);
      return {};
    }
    const auto known =
        std::find_if(kKnown.begin(), kKnown.end(), [&](std::string_view opening) { return starts_with(opening); });
    if (known == kKnown.end()) return refuse("this group is not supported (known are (?: (?i: (?= (?! (?<= (?<! (?>)");
    copy(known->size());
    return {};
  }

  /// {n}, {n,} or {n,m}. A + behind it is possessive in PCRE2 and a second repeat in Oniguruma.
  Result<> counted_repeat() {
    std::size_t end = at_ + 1;
    while (end < pattern_.size() && is_digit(pattern_[end])) ++end;
    const bool has_minimum = end > at_ + 1;
    if (end < pattern_.size() && pattern_[end] == ',') ++end;
    while (end < pattern_.size() && is_digit(pattern_[end])) ++end;
    if (!has_minimum || end >= pattern_.size() || pattern_[end] != '}') {
      return refuse("a repeat is written {n}, {n,} or {n,m}; a literal brace \\{");
    }
    copy(end + 1 - at_);
    if (starts_with("+")) return refuse("a + behind {n,m} is not supported");
    return {};
  }

  std::string_view pattern_;
  std::string_view where_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

Result<std::string> to_pcre2(std::string_view pattern, std::string_view where) {
  return Translator(pattern, where).run();
}

}  // namespace assay::runners
