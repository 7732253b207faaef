#include "results/cost/what_if.h"

#include <cmath>

#include "harness/base/text.h"

namespace assay::results {

namespace {

constexpr double kMostFigure = 1e12;  // of any figure
constexpr double kMostYears = 100;
constexpr double kMostPue = 10;
constexpr double kMostElasticity = 10;
constexpr double kMostPriceRatio = 1000;
constexpr std::size_t kMaxList = 100;

std::string number_rule(double least, double most) {
  return "must be a number from " + to_text(least) + " to " + to_text(most);
}

Result<double> number_in(const JsonObject& object, std::string_view key, double least, double most) {
  ASSAY_ASSIGN(const double number, object.number(key));
  if (!(number >= least) || number > most) return object.field_error(key, number_rule(least, most));
  return number;
}

Result<std::optional<double>> optional_number_in(const JsonObject& object, std::string_view key, double least,
                                                 double most) {
  if (!object.has(key)) return std::optional<double>();
  ASSAY_ASSIGN(const double number, number_in(object, key, least, most));
  return std::optional(number);
}

/// A number, or [low, high].
Result<Range> range_in(const JsonObject& object, std::string_view key, double least, double most) {
  const Json* value = object.find(key);
  const std::string rule = number_rule(least, most) + ", or [low, high] of such";
  if (value == nullptr) return object.field_error(key, "is missing; it " + rule);
  Range range;
  if (value->is_number()) {
    range = {value->get<double>(), value->get<double>()};
  } else if (value->is_array() && value->size() == 2 && (*value)[0].is_number() && (*value)[1].is_number()) {
    range = {(*value)[0].get<double>(), (*value)[1].get<double>()};
  } else {
    return object.field_error(key, rule);
  }
  if (!(range.low >= least) || !(range.high <= most) || range.low > range.high) return object.field_error(key, rule);
  return range;
}

Result<OwnHardware> parse_own(const JsonObject& object) {
  ASSAY_TRY(object.refuse_unknown(
      {"capital_usd", "years", "interest_ratio", "power_watts", "pue", "usd_per_kwh", "operation_usd_per_year"}));
  OwnHardware own;
  ASSAY_ASSIGN(own.capital_usd, range_in(object, "capital_usd", 0, kMostFigure));
  ASSAY_ASSIGN(own.years, number_in(object, "years", 0.1, kMostYears));
  if (object.has("interest_ratio")) {
    ASSAY_ASSIGN(own.interest_ratio, number_in(object, "interest_ratio", 0, 1));
  }
  ASSAY_ASSIGN(own.power_watts, range_in(object, "power_watts", 0, kMostFigure));
  if (object.has("pue")) {
    ASSAY_ASSIGN(own.pue, number_in(object, "pue", 1, kMostPue));
  }
  ASSAY_ASSIGN(own.usd_per_kwh, range_in(object, "usd_per_kwh", 0, kMostFigure));
  if (object.has("operation_usd_per_year")) {
    ASSAY_ASSIGN(own.operation_usd_per_year, range_in(object, "operation_usd_per_year", 0, kMostFigure));
  }
  return own;
}

Result<JevonsAssumption> parse_jevons(const JsonObject& object) {
  ASSAY_TRY(object.refuse_unknown({"price_ratio", "elasticities"}));
  JevonsAssumption jevons;
  ASSAY_ASSIGN(jevons.price_ratio, number_in(object, "price_ratio", 1e-6, kMostPriceRatio));
  const Json* list = object.find("elasticities");
  if (list == nullptr) return jevons;
  jevons.elasticities.clear();
  const bool fits = list->is_array() && !list->empty() && list->size() <= kMaxList;
  for (std::size_t i = 0; fits && i < list->size(); ++i) {
    if (!(*list)[i].is_number()) break;
    const double elasticity = (*list)[i].get<double>();
    if (elasticity >= 0 && elasticity <= kMostElasticity) jevons.elasticities.push_back(elasticity);
  }
  if (!fits || jevons.elasticities.size() != list->size()) {
    return object.field_error("elasticities", "must be a list of 1 to 100 numbers from 0 to 10");
  }
  return jevons;
}

Result<std::vector<ApiPrice>> parse_hosted(const JsonObject& object, const std::string& where) {
  std::vector<ApiPrice> prices;
  const Json* list = object.find("hosted");
  if (list == nullptr) return prices;
  if (!list->is_array() || list->size() > kMaxList) {
    return object.field_error("hosted", "must be a list of at most 100 price rows");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject row, JsonObject::of((*list)[i], where + ": hosted[" + std::to_string(i) + "]"));
    ASSAY_ASSIGN(ApiPrice price, parse_api_price(row));
    prices.push_back(std::move(price));
  }
  return prices;
}

Result<> parse_energy(const JsonObject& object, WhatIf& what_if) {
  ASSAY_TRY(object.refuse_unknown({"usd_per_kwh", "pue", "gco2e_per_kwh", "idle_watts"}));
  ASSAY_ASSIGN(what_if.usd_per_kwh, optional_number_in(object, "usd_per_kwh", 0, kMostFigure));
  ASSAY_ASSIGN(what_if.pue, optional_number_in(object, "pue", 1, kMostPue));
  ASSAY_ASSIGN(what_if.gco2e_per_kwh, optional_number_in(object, "gco2e_per_kwh", 0, kMostFigure));
  ASSAY_ASSIGN(what_if.idle_watts, optional_number_in(object, "idle_watts", 0, kMostFigure));
  return {};
}

}  // namespace

Result<WhatIf> parse_what_if(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json document, parse_json(text, where));
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(document, where));
  ASSAY_TRY(object.refuse_unknown({"own_hardware", "output_tokens_per_s", "hosted", "jevons", "energy"}));
  WhatIf what_if;
  if (object.has("own_hardware")) {
    ASSAY_ASSIGN(const JsonObject own, object.object("own_hardware"));
    ASSAY_ASSIGN(what_if.own_hardware, parse_own(own));
  }
  if (object.has("output_tokens_per_s")) {
    ASSAY_ASSIGN(what_if.output_tokens_per_s, range_in(object, "output_tokens_per_s", 1e-6, kMostFigure));
  }
  ASSAY_ASSIGN(what_if.hosted, parse_hosted(object, where));
  if (object.has("jevons")) {
    ASSAY_ASSIGN(const JsonObject jevons, object.object("jevons"));
    ASSAY_ASSIGN(what_if.jevons, parse_jevons(jevons));
  }
  if (object.has("energy")) {
    ASSAY_ASSIGN(const JsonObject energy, object.object("energy"));
    ASSAY_TRY(parse_energy(energy, what_if));
  }
  return what_if;
}

}  // namespace assay::results
