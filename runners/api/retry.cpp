#include "runners/api/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <cmath>

#include "harness/base/philox.h"
#include "harness/base/text.h"

namespace assay::runners::api {

double retry_wait_ms(const RetryPolicy& policy, const SampleKey& key, int n_failed,
                     std::optional<double> asked_wait_ms) {
  constexpr std::uint32_t kRetryStream = 0x72657472;  // apart from the seeds that are sent
  const double most_ms = std::min(policy.most_ms, policy.first_ms * std::exp2(std::clamp(n_failed - 1, 0, 60)));
  const PhiloxWords words = philox({key.sample_word, static_cast<std::uint32_t>(n_failed), kRetryStream, 0},
                                   {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)});
  const double share = words[0] / 4294967296.0;
  return asked_wait_ms.value_or(0) + share * most_ms;
}

std::optional<double> parse_retry_after(std::string_view value, std::int64_t unix_s) {
  value = trim(value);
  if (const auto seconds = parse_number(value); seconds && *seconds >= 0 && std::isfinite(*seconds)) {
    return *seconds * 1000;
  }
  if (value.empty() || !is_letter(value.front())) return {};
  const std::time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date < 0) return {};
  return std::max(0.0, static_cast<double>(date - unix_s) * 1000);
}

AttemptFailure status_failure(long status, const std::string& message, bool has_served) {
  AttemptFailure failure;
  failure.reason = "the endpoint answered HTTP " + std::to_string(status) + (message.empty() ? "" : ": " + message);
  switch (status) {
    case 401:
    case 402:
    case 404:
    case 405:
      failure.next = Next::stop;
      return failure;
    case 403:
      failure.next = has_served ? Next::give_up : Next::stop;
      return failure;
    case 429:
    case 503:
    case 529:  // "overloaded"
      failure.is_rate_limit = true;
      return failure;
    case 408:
    case 409:
    case 425:
      return failure;
    default:
      if (status < 500) failure.next = Next::give_up;
      return failure;
  }
}

}  // namespace assay::runners::api
