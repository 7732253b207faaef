#include "suites/math/units.h"

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
      "solutions", "apples", "books",  "cookies", "books",   "bills",   "USD"};
  return units.count(word) != 0;
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
