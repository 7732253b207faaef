#pragma once
// JSON at the boundary: the one adapter around nlohmann/json. Nothing throws; every error names file, place and rule.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay {

using Json = nlohmann::ordered_json;  ///< keys keep the order in which they were written

/// Parses one JSON document. `where` names it in errors ("items.jsonl:12", "config.json"). Error{bad_input} for
/// ill-formed JSON or UTF-8 (with the byte offset), a key given twice in one object, or nesting deeper than
/// `max_depth`.
Result<Json> parse_json(std::string_view text, std::string_view where, int max_depth = 64);

/// `document` as text on one line; ill-formed UTF-8 in strings becomes U+FFFD. `indent` >= 0 breaks it into lines.
std::string to_json_text(const Json& document, int indent = -1);

/// A JSON object with the place it came from, so that a wrong field is reported as "items.jsonl:12: field \"id\" …".
/// Holds references: the document and `where` must outlive it.
class JsonObject {
 public:
  /// Error{bad_input} if `value` is no object.
  static Result<JsonObject> of(const Json& value, std::string where);

  bool has(std::string_view key) const;          ///< present and not null
  const Json* find(std::string_view key) const;  ///< nullptr if absent or null
  const std::string& where() const { return where_; }

  /// The field, or Error{bad_input} if it is absent, null or of another type.
  Result<std::string> string(std::string_view key) const;
  Result<std::int64_t> integer(std::string_view key) const;
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<JsonObject> object(std::string_view key) const;
  Result<std::vector<std::string>> strings(std::string_view key) const;

  /// The same, with a value for a field that is absent or null; still Error{bad_input} for another type.
  Result<std::string> string_or(std::string_view key, std::string fallback) const;
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t fallback) const;
  Result<double> number_or(std::string_view key, double fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;

  /// Error{bad_input} naming the first key that is not in `known`.
  Result<> refuse_unknown(const std::vector<std::string_view>& known) const;
  /// An error about a field: "WHERE: field \"KEY\" RULE".
  Error field_error(std::string_view key, std::string_view rule) const;

 private:
  JsonObject(const Json& value, std::string where) : value_(&value), where_(std::move(where)) {}
  const Json* value_;
  std::string where_;
};

}  // namespace assay
