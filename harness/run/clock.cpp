#include "harness/run/clock.h"

#include <chrono>

namespace assay::run {

Clock machine_clock() {
  using namespace std::chrono;
  return {
      .unix_ms = [] { return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count(); },
      .monotonic_ms = [] { return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count(); },
  };
}

}  // namespace assay::run
