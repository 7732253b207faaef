// Skips a GPU test program where no device can run it: exit code 77 and the reason, before the first test.

#include <cstdio>
#include <cstdlib>

#include "kernels/device/device.cuh"
#include "tests/support/catch.h"

namespace {

#if __has_include(<catch2/catch_all.hpp>)
using Listener = Catch::EventListenerBase;
#else
using Listener = Catch::TestEventListenerBase;
#endif

constexpr int kSkipped = 77;

struct NeedsDevice : Listener {
  using Listener::Listener;
  void testRunStarting(const Catch::TestRunInfo&) override {
    const auto facts = assay::kernels::open_device();
    if (facts) return;
    std::fprintf(stderr, "skipped: %s\n", facts.error().message.c_str());
    std::fflush(nullptr);
    std::_Exit(kSkipped);
  }
};

}  // namespace

CATCH_REGISTER_LISTENER(NeedsDevice)
