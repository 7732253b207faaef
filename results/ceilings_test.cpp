#include "results/ceilings.h"

#include "results/report.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;

namespace {

BenchPoint ceiling_point(const std::string& device, const std::string& ceiling, const std::string& metric, double value,
                         std::int64_t repeat = 0, const std::string& by = "own") {
  BenchPoint point;
  point.key = {device + ": " + ceiling + " " + by, "", repeat};
  point.kind = kMachineKind;
  point.started_at_ms = kNowMs;
  point.wall_ms = 1000;
  point.settings = {{"device", "gpu 0"}, {"device_name", device}, {"ceiling", ceiling}, {"by", by}};
  point.figures[metric] = {value, {}, 10};
  point.details = {{"sm_clock_mhz", 1700 + 10 * repeat}, {"power_watts", 650}, {"throttle_reasons", 4}};
  return point;
}

BenchPoint collective_point(const std::string& by, std::int64_t bytes, double time_us, double link_gb_per_s = 0,
                            std::int64_t repeat = 0) {
  BenchPoint point;
  point.key = {"all_reduce " + by + " " + std::to_string(bytes) + " at " + std::to_string(link_gb_per_s), "", repeat};
  point.kind = kCollectiveKind;
  point.started_at_ms = kNowMs;
  point.wall_ms = 1;
  if (link_gb_per_s > 0) point.provenance = "emulated";
  point.settings = {
      {"device_name", "NVIDIA H200"}, {"operation", "all_reduce"}, {"by", by}, {"n_ranks", 2}, {"bytes", bytes},
      {"link_gb_per_s", nullptr}};
  if (link_gb_per_s > 0) point.settings["link_gb_per_s"] = link_gb_per_s;
  point.figures = {{"time_us", {time_us, {}, 64}},
                   {"bus_gb_per_s", {static_cast<double>(bytes) / time_us * 1e-3, {}, 64}}};
  return point;
}

RunFacts machine_run() {
  RunFacts run = some_run("machine", 0, 1);
  run.suites.clear();
  run.model = {"machine", kMachineReference, "", "", Json::object()};
  run.plan_sha256 = std::string(64, '3');
  return run;
}

RunId store_machine(Store& store, const std::vector<BenchPoint>& points, std::int64_t now_ms,
                    RunState state = RunState::finished) {
  RunFacts facts = machine_run();
  facts.name = "machine at " + std::to_string(now_ms);
  auto writer = store.begin_run(facts, some_environment("cuda"), now_ms);
  REQUIRE(ok(writer));
  for (const BenchPoint& point : points) REQUIRE(ok(writer->add_point(point, 1)));
  REQUIRE(ok(writer->finish(state, now_ms + 1, 1)));
  return writer->run_id();
}

}  // namespace

TEST_CASE("ceilings: repeats are a median with its range, and doubtful points are none", "[results]") {
  std::vector<BenchPoint> points = {
      ceiling_point("A", "read", "gb_per_s", 3000), ceiling_point("A", "read", "gb_per_s", 3100, 1),
      ceiling_point("A", "read", "gb_per_s", 3020, 2), ceiling_point("B", "read", "gb_per_s", 4000)};
  BenchPoint doubtful = ceiling_point("A", "read", "gb_per_s", 9999, 3);
  doubtful.reason_codes = {"throttled"};
  points.push_back(doubtful);
  const auto machines = ceilings_of(points);
  REQUIRE(machines.size() == 2);
  REQUIRE(machines[0].ceilings.size() == 1);
  const Ceiling& read = machines[0].ceilings[0];
  CHECK(machines[0].device == "A");
  CHECK(read.metric == "gb_per_s");
  CHECK(read.figure.median == 3020);
  CHECK(read.figure.min == 3000);
  CHECK(read.figure.max == 3100);
  CHECK(read.figure.n == 3);
  CHECK(*read.sm_clock_mhz == 1710);
  CHECK(read.throttled_by == std::vector<std::string>{"sw_power_cap"});
  CHECK(*machines[1].best("read") == 4000);
  CHECK_FALSE(machines[1].best("write").has_value());
}

TEST_CASE("ceilings: the best is what reached most, and of times what took least", "[results]") {
  const auto machines = ceilings_of(std::vector{
      ceiling_point("A", "bf16", "tflops", 700), ceiling_point("A", "bf16", "tflops", 760, 0, "cublas"),
      ceiling_point("A", "kernel_gap", "time_us", 2), ceiling_point("A", "kernel_gap", "time_us", 1, 0, "cuda")});
  REQUIRE(machines.size() == 1);
  CHECK(machines[0].ceilings.size() == 4);
  CHECK(*machines[0].best("bf16") == 760);
  CHECK(*machines[0].best("kernel_gap") == 1);
}

TEST_CASE("ceilings: collectives are curves by size, held back ones apart and emulated", "[results]") {
  const auto machines = ceilings_of(std::vector{
      collective_point("own", 1 << 20, 6.5), collective_point("own", 8192, 3.3), collective_point("nccl", 8192, 6.6),
      collective_point("own", 8192, 3.5, 0, 1), collective_point("own", 8192, 4, 165)});
  REQUIRE(machines.size() == 1);
  const auto& curves = machines[0].collectives;
  REQUIRE(curves.size() == 3);
  CHECK(curves[0].by == "own");
  REQUIRE(curves[0].sizes.size() == 2);
  CHECK(curves[0].sizes[0].bytes == 8192);
  CHECK_THAT(curves[0].sizes[0].time_us.median, Catch::Matchers::WithinRel(3.4, 1e-12));
  CHECK(curves[0].provenance == "measured");
  CHECK(curves[1].by == "nccl");
  CHECK(*curves[2].link_gb_per_s == 165);
  CHECK(curves[2].provenance == "emulated");
  const std::string text =
      ceilings_text(std::vector{collective_point("own", 8192, 3.3), collective_point("nccl", 8192, 6.6)});
  CHECK_THAT(text, Contains("8 KiB"));
  CHECK_THAT(text, Contains("2.00"));
}

TEST_CASE("newest_ceilings: the newest finished run of each device, and only runs of machines", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  REQUIRE(ok(store));
  CHECK(newest_ceilings(*store)->empty());
  store_machine(*store, {ceiling_point("A", "read", "gb_per_s", 1), ceiling_point("B", "read", "gb_per_s", 2)}, kNowMs);
  const RunId newer = store_machine(*store, {ceiling_point("A", "read", "gb_per_s", 3)}, kNowMs + 10);
  store_machine(*store, {ceiling_point("A", "read", "gb_per_s", 5)}, kNowMs + 20, RunState::interrupted);
  RunFacts model_run = machine_run();
  model_run.model.reference = "some-model";
  auto writer = store->begin_run(model_run, some_environment("cuda"), kNowMs + 30);
  REQUIRE(ok(writer->add_point(ceiling_point("A", "read", "gb_per_s", 7), 1)));
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 31, 1)));

  // A newer run of collectives alone takes no ceilings away.
  BenchPoint collective = collective_point("own", 8192, 3);
  collective.settings["device_name"] = "A";
  const RunId collectives = store_machine(*store, {collective}, kNowMs + 40);
  const auto all = newest_ceilings(*store);
  REQUIRE(ok(all));
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].collectives_run_id == collectives);
  CHECK((*all)[0].collectives.size() == 1);
  CHECK((*all)[1].collectives_run_id.value.empty());
  CHECK((*all)[0].run_id == newer);
  CHECK((*all)[0].measured_at_ms == kNowMs + 10);
  CHECK((*all)[0].environment_fingerprint.size() == 64);
  const auto b = newest_ceilings(*store, "B");
  REQUIRE(ok(b));
  REQUIRE(b->has_value());
  CHECK(*(*b)->best("read") == 2);
  CHECK_FALSE(newest_ceilings(*store, "C")->has_value());
  CHECK(to_json(**b)["ceilings"][0]["figure"]["median"] == 2);
  const auto summary = summarise(*store, newer);
  REQUIRE(ok(summary));
  CHECK_THAT(report_text(*summary), Contains("GB/s") && Contains("sw_power_cap"));
}

TEST_CASE("report: a run of suites under links held back says to what, and what they carried", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  REQUIRE(ok(store));
  RunFacts facts = some_run("held", 1, 1);
  facts.provenance = "emulated";
  EnvironmentFacts environment = some_environment("cuda");
  environment.details["device"] = {{"link_gb_per_s", 165}};
  EnvironmentFacts free = environment;
  free.details["device"] = Json::object();
  CHECK(environment_fingerprint(environment) != environment_fingerprint(free));
  auto writer = store->begin_run(facts, environment, kNowMs);
  REQUIRE(ok(writer));
  BenchPoint link;
  link.kind = "link";
  link.key.name = "link held to 165 GB/s";
  link.started_at_ms = kNowMs;
  link.provenance = "emulated";
  link.figures["link_gb_per_s"] = {162.5, {}, {}};
  REQUIRE(ok(writer->add_point(link, 1)));
  REQUIRE(ok(writer->finish(RunState::interrupted, kNowMs + 1, 1)));
  const auto summary = summarise(*store, writer->run_id());
  REQUIRE(ok(summary));
  CHECK_THAT(report_text(*summary), Contains("emulated") && Contains("held back to 165 GB/s one way") &&
                                        Contains("link held to 165 GB/s") && Contains("162.5"));
}
