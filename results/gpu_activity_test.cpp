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
  meter.add(0, at(0, 50, 7000, 1));
  meter.add(0, at(1000, 50, 7050, 1));
  meter.add(2, at(0, 7, 1200, 0));
  meter.add(2, at(1000, 7, 1207, 0));
  SECTION("segment 1 did nothing") { CHECK(meter.finish({0, 2})->energy_joules == 157.0); }
  SECTION("segment 1 worked unseen") { CHECK_FALSE(meter.finish({0, 1, 2})->energy_joules); }
  SECTION("a GPU of segment 2 is unknown") {
    meter.add(2, at(0, {}, {}, 1));
    CHECK_FALSE(meter.finish({0, 2})->energy_joules);
  }
  CHECK_FALSE(GpuActivityMeter().finish({}));
}

// 100 s at 300 W are 30 kJ, of which 5 % are 1.5 kJ; readings that change by 100 W allow another 100 J.
TEST_CASE("GpuActivityMeter: a counter that power over time contradicts gives no energy, and both are shown",
          "[results]") {
  const auto run_of = [](double counter_joules, double last_watts) {
    std::vector<GpuSample> samples;
    for (int s = 0; s <= 100; ++s) {
      samples.push_back(at(1000.0 * s, s == 100 ? last_watts : 300, 5000 + counter_joules * s / 100));
    }
    return activity_of(samples);
  };
  SECTION("equal, and just within") {
    CHECK(run_of(30'000, 300).energy_joules == 30'000);
    CHECK(run_of(30'000, 300).energy_check->difference_ratio == 0);
    const GpuActivity within = run_of(28'600, 300);
    CHECK(within.energy_joules == 28'600);
    CHECK(within.energy_check->agrees);
    CHECK_THAT(within.energy_check->difference_ratio, WithinRel(1400.0 / 28'600, 1e-12));
  }
  SECTION("just beyond, on both sides") {
    for (const double counter_joules : {28'500.0, 31'600.0}) {
      const GpuActivity beyond = run_of(counter_joules, 300);
      CHECK_FALSE(beyond.energy_joules);
      CHECK_FALSE(beyond.energy_source);
      CHECK(beyond.energy_problem == EnergyProblem::counter_and_power_differ);
      CHECK_THAT(beyond.energy_reason, Contains("J, power over time 30000 J"));
      CHECK(beyond.energy_check->counter_joules == counter_joules);
      CHECK_FALSE(beyond.energy_check->agrees);
      const Json json = energy_check_json(beyond, "");
      CHECK(json["is_valid"] == false);
      CHECK(json["reason_code"] == "counter_and_power_differ");
      CHECK(json["counter_joules"] == counter_joules);
      CHECK(json["power_joules"] == 30'000);
      CHECK(json["agrees"] == false);
    }
  }
  SECTION("a last second that the readings know badly: 100 W less in half of it") {
    CHECK(run_of(28'450, 200).energy_joules == 28'450);  // 29950 - 28450 = 1500 of 1422.5 + 100
    CHECK_FALSE(run_of(28'400, 200).energy_joules);      // 1550 of 1420 + 100
  }
  SECTION("a counter that stands still") { CHECK_FALSE(run_of(0, 300).energy_joules); }
}

TEST_CASE("GpuActivityMeter: power is not known across a gap of more than three seconds", "[results]") {
  CHECK(activity_of({at(0, 100, {}), at(3000, 100, {})}).energy_joules == 300.0);
  const GpuActivity gap = activity_of({at(0, 100, {}), at(1000, 100, {}), at(4001, 100, {})});
  CHECK_FALSE(gap.energy_joules);
  CHECK(gap.energy_problem == EnergyProblem::no_readings);
  CHECK(energy_check_json(gap, "")["reason_code"] == "no_readings");
  // A counter counts on meanwhile; there is nothing to check it by.
  const GpuActivity counted = activity_of({at(0, 100, 0), at(9000, 100, 5)});
  CHECK(counted.energy_joules == 5.0);
  CHECK_FALSE(counted.energy_check);
  CHECK(energy_check_json(counted, "")["agrees"].is_null());
  CHECK(energy_check_json(counted, "")["is_valid"] == true);
  CHECK(energy_check_json(counted, "")["reason_code"].is_null());
}

namespace {

SegmentRecord segment_with_idle(const Json& idle_power) {
  SegmentRecord segment;
  segment.environment = some_environment("cuda");
  segment.environment.details["idle_power"] = idle_power;
  return segment;
}

}  // namespace

// By hand: 2 s of two GPUs at 70 W and 3 s of one at 80 W are 520 J of 700 J.
TEST_CASE("net_of_idle: each segment's own idle power over its devices' time", "[results]") {
  GpuActivityMeter meter;
  for (const std::int64_t gpu : {0, 1}) {
    meter.add(0, at(0, 100, 1000, gpu));
    meter.add(0, at(2000, 100, 1200, gpu));
  }
  meter.add(1, at(0, 100, 1200));
  meter.add(1, at(3000, 100, 1500));
  const GpuActivity activity = meter.finish({0, 1}).value();
  const auto measured = [](double watts) { return to_json(IdlePower{watts, EnergySource::power, 11, 1000, {}}); };
  const NetEnergy net = net_of_idle(activity, {segment_with_idle(measured(70)), segment_with_idle(measured(80))});
  CHECK(net.joules == 180.0);
  CHECK_THAT(net.idle_watts.value(), WithinRel(520.0 / 7, 1e-12));
  CHECK(net.provenance == "measured");
  CHECK(net.reason.empty());
  // Stated for all devices together: 20 W over 2 s and 3 s.
  const NetEnergy stated = net_of_idle(activity, {}, 20.0);
  CHECK(stated.joules == 600.0);
  CHECK(stated.idle_watts == 20.0);
  CHECK(stated.provenance == "stated");
  CHECK(net_of_idle(activity, {}, 140.0).joules == 0.0);
  const NetEnergy too_much = net_of_idle(activity, {}, 140.1);
  CHECK_FALSE(too_much.joules);
  CHECK_THAT(too_much.reason, Contains("the stated idle power is more than the run drew"));
  // A segment without: the reason that is stored with it.
  const Json busy = to_json(IdlePower{{}, {}, 0, 0, "the GPU was at work"});
  const NetEnergy none = net_of_idle(activity, {segment_with_idle(measured(70)), segment_with_idle(busy)});
  CHECK_FALSE(none.joules);
  CHECK(none.reason == "the GPU was at work");
  // What another program may have put there is not believed.
  for (const Json& odd : {Json(), Json("70"), Json{{"watts", "70"}}, Json{{"watts", -1}}, Json{{"watts", 1e300}},
                          Json{{"watts", nullptr}, {"reason", 5}}, Json{{"watts", Json::array({1})}}}) {
    CHECK_FALSE(idle_power_of(segment_with_idle(odd).environment).watts);
    CHECK_FALSE(idle_power_of(segment_with_idle(odd).environment).reason.empty());
  }
  const IdlePower back = idle_power_of(segment_with_idle(measured(70)).environment);
  CHECK(back.watts == 70.0);
  CHECK(back.n_readings == 11);
  CHECK(back.window_ms == 1000);
  CHECK(to_json(back)["provenance"] == "measured");
}

TEST_CASE("summary: GPU samples are stored, and clocks, power, throttling and energy are shown", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  EnvironmentFacts environment = some_environment("cuda");
  environment.details["idle_power"] = to_json(IdlePower{110, EnergySource::power, 11, 1000, {}});
  auto writer = store->begin_run(some_run("trial", 1, 1), environment, kNowMs);
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
  CHECK(record["energy"]["joules_net"] == 480);  // 110 W for 2 s less
  CHECK(record["energy"]["idle_watts"] == 110);
  CHECK(record["energy"]["idle_provenance"] == "measured");
  CHECK(record["energy"]["net_reason"].is_null());
  CHECK(record["energy_check"]["is_valid"] == true);
  CHECK(record["energy_check"]["power_joules"] == 600);
  CHECK(record["gpu"]["sm_clock_mhz"]["mean"] == 1840);
  CHECK(record["gpu"]["throttled_ratio"]["sw_power_cap"] == 0.5);
  const std::string text = report_text(*summary);
  CHECK_THAT(text, Contains("SM 1840 MHz (1700 to 1980)"));
  CHECK_THAT(text, Contains("300 W (120 to 480)"));
  CHECK_THAT(text, Contains("throttled: sw_power_cap 50.0 %"));
  CHECK_THAT(text, Contains("700 J total"));
  CHECK_THAT(text, Contains("140.000 J/output token"));
  CHECK_THAT(text,
             Contains("idle 110.0 W, measured") && Contains("600 J") && Contains("power over time, 14.3 % apart"));
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
  CHECK(to_json(*summary)["energy_check"]["is_valid"] == false);
  CHECK(to_json(*summary)["energy_check"]["reason_code"] == "not_measured");
  CHECK(to_json(*summary)["energy_check"]["reason"].is_string());
}
