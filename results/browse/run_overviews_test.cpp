#include "results/browse/run_overviews.h"

#include "results/browse/figure_statements.h"
#include "results/schema.h"
#include "results/test_facts.h"

namespace assay::results {

namespace {

using namespace testing;

/// Two samples of each of `n_items` items, all with times of their own; the last sample has failed.
RunId add_run(Store& store, const std::string& name, std::int64_t n_items, std::int64_t n_planned_items) {
  RunFacts facts = some_run(name, n_planned_items, 2);
  facts.price_usd_per_gpu_hour = 2;
  auto writer = store.begin_run(facts, some_environment("cuda"), kNowMs);
  REQUIRE(ok(writer));
  for (std::int64_t n = 0; n < 2 * n_items; ++n) {
    SampleFacts sample = some_sample(item_name(n / 2), n % 2);
    sample.n_output_tokens = 10 + n;
    sample.ttft_ms = 3.0 * static_cast<double>(n);
    sample.e2e_ms = 100.0 - static_cast<double>(n * n);
    VerdictFacts verdict = some_verdict(n % 3 == 0 ? Verdict::incorrect : Verdict::correct);
    if (n == 2 * n_items - 1) {
      sample = {};
      sample.key = {"sums", ItemId(item_name(n / 2)), n % 2};
      sample.failure = "endpoint down";
      verdict = some_verdict(Verdict::error, std::nullopt);
    }
    REQUIRE(ok(writer->add_sample(sample, verdict, kNowMs, 4000)));
  }
  // A sample a second for the run's four, by a device that draws 250 + n_items W.
  for (int second = 0; second <= 4; ++second) {
    const double watts = 250.0 + static_cast<double>(n_items);
    REQUIRE(ok(writer->add_gpu_samples(
        std::vector<GpuSample>{{0, 1000.0 * second, 1500, {}, watts, 60, {}, watts * second}})));
  }
  REQUIRE(ok(writer->finish(n_items == n_planned_items ? RunState::finished : RunState::interrupted, kNowMs, 4000)));
  return writer->run_id();
}

/// How SQLite goes about a statement.
std::string plan_of(const Database& database, std::string_view sql) {
  std::string plan;
  auto row = database.prepare(std::string("EXPLAIN QUERY PLAN ").append(sql));
  REQUIRE(ok(row));
  REQUIRE(ok(for_each_row(*row, [&]() -> Result<> {
    plan += row->text(3) + '\n';
    return {};
  })));
  return plan;
}

/// As version 5 left it: without the indexes that hold what is asked of all samples.
void make_version_5(const std::filesystem::path& path) {
  const auto database = Database::open(path, Database::Mode::read_write);
  REQUIRE(ok(database));
  REQUIRE(ok((*database)->execute(
      "DROP INDEX samples_figures; DROP INDEX verdicts_by_grading; "
      "CREATE INDEX verdicts_by_grading ON verdicts (grading_id, verdict); PRAGMA user_version = 5")));
}

}  // namespace

TEST_CASE("read_overviews: of every run what summarise says, but for what is resampled", "[browse]") {
  const TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  const std::vector<RunId> runs = {add_run(*store, "one", 3, 3), add_run(*store, "two", 5, 5),
                                   add_run(*store, "interrupted", 2, 4)};
  const auto overviews = read_overviews(folder / "a.db");
  REQUIRE(ok(overviews));
  REQUIRE(overviews->runs.size() == 3);
  CHECK(overviews->has_energy);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunSummary& overview = overviews->runs[i];
    const auto summary = summarise(*store, runs[i]);
    REQUIRE(ok(summary));
    CHECK(overview.run.run_id == runs[i]);
    CHECK(overview.n_output_tokens == summary->n_output_tokens);
    CHECK(overview.n_prompt_tokens == summary->n_prompt_tokens);
    CHECK(overview.ttft_ms.n == summary->ttft_ms.n);
    CHECK(overview.ttft_ms.p50 == summary->ttft_ms.p50);
    CHECK(overview.itl_ms.p50 == summary->itl_ms.p50);
    CHECK(overview.e2e_ms.p50 == summary->e2e_ms.p50);
    CHECK(overview.output_tokens_per_s == summary->output_tokens_per_s);
    CHECK(overview.usd_total == summary->usd_total);
    CHECK(overview.usd_per_correct == summary->usd_per_correct);
    REQUIRE(overview.gpu);
    CHECK(overview.gpu->energy_joules == summary->gpu->energy_joules);
    CHECK(overview.joules_per_correct == summary->joules_per_correct);
    CHECK_FALSE(overview.suites[0].ci95);
  }
  // By hand: of 6 samples, the 1st and 4th are wrong and the last has failed; of 10 the 1st, 4th, 7th and the last.
  CHECK(overviews->runs[0].suites[0].accuracy == 3.0 / 6);
  CHECK(overviews->runs[1].suites[0].accuracy == 6.0 / 10);
  CHECK_FALSE(overviews->runs[2].suites[0].accuracy);  // its items may have unequal numbers of samples
  CHECK(overviews->runs[1].gpu->energy_joules == 4 * 255);

  const auto without = read_overviews(folder / "a.db", {}, 14);  // there are 15
  REQUIRE(ok(without));
  CHECK_FALSE(without->has_energy);
  CHECK_FALSE(without->runs[1].gpu);
  CHECK(without->runs[1].usd_total == overviews->runs[1].usd_total);
}

TEST_CASE("read_overviews: a run that is being written is left out, what can't be read is an error", "[browse]") {
  const TemporaryFolder folder;
  CHECK(read_overviews(folder / "none.db").error().kind == ErrorKind::bad_input);
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  const RunId finished = add_run(*store, "one", 1, 1);
  const auto writer = store->begin_run(some_run("two"), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  const auto overviews = read_overviews(folder / "a.db");
  REQUIRE(ok(overviews));
  REQUIRE(overviews->runs.size() == 1);
  CHECK(overviews->runs.front().run.run_id == finished);
}

TEST_CASE("what is asked of all samples comes from indexes, never from rows between texts", "[browse]") {
  const TemporaryFolder folder;
  REQUIRE(ok(Store::open_or_create(folder / "a.db")));
  const auto plans = [&] {
    const auto database = open_for_reading(folder / "a.db");
    REQUIRE(ok(database));
    return std::vector<std::string>{plan_of(**database, figures_sql::kBetween),
                                    plan_of(**database, figures_sql::kAfter),
                                    plan_of(**database, figures_sql::kOfVerdict)};
  };
  for (const std::string& plan : plans()) CHECK_THAT(plan, Catch::Matchers::Contains("USING COVERING INDEX"));
  make_version_5(folder / "a.db");
  for (const std::string& plan : plans()) CHECK_THAT(plan, !Catch::Matchers::Contains("USING COVERING INDEX"));
}

TEST_CASE("read_overviews: the same of a database without the indexes of version 6, which stays as it is", "[browse]") {
  const TemporaryFolder folder;
  {
    auto store = Store::open_or_create(folder / "a.db");
    REQUIRE(ok(store));
    add_run(*store, "one", 3, 3);
    add_run(*store, "interrupted", 2, 4);
  }
  const auto newest = read_overviews(folder / "a.db");
  REQUIRE(ok(newest));
  make_version_5(folder / "a.db");
  const auto older = read_overviews(folder / "a.db");
  REQUIRE(ok(older));
  REQUIRE(older->runs.size() == newest->runs.size());
  for (std::size_t i = 0; i < older->runs.size(); ++i) {
    CHECK(older->runs[i].n_output_tokens == newest->runs[i].n_output_tokens);
    CHECK(older->runs[i].ttft_ms.n == newest->runs[i].ttft_ms.n);
    CHECK(older->runs[i].ttft_ms.p50 == newest->runs[i].ttft_ms.p50);
    CHECK(older->runs[i].usd_per_correct == newest->runs[i].usd_per_correct);
  }
  CHECK(older->runs[0].ttft_ms.p50 == 6);  // by hand: 0, 3, 6, 9, 12; the sixth has failed
  const auto database = open_for_reading(folder / "a.db");
  REQUIRE(ok(database));
  CHECK(*(*database)->query_integer("PRAGMA user_version") == 5);
}

}  // namespace assay::results
