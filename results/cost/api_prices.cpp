#include "results/cost/api_prices.h"

#include <algorithm>
#include <ctime>

#include "results/hardware/citation.h"
#include "results/hardware/shipped_data.h"

namespace assay::results {

namespace {

constexpr std::size_t kMaxRows = 10'000;
constexpr double kMaxUsdPerMtok = 1e9;

Result<double> usd_per_mtok(const JsonObject& row, std::string_view key) {
  ASSAY_ASSIGN(const double usd, row.number(key));
  if (!(usd > 0) || usd > kMaxUsdPerMtok) return row.field_error(key, "must be above 0 and at most 1e9 USD");
  return usd;
}

Result<std::optional<std::string>> date_or_none(const JsonObject& row, std::string_view key) {
  if (!row.has(key)) return std::optional<std::string>();
  ASSAY_ASSIGN(std::string date, row.string(key));
  if (!is_iso_date(date)) return row.field_error(key, "must be a day or month such as \"2025-09-05\", or null");
  return std::optional(std::move(date));
}

/// "2026-11-23" and "16:30" of a moment.
struct UtcMoment {
  std::string day, time;
};
UtcMoment utc_moment(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  char day[16], time[8];
  if (gmtime_r(&seconds, &utc) == nullptr || std::strftime(day, sizeof day, "%Y-%m-%d", &utc) == 0 ||
      std::strftime(time, sizeof time, "%H:%M", &utc) == 0) {
    return {};
  }
  return {day, time};
}

/// Texts of one form compare as their days do. The last day is the first on which the row no longer holds.
bool holds_on(const ApiPrice& price, const std::string& day) {
  const bool has_begun = !price.valid_from || *price.valid_from <= day;
  return has_begun && (!price.valid_to || day.substr(0, price.valid_to->size()) < *price.valid_to);
}

/// "16:30-00:30" goes over midnight.
bool holds_at(const std::string& window, const std::string& time) {
  const std::size_t dash = window.find('-');
  if (dash == std::string::npos) return false;
  const std::string from = window.substr(0, dash), to = window.substr(dash + 1);
  return from <= to ? from <= time && time < to : time >= from || time < to;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::optional<ApiPrice> price_of_endpoint(const std::vector<ApiPrice>& prices, std::string_view host,
                                          std::string_view model, std::int64_t unix_ms) {
  const UtcMoment moment = utc_moment(unix_ms);
  const ApiPrice* found = nullptr;
  for (const ApiPrice& price : prices) {
    if (!contains(price.hosts, host) || !contains(price.models, model) || !holds_on(price, moment.day)) continue;
    if (price.window_utc && !holds_at(*price.window_utc, moment.time)) continue;
    if (found == nullptr || (price.window_utc && !found->window_utc)) found = &price;
  }
  return found == nullptr ? std::nullopt : std::optional(*found);
}

Result<ApiPrice> parse_api_price(const JsonObject& row) {
  ASSAY_TRY(row.refuse_unknown({"provider", "model", "hosts", "models", "usd_per_mtok_cached", "usd_per_mtok_input",
                                "usd_per_mtok_output", "valid_from", "valid_to", "window_utc", "source", "date",
                                "confidence"}));
  ApiPrice price;
  ASSAY_ASSIGN(price.provider, filled_string(row, "provider"));
  ASSAY_ASSIGN(price.model, filled_string(row, "model"));
  if (row.has("hosts")) {
    ASSAY_ASSIGN(price.hosts, row.strings("hosts"));
  }
  if (row.has("models")) {
    ASSAY_ASSIGN(price.models, row.strings("models"));
  }
  if (row.has("usd_per_mtok_cached")) {
    ASSAY_ASSIGN(price.price.usd_per_mtok_cached, usd_per_mtok(row, "usd_per_mtok_cached"));
  }
  ASSAY_ASSIGN(price.price.usd_per_mtok_input, usd_per_mtok(row, "usd_per_mtok_input"));
  ASSAY_ASSIGN(price.price.usd_per_mtok_output, usd_per_mtok(row, "usd_per_mtok_output"));
  ASSAY_ASSIGN(price.valid_from, date_or_none(row, "valid_from"));
  ASSAY_ASSIGN(price.valid_to, date_or_none(row, "valid_to"));
  if (row.has("window_utc")) {
    ASSAY_ASSIGN(price.window_utc, filled_string(row, "window_utc"));
  }
  ASSAY_ASSIGN(price.citation, parse_citation(row));
  return price;
}

Result<std::vector<ApiPrice>> parse_api_prices(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json document, parse_json(text, where));
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(document, where));
  ASSAY_TRY(object.refuse_unknown({"api_prices"}));
  const Json* list = object.find("api_prices");
  if (list == nullptr || !list->is_array() || list->size() > kMaxRows) {
    return object.field_error("api_prices", "must be a list of at most 10000 rows");
  }
  std::vector<ApiPrice> prices;
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject row, JsonObject::of((*list)[i], where + ": api_prices[" + std::to_string(i) + "]"));
    ASSAY_ASSIGN(ApiPrice price, parse_api_price(row));
    prices.push_back(std::move(price));
  }
  return prices;
}

Result<std::vector<ApiPrice>> shipped_api_price_list() {
  const ShippedFile file = shipped_api_prices();
  return parse_api_prices(file.text, std::string(file.name));
}

}  // namespace assay::results
