#include "harness/run/ranks_folder.h"

#include <atomic>
#include <map>

#include "harness/base/file.h"
#include "harness/run/execute.h"
#include "harness/run/test_parts.h"
#include "results/summary.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::run;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;

const results::MergeProgress kNoProgress = [](std::int64_t, std::int64_t) -> Result<> { return {}; };

bool is_whole(const Result<bool>& merged) { return merged && *merged; }

/// A database that ranks make together, in one process.
struct Site {
  test_support::TemporaryFolder folder;
  fs::path db = folder / "results.db";
  RankTerms terms{{{"--seed", "0"}}, {{"words", "hash"}}, "run --model scripted"};
  ProgressView progress{ProgressStyle::none, "run"};
  std::atomic<std::int64_t> now_ms = kNowMs;
  Clock clock{.unix_ms = [this] { return now_ms++; },
              .monotonic_ms = [this] { return static_cast<double>(now_ms.load()); }};

  Result<RanksFolder> join(int rank, int ranks) {
    return RanksFolder::join(db, World{rank, ranks, "--rank and --ranks"}, terms, now_ms++, {});
  }
  /// The rank's share, as `assay run` does it.
  Result<RunOutcome> ask(RanksFolder& ranks, runners::Runner& runner, std::uint64_t seed = 0) {
    auto store = results::Store::open_or_create(ranks.database());
    REQUIRE(store);
    RunSettings settings;
    settings.plan.samples = 2;
    settings.plan.seed = seed;
    settings.command_line = "run --model scripted --device cuda:" + std::to_string(ranks.world().rank);
    const RunParts parts{.runner = runner,
                         .store = *store,
                         .grading = GradingTools(),
                         .progress = progress,
                         .clock = clock,
                         .ranks = &ranks};
    return execute(settings, {text_suite("words", 20)}, parts, {});
  }
  /// Joins, asks and leaves.
  Result<RunOutcome> work(int rank, int ranks) {
    auto joined = join(rank, ranks);
    if (!joined) return joined.error();
    ScriptedRunner runner(ScriptedRunner::right_answer);
    return ask(*joined, runner);
  }
  Result<bool> merge() {
    auto ranks = RanksFolder::open(RanksFolder::of_database(db));
    if (!ranks) return ranks.error();
    return ranks->merge_into(db, kNoProgress, {});
  }
  results::RunSummary summary() const {
    const auto store = results::Store::open_read_only(db);
    REQUIRE(store);
    REQUIRE(store->list_runs()->size() == 1);
    auto summary = results::summarise(*store, *store->find_run("latest"));
    REQUIRE(summary);
    return *summary;
  }
};

}  // namespace

TEST_CASE("ranks: each asks its share, and merged they are one finished run", "[run]") {
  Site site;
  std::int64_t n_asked = 0;
  for (const int rank : {2, 0, 3, 1}) {
    CHECK_FALSE(is_whole(site.merge()));
    const auto outcome = site.work(rank, 4);
    REQUIRE(outcome);
    CHECK_FALSE(outcome->stopped_by);
    CHECK(outcome->n_stored == outcome->n_planned);
    CHECK(outcome->n_planned < 20);
    n_asked += outcome->n_planned;
  }
  CHECK(n_asked == 40);
  REQUIRE(is_whole(site.merge()));
  const results::RunSummary summary = site.summary();
  CHECK(summary.run.state == results::RunState::finished);
  CHECK(summary.run.segments.size() == 4);
  CHECK(summary.run.segments[1].environment.details["rank"] == Json{{"rank", 1}, {"ranks", 4}});
  CHECK(summary.run.facts.command_line == site.terms.command_line);
  CHECK(summary.run.suites[0].n_samples == 40);
  CHECK(summary.run.suites[0].n_correct == 40);
  // The parts are gone, and merging again changes nothing.
  CHECK_FALSE(fs::exists(RanksFolder::of_database(site.db) / "rank-0.db"));
  CHECK(is_whole(site.merge()));
}

TEST_CASE("ranks: one that failed is told of, goes on where it was, and the merge waits for it", "[run]") {
  Site site;
  REQUIRE(site.work(0, 2));
  {
    auto ranks = site.join(1, 2);
    REQUIRE(ranks);
    ScriptedRunner runner(ScriptedRunner::right_answer);
    runner.fails_after = 5;
    const auto outcome = site.ask(*ranks, runner);
    REQUIRE(outcome);
    REQUIRE(outcome->stopped_by);
    CHECK(outcome->n_stored == 5);
    const RankReport report = ranks->reports()[1];
    CHECK(report.state == RankReport::State::stopped);
    CHECK(report.n_done == 5);
    CHECK(report.reason == "the device is gone");
    CHECK_THAT(ranks->incomplete(site.db).message,
               Contains("rank 1 ended after 5 of") && Contains("the device is gone") &&
                   Contains("assay run --model scripted --rank 1 --ranks 2 --db " + site.db.string()));
  }
  REQUIRE(site.merge());
  CHECK_FALSE(*site.merge());
  auto ranks = site.join(1, 2);
  REQUIRE(ranks);
  CHECK(ranks->reports()[1].state == RankReport::State::working);
  ScriptedRunner runner(ScriptedRunner::right_answer);
  const auto outcome = site.ask(*ranks, runner);
  REQUIRE(outcome);
  CHECK(static_cast<std::int64_t>(runner.n_asked) == outcome->n_planned - 5);
  CHECK(ranks->is_done());
  REQUIRE(is_whole(site.merge()));
  CHECK(site.summary().run.segments.size() == 3);
}

TEST_CASE("ranks: a process that was killed is no longer at work, whatever it last told", "[run]") {
  Site site;
  {
    auto ranks = site.join(0, 2);
    REQUIRE(ranks);
    REQUIRE(ranks->begin(20, 7));
    CHECK(ranks->reports()[0].state == RankReport::State::working);
    CHECK(ranks->is_alive(0));
    CHECK(site.join(0, 2).error().kind == ErrorKind::environment);
    CHECK_THAT(site.join(0, 2).error().message, Contains("rank 0 is at work already"));
  }
  const auto folder = RanksFolder::open(RanksFolder::of_database(site.db));
  REQUIRE(folder);
  CHECK(folder->reports()[0].state == RankReport::State::stopped);
  CHECK(folder->reports()[0].n_done == 7);
  CHECK(folder->reports()[1].state == RankReport::State::absent);
}

TEST_CASE("ranks: a world of other terms is refused by what differs, until it is finished or has nothing", "[run]") {
  Site site;
  REQUIRE(site.join(0, 2));
  site.terms.options["--seed"] = "1";
  REQUIRE(site.join(0, 2));  // the first one asked nothing
  REQUIRE(site.work(0, 2));
  site.terms.options["--seed"] = "2";
  const auto other = site.join(1, 2);
  REQUIRE_FALSE(other);
  CHECK(other.error().kind == ErrorKind::bad_input);
  CHECK_THAT(other.error().message, Contains("--seed is \"1\" there, \"2\" here"));
  CHECK_THAT(site.join(0, 2).error().message, Contains("--seed"));
  CHECK(RanksFolder::refuse_unfinished(site.db, site.terms));
  site.terms.options["--seed"] = "1";
  CHECK_THAT(site.join(1, 3).error().message, Contains("--ranks is 2 there, 3 here"));
  CHECK_THAT(RanksFolder::refuse_unfinished(site.db, site.terms).error().message, Contains("2 ranks have begun"));
  REQUIRE(site.work(1, 2));
  REQUIRE(is_whole(site.merge()));
  CHECK(RanksFolder::refuse_unfinished(site.db, site.terms));

  // The same task again finds all done; a run of other terms takes the place.
  RunId merged;
  {
    const auto late = site.join(1, 2);
    REQUIRE(late);
    CHECK(late->is_merged());
    merged = late->origin().run_id;
  }
  site.terms.options["--seed"] = "2";
  const auto next = site.join(1, 3);
  REQUIRE(next);
  CHECK_FALSE(next->is_merged());
  CHECK(next->origin().run_id != merged);
}

TEST_CASE("ranks: other weights, another device and other samples are refused before anything is asked", "[run]") {
  Site site;
  REQUIRE(site.work(0, 2));
  auto ranks = site.join(1, 2);
  REQUIRE(ranks);
  ScriptedRunner runner(ScriptedRunner::right_answer);
  runner.weights_sha256 = std::string(64, 'b');
  auto refused = site.ask(*ranks, runner);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
  CHECK_THAT(refused.error().message, Contains("the hash of the weights is \"aaaaaaaaaaaa\" there, \"bbbbbbbbbbbb\""));
  runner.weights_sha256 = std::string(64, 'a');
  runner.device = {"cuda", "Fake H100", Json::object()};
  refused = site.ask(*ranks, runner);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("the device is \"cpu\" there, \"cuda hopper\" here"));
  runner.device = {"cpu", "script", {{"canary", {{"logits_sha256", "123"}}}}};
  refused = site.ask(*ranks, runner);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("canary"));
  runner.device = {"cpu", "script", Json::object()};
  refused = site.ask(*ranks, runner, /*seed=*/9);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("model, suites and sampling"));
  CHECK(runner.n_asked == 0);
  CHECK(site.ask(*ranks, runner));
}

TEST_CASE("ranks: a part that is missing or too short is named, and nothing is merged", "[run]") {
  Site site;
  REQUIRE(site.work(0, 2));
  REQUIRE(site.work(1, 2));
  const fs::path part = RanksFolder::of_database(site.db) / "rank-1.db";
  SECTION("missing") {
    fs::remove(part);
    CHECK_THAT(site.merge().error().message, Contains("rank-1.db: is missing; start rank 1 again"));
  }
  SECTION("of another run") {
    fs::remove(part);
    REQUIRE(results::Store::open_or_create(part));
    CHECK_THAT(site.merge().error().message, Contains("is of another run"));
  }
  SECTION("cut off") {
    fs::resize_file(part, 5000);
    CHECK_THAT(site.merge().error().message, Contains("rank-1.db"));
  }
  SECTION("no database") {
    REQUIRE(write_file(part, "nothing of ours"));
    CHECK(site.merge().error().kind == ErrorKind::bad_input);
  }
  REQUIRE(results::Store::open_read_only(site.db));
  CHECK(results::Store::open_read_only(site.db)->list_runs()->empty());
  // Started again, the rank makes its part anew.
  fs::remove(part);
  {
    auto ranks = site.join(1, 2);
    REQUIRE(ranks);
    CHECK_FALSE(ranks->is_done());
    ScriptedRunner runner(ScriptedRunner::right_answer);
    REQUIRE(site.ask(*ranks, runner));
  }
  CHECK(is_whole(site.merge()));
  CHECK(site.summary().run.suites[0].n_samples == 40);
}

TEST_CASE("ranks: a merge that was stopped behind its commit goes on", "[run]") {
  Site site;
  REQUIRE(site.work(0, 2));
  REQUIRE(site.work(1, 2));
  const fs::path folder = RanksFolder::of_database(site.db);
  const std::vector<fs::path> parts = {folder / "rank-0.db", folder / "rank-1.db"};
  REQUIRE(results::merge_databases(site.db, parts, kNoProgress));
  REQUIRE(is_whole(site.merge()));
  CHECK(site.summary().run.state == results::RunState::finished);
}

TEST_CASE("ranks: reports of any content tell nothing rather than fail", "[run]") {
  Site site;
  REQUIRE(site.join(0, 2));
  const fs::path folder = RanksFolder::of_database(site.db);
  for (const std::string text :
       {"", "{", "[]", R"({"n_done": "x", "state": 3})", R"({"n_done": -5, "state": "done"})"}) {
    REQUIRE(write_file(folder / "rank-1.json", text));
    const auto ranks = RanksFolder::open(folder);
    REQUIRE(ranks);
    CHECK(ranks->reports()[1].n_done == 0);
  }
  CHECK(RanksFolder::open(site.folder.path()).error().kind == ErrorKind::bad_input);
}

TEST_CASE("ranks: progress counts what all have stored", "[run]") {
  Site site;
  REQUIRE(site.work(0, 2));
  auto ranks = site.join(1, 2);
  REQUIRE(ranks);
  REQUIRE(ranks->begin(20, 3));
  const std::int64_t n_of_0 = ranks->reports()[0].n_done;
  CHECK(n_of_0 > 0);
  CHECK(ranks->n_done_by_others() == n_of_0);
}
