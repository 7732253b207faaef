#pragma once
// TeX's commands and other characters, as far as answers use them.

#include <string_view>

namespace assay::suites {

/// True for the name of a Greek letter.
bool is_greek(std::string_view command);
/// True for what changes looks and not values: "left", "quad", "mathbf".
bool is_typography(std::string_view command);
/// True for commands whose argument is text: "text", "mathrm".
bool is_text_command(std::string_view command);
/// True for every command that is listed here, whether anything is made of it or not.
bool is_known_command(std::string_view command);

/// The sign that a command stands for, such as "<=" for "leq"; empty: none.
std::string_view sign_of_command(std::string_view command);
/// The sign that a character outside ASCII stands for; empty: none.
std::string_view sign_of_character(char32_t character);
/// The command that a character stands for, such as "pi" for π; empty: none.
std::string_view command_of_character(char32_t character);

/// What a raised character such as "²" or "⁻" is on the line, and a lowered one such as "₁"; empty for any other.
std::string_view superscript(char32_t character);
std::string_view subscript(char32_t character);
/// "1/2" for "½"; empty for a character that is no fraction.
std::string_view vulgar_fraction(char32_t character);

/// The digits of a word such as "million" or "dozen" that multiplies the number before it; empty for any other word.
std::string_view scale_of_word(std::string_view word);
/// True for a currency's name or sign that stands before an amount: "USD", "Rs".
bool is_currency(std::string_view word);

/// The one name of a command's synonyms: "frac" for "dfrac".
std::string_view command_spelling(std::string_view command);
/// True for functions and constants that plain text names without a backslash: "sqrt", "pi".
bool is_plain_function(std::string_view run);

}  // namespace assay::suites
