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

/// The one name of a command's synonyms: "frac" for "dfrac".
std::string_view command_spelling(std::string_view command);
/// True for functions and constants that plain text names without a backslash: "sqrt", "pi".
bool is_plain_function(std::string_view run);

}  // namespace assay::suites
