// This machine's own ceilings, as points; what it has no GPUs for is said.

#include "harness/bench/machine_target.h"

#include <set>

#include "harness/bench/benchmark.h"
#include "harness/run/clock.h"
#include "results/ceilings.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::bench;
using Catch::Matchers::Contains;

TEST_CASE("open_machine: a processor's ceilings become the newest of its name", "[bench][machine]") {
  MachineOptions options;
  options.with_gpus = false;
  auto machine = open_machine(options);
  REQUIRE(machine);
  REQUIRE(machine->settings.size() == 4);
  CHECK(machine->settings[0].name() == "cpu: read by own");
  CHECK(machine->missing.empty());

  BenchmarkPlan plan;
  plan.repeats = 2;
  Arm arm;
  arm.settings = machine->settings;
  arm.open = [&]() -> Result<std::unique_ptr<Target>> { return std::move(machine->target); };
  plan.arms.push_back(std::move(arm));
  const test_support::TemporaryFolder folder;
  auto store = results::Store::open_or_create(folder / "runs.db");
  REQUIRE(store);
  const auto outcome = run_benchmark(plan, *store, run::machine_clock(), [](auto, auto, const Step&) {}, {});
  REQUIRE(outcome);
  CHECK_FALSE(outcome->stopped_by);
  CHECK(outcome->n_stored == 8);

  const auto newest = results::newest_ceilings(*store);
  REQUIRE(newest);
  REQUIRE(newest->size() == 1);
  const results::MachineCeilings& cpu = newest->front();
  CHECK(cpu.run_id == outcome->run_id);
  CHECK(cpu.device == machine->settings[0].machine.device_name);
  std::set<std::string> names;
  for (const results::Ceiling& ceiling : cpu.ceilings) {
    names.insert(ceiling.ceiling);
    CHECK(ceiling.figure.n == 2);
    CHECK(ceiling.figure.median > 0);
    CHECK(ceiling.provenance == "measured");
  }
  CHECK(names == std::set<std::string>{"copy", "fp32", "read", "write"});
  CHECK(cpu.collectives.empty());
}

TEST_CASE("open_machine: GPUs that aren't there are said to be missing, or are an error where they were asked for",
          "[bench][machine]") {
  const auto open = [](bool need_gpus, bool with_ceilings) {
    MachineOptions options;
    options.need_gpus = need_gpus;
    options.with_ceilings = with_ceilings;
    return open_machine(options);
  };
  // Tests that aren't labelled gpu see no GPU.
  const auto found = open(false, true);
  REQUIRE(found);
  REQUIRE(found->missing.size() == 1);
  CHECK_THAT(found->missing[0], Contains("GPUs: "));
  const auto needed = open(true, true);
  REQUIRE_FALSE(needed);
  CHECK(needed.error().kind == ErrorKind::environment);
  CHECK_THAT(needed.error().message, Contains("no GPU"));
  const auto nothing = open(false, false);
  REQUIRE_FALSE(nothing);
  CHECK_THAT(nothing.error().message, Contains("nothing to measure"));
}

TEST_CASE("machine_methods: a version and a meaning for each figure of a point", "[bench][machine]") {
  for (const auto& [metric, method] : machine_methods()) {
    CHECK(method.first == 1);
    CHECK(method.second.size() > 10);
  }
}
