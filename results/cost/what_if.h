#pragma once
// Assumptions of a user about cost, read from a file: everything computed from them is a scenario, not a measurement.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/analysis/cost.h"
#include "results/cost/api_prices.h"

namespace assay::results {

/// How demand answers to a price, see rebound().
struct JevonsAssumption {
  double price_ratio = 0.5;
  std::vector<double> elasticities = {0.5, 1, 2};
};

struct WhatIf {
  std::optional<OwnHardware> own_hardware;
  std::optional<Range> output_tokens_per_s;  ///< in place of the run's own rate
  std::vector<ApiPrice> hosted;              ///< beside the shipped price list
  std::optional<JevonsAssumption> jevons;
  std::optional<double> usd_per_kwh, pue, gco2e_per_kwh;
  std::optional<double> idle_watts;  ///< of all devices of the run together, when they do nothing
};

/// Reads a what-if file:
///   {"own_hardware": {"capital_usd": R, "years": N, "interest_ratio": N, "power_watts": R, "pue": N, "usd_per_kwh": R,
///                     "operation_usd_per_year": R},
///    "output_tokens_per_s": R, "hosted": [price row as in api_prices.json, …],
///    "jevons": {"price_ratio": N, "elasticities": [N, …]},
///    "energy": {"usd_per_kwh": N, "pue": N, "gco2e_per_kwh": N, "idle_watts": N}}
/// N is a number, R a number or [low, high]. Every part may be left out. Error{bad_input} names file and field.
Result<WhatIf> parse_what_if(std::string_view text, const std::string& where);

}  // namespace assay::results
