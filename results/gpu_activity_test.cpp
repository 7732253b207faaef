#include "results/gpu_activity.h"

#include "results/report.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

GpuSample at(double at_ms, std::optional<double> watts, std::optional<double> joules, std::int64_t gpu = 0) {
  GpuSample sample;
  sample.gpu = gpu;
  sample.at_ms = at_ms;
  sample.power_watts = watts;
  sample.total_energy_joules = joules;
  return sample;
}

/// Samples of one segment, which did work.
GpuActivity activity_of(const std::vector<GpuSample>& samples) {
  GpuActivityMeter meter;
  for (const GpuSample& sample : samples) meter.add(0, sample);
  return meter.finish({0}).value();
}

}  // namespace

// Names and bits as nvml.h of CUDA 13.0 has them.
TEST_CASE("throttle_reason_names: each bit has its name", "[results]") {
  CHECK(throttle_reason_names(0).empty());
  CHECK(throttle_reason_names(4) == std::vector<std::string>{"sw_power_cap"});
  CHECK(throttle_reason_names(1 | 0x40) == std::vector<std::string>{"gpu_idle", "hw_thermal_slowdown"});
  CHECK(throttle_reason_names(1 << 12) == std::vector<std::string>{"bit_12"});
}

TEST_CASE("GpuActivityMeter: the counter's difference is the energy, else power over time", "[results]") {
  SECTION("counter") {
    const GpuActivity activity = activity_of({at(0, 100, 5000), at(1000, 300, 5150), at(3000, 300, 5700)});
    CHECK(activity.energy_joules == 700.0);
    CHECK(activity.energy_source == EnergySource::counter);
    CHECK(activity.n_samples == 3);
    CHECK(activity.power_watts->min == 100);
    CHECK(activity.power_watts->max == 300);
    CHECK_THAT(activity.power_watts->mean, WithinRel(700.0 / 3, 1e-12));
    CHECK_FALSE(activity.temperature_c);
  }
  SECTION("power: trapezoids of 200 W for 1 s and 300 W for 2 s") {
    const GpuActivity activity = activity_of({at(0, 100, {}), at(1000, 300, {}), at(3000, 300, {})});
    CHECK(activity.energy_joules == 800.0);
    CHECK(activity.energy_source == EnergySource::power);
  }
  SECTION("a counter that fell, or was not always known, is not believed") {
    CHECK(activity_of({at(0, 100, 5000), at(1000, 100, 20), at(2000, 100, 30)}).energy_joules == 200.0);
    CHECK(activity_of({at(0, 100, {}), at(1000, 100, 20)}).energy_source == EnergySource::power);
  }
  SECTION("neither, or a single sample: unknown, not 0") {
    CHECK_FALSE(activity_of({at(0, {}, {}), at(1000, 100, {})}).energy_joules);
    CHECK_FALSE(activity_of({at(0, 100, 5000)}).energy_joules);
  }
}

// Ten steps of a counter that moves every 100 ms.
TEST_CASE("GpuActivityMeter: a run under a second has no energy, and says why", "[results]") {
  const GpuActivity brief = activity_of({at(0, 100, 5000), at(999, 300, 5150)});
  CHECK_FALSE(brief.energy_joules);
  CHECK_THAT(brief.energy_reason, Contains("too short"));
  CHECK(activity_of({at(0, 100, 5000), at(1000, 300, 5150)}).energy_joules == 150.0);
  CHECK(activity_of({at(0, 100, 5000), at(1000, 300, 5150)}).energy_reason.empty());
  CHECK_THAT(activity_of({at(0, {}, {}), at(5000, {}, {})}).energy_reason, Contains("no readings"));
}

TEST_CASE("GpuActivityMeter: GPUs and segments add up, and one unknown makes the whole unknown", "[results]") {
  GpuActivityMeter meter;
  meter.add(0, at(0, 100, 1000, 0));
  meter.add(0, at(1000, 100, 1100, 0));
  meter.add(0, at(0, 100, 7000, 1));
  meter.add(0, at(1000, 100, 7050, 1));
  meter.add(2, at(0, 100, 1200, 0));
  meter.add(2, at(1000, 100, 1207, 0));
  SECTION("segment 1 did nothing") { CHECK(meter.finish({0, 2})->energy_joules == 157.0); }
  SECTION("segment 1 worked unseen") { CHECK_FALSE(meter.finish({0, 1, 2})->energy_joules); }
  SECTION("a GPU of segment 2 is unknown") {
    meter.add(2, at(0, {}, {}, 1));
    CHECK_FALSE(meter.finish({0, 2})->energy_joules);
  }
  CHECK_FALSE(GpuActivityMeter().finish({}));
}

TEST_CASE("summary: GPU samples are stored, and clocks, power, throttling and energy are shown", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run("trial", 1, 1), some_environment("cuda"), kNowMs);
  REQUIRE(ok(writer));
  GpuSample first = at(0, 120, 1000);
  first.sm_clock_mhz = 1980;
  first.throttle_reasons = 1;
  GpuSample last = at(2000, 480, 1700);
  last.sm_clock_mhz = 1700;
  last.temperature_c = 61;
  last.throttle_reasons = 4;
  REQUIRE(ok(writer->add_gpu_samples(std::vector<GpuSample>{first})));
  REQUIRE(ok(writer->add_gpu_samples({})));
  REQUIRE(ok(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::correct), kNowMs, 1000)));
  REQUIRE(ok(writer->add_gpu_samples(std::vector<GpuSample>{last})));
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 1, 2000)));

  const auto summary = summarise(*store, writer->run_id());
  REQUIRE(ok(summary));
  const Json record = to_json(*summary);
  CHECK(record["energy"]["joules_total"] == 700);
  CHECK(record["energy"]["joules_per_output_token"] == 140);  // of five tokens
  CHECK(record["energy"]["joules_per_correct"] == 700);
  CHECK(record["energy"]["source"] == "counter");
  CHECK(record["energy"]["provenance"] == "measured");
  CHECK(record["gpu"]["sm_clock_mhz"]["mean"] == 1840);
  CHECK(record["gpu"]["throttled_ratio"]["sw_power_cap"] == 0.5);
  const std::string text = report_text(*summary);
  CHECK_THAT(text, Contains("SM 1840 MHz (1700 to 1980)"));
  CHECK_THAT(text, Contains("300 W (120 to 480)"));
  CHECK_THAT(text, Contains("throttled: sw_power_cap 50.0 %"));
  CHECK_THAT(text, Contains("700 J total"));
  CHECK_THAT(text, Contains("140.000 J/output token"));
}

TEST_CASE("add_gpu_samples: values out of range are refused, and a run without any has no energy", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run("trial", 1, 1), some_environment("cpu"), kNowMs);
  REQUIRE(ok(writer));
  CHECK(writer->add_gpu_samples(std::vector<GpuSample>{at(0, -1, {})}).error().kind == ErrorKind::bad_input);
  CHECK_FALSE(writer->add_gpu_samples(std::vector<GpuSample>{at(-1, 1, {})}));
  const auto summary = summarise(*store, writer->run_id());
  REQUIRE(ok(summary));
  CHECK_FALSE(summary->gpu);
  CHECK(to_json(*summary)["energy"].is_null());
  CHECK(to_json(*summary)["gpu"].is_null());
}
