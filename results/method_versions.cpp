#include "results/method_versions.h"

#include <set>

namespace assay::results {

namespace {

std::string version_in(const Json& versions, const std::string& metric) {
  const auto at = versions.find(metric);
  return at == versions.end() ? "1" : to_json_text(*at);
}

}  // namespace

const std::vector<MethodVersion>& method_versions() {
  static const std::vector<MethodVersion> versions = {
      {"ttft_ms", 2,
       "from the start of a sample's prefill to its first output token; none where its prompt was in the cache"},
      {"itl_ms", 1, "mean gap between the output tokens of one sample"},
      {"e2e_ms", 1, "from the start of a sample's prefill to its last output token"},
      {"output_tokens", 1, "tokens drawn for the reply, the end token counted, drafts that were refused not"},
      {"output_tokens_per_s", 1, "output tokens of all samples that did not fail / wall seconds of all segments"},
      {"usd_total", 1, "price of an hour * priced devices * wall hours of all segments"},
      {"joules_total", 1,
       "difference of the device's energy counter over each segment, else the integral of its power"},
  };
  return versions;
}

Json method_versions_json() {
  Json json = Json::object();
  for (const MethodVersion& method : method_versions()) json[std::string(method.metric)] = method.version;
  return json;
}

std::vector<std::string> different_methods(const Json& a, const Json& b) {
  std::set<std::string> metrics;
  for (const Json* versions : {&a, &b}) {
    for (const auto& [metric, version] : versions->items()) metrics.insert(metric);
  }
  std::vector<std::string> different;
  for (const std::string& metric : metrics) {
    const std::string in_a = version_in(a, metric);
    const std::string in_b = version_in(b, metric);
    if (in_a != in_b) different.push_back(metric + " (" + in_a + " and " + in_b + ")");
  }
  return different;
}

}  // namespace assay::results
