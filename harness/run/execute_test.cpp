#include "harness/run/execute.h"

#include <atomic>
#include <map>

#include "harness/base/file.h"
#include "harness/run/environment.h"
#include "harness/run/test_parts.h"
#include "results/report.h"
#include "results/summary.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::run;

namespace {

/// One database and everything that execute() works with.
struct Bench {
  test_support::TemporaryFolder folder;
  results::Store store = *results::Store::open_or_create(folder / "runs.db");
  ProgressView progress{ProgressStyle::none, "run"};
  // A second passes between two looks at the clock: energy wants runs that are long enough.
  Clock clock{.unix_ms = [this] { return now_ms++; },
              .monotonic_ms = [this] { return 1000 * double(now_ms.load() - 1'700'000'000'000); }};
  IdlePowers idle_powers;
  std::atomic<std::int64_t> now_ms = 1'700'000'000'000;  // graders and the storing thread ask at once

  Result<RunOutcome> execute(runners::Runner& runner, const RunSettings& settings, std::stop_token stop = {},
                             int n_items = 10) {
    const RunParts parts{runner, store,           GradingTools(),      progress,
                         clock,  ASSAY_FAKE_NVML, folder / "powercap", idle_powers};
    return run::execute(settings, {text_suite("words", n_items)}, parts, stop);
  }

  /// Verdict and text by item and sample: the content that must not depend on how often a run was interrupted.
  std::map<std::string, std::string> content(const RunId& run_id) {
    std::map<std::string, std::string> content;
    REQUIRE(store.for_each_sample(run_id, "", results::SampleParts::transcripts,
                                  [&](const results::SampleRecord& record) -> Result<> {
                                    const results::SampleKey& key = record.sample.key;
                                    content[key.item.value + ":" + std::to_string(key.sample)] =
                                        results::to_string(record.verdict.verdict) + " " + record.sample.text;
                                    return {};
                                  }));
    return content;
  }
};

RunSettings two_samples() {
  RunSettings settings;
  settings.plan.samples = 2;
  settings.command_line = "run";
  return settings;
}

}  // namespace

TEST_CASE("execute: every sample is stored with its verdict, and the run is finished", "[run]") {
  Bench bench;
  ScriptedRunner runner(ScriptedRunner::right_answer);
  const auto outcome = bench.execute(runner, two_samples());
  REQUIRE(outcome);
  CHECK_FALSE(outcome->stopped_by.has_value());
  CHECK(outcome->n_stored == 20);
  CHECK(bench.content(outcome->run_id).size() == 20);
  CHECK(bench.content(outcome->run_id)["q7:1"] == "correct a7");
  const auto run = bench.store.read_run(outcome->run_id);
  REQUIRE(run);
  CHECK(run->state == results::RunState::finished);
  CHECK(run->facts.model.name == "scripted");
  CHECK(run->suites[0].n_correct == 20);
}

TEST_CASE("execute: of a run on processors their energy is stored", "[run]") {
  Bench bench;
  const std::string zone = bench.folder / "powercap/intel-rapl:0";
  std::filesystem::create_directories(zone);
  const auto write = [&](const char* name, const std::string& text) { REQUIRE(write_file(zone + "/" + name, text)); };
  write("name", "package-0\n");
  write("max_energy_range_uj", "262143328850\n");
  write("energy_uj", "1000000\n");
  ScriptedRunner runner([&](const runners::Request& request) {
    write("energy_uj", "5000000\n");
    return ScriptedRunner::right_answer(request);
  });
  const auto outcome = bench.execute(runner, two_samples());
  REQUIRE(outcome);
  const auto summary = results::summarise(bench.store, outcome->run_id);
  REQUIRE(summary);
  REQUIRE(summary->gpu);
  CHECK(summary->gpu->energy_joules == 4.0);
  CHECK(results::to_json(*summary)["gpu"].is_null());
  CHECK(results::to_json(*summary)["energy"]["joules_total"] == 4.0);
  CHECK(results::report_text(*summary).find("by the processors' counter") != std::string::npos);
}

TEST_CASE("execute: a GPU is sampled from the start of each segment to its end", "[run]") {
  Bench bench;
  ScriptedRunner cpu(ScriptedRunner::right_answer);
  const auto without = bench.execute(cpu, two_samples());
  REQUIRE(without);
  CHECK_FALSE(results::summarise(bench.store, without->run_id)->gpu);

  std::stop_source stop;
  ScriptedRunner stopped([&](const runners::Request& request) {
    if (request.id == "q5") stop.request_stop();
    return ScriptedRunner::right_answer(request);
  });
  ScriptedRunner gpu(ScriptedRunner::right_answer);
  bench.idle_powers.gpus["0000:1b:00.0"] = {1.5, results::EnergySource::power, 11, 1000, {}};
  for (ScriptedRunner* runner : {&stopped, &gpu}) {
    runner->device = {"cuda", "Fake H100", {{"pci_bus_id", "0000:1b:00.0"}}};
    const auto outcome = bench.execute(*runner, two_samples(), stop.get_token());
    REQUIRE(outcome);
    stop = {};
    const auto summary = results::summarise(bench.store, outcome->run_id);
    REQUIRE(summary);
    REQUIRE(summary->gpu);
    const auto n_segments = static_cast<std::int64_t>(summary->run.segments.size());
    CHECK(n_segments == (runner == &stopped ? 1 : 2));
    CHECK(summary->gpu->n_samples >= 2 * n_segments);
    // The fake's counter grows by its 143.94 W in a second at each reading.
    const auto n_steps = static_cast<double>(summary->gpu->n_samples - n_segments);
    CHECK_THAT(summary->gpu->energy_joules.value(), Catch::Matchers::WithinAbs(143.94 * n_steps, 1e-6));
    const Json energy = results::to_json(*summary)["energy"];
    CHECK(energy["joules_per_output_token"].is_number());
    double device_s = 0;
    for (const results::StretchEnergy& stretch : summary->gpu->stretches) device_s += stretch.window_s;
    CHECK_THAT(energy["joules_net"].get<double>(),
               Catch::Matchers::WithinAbs(*summary->gpu->energy_joules - 1.5 * device_s, 1e-6));
    CHECK(energy["idle_watts"] == 1.5);
    CHECK(energy["idle_provenance"] == "measured");
  }
}

TEST_CASE("execute: a finished run starts anew, an unfinished one goes on behind what is stored", "[run]") {
  Bench bench;
  ScriptedRunner runner(ScriptedRunner::right_answer);
  const auto first = bench.execute(runner, two_samples());
  std::stop_source stop;
  ScriptedRunner stopped([&](const runners::Request& request) {
    if (request.id == "q5") stop.request_stop();
    return ScriptedRunner::right_answer(request);
  });
  const auto second = bench.execute(stopped, two_samples(), stop.get_token());
  REQUIRE(second);
  CHECK(second->run_id != first->run_id);
  REQUIRE(second->stopped_by.has_value());
  CHECK(second->stopped_by->kind == ErrorKind::interrupted);
  CHECK(second->n_stored == 9);  // q9, q8, q7, q6 twice, and q5 once
  CHECK(bench.content(second->run_id).size() == 9);
  CHECK(bench.store.read_run(second->run_id)->state == results::RunState::interrupted);

  const auto third = bench.execute(runner, two_samples());
  REQUIRE(third);
  CHECK(third->run_id == second->run_id);
  CHECK(runner.n_asked == 11);
  CHECK_FALSE(third->stopped_by.has_value());
  CHECK(bench.content(third->run_id) == bench.content(first->run_id));
}

TEST_CASE("execute: what makes a run another one also keeps it from being resumed", "[run]") {
  Bench bench;
  std::stop_source stop;
  stop.request_stop();
  ScriptedRunner runner(ScriptedRunner::right_answer);
  const auto unfinished = bench.execute(runner, two_samples(), stop.get_token());
  REQUIRE(unfinished);

  RunSettings settings = two_samples();
  std::string what;
  SECTION("seed") { settings.plan.seed = 1; }
  SECTION("samples") { settings.plan.samples = 3; }
  SECTION("limit") { settings.plan.limit = 3; }
  SECTION("temperature") { settings.plan.sampling.temperature = 0.5; }
  SECTION("name") { settings.name = "other"; }
  SECTION("chat template") { settings.chat_template = "chatml"; }
  SECTION("model") { runner.weights_sha256 = std::string(64, 'b'); }
  const auto other = bench.execute(runner, settings);
  REQUIRE(other);
  CHECK(other->run_id != unfinished->run_id);

  settings.resume = unfinished->run_id.value;
  const auto refused = bench.execute(runner, settings);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
}

TEST_CASE("execute: a run stays with the GPU kernels that it began with", "[run]") {
  Bench bench;
  std::stop_source stop;
  stop.request_stop();
  ScriptedRunner runner(ScriptedRunner::right_answer);
  runner.device = {"cuda", "script", Json::object()};  // of an earlier version: Hopper's
  const auto hopper = bench.execute(runner, two_samples(), stop.get_token());
  REQUIRE(hopper);
  runner.device.details["cuda_path"] = "portable";
  const auto portable = bench.execute(runner, two_samples(), stop.get_token());
  REQUIRE(portable);
  CHECK(portable->run_id != hopper->run_id);
  RunSettings settings = two_samples();
  settings.resume = hopper->run_id.value;
  const auto refused = bench.execute(runner, settings);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
  CHECK_THAT(refused.error().message, Catch::Matchers::Contains("--cuda-path"));
  runner.device.details["cuda_path"] = "hopper";
  runner.device.details["tensor_parallel"] = 2;
  const auto spread = bench.execute(runner, settings);
  REQUIRE_FALSE(spread);
  CHECK_THAT(spread.error().message, Catch::Matchers::Contains("hopper --tensor-parallel 2"));
  runner.device.details.erase("tensor_parallel");
  const auto resumed = bench.execute(runner, settings);
  REQUIRE(resumed);
  CHECK(resumed->run_id == hopper->run_id);
}

TEST_CASE("execute: a run under links that are held back is emulated, and stores what they carried", "[run]") {
  Bench bench;
  ScriptedRunner runner(ScriptedRunner::right_answer);
  runner.device = {"cuda", "script", {{"cuda_path", "hopper"}, {"tensor_parallel", 2}, {"link_gb_per_s", 165}}};
  runner.link.emplace();
  runner.link->link_gb_per_s = 165;
  runner.link->sizes = {{1 << 14, 8, 8.0 * (1 << 14), 32}, {1 << 20, 1, 1 << 20, 6.5}};
  const auto run = bench.execute(runner, two_samples());
  REQUIRE(run);
  const auto record = bench.store.read_run(run->run_id);
  REQUIRE(record);
  CHECK(record->state == results::RunState::finished);
  CHECK(record->facts.provenance == "emulated");
  const auto points = bench.store.read_points(run->run_id);
  REQUIRE(points);
  REQUIRE(points->size() == 1);
  const results::BenchPoint& point = points->front();
  CHECK(point.kind == "link");
  CHECK(point.provenance == "emulated");
  CHECK(point.settings["link_gb_per_s"] == 165);
  CHECK_THAT(point.figures.at("link_gb_per_s").value, Catch::Matchers::WithinRel(1048576 / 6.5e3, 1e-9));
  CHECK_THAT(point.figures.at("time_ms").value, Catch::Matchers::WithinRel(0.0385, 1e-9));
  CHECK(point.details["sizes"].size() == 2);
}

TEST_CASE("execute: links held back to another rate make another run, and no resume", "[run]") {
  Bench bench;
  std::stop_source stop;
  stop.request_stop();
  ScriptedRunner runner(ScriptedRunner::right_answer);
  runner.device = {"cuda", "script", {{"cuda_path", "hopper"}, {"tensor_parallel", 2}}};
  const auto free = bench.execute(runner, two_samples(), stop.get_token());
  REQUIRE(free);
  runner.device.details["link_gb_per_s"] = 165;
  const auto held = bench.execute(runner, two_samples(), stop.get_token());
  REQUIRE(held);
  CHECK(held->run_id != free->run_id);
  RunSettings settings = two_samples();
  settings.resume = free->run_id.value;
  const auto refused = bench.execute(runner, settings);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Matchers::Contains("--link-gb-s 165"));
}

TEST_CASE("execute: tags and price do not make another run, --resume names one and refuses a finished one", "[run]") {
  Bench bench;
  std::stop_source stop;
  stop.request_stop();
  ScriptedRunner runner(ScriptedRunner::right_answer);
  const auto unfinished = bench.execute(runner, two_samples(), stop.get_token());
  REQUIRE(unfinished);
  RunSettings settings = two_samples();
  settings.tags = {{"host", "a"}};
  settings.price_usd_per_gpu_hour = 2.0;
  settings.resume = unfinished->run_id.value;
  const auto resumed = bench.execute(runner, settings);
  REQUIRE(resumed);
  CHECK(resumed->run_id == unfinished->run_id);
  const auto again = bench.execute(runner, settings);
  REQUIRE_FALSE(again);
  CHECK_THAT(again.error().message, Catch::Matchers::Contains("finished"));
  settings.resume = "no such run";
  CHECK_FALSE(bench.execute(runner, settings));
}

TEST_CASE("execute: a resumed run is locked before its stored samples are read", "[run]") {
  Bench bench;
  std::stop_source stop;
  stop.request_stop();
  ScriptedRunner runner(ScriptedRunner::right_answer);
  const auto unfinished = bench.execute(runner, two_samples(), stop.get_token());
  REQUIRE(unfinished);
  bool was_locked = false;
  runner.during_check = [&] {
    results::Store other = *results::Store::open_or_create(bench.store.path());
    was_locked = !other.resume_run(unfinished->run_id, read_environment({}), 1);
  };
  REQUIRE(bench.execute(runner, two_samples()));
  CHECK(was_locked);
}

TEST_CASE("execute: a sample that fails is an error verdict and the others go on", "[run]") {
  Bench bench;
  ScriptedRunner runner([](const runners::Request& request) {
    runners::Completion completion = ScriptedRunner::right_answer(request);
    if (request.id == "q3") completion.failure = "nan_logits";
    return completion;
  });
  const auto outcome = bench.execute(runner, two_samples());
  REQUIRE(outcome);
  CHECK_FALSE(outcome->stopped_by.has_value());
  const auto run = bench.store.read_run(outcome->run_id);
  CHECK(run->suites[0].n_errors == 2);
  CHECK(run->suites[0].n_correct == 18);
}

TEST_CASE("execute: when the device fails, what was answered is stored and the run can be resumed", "[run]") {
  Bench bench;
  ScriptedRunner runner(ScriptedRunner::right_answer);
  runner.fails_after = 7;
  const auto outcome = bench.execute(runner, two_samples());
  REQUIRE(outcome);
  REQUIRE(outcome->stopped_by.has_value());
  CHECK(outcome->stopped_by->kind == ErrorKind::environment);
  CHECK(outcome->stopped_by->message == "the device is gone");
  CHECK(bench.content(outcome->run_id).size() == 7);
  runner.fails_after = -1;
  const auto resumed = bench.execute(runner, two_samples());
  CHECK(resumed->run_id == outcome->run_id);
  CHECK(resumed->n_stored == 20);
}

TEST_CASE("execute: a stop behind the last sample stops nothing", "[run]") {
  Bench bench;
  std::stop_source stop;
  ScriptedRunner runner([&](const runners::Request& request) {
    if (request.id == "q0" && request.sample == 0) stop.request_stop();
    return ScriptedRunner::right_answer(request);
  });
  const auto outcome = bench.execute(runner, two_samples(), stop.get_token());
  REQUIRE(outcome);
  CHECK_FALSE(outcome->stopped_by.has_value());
  CHECK(bench.store.read_run(outcome->run_id)->state == results::RunState::finished);
}

TEST_CASE("execute: requests that can't be served leave no run behind", "[run]") {
  Bench bench;
  ScriptedRunner runner(ScriptedRunner::right_answer);
  runner.refuses_all = true;
  const auto outcome = bench.execute(runner, two_samples());
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().message == "prompt too long");
  CHECK(bench.store.list_runs()->empty());
}

TEST_CASE("execute: a runner that leaves requests unanswered is an error, and the run stays open", "[run]") {
  Bench bench;
  class Lazy final : public runners::Runner {
    runners::ModelFacts model_facts() const override { return {}; }
    runners::DeviceFacts device_facts() const override { return {"cpu", "", Json::object()}; }
    Result<> check(const std::vector<runners::Request>&) override { return {}; }
    Result<> run(const std::vector<runners::Request>&, const runners::CompletionSink&, const runners::ProgressSink&,
                 std::stop_token) override {
      return {};
    }
  } lazy;
  const auto outcome = bench.execute(lazy, two_samples());
  REQUIRE(outcome);
  REQUIRE(outcome->stopped_by.has_value());
  CHECK(outcome->stopped_by->kind == ErrorKind::environment);
  CHECK(bench.store.read_run(outcome->run_id)->state == results::RunState::interrupted);
}
