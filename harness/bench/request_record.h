#pragma once
// What became of one request of a load. Moments are milliseconds since the load began.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::bench {

/// A piece of output: when it was known, and how many tokens it had (an endpoint's events do not always say: the
/// request's tokens are then spread evenly over them).
struct OutputEvent {
  double at_ms = 0;
  double n_tokens = 0;
};

struct RequestRecord {
  std::int64_t index = 0;  ///< in the order in which requests were to be sent
  /// When it was to be sent: by the schedule, or, in a closed loop, when its user had the last answer. All latencies
  /// count from here: a request that had to wait for the client or behind others has waited.
  double intended_ms = 0;
  double sent_ms = 0;      ///< when it was sent
  double finished_ms = 0;  ///< when its end was known
  std::vector<OutputEvent> events;
  std::int64_t n_prompt_tokens = 0, n_output_tokens = 0;
  std::optional<std::int64_t> n_cached_prompt_tokens;
  std::string failure;  ///< not empty: it failed, and why

  bool failed() const { return !failure.empty(); }
  double lateness_ms() const { return sent_ms - intended_ms; }
  /// To the first output; none if there was none.
  std::optional<double> ttft_ms() const {
    return events.empty() ? std::nullopt : std::optional(events.front().at_ms - intended_ms);
  }
  double e2e_ms() const { return finished_ms - intended_ms; }
  /// Gaps between its events. The time to the first one is none of them.
  std::vector<double> itl_ms() const {
    std::vector<double> gaps;
    for (std::size_t i = 1; i < events.size(); ++i) gaps.push_back(events[i].at_ms - events[i - 1].at_ms);
    return gaps;
  }
  /// Time of an output token behind the first event's: with several tokens an event it is less than the gaps. None
  /// below two events.
  std::optional<double> tpot_ms() const {
    if (events.size() < 2) return {};
    double n_later = 0;
    for (std::size_t i = 1; i < events.size(); ++i) n_later += events[i].n_tokens;
    return n_later > 0 ? std::optional((events.back().at_ms - events.front().at_ms) / n_later) : std::nullopt;
  }
};

}  // namespace assay::bench
