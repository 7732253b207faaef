#pragma once
// When to ask again, and when not. Pure: time and noise come in as arguments.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runners/runner.h"

namespace assay::runners::api {

struct RetryPolicy {
  int most_attempts = 10;          ///< of a request, the first included
  double first_ms = 500;           ///< the longest wait behind the first failure; doubles with each further one
  double most_ms = 60'000;         ///< no wait is drawn from more than this
  double most_asked_ms = 600'000;  ///< an endpoint that asks for a longer wait is given up
};

/// What to do after an attempt has failed.
enum class Next {
  retry,
  give_up,  ///< this sample failed
  stop,     ///< no further request could succeed
};

struct AttemptFailure {
  std::string reason;  ///< one line, without secrets
  Next next = Next::retry;
  std::optional<double> asked_wait_ms;  ///< by a Retry-After
  bool is_rate_limit = false;           ///< 429 or 503: fewer requests at a time help
  bool could_not_connect = false;       ///< the request never left
};

/// The wait before attempt n + 1, when n have failed: uniform between 0 and min(most_ms, first_ms · 2^(n-1)) ("full
/// jitter"), drawn from the sample's key; behind what the endpoint asked for, if it did.
/// Source: M. Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015.
double retry_wait_ms(const RetryPolicy& policy, const SampleKey& key, int n_failed,
                     std::optional<double> asked_wait_ms);

/// The wait that a Retry-After header asks for, in ms: "120" (seconds, decimals too) or an HTTP date (RFC 9110, section
/// 10.2.3), which counts from `unix_s` now; a date gone by is 0. Nothing for anything else.
std::optional<double> parse_retry_after(std::string_view value, std::int64_t unix_s);

/// What a status other than 2xx means. `message` is the endpoint's own, on one line, without secrets. `has_served`: the
/// endpoint has given some reply already, so that a 403 is about this request and not about the key.
AttemptFailure status_failure(long status, const std::string& message, bool has_served);

}  // namespace assay::runners::api
