#include "suites/sandbox/test_sandbox.h"

#include <cstdlib>
#include <iostream>
#include <optional>

#include "tests/support/catch.h"

namespace assay::suites {
namespace {

constexpr int kSkipped = 77;
std::optional<Sandbox> opened;

#if __has_include(<catch2/catch_all.hpp>)
using Listener = Catch::EventListenerBase;
#else
using Listener = Catch::TestEventListenerBase;
#endif

struct OpenOrSkip : Listener {
  using Listener::Listener;
  void testRunStarting(const Catch::TestRunInfo& info) override {
    Listener::testRunStarting(info);
    Result<Sandbox> sandbox = Sandbox::open();
    if (!sandbox) {
      std::cerr << "skipped: " << sandbox.error().message << std::endl;
      std::_Exit(kSkipped);
    }
    opened = std::move(*sandbox);
  }
};

CATCH_REGISTER_LISTENER(OpenOrSkip)

}  // namespace

const Sandbox& test_sandbox() { return *opened; }

}  // namespace assay::suites
