// A database made from a truth that is known, projected; and everything that is refused.

#include "harness/run/project_run.h"

#include <cmath>

#include "harness/base/file.h"
#include "results/ceilings.h"
#include "results/export/export.h"
#include "results/import/import.h"
#include "results/merge.h"
#include "results/report.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

const std::vector<double> kBatches = {1, 8, 32, 128, 256};
const LinkFit kAllReduce{3.3, 343, 0, 0}, kAllGather{4.6, 350, 0, 0};

runners::PassWork model_work() {
  runners::PassWork work;
  work.weight_bytes = work.flop_per_token = 15.01e9;
  work.kv_bytes_per_token = 131'072;
  work.attention_flop_per_pair = 524'288;
  work.n_layers = 32;
  work.hidden_size = 4096;
  work.vocab_size = 128'256;
  return work;
}

EnvironmentFacts two_h200(double link_gb_per_s = 0) {
  EnvironmentFacts environment = some_environment("cuda");
  environment.gpu_name = "NVIDIA H200";
  environment.n_gpus = 2;
  Json device = {
      {"cuda_path", "hopper"}, {"memory_bytes", 150'754'820'096}, {"tensor_parallel", 2}, {"expert_parallel", 1}};
  if (link_gb_per_s > 0) device["link_gb_per_s"] = link_gb_per_s;
  environment.details = {{"device", device}};
  return environment;
}

/// Milliseconds of a decode pass of the truth: what the GPUs do by themselves, and the links, held back or (0) not.
double true_ms(double batch, double link_gb_per_s) {
  const LinkFits as_they_are{kAllReduce, kAllGather};
  const LinkFits link = link_gb_per_s > 0 ? as_they_are.at_rate(link_gb_per_s) : as_they_are;
  MeasuredPass pass;
  pass.batch = batch;
  pass.n_ranks = 2;
  pass.splits_heads = true;
  return 2 + 0.015 * batch + link_ms(pass, model_work(), link);
}

BenchPoint decode_point(double batch, double ms) {
  BenchPoint point;
  point.kind = "decode";
  point.key.name = "batch=" + std::to_string(static_cast<int>(batch)) + " context=1024";
  point.started_at_ms = kNowMs;
  point.wall_ms = 1000;
  point.settings = {{"batch", batch}, {"context", 1024}, {"n_steps", 48}, {"temperature", 0}};
  point.figures = {{"output_tokens_per_s", {1000 * batch / ms, {}, 48}}, {"pass_ms", {ms, {}, 48}}};
  return point;
}

RunFacts model_run(const std::string& name) {
  RunFacts run = some_run(name, 0, 1);
  run.suites.clear();
  run.model.details["pass_work"] = runners::to_json(model_work());
  run.plan_sha256 = std::string(64, '4');
  return run;
}

RunId store_run(Store& store, RunFacts facts, const EnvironmentFacts& environment,
                const std::vector<BenchPoint>& points) {
  auto writer = store.begin_run(facts, environment, kNowMs);
  REQUIRE(ok(writer));
  for (const BenchPoint& point : points) REQUIRE(ok(writer->add_point(point, 1)));
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 1, 1)));
  return writer->run_id();
}

/// The passes on links as they are, or held back; each longer or shorter by its share of `errors`, in turn.
RunId store_decode(Store& store, double link_gb_per_s, const std::vector<double>& errors = {0}) {
  std::vector<BenchPoint> points;
  for (std::size_t i = 0; i < kBatches.size(); ++i) {
    const double ms = true_ms(kBatches[i], link_gb_per_s) * (1 + errors[i % errors.size()]);
    points.push_back(decode_point(kBatches[i], ms));
  }
  RunFacts facts = model_run("decode at " + std::to_string(link_gb_per_s));
  if (link_gb_per_s > 0) facts.provenance = "emulated";
  return store_run(store, facts, two_h200(link_gb_per_s), points);
}

void store_collectives(Store& store) {
  std::vector<BenchPoint> points;
  for (const auto& [operation, fit] : {std::pair("all_reduce", kAllReduce), std::pair("all_gather", kAllGather)}) {
    for (std::int64_t bytes = 4096; bytes <= 268'435'456; bytes *= 4) {
      BenchPoint point;
      point.kind = kCollectiveKind;
      point.key.name = std::string(operation) + std::to_string(bytes);
      point.started_at_ms = kNowMs;
      point.settings = {
          {"device_name", "NVIDIA H200"}, {"operation", operation}, {"by", "own"}, {"n_ranks", 2}, {"bytes", bytes},
          {"link_gb_per_s", nullptr}};
      const double us = fit.time_us(static_cast<double>(bytes));
      point.figures = {{"time_us", {us, {}, 5}}, {"bus_gb_per_s", {static_cast<double>(bytes) / us * 1e-3, {}, 5}}};
      points.push_back(point);
    }
  }
  RunFacts facts = model_run("collectives");
  facts.model = {"machine", kMachineReference, "", "", Json::object()};
  store_run(store, facts, two_h200(), points);
}

struct Lab {
  Lab() : store(*Store::open_or_create(folder / "x.db")), profiles(*load_hardware({})) {}
  Result<ProjectedRun> project(const RunId& from, const std::string& to, std::optional<double> link_gb_per_s = {}) {
    return project_run(store, {from, profiles, to, link_gb_per_s, {}});
  }
  std::string refusal(const RunId& from, const std::string& to, std::optional<double> link_gb_per_s = {}) {
    const auto projected = project(from, to, link_gb_per_s);
    if (projected) return "";
    CHECK(projected.error().kind == ErrorKind::bad_input);
    return projected.error().message;
  }
  TemporaryFolder folder;
  Store store;
  std::vector<HardwareProfile> profiles;
};

}  // namespace

TEST_CASE("project_run: a truth that the model holds is found again on slower links", "[projection]") {
  Lab lab;
  store_collectives(lab.store);
  const RunId fast = store_decode(lab.store, 0);
  store_decode(lab.store, 165);
  const auto run = lab.project(fast, "h200-sxm", 165);
  REQUIRE(ok(run));
  CHECK_THAT(run->from_link->all_reduce.alpha_us, WithinRel(3.3, 1e-6));
  CHECK_THAT(run->from_link->all_reduce.gb_per_s, WithinRel(343.0, 1e-6));
  REQUIRE(run->points.size() == kBatches.size());
  for (std::size_t i = 0; i < kBatches.size(); ++i) {
    const ProjectedPoint& one = run->points[i];
    CHECK_THAT(one.projected_ms, WithinRel(true_ms(kBatches[i], 165), 1e-6));
    CHECK(one.error.ratio < 1e-6);
    CHECK(one.error.n_held_out == 4);
    CHECK(one.error.coverage == 0.95);
    REQUIRE(one.emulated_ms);
    CHECK(one.point.provenance == "projected");
    CHECK_THAT(one.point.figures.at("output_tokens_per_s").value,
               WithinRel(1000 * kBatches[i] / one.projected_ms, 1e-9));
  }
}

// t(0.975; 4) = 2.77645, of any table.
TEST_CASE("project_run: its error is made of the others', and a pass beyond it is said to be", "[projection]") {
  Lab lab;
  store_collectives(lab.store);
  const RunId fast = store_decode(lab.store, 0);
  store_decode(lab.store, 165, {0.01, -0.02, 0.015, 0.0, 0.10});
  const auto run = lab.project(fast, "h200-sxm", 165);
  REQUIRE(ok(run));
  const auto error = [](std::initializer_list<double> longer) {
    double squares = 0;
    for (const double ratio : longer) squares += (1 / (1 + ratio) - 1) * (1 / (1 + ratio) - 1);
    return 2.77645 * std::sqrt(squares / 4);
  };
  CHECK_THAT(run->points[0].error.ratio, WithinRel(error({-0.02, 0.015, 0.0, 0.10}), 1e-4));
  CHECK(run->points[0].emulated_is_within());
  CHECK_THAT(run->points[4].error.ratio, WithinRel(error({0.01, -0.02, 0.015, 0.0}), 1e-4));
  CHECK_FALSE(run->points[4].emulated_is_within());  // its own 10 % do not vouch for it
}

TEST_CASE("project_run: to an H800 links slow by the published ratio, and another card adds its error",
          "[projection]") {
  Lab lab;
  store_collectives(lab.store);
  const RunId fast = store_decode(lab.store, 0);
  store_decode(lab.store, 165, {0.01});
  const auto run = lab.project(fast, "h800-sxm5");
  REQUIRE(ok(run));
  CHECK_THAT(*run->link_gb_per_s, WithinRel(343 * 400.0 / 900, 1e-6));
  CHECK(run->rates_from == "published");
  for (const ProjectedPoint& one : run->points) {
    CHECK_THAT(one.error.ratio, WithinRel(0.10 + 2.77645 * (1 - 1 / 1.01), 1e-4));
    CHECK_THAT(one.error.from, Contains("emulated") && Contains("another card"));
    CHECK(one.projected_ms > one.measured_ms);
    CHECK_FALSE(one.emulated_ms);
    CHECK(one.point.figures.contains("usd_per_mtok_output"));
  }
  REQUIRE(run->anchors.size() == 3);
  CHECK(run->anchors[0].published == 153);
  CHECK_THAT(run->anchors[0].projected, WithinRel(152.4, 0.01));
}

TEST_CASE("project_run: another card with such links needs no word on other links", "[projection]") {
  Lab lab;
  store_collectives(lab.store);
  const RunId fast = store_decode(lab.store, 0);
  const auto run = lab.project(fast, "h100-sxm5");
  REQUIRE(ok(run));
  for (const ProjectedPoint& one : run->points) {
    CHECK(one.error.ratio == runners::kStepErrorRatio);
    CHECK(one.projected_ms > one.measured_ms);
  }
}

TEST_CASE("project_run: a stored projection is a run of its own, labelled, with its error", "[projection]") {
  Lab lab;
  store_collectives(lab.store);
  const RunId fast = store_decode(lab.store, 0);
  store_decode(lab.store, 165, {0.01});
  const auto projected = lab.project(fast, "h800-sxm5");
  REQUIRE(ok(projected));
  const auto id = store_projected_run(lab.store, *projected, "on an H800", "assay project", kNowMs + 5);
  REQUIRE(ok(id));
  const auto summary = summarise(lab.store, *id);
  REQUIRE(ok(summary));
  CHECK(summary->run.facts.provenance == "projected");
  CHECK(summary->run.facts.hardware_profile == "h800-sxm5");
  CHECK(summary->run.segments.front().environment.gpu_name == "NVIDIA H800 SXM5 80 GB");
  REQUIRE(summary->points.size() == kBatches.size());
  const Json& projection = summary->points[0].details["projection"];
  CHECK(projection["from_run"] == fast.value);
  CHECK(projection["error_ratio"].get<double>() > 0.10);
  CHECK(projection["n_held_out"] == 4);
  CHECK_THAT(report_text(*summary), Contains("projected"));
  // Neither does it start another projection, nor vouch for one.
  CHECK_THAT(lab.refusal(*id, "h200-sxm", 165), Contains("is projected"));
  const auto again = lab.project(fast, "h800-sxm5");
  REQUIRE(ok(again));
  CHECK(again->points[0].error.n_held_out == 4);
}

TEST_CASE("project_run: runs of another machine project as they do there, merged or imported", "[projection]") {
  Lab there;
  store_collectives(there.store);
  const RunId fast = store_decode(there.store, 0);
  store_decode(there.store, 165);
  const auto expected = there.project(fast, "h200-sxm", 165);
  REQUIRE(ok(expected));
  const TemporaryFolder folder;
  const std::string merged = folder / "merged.db", imported = folder / "imported.db", file = folder / "runs.json";
  const std::vector<std::filesystem::path> from = {there.folder / "x.db"};
  REQUIRE(ok(merge_databases(merged, from, [](std::int64_t, std::int64_t) -> Result<> { return {}; })));
  {
    auto store = Store::open_or_create(imported);
    REQUIRE(ok(store));
    const auto runs = there.store.list_runs();
    REQUIRE(ok(runs));
    std::vector<RunId> ids;
    for (const RunRecord& run : *runs) ids.push_back(run.run_id);
    std::string text;
    REQUIRE(ok(export_runs(there.store, ids, {.format = ExportFormat::json}, [&](std::string_view piece) -> Result<> {
      text += piece;
      return {};
    })));
    REQUIRE(ok(write_file(file, text)));
    const auto read = read_import(ImportFormat::assay, file, {}, kNowMs);
    REQUIRE(ok(read));
    CHECK(read->size() == 3);
    for (const ImportedRun& one : *read) REQUIRE(ok(store_import(*store, one)));
  }
  for (const std::string& db : {merged, imported}) {
    const auto store = Store::open_read_only(db);
    REQUIRE(ok(store));
    const auto run = project_run(*store, {fast, there.profiles, "h200-sxm", 165, {}});
    REQUIRE(ok(run));
    REQUIRE(run->points.size() == expected->points.size());
    for (std::size_t i = 0; i < run->points.size(); ++i) {
      CHECK(run->points[i].projected_ms == expected->points[i].projected_ms);
      CHECK(run->points[i].error.ratio == expected->points[i].error.ratio);
      CHECK(run->points[i].emulated_ms == expected->points[i].emulated_ms);
    }
  }
}

TEST_CASE("project_run: refuses what nothing speaks for, and says what would", "[projection]") {
  Lab lab;
  const RunId fast = store_decode(lab.store, 0);
  CHECK_THAT(lab.refusal(fast, "h200-sxm"), Contains("itself") && Contains("--link-gb-s"));
  CHECK_THAT(lab.refusal(fast, "h200-sxm", 165), Contains("no evidence") && Contains("assay bench collective"));
  store_collectives(lab.store);
  CHECK_THAT(lab.refusal(fast, "h200-sxm", 165), Contains("no evidence") && Contains("--link-gb-s 165"));
  const RunId held = store_decode(lab.store, 165);
  CHECK_THAT(lab.refusal(fast, "h200-sxm", 60), Contains("no evidence") && Contains("60 GB/s"));
  CHECK_THAT(lab.refusal(held, "h800-sxm5"), Contains("is emulated"));
  CHECK_THAT(lab.refusal(fast, "raspberry-pi-5"), Contains("no GPU"));
  CHECK_THAT(lab.refusal(fast, "h8000"), Contains("h8000"));

  EnvironmentFacts cpu = some_environment("cpu");
  CHECK_THAT(lab.refusal(store_run(lab.store, model_run("on a CPU"), cpu, {decode_point(1, 3)}), "h800-sxm5"),
             Contains("only what ran on a GPU"));
  EnvironmentFacts unknown = two_h200();
  unknown.gpu_name = "NVIDIA H9000";
  CHECK_THAT(lab.refusal(store_run(lab.store, model_run("on a card"), unknown, {decode_point(1, 3)}), "h800-sxm5"),
             Contains("no hardware profile"));
  RunFacts old = model_run("old");
  old.model.details.erase("pass_work");
  CHECK_THAT(lab.refusal(store_run(lab.store, old, two_h200(), {decode_point(1, 3)}), "h800-sxm5"),
             Contains("earlier version"));
  CHECK_THAT(lab.refusal(store_run(lab.store, model_run("empty"), two_h200(), {}), "h800-sxm5"),
             Contains("no valid points"));
  EnvironmentFacts one = two_h200();
  one.n_gpus = 1;
  one.details["device"].erase("tensor_parallel");
  one.details["device"].erase("expert_parallel");
  const RunId alone = store_run(lab.store, model_run("alone"), one, {decode_point(1, 4)});
  CHECK_THAT(lab.refusal(alone, "h800-sxm5", 165), Contains("used one GPU"));
  const auto projected = lab.project(alone, "h800-sxm5");
  REQUIRE(ok(projected));
  CHECK(projected->points[0].error.ratio == runners::kStepErrorRatio);
  RunFacts small = model_run("small");
  runners::PassWork few = model_work();
  few.weight_bytes = 1e9;
  small.model.details["pass_work"] = runners::to_json(few);
  CHECK_THAT(lab.refusal(store_run(lab.store, small, one, {decode_point(1, 1)}), "h800-sxm5"),
             Contains("no evidence") && Contains("1.00 GB"));
}
