#pragma once
// A place in a run of tokens, for the parser of expressions.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "suites/math/math_tokens.h"

namespace assay::suites {

/// Looks at tokens and takes them. It owns a copy, since a run of letters or digits may be taken one by one.
class TokenCursor {
 public:
  explicit TokenCursor(std::span<const MathToken> tokens) : tokens_(tokens.begin(), tokens.end()) {}

 protected:
  using Kind = MathTokenKind;

  bool at_end() const { return at_ >= tokens_.size(); }
  const MathToken* token(std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? &tokens_[at_ + ahead] : nullptr;
  }
  bool is_sign(std::string_view sign, std::size_t ahead = 0) const {
    const MathToken* next = token(ahead);
    return next != nullptr && next->kind == Kind::sign && next->text == sign;
  }
  bool is_command(std::string_view name, std::size_t ahead = 0) const {
    const MathToken* next = token(ahead);
    return next != nullptr && next->kind == Kind::command && next->text == name;
  }
  bool take(std::string_view sign) {
    if (!is_sign(sign)) return false;
    ++at_;
    return true;
  }
  /// True before a word that is a unit.
  bool unit_follows(std::size_t ahead = 0) const;
  /// Takes the first letter of a run.
  std::string first_letter();
  /// Takes one token, or the inside of a group, as text; nothing if a group doesn't close.
  std::optional<std::string> raw_argument();

  std::vector<MathToken> tokens_;
  std::size_t at_ = 0;
};

}  // namespace assay::suites
