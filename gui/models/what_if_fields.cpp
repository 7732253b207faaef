#include "gui/models/what_if_fields.h"

#include <QStringList>

#include "harness/base/json.h"
#include "harness/base/text.h"

namespace assay::gui {

namespace {

Json parsed(const QString& document) {
  Result<Json> json = parse_json(document.toStdString(), "what-if");
  return json && json->is_object() ? std::move(*json) : Json::object();
}

QString number_as_text(const Json& json) {
  return json.is_number() ? QString::fromStdString(to_text(json.get<double>())) : QString();
}

/// Numbers between separators; none if one of them is none.
std::optional<Json> numbers_in(const QString& text, const QString& separator) {
  Json numbers = Json::array();
  for (const QString& part : text.split(separator)) {
    const std::optional<double> number = parse_number(part.trimmed().toStdString());
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<Json> value_of(const QString& text, bool is_list) {
  if (is_list) return numbers_in(text, ",");
  if (text.contains(" to ")) {
    std::optional<Json> ends = numbers_in(text, " to ");
    return ends && ends->size() == 2 ? ends : std::nullopt;
  }
  const std::optional<double> number = parse_number(text.toStdString());
  return number ? std::optional<Json>(*number) : std::nullopt;
}

bool is_list(const WhatIfField& field) { return field.key == "elasticities"; }

}  // namespace

const std::vector<WhatIfField>& what_if_fields() {
  static const std::vector<WhatIfField> fields = {
      {"own_hardware", "capital_usd", "Price of a GPU with its share of the server", "USD", "25000 to 40000"},
      {"own_hardware", "years", "Years of use", "", "4"},
      {"own_hardware", "interest_ratio", "Interest a year", "share", "0.05"},
      {"own_hardware", "power_watts", "All-in power of a GPU", "W", "1200 to 1730"},
      {"own_hardware", "pue", "PUE of the building", "", "1.3"},
      {"own_hardware", "usd_per_kwh", "Electricity", "USD/kWh", "0.08 to 0.15"},
      {"own_hardware", "operation_usd_per_year", "Operation of a GPU a year", "USD", "1000"},
      {"", "output_tokens_per_s", "Output rate instead of the run's", "tokens/s", "1500 to 2000"},
      {"energy", "usd_per_kwh", "Electricity of the run", "USD/kWh", "0.12"},
      {"energy", "pue", "PUE for the run", "", "1.3"},
      {"energy", "gco2e_per_kwh", "Emissions", "gCO2e/kWh", "350"},
      {"energy", "idle_watts", "Idle power of the run's devices", "W", "70"},
      {"jevons", "price_ratio", "Jevons: price of an answer against today", "ratio", "0.5"},
      {"jevons", "elasticities", "Jevons: elasticities of demand", "", "0.5, 1, 2"},
  };
  return fields;
}

QString what_if_value(const QString& document, const WhatIfField& field) {
  Json json = parsed(document);
  if (!field.part.isEmpty()) json = json.value(field.part.toStdString(), Json::object());
  if (!json.is_object()) return {};
  const auto at = json.find(field.key.toStdString());
  if (at == json.end()) return {};
  if (!at->is_array()) return number_as_text(*at);
  QStringList numbers;
  for (const Json& number : *at) numbers << number_as_text(number);
  return numbers.join(is_list(field) ? ", " : " to ");
}

Result<QString> with_what_if_value(const QString& document, const WhatIfField& field, const QString& text) {
  Json json = parsed(document);
  const std::string part = field.part.toStdString(), key = field.key.toStdString();
  const QString trimmed = text.trimmed();
  if (!part.empty() && !(json.contains(part) && json[part].is_object())) json[part] = Json::object();
  Json& object = part.empty() ? json : json[part];
  if (trimmed.isEmpty()) {
    object.erase(key);
  } else {
    std::optional<Json> value = value_of(trimmed, is_list(field));
    if (!value) {
      return bad_input(field.label.toStdString(), " is ", quoted_excerpt(trimmed.toStdString()), ", must be ",
                       is_list(field) ? "numbers with commas between" : "a number, or LOW to HIGH");
    }
    object[key] = std::move(*value);
  }
  if (!part.empty() && object.empty()) json.erase(part);
  return json.empty() ? QString() : QString::fromStdString(to_json_text(json));
}

}  // namespace assay::gui
