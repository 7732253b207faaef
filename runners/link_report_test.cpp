#include "runners/link_report.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;

namespace {
LinkReport some_report() {
  LinkReport report;
  report.link_gb_per_s = 165;
  report.calibrated_gb_per_s = 164.5;
  report.spread_ratio = 0.002;
  report.n_blocks = 32;
  report.trials = {{"peer_exchange", 1 << 26, 32, false, 164.5}};
  // 16 KiB in 4 µs each; a MiB in 8 µs (131 GB/s) and 4 MiB in 25.6 µs (164 GB/s).
  report.sizes = {
      {1 << 14, 100, 100.0 * (1 << 14), 400}, {1 << 20, 1, 1 << 20, 8}, {1 << 22, 2, 2.0 * (1 << 22), 51.2}};
  return report;
}
}  // namespace

TEST_CASE("link report: the rate is that of large messages, all together", "[runner]") {
  const LinkReport report = some_report();
  // (1 + 8) MiB in 59.2 µs.
  CHECK_THAT(*report.reached_gb_per_s(), Catch::Matchers::WithinRel(9 * 1048576 / 59.2e3, 1e-12));
  CHECK_THAT(*report.reached_gb_per_s(1 << 22), Catch::Matchers::WithinRel(8 * 1048576 / 51.2e3, 1e-12));
  CHECK_FALSE(report.reached_gb_per_s(1 << 23).has_value());
}

TEST_CASE("link report: since takes off what was counted before", "[runner]") {
  LinkReport before = some_report();
  before.sizes = {{1 << 14, 100, 100.0 * (1 << 14), 400}, {1 << 22, 1, 1 << 22, 25.6}};
  const LinkReport delta = since(before, some_report());
  REQUIRE(delta.sizes.size() == 2);
  CHECK(delta.sizes[0].bytes_from == 1 << 20);
  CHECK(delta.sizes[1].n == 1);
  CHECK_THAT(delta.sizes[1].time_us, Catch::Matchers::WithinRel(25.6, 1e-12));
  CHECK(delta.link_gb_per_s == 165);
}

TEST_CASE("link report: what is stored names the rate, what was reached and what was tried", "[runner]") {
  const Json json = to_json(some_report());
  CHECK(json["link_gb_per_s"] == 165);
  CHECK(json["sizes"].size() == 3);
  CHECK(json["sizes"][0]["bytes_from"] == 1 << 14);
  CHECK(json["calibration"]["trials"][0]["operation"] == "peer_exchange");
  CHECK(json["calibration"]["spread_ratio"] == 0.002);
}
