#include "suites/math/token_cursor.h"

#include "suites/math/units.h"

namespace assay::suites {

bool TokenCursor::unit_follows(std::size_t ahead) const {
  const MathToken* next = token(ahead);
  if (next == nullptr) return false;
  if (next->kind == Kind::text) return is_unit_text(next->text);
  if (next->kind != Kind::letters) return false;
  const std::size_t place = at_ + ahead;
  const bool follows_number = place > 0 && next->after_space && tokens_[place - 1].kind == Kind::number;
  return is_unit_word(next->text) || (follows_number && is_counted_thing(next->text));
}

std::string TokenCursor::first_letter() {
  std::string& run = tokens_[at_].text;
  const std::string letter = run.substr(0, 1);
  if (run.size() == 1) {
    ++at_;
  } else {
    run.erase(0, 1);
    tokens_[at_].after_space = false;
  }
  return letter;
}

std::optional<std::string> TokenCursor::raw_argument() {
  if (at_end()) return std::nullopt;
  if (!is_sign("{")) {
    if (tokens_[at_].kind == Kind::letters) return first_letter();
    return tokens_[at_++].text;
  }
  std::string text;
  int depth = 0;
  do {
    if (at_end()) return std::nullopt;
    if (is_sign("{")) ++depth;
    if (is_sign("}")) --depth;
    if (!is_sign("{") && !is_sign("}")) text += tokens_[at_].text;
    ++at_;
  } while (depth > 0);
  return text;
}

}  // namespace assay::suites
