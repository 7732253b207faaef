#include <array>
#include <csignal>
#include <random>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "results/child_process.h"
#include "results/migrations.h"
#include "results/schema.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;

namespace {

/// True if every stored count is what its rows say.
bool counts_equal_rows(const Database& database) {
  const auto n_wrong = database.query_integer(
      "SELECT (SELECT count(*) FROM gradings g JOIN counted_verdicts c ON c.grading_id = g.grading_id "
      "WHERE (g.n_correct, g.n_incorrect, g.n_no_answer, g.n_truncated, g.n_errors) IS NOT "
      "(c.n_correct, c.n_incorrect, c.n_no_answer, c.n_truncated, c.n_errors)) + "
      "(SELECT count(*) FROM run_suites rs WHERE rs.n_items <> "
      "(SELECT count(*) FROM items i WHERE i.run_suite_id = rs.run_suite_id))");
  return ok(n_wrong) && *n_wrong == 0;
}

std::filesystem::path unpack_stored(const TemporaryFolder& folder, std::size_t version) {
  const std::string name = std::string("v").append(std::to_string(version)).append(".sqlite");
  const auto stored = read_packed_file(std::filesystem::path(ASSAY_SOURCE_DIR) / "results/testdata" / (name + ".gz"));
  REQUIRE(ok(stored));
  REQUIRE(write_file(folder / name, *stored));
  return folder / name;
}

}  // namespace

// Databases of every version since the first, each as the program of that time wrote it.
TEST_CASE("schema: stored databases of every version migrate to a fresh one's schema and keep their facts",
          "[results]") {
  TemporaryFolder folder;
  const auto fresh = open_for_writing(folder / "fresh.db");
  REQUIRE(ok(fresh));
  const auto expected = read_schema(**fresh);
  REQUIRE(ok(expected));
  CHECK(expected->size() > 10);
  CHECK(*(*fresh)->query_integer("PRAGMA user_version") == static_cast<std::int64_t>(migrations().size()));
  for (std::size_t version = 1; version <= migrations().size(); ++version) {
    CAPTURE(version);
    const auto copy = unpack_stored(folder, version);
    {
      const auto migrated = open_for_writing(copy);
      REQUIRE(ok(migrated));
      CHECK(*read_schema(**migrated) == *expected);
      CHECK(*(*migrated)->query_integer("PRAGMA user_version") == static_cast<std::int64_t>(migrations().size()));
      CHECK(counts_equal_rows(**migrated));
    }
    // What was put in: the run "stored" of two items with two samples each, three of the four correct.
    const auto store = Store::open_read_only(copy);
    REQUIRE(ok(store));
    const auto summary = summarise(*store, *store->find_run("stored"));
    REQUIRE(ok(summary));
    CHECK(summary->suites[0].accuracy == 0.75);
    CHECK(summary->n_output_tokens == 20);
    CHECK(summary->wall_s == 4);
    // From version 2 on a segment has its device's times.
    REQUIRE(summary->device_time.has_value() == (version >= 2));
    if (version >= 2) CHECK(summary->device_time->decode_ms == 3000);
    // From version 3 on it has samples of its GPU: two, 1000 J apart.
    REQUIRE(summary->gpu.has_value() == (version >= 3));
    if (version >= 3) CHECK(summary->gpu->energy_joules == 1000);
    // From version 4 on figures without samples, and suites that are not to be spread.
    CHECK(summary->suites[0].suite.n_correct == 3);
    CHECK(summary->suites[0].suite.n_items == 2);
    CHECK(summary->run.facts.measurements.size() == (version >= 4 ? 1u : 0u));
    // From version 5 on points of benchmarks.
    REQUIRE(summary->points.size() == (version >= 5 ? 1u : 0u));
    if (version >= 5) CHECK(summary->points[0].figures.at("output_tokens_per_s").value == 812.5);
  }
}

TEST_CASE("schema: version 5 is read as it is, older ones only once a writer has migrated them", "[results]") {
  TemporaryFolder folder;
  for (std::size_t version = 1; version <= migrations().size(); ++version) {
    CAPTURE(version);
    const auto copy = unpack_stored(folder, version);
    const auto store = Store::open_read_only(copy);
    REQUIRE(store.has_value() == (version >= 5));
    if (store) {
      CHECK(store->read_run(*store->find_run("stored"))->suites[0].n_correct == 3);
    } else {
      CHECK(store.error().kind == ErrorKind::environment);
      CHECK_THAT(store.error().message, Catch::Matchers::Contains("this Assay reads 5 to 6"));
    }
  }
}

TEST_CASE("schema: stored counts equal what the rows say, after samples, batches and regrades", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run("trial", 5, 2), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  constexpr std::array kVerdicts = {Verdict::correct, Verdict::incorrect, Verdict::no_answer, Verdict::truncated,
                                    Verdict::error};
  REQUIRE(ok(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::truncated), kNowMs, 1)));
  std::vector<GradedSample> batch;
  for (std::size_t i = 0; i < 5; ++i) {
    batch.push_back({some_sample(item_name(static_cast<std::int64_t>(i)), 1), some_verdict(kVerdicts[i])});
  }
  REQUIRE(ok(writer->add_samples(batch, kNowMs, 2)));
  // A batch with a sample that is stored already stores nothing of itself.
  const std::vector<GradedSample> repeated = {{some_sample("i1", 0), some_verdict(Verdict::correct)}, batch[0]};
  CHECK_FALSE(writer->add_samples(repeated, kNowMs, 3));
  CHECK(store->stored_samples(writer->run_id())->size() == 6);
  const auto counts = [&] { return store->read_run(writer->run_id())->suites[0]; };
  CHECK(counts().n_samples == 6);
  CHECK(counts().n_truncated == 2);
  CHECK(counts().n_errors == 1);

  std::vector<KeyedVerdict> regraded;
  const auto stored = store->stored_samples(writer->run_id());
  REQUIRE(ok(stored));
  for (const SampleKey& key : *stored) {
    regraded.push_back({key, some_verdict(Verdict::incorrect)});
  }
  REQUIRE(ok(store->add_grading(writer->run_id(), "sums", "canonical", "2", regraded, kNowMs)));
  CHECK(counts().n_incorrect == 6);
  CHECK(counts().current_grader_version == "2");
  // A sample more, and the regrade no longer covers them all.
  REQUIRE(ok(writer->add_sample(some_sample("i2", 0), some_verdict(Verdict::correct), kNowMs, 4)));
  CHECK(counts().n_samples == 7);
  CHECK(counts().n_correct == 2);
  CHECK(counts().current_grader_version == "1");
  const auto database = Database::open(folder / "x.db", Database::Mode::read_only);
  REQUIRE(ok(database));
  CHECK(counts_equal_rows(**database));
}

TEST_CASE("schema: kill -9 in a migration leaves the old version or the new one, whole", "[results][crash]") {
  std::mt19937 random(5);
  int n_old = 0;
  for (int round = 0; round < 30; ++round) {
    TemporaryFolder folder;
    const auto copy = unpack_stored(folder, 1);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = start_child([&] {
      if (::write(ends[1], "+", 1) != 1) return 1;
      return open_for_writing(copy) ? 0 : 2;
    });
    char byte = 0;
    REQUIRE(::read(ends[0], &byte, 1) == 1);
    for (volatile unsigned spin = random() % 3'000'000; spin > 0;) spin = spin - 1;
    ::kill(child, SIGKILL);
    const int left_with = wait_for(child);
    CHECK((left_with == -1 || left_with == 0));
    ::close(ends[0]);
    ::close(ends[1]);
    n_old += open_for_reading(copy) ? 0 : 1;
    const auto migrated = open_for_writing(copy);
    REQUIRE(ok(migrated));
    CHECK(counts_equal_rows(**migrated));
    const auto store = Store::open_read_only(copy);
    REQUIRE(ok(store));
    CHECK(store->read_run(*store->find_run("stored"))->suites[0].n_correct == 3);
  }
  CAPTURE(n_old);
  CHECK(n_old > 0);  // some were killed before it was done
}
