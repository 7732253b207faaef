#include "runners/formats/config_fields.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::runners {

Result<std::int64_t> read_count(const JsonObject& json, std::string_view key, std::int64_t least, std::int64_t most) {
  ASSAY_ASSIGN(const std::int64_t value, json.integer(key));
  if (value >= least && value <= most) return value;
  return json.field_error(
      key, "is " + std::to_string(value) + ", must be " + std::to_string(least) + " to " + std::to_string(most));
}

Result<std::int64_t> read_count_or(const JsonObject& json, std::string_view key, std::int64_t least, std::int64_t most,
                                   std::int64_t fallback) {
  return json.has(key) ? read_count(json, key, least, most) : Result<std::int64_t>(fallback);
}

Result<double> read_number(const JsonObject& json, std::string_view key, double least, double most) {
  ASSAY_ASSIGN(const double value, json.number(key));
  if (value >= least && value <= most) return value;
  return json.field_error(key, "is " + to_text(value) + ", must be " + to_text(least) + " to " + to_text(most));
}

Result<double> read_number_or(const JsonObject& json, std::string_view key, double least, double most,
                              double fallback) {
  return json.has(key) ? read_number(json, key, least, most) : Result<double>(fallback);
}

Result<> require_word(const JsonObject& json, std::string_view key, const std::string& absent,
                      std::initializer_list<std::string_view> supported) {
  ASSAY_ASSIGN(const std::string word, json.string_or(key, absent));
  if (std::find(supported.begin(), supported.end(), word) != supported.end()) return {};
  std::string list;
  for (const std::string_view known : supported) list += (list.empty() ? "" : ", ") + std::string(known);
  if (!json.has(key)) return json.field_error(key, "is missing; supported: " + list);
  return json.field_error(key, "is " + quoted_excerpt(word) + "; supported: " + list);
}

Result<std::vector<std::int64_t>> read_integer_list(const JsonObject& json, std::string_view key, const Json& list) {
  const auto is_integer = [](const Json& element) {
    return element.is_number_integer() &&
           !(element.is_number_unsigned() && element.get<std::uint64_t>() > std::uint64_t{INT64_MAX});
  };
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_integer)) {
    return json.field_error(key, "must be an integer or a list of integers");
  }
  return list.get<std::vector<std::int64_t>>();
}

}  // namespace assay::runners
