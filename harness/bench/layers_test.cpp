// What limits an operation, and layers as a target on this machine's processor.

#include "harness/bench/layers_target.h"
#include "harness/run/progress.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::bench;
using Catch::Matchers::WithinAbs;

namespace {

results::LimitRates some_rates() {
  results::LimitRates rates;
  rates.read_gb_per_s = 3000;
  rates.bf16_tflops = 800;
  rates.fp8_tflops = 1600;
  return rates;
}

}  // namespace

// By hand: 6 GB at 3 TB/s are 2 ms; 4 TFLOP at 800 TFLOP/s 5 ms, at 1,600 2.5 ms.
TEST_CASE("limit_us: the longer of moving and computing, at the rate of the products", "[bench][layers]") {
  const auto limit = [](double bytes, double flop, bool is_fp8) {
    return limit_us({bytes, flop, is_fp8}, some_rates(), true);
  };
  CHECK_THAT(limit(6e9, 1e9, false).value(), WithinAbs(2000, 1e-9));
  CHECK_THAT(limit(6e9, 4e12, false).value(), WithinAbs(5000, 1e-9));
  CHECK_THAT(limit(6e9, 4e12, true).value(), WithinAbs(2500, 1e-9));
  CHECK_FALSE(limit(0, 0, false));
  CHECK_FALSE(limit_us({1, 1, false}, some_rates(), false));          // a processor's rate of arithmetic is not known
  CHECK(limit_us({3e3, 0, false}, some_rates(), false) == 1e-3 * 1);  // but nothing is computed
}

TEST_CASE("limit_rates: measured on a device of this name, else published, else none", "[bench][layers]") {
  const test_support::TemporaryFolder folder;
  const std::filesystem::path db = folder / "runs.db";
  runners::DeviceFacts device{"cuda", "NVIDIA H100 80GB HBM3", {{"memory_bytes", 80'000'000'000}}};
  const auto published = limit_rates(db, device);
  REQUIRE(published);
  REQUIRE(*published);
  CHECK((*published)->provenance == "published");
  CHECK((*published)->from == "h100-sxm5");
  CHECK((*published)->read_gb_per_s == 3350);
  CHECK((*published)->bf16_tflops == 989);

  auto store = results::Store::open_or_create(db);
  REQUIRE(store);
  results::RunFacts facts = results::testing::some_run("machine", 0, 1);
  facts.suites.clear();
  facts.model.reference = "machine";
  auto writer = store->begin_run(facts, results::testing::some_environment(), 1);
  REQUIRE(writer);
  results::BenchPoint point;
  point.key = {"gpu 0: read by own", "", 0};
  point.kind = "machine";
  point.settings = {{"device", "gpu 0"}, {"device_name", device.name}, {"ceiling", "read"}, {"by", "own"}};
  point.figures = {{"gb_per_s", {3000, {}, 1}}};
  REQUIRE(writer->add_point(point, 1));
  REQUIRE(writer->finish(results::RunState::finished, 2, 1));
  const auto measured = limit_rates(db, device);
  REQUIRE(measured);
  REQUIRE(*measured);
  CHECK((*measured)->provenance == "measured");
  CHECK((*measured)->from == writer->run_id().value);
  CHECK((*measured)->read_gb_per_s == 3000);
  CHECK_FALSE((*measured)->bf16_tflops);

  device.name = "no device of this name";
  const auto none = limit_rates(db, device);
  REQUIRE(none);
  CHECK_FALSE(*none);
}
