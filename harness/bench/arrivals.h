#pragma once
// When requests are sent: the exact moments, known before the first one is. Pure, but for read_trace().

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay::bench {

enum class ArrivalProcess {
  closed,    ///< `concurrency` users: each sends its next request when the last one is answered
  poisson,   ///< open: exponential gaps with mean 1 / rate
  constant,  ///< open: equal gaps
  burst,     ///< open: `burst_size` at once, bursts in equal gaps
  trace,     ///< open: the moments of a file
};
std::string to_string(ArrivalProcess process);
/// Error{bad_input} lists the words.
Result<ArrivalProcess> parse_arrival_process(const std::string& word);

struct Arrivals {
  ArrivalProcess process = ArrivalProcess::closed;
  std::int64_t concurrency = 1;  ///< of a closed loop
  double rate_per_s = 1;         ///< of an open one without a trace
  std::int64_t burst_size = 1;
  std::vector<double> trace_ms = {};  ///< ascending
  std::uint64_t seed = 0;
  bool is_open() const { return process != ArrivalProcess::closed; }
};

constexpr std::int64_t kMostRequests = 1'000'000;  ///< of one load

/// Moments in milliseconds from the start, ascending, all before `duration_ms`. The same settings give the same moments
/// on any machine. Error{bad_input} for more than kMostRequests of them, or none. Only of an open loop.
Result<std::vector<double>> arrival_times_ms(const Arrivals& arrivals, double duration_ms);

/// A file with a number a line: milliseconds from the start, not falling. Error{bad_input} names the line.
Result<std::vector<double>> read_trace(const std::filesystem::path& file);

}  // namespace assay::bench
