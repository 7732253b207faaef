#pragma once
// What hosted endpoints have asked for their tokens: dated, sourced rows (results/hardware/api_prices.json).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/analysis/cost.h"
#include "results/hardware/hardware.h"

namespace assay::results {

struct ApiPrice {
  std::string provider, model;
  std::vector<std::string> hosts, models;  ///< of the endpoint's address, and as it is asked for; empty: not known
  HostedPrice price;
  std::optional<std::string> valid_from, valid_to;  ///< days; none: not known, or still valid when it was read
  std::optional<std::string> window_utc;            ///< "16:30-00:30": only at these hours
  Citation citation;
};

/// Reads {"api_prices": [row, …]}. Error{bad_input} names file, row and field.
Result<std::vector<ApiPrice>> parse_api_prices(std::string_view text, const std::string& where);
/// A row alone; `where` names it in errors.
Result<ApiPrice> parse_api_price(const JsonObject& row);
Result<std::vector<ApiPrice>> shipped_api_price_list();

/// What an endpoint asked for its tokens at a moment: the first row for its host and model that was valid on that day,
/// one for these hours before one for all hours. None if no row is for it. Days and hours are UTC; a month as a first
/// day means its first, as a last day that the row ends with it.
std::optional<ApiPrice> price_of_endpoint(const std::vector<ApiPrice>& prices, std::string_view host,
                                          std::string_view model, std::int64_t unix_ms);

}  // namespace assay::results
