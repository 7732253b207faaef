#include "runners/formats/tokenizer/added_token_finder.h"

#include <utf8proc.h>

#include <algorithm>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

/// Unicode's White_Space property (PropList.txt; unchanged since Unicode 6.3).
bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// \w of UTS #18, annex C: letters, marks, decimal digits, letter numbers, connectors, joiners, circled letters.
bool is_word_character(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:  // Join_Control, and the symbols that are Alphabetic
      return c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
             (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
  }
}

/// Where the character before `end` begins. `text` is well-formed and `end` > 0.
std::size_t begin_of_last(std::string_view text, std::size_t end) {
  std::size_t at = end - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

std::size_t skip_space_left(std::string_view text, std::size_t end, std::size_t limit) {
  while (end > limit) {
    const std::size_t begin = begin_of_last(text, end);
    std::size_t at = begin;
    if (begin < limit || !is_white_space(next_code_point(text, at))) break;
    end = begin;
  }
  return end;
}

std::size_t skip_space_right(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    std::size_t at = begin;
    if (!is_white_space(next_code_point(text, at))) break;
    begin = at;
  }
  return begin;
}

}  // namespace

Result<AddedTokenFinder> AddedTokenFinder::create(std::vector<AddedToken> tokens) {
  constexpr std::size_t kMaxContentBytes = 4096;
  AddedTokenFinder finder;
  finder.tokens_ = std::move(tokens);
  for (std::size_t i = 0; i < finder.tokens_.size(); ++i) {
    const AddedToken& token = finder.tokens_[i];
    if (token.content.empty()) return bad_input("added token ", token.id, " has no content");
    if (token.content.size() > kMaxContentBytes) {
      return bad_input("added token ", token.id, " has ", token.content.size(), " bytes, more than ", kMaxContentBytes);
    }
    finder.insert(static_cast<std::int32_t>(i));
  }
  return finder;
}

std::int32_t AddedTokenFinder::child(std::int32_t node, unsigned char byte) const {
  if (node == 0) return roots_[byte] == 0 ? -1 : roots_[byte];
  for (std::int32_t next = nodes_[node].first_child; next >= 0; next = nodes_[next].next_sibling) {
    if (nodes_[next].byte == byte) return next;
  }
  return -1;
}

void AddedTokenFinder::insert(std::int32_t token) {
  std::int32_t node = 0;
  for (const char c : tokens_[token].content) {
    const auto byte = static_cast<unsigned char>(c);
    std::int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<std::int32_t>(nodes_.size());
      nodes_.push_back({.byte = byte, .next_sibling = nodes_[node].first_child});
      nodes_[node].first_child = next;
      if (node == 0) roots_[byte] = next;
    }
    node = next;
  }
  nodes_[node].token = token;
}

std::int32_t AddedTokenFinder::longest_at(std::string_view text, std::size_t at, const Allowed& allowed) const {
  std::int32_t longest = -1;
  for (std::int32_t node = 0; at < text.size(); ++at) {
    node = child(node, static_cast<unsigned char>(text[at]));
    if (node < 0) break;
    if (nodes_[node].token >= 0 && allowed(tokens_[nodes_[node].token].id)) longest = nodes_[node].token;
  }
  return longest;
}

bool AddedTokenFinder::stands_alone(std::string_view text, std::size_t begin, std::size_t end) const {
  if (begin > 0) {
    std::size_t at = begin_of_last(text, begin);
    if (is_word_character(next_code_point(text, at))) return false;
  }
  return end >= text.size() || !is_word_character(next_code_point(text, end));
}

std::vector<TextPart> AddedTokenFinder::cut(std::string_view text, const Allowed& allowed) const {
  std::vector<TextPart> parts;
  std::size_t done = 0;  // everything before it is in `parts` or swallowed
  for (std::size_t at = 0; at < text.size();) {
    const std::int32_t index = longest_at(text, at, allowed);
    if (index < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[index];
    std::size_t begin = at;
    std::size_t end = at + token.content.size();
    at = end;
    if (token.single_word && !stands_alone(text, begin, end)) continue;
    if (token.lstrip) begin = skip_space_left(text, begin, done);
    if (token.rstrip) end = skip_space_right(text, end);
    if (begin > done) parts.push_back({text.substr(done, begin - done)});
    parts.push_back({text.substr(begin, end - begin), token.id});
    done = at = end;
  }
  if (done < text.size()) parts.push_back({text.substr(done)});
  return parts;
}

}  // namespace assay::runners
