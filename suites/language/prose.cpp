#include "suites/language/prose.h"

#include <algorithm>
#include <map>
#include <optional>

#include "harness/base/text.h"

namespace assay::suites {

namespace {

constexpr std::size_t kMaxFormulaBytes = 20'000;
constexpr std::size_t kMaxTagBytes = 100;
constexpr std::size_t kMaxNameBytes = 40;  // of an environment

bool is_prose_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Each reads what begins at `at` and returns the place behind it, or nothing if it isn't there.
class ProseReader {
 public:
  explicit ProseReader(std::string_view text) : text_(text) {}

  std::string read() {
    std::string prose;
    prose.reserve(text_.size());
    std::size_t kept_from = 0;
    for (std::size_t at = 0; at < text_.size();) {
      const auto behind = may_open(text_[at]) ? skip(at) : std::nullopt;
      if (!behind) {
        ++at;
        continue;
      }
      prose += text_.substr(kept_from, at - kept_from);
      prose += ' ';
      kept_from = at = *behind;
    }
    if (kept_from < text_.size()) prose += text_.substr(kept_from);
    return prose;
  }

 private:
  /// The first characters of what skip() knows.
  static bool may_open(char c) {
    return c == '`' || c == '~' || c == '$' || c == '\\' || c == '<' || c == 'h' || c == 'w';
  }

  std::optional<std::size_t> skip(std::size_t at) {
    switch (text_[at]) {
      case '`':
        return starts(at, "```") ? fence(at) : closed(at, "`", "`", true);
      case '~':
        return starts(at, "~~~") ? fence(at) : std::nullopt;
      case '$':
        return starts(at, "$$") ? closed(at, "$$", "$$", false) : dollars(at);
      case '\\':
        return tex(at);
      case '<':
        return tag(at);
      case 'h':
      case 'w':
        return link(at);
      default:
        return std::nullopt;
    }
  }

  bool starts(std::size_t at, std::string_view sign) const { return text_.substr(at, sign.size()) == sign; }

  std::optional<std::size_t> fence(std::size_t at) {
    const std::size_t close = next(text_.substr(at, 3), at + 3);
    return close == std::string_view::npos ? text_.size() : close + 3;
  }

  /// The first `sign` at or behind `at`. Each sign is looked for from the left only, so the whole takes linear time.
  std::size_t next(std::string_view sign, std::size_t at) {
    std::size_t& known = next_.try_emplace(sign, 0).first->second;
    if (known == 0 || (known != std::string_view::npos && known < at)) known = text_.find(sign, at);
    return known;
  }

  /// From `open` to the next `close`, within bounds.
  std::optional<std::size_t> closed(std::size_t at, std::string_view open, std::string_view close, bool on_one_line) {
    const std::size_t begin = at + open.size(), end = next(close, begin);
    if (end == std::string_view::npos || end - begin > kMaxFormulaBytes) return std::nullopt;
    if (on_one_line && next("\n", begin) < end) return std::nullopt;
    return end + close.size();
  }

  std::optional<std::size_t> dollars(std::size_t at) {
    const auto behind = closed(at, "$", "$", true);
    if (!behind || *behind < at + 3 || is_prose_blank(text_[at + 1]) || is_prose_blank(text_[*behind - 2]))
      return std::nullopt;
    const char next = *behind < text_.size() ? text_[*behind] : ' ';
    return next >= '0' && next <= '9' ? std::nullopt : behind;
  }

  std::optional<std::size_t> tex(std::size_t at) {
    if (starts(at, "\\(")) return closed(at, "\\(", "\\)", false).value_or(at + 2);
    if (starts(at, "\\[")) return closed(at, "\\[", "\\]", false).value_or(at + 2);
    if (starts(at, "\\begin{")) {
      if (const auto name = closed(at, "\\begin{", "\\end{", false)) {
        const std::size_t brace = text_.substr(*name, kMaxNameBytes).find('}');
        return *name + (brace == std::string_view::npos ? 0 : brace + 1);
      }
    }
    std::size_t end = at + 1;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    return end;
  }

  std::optional<std::size_t> tag(std::size_t at) const {
    const std::string_view window = text_.substr(at, kMaxTagBytes);
    const bool is_tag = window.size() > 2 && (is_letter(window[1]) || (window[1] == '/' && is_letter(window[2])));
    const std::size_t end = window.find_first_of(">\n");
    if (!is_tag || end == std::string_view::npos || window[end] == '\n') return std::nullopt;
    return at + end + 1;
  }

  std::optional<std::size_t> link(std::size_t at) const {
    if (!starts(at, "http://") && !starts(at, "https://") && !starts(at, "www.")) return std::nullopt;
    return std::min(text_.find_first_of(" \t\r\n", at), text_.size());
  }

  std::string_view text_;
  std::map<std::string_view, std::size_t> next_;
};

}  // namespace

std::string prose_only(std::string_view text) { return ProseReader(text).read(); }

}  // namespace assay::suites
