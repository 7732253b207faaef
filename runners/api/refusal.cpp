#include "runners/api/refusal.h"

#include "harness/base/json.h"
#include "harness/base/text.h"

namespace assay::runners::api {

namespace {

constexpr std::size_t kMostShown = 300;

Json parsed_object(std::string_view body) {
  Result<Json> parsed = parse_json(body, "error");
  return parsed && parsed->is_object() ? std::move(*parsed) : Json::object();
}

std::string text_at(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// {"error": {…}} of OpenAI; the document itself of those who leave the frame out.
Json inner_error(const Json& document) {
  const auto at = document.find("error");
  return at != document.end() && at->is_object() ? *at : document;
}

/// Empty where no field is known to hold it.
std::string own_message(const Json& document) {
  for (std::string text : {text_at(inner_error(document), "message"), text_at(document, "error"),
                           text_at(document, "message"), text_at(document, "detail")}) {
    if (!text.empty()) return text;
  }
  return {};
}

bool has_location(const Json& document, std::string_view word) {
  const auto detail = document.find("detail");
  if (detail == document.end() || !detail->is_array()) return false;
  for (const Json& one : *detail) {
    if (!one.is_object() || !one.contains("loc") || !one["loc"].is_array()) continue;
    for (const Json& step : one["loc"]) {
      if (step.is_string() && step.get<std::string>() == word) return true;
    }
  }
  return false;
}

}  // namespace

std::string error_message(std::string_view body) {
  const std::string text = own_message(parsed_object(body));
  return shown(text.empty() ? trim(body) : text, kMostShown);
}

bool names_parameter(std::string_view body, std::string_view word) {
  const Json document = parsed_object(body);
  if (text_at(inner_error(document), "param") == word || has_location(document, word)) return true;
  const std::string message = document.empty() ? std::string(body) : own_message(document);
  for (const char quote : {'\'', '"', '`'}) {
    if (message.find(quote + std::string(word) + quote) != std::string::npos) return true;
  }
  return message.find("supplied: " + std::string(word)) != std::string::npos;
}

}  // namespace assay::runners::api
