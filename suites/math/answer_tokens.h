#pragma once
// Runs of tokens, as far as the shape of an answer shows in them.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "suites/math/math_tokens.h"

namespace assay::suites {

using Tokens = std::span<const MathToken>;

bool is_sign(const MathToken& token, std::string_view sign);
/// "=", "<" and the like.
bool is_relation_sign(const MathToken& token);
/// ",", ";", "or" and "and".
bool is_separator(const MathToken& token);

/// The pieces of `tokens` between those outside brackets that is_cut() names; the cutting tokens go to `cuts`.
std::vector<Tokens> cut(Tokens tokens, bool (*is_cut)(const MathToken&), std::vector<std::string>* cuts = nullptr);

/// True if the bracket that opens first closes last.
bool is_enclosed(Tokens tokens);

/// Without punctuation and spacing at both ends.
Tokens without_punctuation(Tokens tokens);

/// Without a word such as "about" in front.
Tokens without_hedge(Tokens tokens);

/// As text, without TeX's groups.
std::string joined(Tokens tokens);

/// Words and nothing else: "Evelyn", "not enough information", "yes".
bool is_wordy(Tokens tokens);

/// "]1, 2[" and "[1, 2[" with the usual brackets; any other tokens as they are.
std::vector<MathToken> with_usual_brackets(std::vector<MathToken> tokens);

/// "6:30" of tokens that begin like a time of day; empty for others.
std::string clock_of(Tokens tokens);

/// The place where a unit's symbols begin that stand behind a number and a space, "5 m/s^2"; 0 if none do.
std::size_t unit_symbols_at(Tokens tokens);

}  // namespace assay::suites
