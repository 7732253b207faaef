#include "results/merge.h"

#include <csignal>

#include "results/child_process.h"
#include "results/schema.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;

const MergeProgress kNoProgress = [](std::int64_t, std::int64_t) -> Result<> { return {}; };

Result<std::vector<MergedFile>> merge(const fs::path& into, const std::vector<fs::path>& from) {
  return merge_databases(into, from, kNoProgress);
}

/// Begins the run and stores samples 0 to `n` of its items, in turn.
RunId write_run(const fs::path& path, const std::string& name, int n, bool finish, std::int64_t now_ms = kNowMs) {
  auto store = Store::open_or_create(path);
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run(name, 3, 2), some_environment("cuda"), now_ms);
  REQUIRE(ok(writer));
  const std::vector<GpuSample> gpu = {{0, 0, {}, {}, 300, {}, {}, 10}, {0, 1000, {}, {}, 310, {}, {}, 310}};
  REQUIRE(ok(writer->add_gpu_samples(gpu)));
  for (int i = 0; i < n; ++i) {
    const Verdict verdict = i % 3 == 0 ? Verdict::incorrect : Verdict::correct;
    REQUIRE(ok(writer->add_sample(some_sample(item_name(i % 3), i / 3), some_verdict(verdict), now_ms + i, 10.0 * i)));
  }
  if (finish) REQUIRE(ok(writer->finish(RunState::finished, now_ms + 100, 1000, DeviceTime{1, 2, 3})));
  return writer->run_id();
}

/// The run goes on where it is and ends.
void finish_run(const fs::path& path, const RunId& run) {
  auto store = Store::open_or_create(path);
  auto writer = store->resume_run(run, some_environment(), kNowMs + 500);
  REQUIRE(ok(writer));
  const auto stored = store->stored_samples(run);
  for (int i = static_cast<int>(stored->size()); i < 6; ++i) {
    REQUIRE(
        ok(writer->add_sample(some_sample(item_name(i % 3), i / 3), some_verdict(Verdict::correct), kNowMs + i, 5)));
  }
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 900, 50)));
}

/// All that a report says of a run.
std::string record_of(const fs::path& path, const RunId& run) {
  const auto store = Store::open_read_only(path);
  REQUIRE(ok(store));
  const auto summary = summarise(*store, run);
  REQUIRE(ok(summary));
  std::string text = to_json_text(to_json(*summary), 1);
  REQUIRE(store->for_each_sample(run, "", SampleParts::transcripts, [&](const SampleRecord& record) -> Result<> {
    text += record.sample.text + to_string(record.verdict.verdict) + std::to_string(record.sample.tokens.size()) + "\n";
    return {};
  }));
  REQUIRE(store->for_each_gpu_sample(run, [&](std::size_t segment, const GpuSample& sample) -> Result<> {
    text += std::to_string(segment) + " " + std::to_string(sample.at_ms) + "\n";
    return {};
  }));
  return text;
}

}  // namespace

TEST_CASE("merge: runs arrive whole, and a second time nothing changes", "[results][merge]") {
  TemporaryFolder folder;
  const RunId one = write_run(folder / "a.db", "one", 6, true);
  const RunId two = write_run(folder / "b.db", "two", 6, true, kNowMs + 5);
  auto merged = merge(folder / "all.db", {folder / "a.db", folder / "b.db"});
  REQUIRE(ok(merged));
  CHECK((*merged)[0].n_runs_new == 1);
  CHECK((*merged)[1].n_samples_added == 6);
  CHECK((*merged)[1].n_gpu_samples_added == 2);
  CHECK(record_of(folder / "all.db", one) == record_of(folder / "a.db", one));
  CHECK(record_of(folder / "all.db", two) == record_of(folder / "b.db", two));
  merged = merge(folder / "all.db", {folder / "b.db", folder / "a.db", folder / "a.db"});
  REQUIRE(ok(merged));
  for (const MergedFile& file : *merged) {
    CHECK(file.n_runs_new + file.n_runs_grown + file.n_samples_added + file.n_gradings_added +
              file.n_gpu_samples_added ==
          0);
    CHECK(file.n_runs_unchanged == 1);
  }
  CHECK(Store::open_read_only(folder / "all.db")->list_runs()->size() == 2);
}

TEST_CASE("merge: an unfinished run merges, and grows at a later merge", "[results][merge]") {
  TemporaryFolder folder;
  const RunId run = write_run(folder / "a.db", "trial", 4, false);
  REQUIRE(ok(merge(folder / "all.db", {folder / "a.db"})));
  {
    const auto store = Store::open_read_only(folder / "all.db");
    CHECK(current_state(*store->read_run(run)) == RunState::interrupted);
    CHECK(store->read_run(run)->suites[0].n_samples == 4);
  }
  finish_run(folder / "a.db", run);
  {
    auto store = Store::open_or_create(folder / "a.db");
    std::vector<KeyedVerdict> verdicts;
    const auto keys = store->stored_samples(run);
    for (const SampleKey& key : *keys) verdicts.push_back({key, some_verdict(Verdict::no_answer, std::nullopt)});
    REQUIRE(ok(store->add_grading(run, "sums", "lm-eval", "2", verdicts, kNowMs + 1000)));
  }
  const auto merged = merge(folder / "all.db", {folder / "a.db"});
  REQUIRE(ok(merged));
  CHECK((*merged)[0].n_runs_grown == 1);
  CHECK((*merged)[0].n_samples_added == 2);
  CHECK((*merged)[0].n_gradings_added == 1);
  CHECK(record_of(folder / "all.db", run) == record_of(folder / "a.db", run));
  // The older copy again: the newer one stays.
  CHECK((*merge(folder / "all.db", {folder / "a.db"}))[0].n_runs_unchanged == 1);
}

TEST_CASE("merge: parts of a run, none of them finished, are a finished run once nothing is missing",
          "[results][merge]") {
  TemporaryFolder folder;
  const RunOrigin origin{RunId("0123456789ab"), kNowMs};
  for (int rank = 0; rank < 3; ++rank) {
    auto store = Store::open_or_create(folder / ("rank" + std::to_string(rank) + ".db"));
    REQUIRE(ok(store));
    EnvironmentFacts environment = some_environment();
    environment.details["rank"] = {{"rank", rank}, {"ranks", 3}};
    auto writer = store->begin_run(some_run("trial", 3, 2), environment, kNowMs + 10 * rank, origin);
    REQUIRE(ok(writer));
    for (int sample = 0; sample < 2; ++sample) {
      REQUIRE(
          ok(writer->add_sample(some_sample(item_name(rank), sample), some_verdict(Verdict::correct), kNowMs, 700)));
    }
    // The last one is killed here.
    if (rank < 2) REQUIRE(ok(writer->finish(RunState::interrupted, kNowMs + 500, 490)));
  }
  const fs::path all = folder / "all.db";
  REQUIRE(ok(merge(all, {folder / "rank2.db", folder / "rank0.db"})));
  CHECK(current_state(*Store::open_read_only(all)->read_run(origin.run_id)) == RunState::interrupted);
  const auto merged = merge(all, {folder / "rank1.db", folder / "rank0.db"});
  REQUIRE(ok(merged));
  CHECK((*merged)[0].n_runs_grown == 1);
  CHECK((*merged)[1].n_runs_unchanged == 1);
  const auto run = Store::open_read_only(all)->read_run(origin.run_id);
  REQUIRE(ok(run));
  CHECK(run->state == RunState::finished);
  CHECK(run->finished_at_ms == kNowMs + 20 + 700);
  CHECK(run->started_at_ms == kNowMs);
  CHECK(run->segments.size() == 3);
  CHECK(run->suites[0].n_correct == 6);
  CHECK(run->wall_s == 0.72);  // from 0 to 720 ms after the beginning
  CHECK((*merge(all, {folder / "rank2.db"}))[0].n_runs_unchanged == 1);
}

TEST_CASE("merge: a run that was killed behind its last sample stays as it was", "[results][merge]") {
  TemporaryFolder folder;
  const RunId run = write_run(folder / "a.db", "trial", 6, false);
  REQUIRE(ok(merge(folder / "all.db", {folder / "a.db"})));
  CHECK(Store::open_read_only(folder / "all.db")->read_run(run)->state == RunState::interrupted);
  finish_run(folder / "a.db", run);
  REQUIRE(ok(merge(folder / "all.db", {folder / "a.db"})));
  CHECK(Store::open_read_only(folder / "all.db")->read_run(run)->state == RunState::finished);
}

TEST_CASE("merge: the same run with other content is refused, and nothing is written", "[results][merge]") {
  TemporaryFolder folder;
  const RunId run = write_run(folder / "a.db", "trial", 2, false);
  fs::copy_file(folder / "a.db", folder / "b.db");
  write_run(folder / "new.db", "other", 6, true);
  const auto change = [&](const std::string& sql) {
    const auto database = Database::open(folder / "b.db", Database::Mode::read_write);
    REQUIRE(ok((*database)->execute(sql)));
  };
  std::string what;
  SECTION("a sample's text") {
    change("UPDATE samples SET text = 'something else' WHERE sample_key = 2");
    what = "stored with other content";
  }
  SECTION("a verdict") {
    change("UPDATE verdicts SET score = 0.5 WHERE verdict_id = 2");
    what = "a verdict";
  }
  SECTION("a seed") {
    change("UPDATE runs SET seed = 8");
    what = "seed";
  }
  SECTION("an item") {
    change("UPDATE items SET expected = '3' WHERE item = 'i1'");
    what = "its items";
  }
  SECTION("a GPU sample") {
    change("UPDATE gpu_samples SET power_watts = 1 WHERE gpu_sample_id = 2");
    what = "GPU";
  }
  const auto merged = merge(folder / "all.db", {folder / "new.db", folder / "a.db", folder / "b.db"});
  REQUIRE_FALSE(merged);
  CHECK(merged.error().kind == ErrorKind::bad_input);
  CHECK_THAT(merged.error().message, Contains("b.db") && Contains(run.value) && Contains(what));
  CHECK(Store::open_read_only(folder / "all.db")->list_runs()->empty());
}

TEST_CASE("merge: files that are no results, of another version or the target itself are refused", "[results][merge]") {
  TemporaryFolder folder;
  write_run(folder / "a.db", "trial", 6, true);
  CHECK_THAT(merge(folder / "a.db", {folder / "a.db"}).error().message, Contains("merge into"));
  CHECK(merge(folder / "all.db", {folder / "missing.db"}).error().kind == ErrorKind::bad_input);
  CHECK_FALSE(fs::exists(folder / "all.db"));
  const auto set = [&](const std::string& sql) {
    const auto database = Database::open(folder / "a.db", Database::Mode::read_write);
    REQUIRE(ok((*database)->execute(sql)));
  };
  SECTION("a newer version") {
    set("PRAGMA user_version = 99");
    CHECK(merge(folder / "all.db", {folder / "a.db"}).error().kind == ErrorKind::environment);
  }
  SECTION("a sample without a verdict") {
    set("DELETE FROM verdicts WHERE verdict_id = 3");
    CHECK_THAT(merge(folder / "all.db", {folder / "a.db"}).error().message, Contains("without a verdict"));
  }
  SECTION("finished, but not all there") {
    set("DELETE FROM verdicts WHERE verdict_id = 3");
    set("DELETE FROM samples WHERE sample_key = 3");
    CHECK_THAT(merge(folder / "all.db", {folder / "a.db"}).error().message, Contains("not all samples"));
  }
  SECTION("a value against the rules") {
    set("PRAGMA ignore_check_constraints = ON; UPDATE samples SET n_output_tokens = -1");
    CHECK_THAT(merge(folder / "all.db", {folder / "a.db"}).error().message, Contains("n_output_tokens"));
  }
}

TEST_CASE("merge: a stop or a kill in the middle leaves the target as it was", "[results][merge][crash]") {
  TemporaryFolder folder;
  const RunId kept = write_run(folder / "all.db", "kept", 6, true);
  {
    auto store = Store::open_or_create(folder / "a.db");
    auto writer = store->begin_run(some_run("large", 1000, 1), some_environment(), kNowMs);
    std::vector<GradedSample> samples;
    for (int i = 0; i < 1000; ++i) samples.push_back({some_sample(item_name(i), 0), some_verdict(Verdict::correct)});
    REQUIRE(ok(writer->add_samples(samples, kNowMs, 1)));
    REQUIRE(ok(writer->finish(RunState::finished, kNowMs, 1)));
  }
  const std::vector<fs::path> from = {folder / "a.db"};
  const auto stopped =
      merge_databases(folder / "all.db", from, [](std::int64_t n_done, std::int64_t n_total) -> Result<> {
        CHECK(n_total == 1000);
        return n_done < 500 ? Result<>() : interrupted("stopped");
      });
  CHECK(stopped.error().kind == ErrorKind::interrupted);
  CHECK(Store::open_read_only(folder / "all.db")->list_runs()->size() == 1);

  const pid_t child = start_child([&] {
    const auto killed = merge_databases(folder / "all.db", from, [](std::int64_t n_done, std::int64_t) -> Result<> {
      if (n_done >= 500) ::kill(::getpid(), SIGKILL);
      return {};
    });
    return killed ? 0 : 1;
  });
  CHECK(wait_for(child) == -1);
  CHECK(Store::open_read_only(folder / "all.db")->list_runs()->size() == 1);
  REQUIRE(ok(merge(folder / "all.db", from)));
  CHECK(Store::open_read_only(folder / "all.db")->list_runs()->size() == 2);
  CHECK(record_of(folder / "all.db", kept).size() > 100);
}

TEST_CASE("merge: a run that is being written in the target is refused until its writer ends", "[results][merge]") {
  TemporaryFolder folder;
  const RunId run = write_run(folder / "a.db", "trial", 2, false);
  fs::copy_file(folder / "a.db", folder / "all.db");
  {
    auto store = Store::open_or_create(folder / "all.db");
    const auto writer = store->resume_run(run, some_environment(), kNowMs);
    REQUIRE(ok(writer));
    const auto refused = merge(folder / "all.db", {folder / "a.db"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::environment);
  }
  CHECK(ok(merge(folder / "all.db", {folder / "a.db"})));
}
