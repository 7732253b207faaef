#pragma once
// Time as an argument, so that tests decide what time it is.

#include <cstdint>
#include <functional>

namespace assay::run {

/// Several threads call these at once.
struct Clock {
  std::function<std::int64_t()> unix_ms;  ///< milliseconds since 1970-01-01 UTC
  std::function<double()> monotonic_ms;   ///< milliseconds since some fixed moment, never set back
};

/// The machine's clocks.
Clock machine_clock();

}  // namespace assay::run
