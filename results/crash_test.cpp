// Processes that die and processes that meet.
#include <algorithm>
#include <csignal>
#include <random>

#include "results/child_process.h"
#include "results/schema.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;

namespace {

constexpr std::int64_t kItems = 4000;  // more than are written while a busy machine keeps the killer waiting

/// Goes on with the run of `some_run`, or begins it, and sends the number of each item whose sample is stored.
int write_samples(const std::filesystem::path& path, int acknowledgements) {
  auto store = Store::open_or_create(path);
  if (!store) return 10;
  const RunFacts facts = some_run("trial", kItems, 1);
  const auto unfinished = store->find_resumable(run_identity(facts));
  if (!unfinished) return 11;
  auto writer = *unfinished ? store->resume_run(**unfinished, some_environment(), kNowMs)
                            : store->begin_run(facts, some_environment(), kNowMs);
  if (!writer) return 12;
  const auto stored = store->stored_samples(writer->run_id());
  if (!stored) return 13;
  for (std::int32_t i = 0; i < kItems; ++i) {
    SampleFacts sample = some_sample(item_name(i), 0);
    if (std::binary_search(stored->begin(), stored->end(), sample.key)) continue;
    sample.text = std::string(static_cast<std::size_t>(i) * 37 % 9000, 'x');
    if (!writer->add_sample(sample, some_verdict(Verdict::correct), kNowMs, i)) return 14;
    if (::write(acknowledgements, &i, sizeof i) != sizeof i) return 15;
  }
  return writer->finish(RunState::finished, kNowMs, 1) ? 0 : 16;
}

}  // namespace

TEST_CASE("store: kill -9 at any moment loses no acknowledged sample, and the run goes on at once",
          "[results][crash]") {
  TemporaryFolder folder;
  const auto path = folder / "x.db";
  std::mt19937 random(3);
  std::vector<SampleKey> acknowledged;
  constexpr int kRounds = 12;
  for (int round = 0; round < kRounds; ++round) {
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = start_child([&] {
      ::close(pipe_ends[0]);
      return write_samples(path, pipe_ends[1]);
    });
    ::close(pipe_ends[1]);
    // Wait for some samples, then let go in the middle of the next: a spin of random length, not a sleep.
    const int n_awaited = 1 + static_cast<int>(random() % 25);
    std::int32_t item = 0;
    const auto receive = [&] {
      if (::read(pipe_ends[0], &item, sizeof item) != sizeof item) return false;
      acknowledged.push_back({"sums", ItemId(item_name(item)), 0});
      return true;
    };
    for (int i = 0; i < n_awaited; ++i) REQUIRE(receive());
    for (volatile unsigned spin = random() % 300'000; spin > 0;) spin = spin - 1;
    REQUIRE(::kill(child, SIGKILL) == 0);
    CHECK(wait_for(child) == -1);
    while (receive()) continue;  // sent before it died
    ::close(pipe_ends[0]);

    // First as a reader, while the log still stands beside the file; then as the next writer would.
    const auto reader = Store::open_read_only(path);
    REQUIRE(ok(reader));
    const auto run = reader->find_run("latest");
    REQUIRE(ok(run));
    CHECK_FALSE(reader->read_run(*run)->is_active);
    const auto stored = reader->stored_samples(*run);
    REQUIRE(ok(stored));
    std::sort(acknowledged.begin(), acknowledged.end());
    CHECK(std::includes(stored->begin(), stored->end(), acknowledged.begin(), acknowledged.end()));
    CHECK(stored->size() <= acknowledged.size() + static_cast<std::size_t>(round) + 1);  // at most one unsaid per death
    CHECK(reader->read_run(*run)->suites[0].n_samples == static_cast<std::int64_t>(stored->size()));
    const auto database = Database::open(path, Database::Mode::read_write);
    REQUIRE(ok(database));
    auto check = (*database)->prepare("PRAGMA integrity_check");
    REQUIRE(*check->step());
    CHECK(check->text(0) == "ok");
  }
  auto store = Store::open_or_create(path);
  REQUIRE(ok(store));
  CHECK(store->list_runs()->size() == 1);
  CHECK(store->read_run(*store->find_run("latest"))->segments.size() == kRounds);
}

TEST_CASE("store: processes that make the same database at once all write it", "[results][crash]") {
  for (int round = 0; round < 5; ++round) {
    TemporaryFolder folder;
    const auto path = folder / "x.db";
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      children.push_back(start_child([&] {
        auto store = Store::open_or_create(path);
        if (!store) return 10;
        auto writer =
            store->begin_run(some_run(std::string("run ").append(std::to_string(i)), 5, 1), some_environment(), kNowMs);
        if (!writer) return 11;
        for (int item = 0; item < 5; ++item) {
          const SampleFacts sample = some_sample(item_name(item), 0);
          if (!writer->add_sample(sample, some_verdict(Verdict::correct), kNowMs, 1)) return 12;
        }
        return writer->finish(RunState::finished, kNowMs, 1) ? 0 : 13;
      }));
    }
    for (const pid_t child : children) CHECK(wait_for(child) == 0);
    const auto store = Store::open_read_only(path);
    REQUIRE(ok(store));
    CHECK(store->list_runs()->size() == 4);
  }
}

TEST_CASE("store: of processes that begin the same run at once, one writes it", "[results][crash]") {
  TemporaryFolder folder;
  const auto path = folder / "x.db";
  REQUIRE(ok(Store::open_or_create(path)));
  int wait_here[2];
  REQUIRE(::pipe(wait_here) == 0);
  constexpr int kEnvironment = 3;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(start_child([&] {
      ::close(wait_here[1]);
      auto store = Store::open_or_create(path);
      if (!store) return 10;
      const auto writer = store->begin_run(some_run(), some_environment(), kNowMs);
      if (!writer) return static_cast<int>(writer.error().kind);
      char byte = 0;
      while (::read(wait_here[0], &byte, 1) == 1) continue;  // holds the run until the parent has seen the others end
      return 0;
    }));
  }
  // Three end at once; the winner ends when the pipe is closed.
  int n_refused = 0;
  for (int i = 0; i < 3; ++i) {
    int status = 0;
    REQUIRE(::waitpid(-1, &status, 0) > 0);
    n_refused += WIFEXITED(status) && WEXITSTATUS(status) == kEnvironment ? 1 : 0;
  }
  CHECK(n_refused == 3);
  ::close(wait_here[1]);
  int status = 0;
  REQUIRE(::waitpid(-1, &status, 0) > 0);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  ::close(wait_here[0]);
  CHECK(Store::open_read_only(path)->list_runs()->size() == 1);
}
