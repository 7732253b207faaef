#include "harness/bench/arrivals.h"

#include <array>
#include <cmath>

#include "harness/base/file.h"
#include "harness/base/philox.h"
#include "harness/base/text.h"

namespace assay::bench {

namespace {

constexpr std::array<const char*, 5> kProcesses = {"closed", "poisson", "constant", "burst", "trace"};

/// The n-th exponential gap with mean 1, from two words: 53 bits, never 0.
double exponential(std::uint64_t seed, std::int64_t n) {
  const auto at = static_cast<std::uint64_t>(n);
  constexpr std::uint32_t kStream = 0x61727276;  // apart from other draws of the same seed
  const PhiloxWords words = philox({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32), kStream, 0},
                                   {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  const std::uint64_t bits = (std::uint64_t{words[0]} << 32 | words[1]) >> 11;
  return -std::log((static_cast<double>(bits) + 0.5) * 0x1p-53);
}

}  // namespace

std::string to_string(ArrivalProcess process) { return kProcesses[static_cast<std::size_t>(process)]; }

Result<ArrivalProcess> parse_arrival_process(const std::string& word) {
  for (std::size_t i = 0; i < kProcesses.size(); ++i) {
    if (word == kProcesses[i]) return static_cast<ArrivalProcess>(i);
  }
  return bad_input("arrivals must be one of closed, poisson, constant, burst, trace, is ", quoted_excerpt(word));
}

Result<std::vector<double>> arrival_times_ms(const Arrivals& arrivals, double duration_ms) {
  ASSAY_ASSERT(arrivals.is_open(), "a closed loop sends when it is answered");
  std::vector<double> times;
  const double gap_ms = 1000 / arrivals.rate_per_s;
  double next_ms = arrivals.process == ArrivalProcess::poisson ? gap_ms * exponential(arrivals.seed, 0) : 0;
  for (std::int64_t n = 0;; ++n) {
    switch (arrivals.process) {
      case ArrivalProcess::closed:
        break;
      case ArrivalProcess::poisson:
        if (n > 0) next_ms += gap_ms * exponential(arrivals.seed, n);
        break;
      case ArrivalProcess::constant:
        next_ms = gap_ms * static_cast<double>(n);
        break;
      case ArrivalProcess::burst:
        next_ms = gap_ms * static_cast<double>(n / arrivals.burst_size * arrivals.burst_size);
        break;
      case ArrivalProcess::trace:
        if (n == static_cast<std::int64_t>(arrivals.trace_ms.size())) return times;
        next_ms = arrivals.trace_ms[static_cast<std::size_t>(n)];
        break;
    }
    if (next_ms >= duration_ms) break;
    if (n == kMostRequests) {
      return bad_input("the load would have more than ", kMostRequests, " requests; lower the rate or the duration");
    }
    times.push_back(next_ms);
  }
  if (times.empty()) {
    return bad_input("no request arrives within ", duration_ms / 1000, " s; raise the rate or the duration");
  }
  return times;
}

Result<std::vector<double>> read_trace(const std::filesystem::path& file) {
  ASSAY_ASSIGN(const std::string text, read_file(file));
  std::vector<double> times;
  std::int64_t line = 0;
  for (const std::string& word : split(text, '\n')) {
    ++line;
    const std::string_view number = trim(word);
    if (number.empty()) continue;
    const auto at_ms = parse_number(number);
    if (!at_ms || !std::isfinite(*at_ms) || *at_ms < 0) {
      return bad_input(file.string(), ":", line, ": must be a moment in milliseconds, 0 or later, is ",
                       quoted_excerpt(number));
    }
    if (!times.empty() && *at_ms < times.back()) {
      return bad_input(file.string(), ":", line, ": ", *at_ms, " ms comes after ", times.back(),
                       " ms; moments must not fall");
    }
    if (static_cast<std::int64_t>(times.size()) == kMostRequests) {
      return bad_input(file.string(), ":", line, ": holds more than ", kMostRequests, " moments");
    }
    times.push_back(*at_ms);
  }
  if (times.empty()) return bad_input(file.string(), ": holds no moment; it takes a number of milliseconds a line");
  return times;
}

}  // namespace assay::bench
