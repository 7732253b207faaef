#include "results/endpoint_use.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::results {

namespace {

bool is_remote(const SegmentRecord& segment) { return segment.environment.device_kind == "remote"; }

/// What the runner said of its endpoint; null in a database that lacks it.
Json endpoint_field(const SegmentRecord& segment, const char* key) {
  const Json& details = segment.environment.details;
  const auto device = details.find("device");
  if (device == details.end() || !device->is_object()) return nullptr;
  const auto at = device->find(key);
  return at == device->end() ? Json() : *at;
}

std::string text_else(const Json& value, const std::string& fallback) {
  return value.is_string() ? value.get<std::string>() : fallback;
}

}  // namespace

std::optional<EndpointUse> endpoint_use(const RunRecord& run) {
  const auto segment = std::find_if(run.segments.begin(), run.segments.end(), is_remote);
  if (segment == run.segments.end()) return {};
  EndpointUse use;
  use.host = text_else(endpoint_field(*segment, "host"), segment->environment.device_name);
  use.base_url = text_else(endpoint_field(*segment, "base_url"), "");
  use.is_loopback = endpoint_field(*segment, "is_loopback") == true;
  for (const RunSuiteRecord& suite : run.suites) {
    use.suites.push_back(suite.facts.suite);
    if (suite.facts.is_protected) use.protected_suites.push_back(suite.facts.suite);
  }
  return use;
}

std::string sent_text(const EndpointUse& use) {
  std::string text = "prompts of " + shown(join(use.suites, ", "), 200) + " went to " + shown(use.host);
  if (use.is_loopback) text += ", an address of this machine";
  if (!use.protected_suites.empty()) {
    text += "; " + shown(join(use.protected_suites, ", "), 200) + " asks not to be published in plain text";
  }
  return text;
}

Json to_json(const EndpointUse& use) {
  return {{"host", use.host},
          {"base_url", use.base_url.empty() ? Json() : Json(use.base_url)},
          {"is_loopback", use.is_loopback},
          {"suites", use.suites},
          {"protected_suites", use.protected_suites}};
}

std::optional<ApiPrice> endpoint_price(const RunRecord& run, const std::vector<ApiPrice>& prices) {
  const auto use = endpoint_use(run);
  if (!use || !std::all_of(run.segments.begin(), run.segments.end(), is_remote)) return {};
  return price_of_endpoint(prices, use->host, run.facts.model.name, run.started_at_ms);
}

}  // namespace assay::results
