// Signals and crashes: nothing that finished is lost, and a run that goes on ends as one that was never stopped.

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "results/sqlite.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

struct Setting {
  explicit Setting(int n) : n_items(n) {}

  int n_items;
  TemporaryFolder folder;
  std::string recording = write_recording(folder, "r.jsonl", n_items);
  std::string suite = write_suite(folder, "words", n_items);
  std::vector<std::string> words(const std::string& db) const {
    return {"run", "--model", recording, "--suite", suite, "--name", "it's one", "--json", "--db", db};
  }
};

/// Stops a run while it doesn't write: then it holds the run, however long others take, and not the database.
void stop_between_writes(const Call& running, const std::string& db) {
  using namespace results;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    running.stop();
    const auto database = Database::open(db, Database::Mode::read_write);
    REQUIRE(database);
    REQUIRE((*database)->execute("PRAGMA busy_timeout = 0"));
    if (Transaction::begin(**database, Transaction::Kind::write)) return;
    running.send(SIGCONT);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  FAIL("it always writes");
}

}  // namespace

TEST_CASE("run: SIGINT and SIGTERM are exit code 4, and the command in the message goes on", "[cli]") {
  const int signal_number = GENERATE(SIGINT, SIGTERM);
  const Setting setting(9000);  // more than waits to be graded, so that it can't end before the signal
  const std::string whole = setting.folder / "whole.db";
  const std::string db = setting.folder / "runs.db";
  REQUIRE(call(setting.words(whole)).exit_code == 0);

  Call running(setting.words(db));
  wait_for_samples(running, db, 20);
  running.send(signal_number);
  const Ended ended = running.wait();
  INFO(ended.err);
  REQUIRE(ended.exit_code == 4);
  CHECK(ended.out.empty());
  const std::int64_t n_before = n_stored(db);
  CHECK(n_before >= 20);
  CHECK(n_before < setting.n_items);
  CHECK_THAT(ended.err, Contains(std::to_string(n_before) + " of " + std::to_string(setting.n_items)));
  CHECK_THAT(call({"runs", "--db", db}).out, Contains("interrupted"));

  const std::vector<std::string> words = resume_words(ended.err);
  const Ended resumed = call(words);
  INFO(resumed.err);
  REQUIRE(resumed.exit_code == 0);
  CHECK(stored_content(db) == stored_content(whole));
  CHECK(json_of(call({"runs", "--json", "--db", db}).out)["runs"].size() == 1);
}

TEST_CASE("run: killed at any moment and given again, it ends with the content of an uninterrupted run", "[cli]") {
  const Setting setting(700);
  const std::string whole = setting.folder / "whole.db";
  const std::string db = setting.folder / "runs.db";
  REQUIRE(call(setting.words(whole)).exit_code == 0);

  std::mt19937 random(7);
  int n_killed = 0;
  while (state_of_newest_run(db) != "finished") {
    const std::int64_t before = n_stored(db);
    Call running(setting.words(db));
    wait_for_samples(running, db, before + std::uniform_int_distribution<int>(1, 120)(random));
    running.send(SIGKILL);
    const Ended ended = running.wait();
    INFO(ended.err);
    REQUIRE((ended.exit_code == 0 || ended.signal == SIGKILL));
    n_killed += ended.signal == SIGKILL;
    REQUIRE(n_stored(db) >= before);
  }
  CHECK(n_killed >= 1);
  CHECK(stored_content(db) == stored_content(whole));
  CHECK(json_of(call({"runs", "--json", "--db", db}).out)["runs"].size() == 1);
}

TEST_CASE("run: the engine killed at fifty random moments leaves the samples of uninterrupted runs", "[cli]") {
  const TemporaryFolder folder;
  const auto words = [](const std::string& db, int seed) -> std::vector<std::string> {
    return {"run", "--model",     "reference", "--suite", "choice-smoke",       "--limit", "40",   "--temperature",
            "0.8", "--max-batch", "8",         "--seed",  std::to_string(seed), "--json",  "--db", db};
  };
  std::mt19937 random(11);
  int n_killed = 0;
  for (int seed = 0; n_killed < 50; ++seed) {
    const std::string whole = folder / ("whole" + std::to_string(seed) + ".db");
    const std::string db = folder / ("killed" + std::to_string(seed) + ".db");
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(call(words(whole, seed)).exit_code == 0);
    const double whole_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    while (state_of_newest_run(db) != "finished") {
      const std::int64_t before = n_stored(db);
      Call running(words(db, seed));
      if (n_killed < 50) {
        // At the start as well as in the middle: a quarter of a run's time at most, so that a run is killed often.
        std::this_thread::sleep_for(
            std::chrono::duration<double, std::milli>(std::uniform_real_distribution<double>(0, whole_ms / 4)(random)));
        running.send(SIGKILL);
      }
      const Ended ended = running.wait();
      INFO(ended.err);
      REQUIRE((ended.exit_code == 0 || ended.signal == SIGKILL));
      n_killed += ended.signal == SIGKILL;
      REQUIRE(n_stored(db) >= before);
    }
    CHECK(stored_content(db) == stored_content(whole));
    CHECK(json_of(call({"runs", "--json", "--db", db}).out)["runs"].size() == 1);
  }
}

TEST_CASE("run: a second process of the same command is refused while the first one writes", "[cli]") {
  const Setting setting(40'000);  // so many that it is at work yet when it is stopped
  const std::string db = setting.folder / "runs.db";
  Call running(setting.words(db));
  wait_for_samples(running, db, 1);
  stop_between_writes(running, db);
  const Ended second = call(setting.words(db));
  running.send(SIGCONT);
  running.send(SIGINT);
  const Ended first = running.wait();
  INFO(second.err);
  CHECK(second.exit_code == 3);
  CHECK_THAT(second.err, Contains("is being written by another process"));
  CHECK(first.exit_code == 4);
  CHECK(json_of(call({"runs", "--json", "--db", db}).out)["runs"].size() == 1);
}
