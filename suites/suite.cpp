#include "suites/suite.h"

#include <array>
#include <utility>

#include "harness/base/text.h"

namespace assay::suites {

namespace {

constexpr std::array<std::pair<Verdict, std::string_view>, 5> kVerdicts{{
    {Verdict::correct, "correct"},
    {Verdict::incorrect, "incorrect"},
    {Verdict::no_answer, "no_answer"},
    {Verdict::truncated, "truncated"},
    {Verdict::error, "error"},
}};

constexpr std::array<std::pair<ItemKind, std::string_view>, 8> kKinds{{
    {ItemKind::integer, "integer"},
    {ItemKind::math, "math"},
    {ItemKind::choice, "choice"},
    {ItemKind::grid, "grid"},
    {ItemKind::code, "code"},
    {ItemKind::language, "language"},
    {ItemKind::text, "text"},
    {ItemKind::refusal, "refusal"},
}};

template <class Table, class Value>
std::string name_of(const Table& table, Value value) {
  for (const auto& [entry, name] : table) {
    if (entry == value) return std::string(name);
  }
  ASSAY_ASSERT(false, "the table names every enumerator");
  return {};
}

template <class Value, class Table>
Result<Value> value_of(const Table& table, std::string_view text, std::string_view what) {
  std::string known;
  for (const auto& [entry, name] : table) {
    if (name == text) return entry;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return bad_input("unknown ", what, " ", quoted_excerpt(text), "; known are: ", known);
}

}  // namespace

std::string to_string(Verdict verdict) { return name_of(kVerdicts, verdict); }
Result<Verdict> parse_verdict(std::string_view text) { return value_of<Verdict>(kVerdicts, text, "verdict"); }

std::string to_string(ItemKind kind) { return name_of(kKinds, kind); }
Result<ItemKind> parse_item_kind(std::string_view text) { return value_of<ItemKind>(kKinds, text, "kind"); }

}  // namespace assay::suites
