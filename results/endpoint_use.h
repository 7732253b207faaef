#pragma once
// What of a run left the machine, and what the endpoint that served it asks for.

#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "results/cost/api_prices.h"
#include "results/store.h"

namespace assay::results {

/// Where a run's prompts went.
struct EndpointUse {
  std::string host;
  std::string base_url;
  bool is_loopback = false;                   ///< an address of the machine itself: who listens there may pass them on
  std::vector<std::string> suites;            ///< whose prompts were sent
  std::vector<std::string> protected_suites;  ///< of these, those that ask not to be published in plain text
};
/// None where no process that worked on the run asked an endpoint.
std::optional<EndpointUse> endpoint_use(const RunRecord& run);

/// "prompts of aime, gpqa went to api.example.com", and what the authors of some of them ask for.
std::string sent_text(const EndpointUse& use);
Json to_json(const EndpointUse& use);

/// The price sheet of the endpoint that served the whole run, when it began; rows in front are looked at first. None
/// where it is not known, or a part of the run was served by something else.
std::optional<ApiPrice> endpoint_price(const RunRecord& run, const std::vector<ApiPrice>& prices);

}  // namespace assay::results
