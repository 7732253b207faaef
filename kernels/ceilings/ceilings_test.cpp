#include "kernels/ceilings/ceilings.h"

#include <set>

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::kernels;

TEST_CASE("cpu ceilings: rates that a processor can have, with their spread", "[ceilings]") {
  const auto cpu = open_cpu_ceilings(cpu_ops(SimdLevel::scalar), 2, "some processor");
  CHECK(cpu->name() == "some processor");
  CHECK(cpu->missing().empty());
  std::set<std::string_view> ceilings;
  for (const CeilingMethod& method : cpu->methods()) {
    CAPTURE(std::string(method.ceiling));
    ceilings.insert(method.ceiling);
    const auto reading = cpu->measure(method);
    REQUIRE(reading);
    CHECK(reading->n >= 3);
    CHECK(reading->timed_s > 0);
    CHECK(reading->stddev.has_value());
    // A Raspberry Pi reads 4 GB/s; no processor's memory carries 20 TB/s, and none multiplies at a PFLOP/s.
    CHECK(reading->value > (method.metric == "tflops" ? 1e-5 : 0.05));
    CHECK(reading->value < (method.metric == "tflops" ? 1e3 : 2e4));
  }
  CHECK(ceilings == std::set<std::string_view>{"copy", "fp32", "read", "write"});
}
