#include "harness/base/json.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "harness/base/text.h"

namespace assay {

namespace {

/// Checks what nlohmann's own parser lets pass: duplicate keys and depth. Records the first error.
class StrictSax : public nlohmann::json_sax<Json> {
 public:
  explicit StrictSax(int max_depth) : max_depth_(max_depth) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return enter();
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    error_ = "key " + quoted_excerpt(name) + " stands twice in one object";
    return false;
  }
  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& failure) override {
    // Keep the reason behind the library's own prefixes "[json.exception.parse_error.101] " and "parse error at …: ".
    std::string reason = failure.what();
    if (const auto bracket = reason.find("] "); reason.starts_with("[")) reason.erase(0, bracket + 2);
    if (const auto colon = reason.find(": "); colon != std::string::npos) reason.erase(0, colon + 2);
    if (const auto last = reason.find("; last read"); last != std::string::npos) reason.erase(last);
    error_ = "byte " + std::to_string(position) + ": no valid JSON near " + quoted_excerpt(token, 20) + ": " + reason;
    return false;
  }

  const std::string& error() const { return error_; }

 private:
  bool enter() {
    if (++depth_ <= max_depth_) return true;
    error_ = "nested deeper than " + std::to_string(max_depth_) + " levels";
    return false;
  }

  int max_depth_;
  int depth_ = 0;
  std::vector<std::unordered_set<std::string>> keys_;
  std::string error_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where, int max_depth) {
  try {
    StrictSax sax(max_depth);
    if (!Json::sax_parse(text.begin(), text.end(), &sax)) return bad_input(where, ": ", sax.error());
    return Json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::exception& failure) {
    return bad_input(where, ": no valid JSON: ", failure.what());
  }
}

std::string to_json_text(const Json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Result<JsonObject> JsonObject::of(const Json& value, std::string where) {
  if (!value.is_object()) return bad_input(where, ": must be a JSON object, is ", value.type_name());
  return JsonObject(value, std::move(where));
}

const Json* JsonObject::find(std::string_view key) const {
  const auto found = value_->find(std::string(key));
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonObject::has(std::string_view key) const { return find(key) != nullptr; }

Error JsonObject::field_error(std::string_view key, std::string_view rule) const {
  return bad_input(where_, ": field \"", key, "\" ", rule);
}

Result<std::string> JsonObject::string(std::string_view key) const {
  const Json* field = find(key);
  if (field == nullptr) return field_error(key, "is missing; it must be text");
  if (!field->is_string()) return field_error(key, std::string("must be text, is ") + field->type_name());
  return field->get<std::string>();
}

Result<std::int64_t> JsonObject::integer(std::string_view key) const {
  const Json* field = find(key);
  if (field == nullptr) return field_error(key, "is missing; it must be an integer");
  if (field->is_number_unsigned() && field->get<std::uint64_t>() > std::uint64_t{INT64_MAX}) {
    return field_error(key, "is too large for a 64-bit integer");
  }
  if (field->is_number_integer()) return field->get<std::int64_t>();
  return field_error(key, std::string("must be an integer, is ") + field->type_name());
}

Result<double> JsonObject::number(std::string_view key) const {
  const Json* field = find(key);
  if (field == nullptr) return field_error(key, "is missing; it must be a number");
  if (!field->is_number()) return field_error(key, std::string("must be a number, is ") + field->type_name());
  return field->get<double>();
}

Result<bool> JsonObject::boolean(std::string_view key) const {
  const Json* field = find(key);
  if (field == nullptr) return field_error(key, "is missing; it must be true or false");
  if (!field->is_boolean()) return field_error(key, std::string("must be true or false, is ") + field->type_name());
  return field->get<bool>();
}

Result<JsonObject> JsonObject::object(std::string_view key) const {
  const Json* field = find(key);
  if (field == nullptr) return field_error(key, "is missing; it must be an object");
  if (!field->is_object()) return field_error(key, std::string("must be an object, is ") + field->type_name());
  return JsonObject(*field, where_ + ": " + std::string(key));
}

Result<std::vector<std::string>> JsonObject::strings(std::string_view key) const {
  const Json* field = find(key);
  if (field == nullptr) return field_error(key, "is missing; it must be a list of texts");
  if (!field->is_array() || !std::all_of(field->begin(), field->end(), [](const Json& e) { return e.is_string(); })) {
    return field_error(key, "must be a list of texts");
  }
  return field->get<std::vector<std::string>>();
}

Result<std::string> JsonObject::string_or(std::string_view key, std::string fallback) const {
  return has(key) ? string(key) : Result<std::string>(std::move(fallback));
}
Result<std::int64_t> JsonObject::integer_or(std::string_view key, std::int64_t fallback) const {
  return has(key) ? integer(key) : Result<std::int64_t>(fallback);
}
Result<double> JsonObject::number_or(std::string_view key, double fallback) const {
  return has(key) ? number(key) : Result<double>(fallback);
}
Result<bool> JsonObject::boolean_or(std::string_view key, bool fallback) const {
  return has(key) ? boolean(key) : Result<bool>(fallback);
}

Result<> JsonObject::refuse_unknown(const std::vector<std::string_view>& known) const {
  for (const auto& [key, value] : value_->items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string list;
    for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    return bad_input(where_, ": unknown field ", quoted_excerpt(key), "; known are: ", list);
  }
  return {};
}

}  // namespace assay
