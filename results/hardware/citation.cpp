#include "results/hardware/citation.h"

#include "harness/base/text.h"

namespace assay::results {

namespace {

constexpr Confidence kConfidences[] = {Confidence::verified, Confidence::secondary, Confidence::general_knowledge,
                                       Confidence::calculated};

int days_in_month(std::int64_t year, std::int64_t month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

}  // namespace

std::string to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::verified:
      return "verified";
    case Confidence::secondary:
      return "secondary";
    case Confidence::general_knowledge:
      return "general_knowledge";
    case Confidence::calculated:
      return "calculated";
  }
  return "";
}

Result<std::string> filled_string(const JsonObject& object, std::string_view key) {
  ASSAY_ASSIGN(std::string text, object.string(key));
  if (trim(text).empty()) return object.field_error(key, "must not be empty");
  return text;
}

bool is_iso_date(std::string_view text) {
  if (text.size() != 7 && text.size() != 10) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7 ? text[i] != '-' : !is_digit(text[i])) return false;
  }
  const auto year = *parse_integer(text.substr(0, 4));
  const auto month = *parse_integer(text.substr(5, 2));
  if (month < 1 || month > 12) return false;
  if (text.size() == 7) return true;
  const auto day = *parse_integer(text.substr(8, 2));
  return day >= 1 && day <= days_in_month(year, month);
}

Result<Citation> parse_citation(const JsonObject& object) {
  Citation citation;
  ASSAY_ASSIGN(citation.source, filled_string(object, "source"));
  ASSAY_ASSIGN(citation.date, object.string("date"));
  if (!is_iso_date(citation.date))
    return object.field_error("date", "must be a day or month such as \"2026-05-20\" or \"2026-05\"");
  ASSAY_ASSIGN(const std::string confidence, object.string("confidence"));
  for (const Confidence known : kConfidences) {
    if (confidence != to_string(known)) continue;
    citation.confidence = known;
    return citation;
  }
  return object.field_error("confidence", "must be verified, secondary, general_knowledge or calculated");
}

}  // namespace assay::results
