#include "suites/math/units.h"

#include <algorithm>
#include <map>
#include <set>

#include "harness/base/text.h"

namespace assay::suites {

bool is_unit_word(std::string_view word) {
  static const std::set<std::string_view> units{
      "cm",        "mm",     "km",     "kg",      "mg",      "ml",      "mL",      "ft",       "mph",     "kmh",
      "hr",        "hrs",    "min",    "sec",     "inch",    "inches",  "feet",    "foot",     "yards",   "yard",
      "miles",     "mile",   "meters", "metres",  "meter",   "metre",   "grams",   "gram",     "liters",  "litres",
      "liter",     "litre",  "hours",  "hour",    "minutes", "minute",  "seconds", "second",   "days",    "day",
      "weeks",     "week",   "months", "years",   "year",    "degrees", "degree",  "radians",  "dollars", "dollar",
      "cents",     "cent",   "units",  "unit",    "square",  "cubic",   "people",  "students", "ways",    "times",
      "points",    "pounds", "ounces", "am",      "pm",      "Hz",      "eV",      "mol",      "kJ",      "rad",
      "solutions", "apples", "books",  "cookies", "bills",   "USD",     "deg",     "EUR",      "GBP"};
  return units.count(word) != 0;
}

namespace {

/// True for a word that changes the value before it.
bool changes_value(std::string_view word) {
  static const std::set<std::string_view> words{
      "squared", "cubed",  "factorial", "plus",  "minus",    "over",      "more",  "less",  "half",
      "halves",  "third",  "thirds",    "mod",   "modulo",   "than",      "from",  "with",  "divided",
      "base",    "tenths", "quarter",   "fifth", "quarters", "fifths",    "twice", "power", "repeating",
      "fourth",  "choose", "fourths",   "or",    "and",      "recurring", "to",    "into",  "hundredths"};
  return words.count(word) != 0;
}

}  // namespace

bool is_counted_thing(std::string_view word) {
  const auto is_vowel = [](char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; };
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return word.size() >= 4 && std::all_of(word.begin(), word.end(), is_lower) &&
         std::any_of(word.begin(), word.end(), is_vowel) && !changes_value(word);
}

bool is_unit_text(std::string_view text) {
  text = trim(text);
  return !changes_value(text.substr(0, text.find(' ')));
}

bool is_unit_symbol(std::string_view symbol) {
  static const std::set<std::string_view> symbols{"m",  "s",   "g",   "N",   "J",   "K",   "V",   "W",    "A",   "L",
                                                  "C",  "T",   "F",   "h",   "l",   "Pa",  "kPa", "kg",   "km",  "cm",
                                                  "mm", "nm",  "ms",  "kN",  "kW",  "kJ",  "MJ",  "MeV",  "keV", "eV",
                                                  "Hz", "kHz", "MHz", "mol", "rad", "min", "cal", "Omega"};
  return symbols.count(symbol) != 0;
}

std::string_view known_unit(std::string_view unit) {
  static const std::map<std::string_view, std::string_view> names{
      {"cm", "cm"},         {"centimeters", "cm"}, {"mm", "mm"},
      {"km", "km"},         {"kilometers", "km"},  {"m", "m"},
      {"meters", "m"},      {"metres", "m"},       {"meter", "m"},
      {"feet", "ft"},       {"ft", "ft"},          {"foot", "ft"},
      {"inches", "in"},     {"inch", "in"},        {"in", "in"},
      {"miles", "mi"},      {"mile", "mi"},        {"yards", "yd"},
      {"yard", "yd"},       {"hours", "h"},        {"hour", "h"},
      {"h", "h"},           {"minutes", "min"},    {"min", "min"},
      {"minute", "min"},    {"seconds", "s"},      {"s", "s"},
      {"second", "s"},      {"days", "d"},         {"day", "d"},
      {"cents", "cent"},    {"cent", "cent"},      {"dollars", "dollar"},
      {"dollar", "dollar"}, {"kg", "kg"},          {"g", "g"},
      {"grams", "g"},       {"am", "am"},          {"pm", "pm"},
      {"a.m.", "am"},       {"p.m.", "pm"},        {"degrees", "degree"},
      {"radians", "rad"}};
  const auto found = names.find(trim(unit));
  return found == names.end() ? std::string_view() : found->second;
}

}  // namespace assay::suites
