#include "suites/math/math_commands.h"

#include <map>
#include <set>

namespace assay::suites {

namespace {

using Names = std::set<std::string_view>;

const Names& greek() {
  static const Names names{"alpha", "beta",     "gamma",   "delta",    "epsilon", "varepsilon", "zeta",   "eta",
                           "theta", "vartheta", "iota",    "kappa",    "lambda",  "mu",         "nu",     "xi",
                           "rho",   "varrho",   "sigma",   "varsigma", "tau",     "upsilon",    "phi",    "varphi",
                           "chi",   "psi",      "omega",   "Gamma",    "Delta",   "Theta",      "Lambda", "Xi",
                           "Pi",    "Sigma",    "Upsilon", "Phi",      "Psi",     "Omega",      "hbar",   "ell"};
  return names;
}

/// Commands that the parser knows under their own name.
const Names& own_commands() {
  static const Names names{"pi",      "infty",   "frac",   "sqrt",     "binom",    "sin",      "cos",
                           "tan",     "cot",     "sec",    "csc",      "arcsin",   "arccos",   "arctan",
                           "sinh",    "cosh",    "tanh",   "ln",       "log",      "lg",       "exp",
                           "begin",   "end",     "lfloor", "rfloor",   "lceil",    "rceil",    "dot",
                           "ddot",    "bar",     "hat",    "vec",      "tilde",    "overline", "overrightarrow",
                           "widehat", "mathcal", "mathbb", "mathfrak", "emptyset", "odot",     "partial",
                           "nabla",   "dots",    "ldots",  "cdots",    "angle",    "triangle", "over",
                           "choose"};
  return names;
}

/// Commands that nothing here understands; listed so that they aren't taken for a shorter one with letters behind it.
const Names& foreign_commands() {
  static const Names names{"int",
                           "iint",
                           "oint",
                           "sum",
                           "prod",
                           "lim",
                           "limsup",
                           "liminf",
                           "max",
                           "min",
                           "sup",
                           "gcd",
                           "lcm",
                           "det",
                           "dim",
                           "ker",
                           "deg",
                           "mod",
                           "pmod",
                           "bmod",
                           "perp",
                           "parallel",
                           "subset",
                           "subseteq",
                           "supset",
                           "supseteq",
                           "not",
                           "neg",
                           "forall",
                           "exists",
                           "simeq",
                           "star",
                           "square",
                           "oplus",
                           "otimes",
                           "underbrace",
                           "overbrace",
                           "stackrel",
                           "overset",
                           "underset",
                           "phantom",
                           "hline",
                           "tag",
                           "label",
                           "leftarrow",
                           "Leftarrow",
                           "iff",
                           "Leftrightarrow",
                           "leftrightarrow",
                           "longrightarrow",
                           "mapsto",
                           "therefore",
                           "because",
                           "Re",
                           "Im",
                           "arg",
                           "wp",
                           "aleph",
                           "bigcup",
                           "bigcap",
                           "coprod",
                           "ni",
                           "top",
                           "bot",
                           "models",
                           "vdash",
                           "bullet",
                           "dagger",
                           "lVert",
                           "rVert",
                           "Vert",
                           "overleftrightarrow",
                           "xrightarrow",
                           "cancel"};
  return names;
}

/// Commands that change looks and not values.
const Names& typography() {
  static const Names names{"left",      "right",  "big",          "Big",       "bigg",       "Bigg",   "bigl",
                           "bigr",      "Bigl",   "Bigr",         "biggl",     "biggr",      "quad",   "qquad",
                           "limits",    "mathbf", "mathit",       "mathsf",    "mathnormal", "bm",     "boldsymbol",
                           "boxed",     "fbox",   "displaystyle", "textstyle", "strut",      "middle", "nolimits",
                           "mathstrut", "hfill",  "thinspace",    "hspace",    "bf",         "rm",     "it",
                           "underline", "color",  "textcolor",    "pounds",    "euro",       "yen"};
  return names;
}

const Names& texts() {
  static const Names names{"text",   "mathrm", "textbf", "textit", "textrm",       "textsf",    "texttt",
                           "textup", "mbox",   "hbox",   "emph",   "operatorname", "textnormal"};
  return names;
}

/// Commands and other characters that stand for a sign.
const std::map<std::string_view, std::string_view>& signs_of() {
  static const std::map<std::string_view, std::string_view> signs{
      {"times", "*"},       {"cdot", "*"},      {"ast", "*"},        {"div", "/"},         {"le", "<="},
      {"leq", "<="},        {"leqslant", "<="}, {"ge", ">="},        {"geq", ">="},        {"geqslant", ">="},
      {"lt", "<"},          {"gt", ">"},        {"ne", "!="},        {"neq", "!="},        {"pm", "±"},
      {"mp", "∓"},          {"cup", "∪"},       {"in", "∈"},         {"approx", "≈"},      {"sim", "≈"},
      {"mid", "|"},         {"vert", "|"},      {"lvert", "|"},      {"rvert", "|"},       {"prime", "'"},
      {"circ", "°"},        {"degree", "°"},    {"colon", ":"},      {"lbrace", "\\{"},    {"rbrace", "\\}"},
      {"lbrack", "["},      {"rbrack", "]"},    {"to", "->"},        {"rightarrow", "->"}, {"propto", "∝"},
      {"setminus", "∖"},    {"cap", "∩"},       {"land", "and"},     {"wedge", "and"},     {"lor", "or"},
      {"vee", "or"},        {"equiv", "≡"},     {"varnothing", "∅"}, {"emptyset", "∅"},    {"implies", "->"},
      {"Rightarrow", "->"}, {"cong", "≈"},      {"notin", "∉"},      {"langle", "("},      {"rangle", ")"}};
  return signs;
}

const std::map<char32_t, std::string_view>& signs_of_characters() {
  static const std::map<char32_t, std::string_view> signs{
      {U'−', "-"}, {U'×', "*"},  {U'·', "*"},  {U'⋅', "*"},  {U'∙', "*"},  {U'∗', "*"}, {U'÷', "/"}, {U'∕', "/"},
      {U'⁄', "/"}, {U'≤', "<="}, {U'≥', ">="}, {U'≠', "!="}, {U'±', "±"},  {U'∓', "∓"}, {U'∪', "∪"}, {U'∈', "∈"},
      {U'≈', "≈"}, {U'°', "°"},  {U'′', "'"},  {U'’', "'"},  {U'→', "->"}, {U'∝', "∝"}, {U'∖', "∖"}, {U'∩', "∩"},
      {U'∣', "|"}, {U'∅', "∅"},  {U'–', "-"},  {U'º', "°"},  {U'˚', "°"}};
  return signs;
}

const std::map<char32_t, std::string_view>& commands_of_characters() {
  static const std::map<char32_t, std::string_view> names{
      {U'π', "pi"},    {U'∞', "infty"}, {U'√', "sqrt"},   {U'α', "alpha"}, {U'β', "beta"},  {U'γ', "gamma"},
      {U'δ', "delta"}, {U'θ', "theta"}, {U'λ', "lambda"}, {U'μ', "mu"},    {U'ρ', "rho"},   {U'σ', "sigma"},
      {U'τ', "tau"},   {U'φ', "phi"},   {U'ω', "omega"},  {U'Δ', "Delta"}, {U'Ω', "Omega"}, {U'Σ', "Sigma"}};
  return names;
}

template <class Key>
std::string_view found_in(const std::map<Key, std::string_view>& names, Key key) {
  const auto found = names.find(key);
  return found == names.end() ? std::string_view() : found->second;
}

}  // namespace

bool is_greek(std::string_view command) { return greek().count(command) != 0; }

bool is_typography(std::string_view command) { return typography().count(command) != 0; }

bool is_text_command(std::string_view command) { return texts().count(command) != 0; }

bool is_known_command(std::string_view command) {
  const std::string_view spelled = command_spelling(command);
  return own_commands().count(spelled) != 0 || foreign_commands().count(command) != 0 || is_greek(spelled) ||
         is_typography(command) || is_text_command(command) || !sign_of_command(command).empty();
}

std::string_view sign_of_command(std::string_view command) { return found_in(signs_of(), command); }

std::string_view sign_of_character(char32_t character) { return found_in(signs_of_characters(), character); }

std::string_view command_of_character(char32_t character) { return found_in(commands_of_characters(), character); }

std::string_view superscript(char32_t character) {
  static const std::map<char32_t, std::string_view> plain{
      {U'⁰', "0"}, {U'¹', "1"}, {U'²', "2"}, {U'³', "3"}, {U'⁴', "4"}, {U'⁵', "5"}, {U'⁶', "6"},
      {U'⁷', "7"}, {U'⁸', "8"}, {U'⁹', "9"}, {U'⁺', "+"}, {U'⁻', "-"}, {U'ⁿ', "n"}, {U'ⁱ', "i"}};
  return found_in(plain, character);
}

std::string_view subscript(char32_t character) {
  static const std::map<char32_t, std::string_view> plain{{U'₀', "0"}, {U'₁', "1"}, {U'₂', "2"}, {U'₃', "3"},
                                                          {U'₄', "4"}, {U'₅', "5"}, {U'₆', "6"}, {U'₇', "7"},
                                                          {U'₈', "8"}, {U'₉', "9"}, {U'ₙ', "n"}};
  return found_in(plain, character);
}

std::string_view vulgar_fraction(char32_t character) {
  static const std::map<char32_t, std::string_view> fractions{
      {U'½', "1/2"}, {U'⅓', "1/3"}, {U'⅔', "2/3"}, {U'¼', "1/4"}, {U'¾', "3/4"}, {U'⅕', "1/5"},
      {U'⅖', "2/5"}, {U'⅗', "3/5"}, {U'⅘', "4/5"}, {U'⅙', "1/6"}, {U'⅚', "5/6"}, {U'⅐', "1/7"},
      {U'⅛', "1/8"}, {U'⅜', "3/8"}, {U'⅝', "5/8"}, {U'⅞', "7/8"}, {U'⅑', "1/9"}, {U'⅒', "1/10"}};
  return found_in(fractions, character);
}

std::string_view scale_of_word(std::string_view word) {
  static const std::map<std::string_view, std::string_view> scales{
      {"dozen", "12"},         {"hundred", "100"},        {"thousand", "1000"},       {"million", "1000000"},
      {"millions", "1000000"}, {"billion", "1000000000"}, {"billions", "1000000000"}, {"trillion", "1000000000000"}};
  return found_in(scales, word);
}

bool is_currency(std::string_view word) {
  static const Names names{"USD", "EUR", "GBP", "INR", "CNY", "RMB", "JPY", "CAD", "AUD", "Rs", "US"};
  return names.count(word) != 0;
}

std::string_view command_spelling(std::string_view command) {
  static const std::map<std::string_view, std::string_view> same{
      {"dfrac", "frac"},  {"tfrac", "frac"},  {"cfrac", "frac"},   {"dbinom", "binom"},   {"tbinom", "binom"},
      {"asin", "arcsin"}, {"acos", "arccos"}, {"atan", "arctan"},  {"infinity", "infty"}, {"inf", "infty"},
      {"tg", "tan"},      {"ctg", "cot"},     {"arctg", "arctan"}, {"cosec", "csc"}};
  const auto found = same.find(command);
  return found == same.end() ? command : found->second;
}

bool is_plain_function(std::string_view run) {
  static const Names names{"sin",    "cos",  "tan",  "cot",  "sec",   "csc",      "arcsin", "arccos",
                           "arctan", "asin", "acos", "atan", "sinh",  "cosh",     "tanh",   "ln",
                           "log",    "exp",  "sqrt", "pi",   "infty", "infinity", "inf",    "lg"};
  return names.count(run) != 0;
}

}  // namespace assay::suites
