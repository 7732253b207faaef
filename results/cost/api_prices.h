#pragma once
// What hosted endpoints have asked for their tokens: dated, sourced rows (results/hardware/api_prices.json).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/analysis/cost.h"
#include "results/hardware/hardware.h"

namespace assay::results {

struct ApiPrice {
  std::string provider, model;
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

}  // namespace assay::results
