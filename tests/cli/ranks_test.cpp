// A run that several processes make: by --rank and --ranks, as a Slurm job array, under mpirun; some of them killed.

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "harness/base/text.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

/// What a report says of accuracy: everything but times and machines.
Json verdicts_of(const Json& run) {
  Json verdicts = {{"seed", run["seed"]}};
  for (const char* key : {"prompt", "output"}) verdicts["tokens"][key] = run["tokens"][key];  // cached: who sat where
  for (const char* key : {"weights_sha256", "name"}) verdicts["model"][key] = run["model"][key];
  verdicts["suites"] = run["suites"];
  return verdicts;
}

/// The exported samples, as text without their run and times, in order of their names.
std::vector<std::string> exported(const std::string& db) {
  const std::string file = db + ".jsonl";
  REQUIRE(call({"export", "latest", "--db", db, "--format", "jsonl", "--out", file}).exit_code == 0);
  std::vector<std::string> samples;
  for (Json sample : json_lines_of(read_text(file))) {
    Json kept;
    for (const auto& [key, value] : sample.items()) {
      const bool is_own = key == "run_id" || key == "cached_prompt_tokens" || key.find("_ms") != std::string::npos;
      if (!is_own) kept[key] = value;
    }
    samples.push_back(to_json_text(kept));
  }
  std::sort(samples.begin(), samples.end());
  return samples;
}

Json report_of(const std::string& db) { return json_of(call({"report", "latest", "--json", "--db", db}).out); }

/// A recording that takes a while, and the words that run it.
struct Recorded {
  explicit Recorded(int n) : n_items(n) {}

  int n_items;
  TemporaryFolder folder;
  std::string recording = write_recording(folder, "r.jsonl", n_items);
  std::string suite = write_suite(folder, "words", n_items);
  std::string db = folder / "runs.db";
  std::vector<std::string> words(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"run", "--model", recording, "--suite", suite, "--db", db};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<std::string> rank(int rank, int ranks) const {
    return words({"--rank", std::to_string(rank), "--ranks", std::to_string(ranks)});
  }
  std::string part(int rank) const { return db + ".ranks/rank-" + std::to_string(rank) + ".db"; }
  /// The content of the same run by one process.
  std::map<std::string, std::string> whole() const {
    const std::string alone = folder / "whole.db";
    REQUIRE(call({"run", "--model", recording, "--suite", suite, "--db", alone, "--ranks", "1"}).exit_code == 0);
    return stored_content(alone);
  }
};

/// The words of the first command behind "start again: assay".
std::vector<std::string> restart_words(const std::string& message) {
  const std::string before = "start again: assay ";
  const std::size_t begin = message.find(before);
  INFO(message);
  REQUIRE(begin != std::string::npos);
  std::string line = message.substr(begin + before.size());
  line = line.substr(0, line.find_first_of(";\n"));
  std::vector<std::string> words;
  for (const std::string& word : split(line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

std::int64_t n_lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("ranks: three processes of the engine give the samples of one, bit by bit", "[cli]") {
  const TemporaryFolder folder;
  const std::vector<std::string> words = {"run",     "--model",  "reference", "--suite", "choice-smoke,zebra-smoke",
                                          "--limit", "12",       "--samples", "2",       "--temperature",
                                          "0.8",     "--seed",   "3",         "--json",  "--max-output-tokens",
                                          "100",     "--device", "cpu",       "--db"};
  const auto with = [&](const std::string& db, std::vector<std::string> more) {
    std::vector<std::string> all = words;
    all.push_back(db);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::string alone = folder / "alone.db", together = folder / "together.db";
  const Ended one = call(with(alone, {}));
  INFO(one.err);
  REQUIRE(one.exit_code == 0);

  // Other machines may have other memory: the batch is each rank's own.
  const Ended first = call(with(together, {"--rank", "1", "--ranks", "3", "--max-batch", "3"}));
  INFO(first.err);
  REQUIRE(first.exit_code == 0);
  const Json status = json_of(first.out);
  CHECK(status["rank"] == 1);
  CHECK(status["ranks"] == 3);
  CHECK(status["merged"] == false);
  CHECK(status["waiting_for"] == Json::array({0, 2}));
  CHECK(status["samples"].get<int>() > 8);
  REQUIRE(call(with(together, {"--rank", "2", "--ranks", "3", "--threads", "1"})).exit_code == 0);
  const Ended last = call(with(together, {"--rank", "0", "--ranks", "3"}));
  INFO(last.err);
  REQUIRE(last.exit_code == 0);

  CHECK(stored_content(together) == stored_content(alone));
  CHECK(verdicts_of(json_of(last.out)) == verdicts_of(json_of(one.out)));
  CHECK(verdicts_of(report_of(together)) == verdicts_of(json_of(one.out)));
  CHECK(exported(together) == exported(alone));
  CHECK(exported(together).size() == 48);
  const Json runs = json_of(call({"runs", "--json", "--db", together}).out)["runs"];
  REQUIRE(runs.size() == 1);
  CHECK(runs[0]["state"] == "finished");
  // To the gate they are the same.
  const Ended check = call({"check", "--baseline", alone, "--candidate", together, "--db", together});
  INFO(check.out << check.err);
  CHECK(check.exit_code == 0);
  const Json compared = json_of(call({"compare", alone, together, "--json"}).out)["comparisons"][0];
  REQUIRE(compared["suites"].size() == 2);
  for (const Json& suite : compared["suites"]) {
    CHECK(suite["items_paired"] == 12);
    CHECK(suite["flips"] == Json::array());
  }
  // What ranks left is gone, and given again a rank finds the run whole.
  CHECK_FALSE(fs::exists(together + ".ranks/rank-0.db"));
  const Ended again = call(with(together, {"--rank", "1", "--ranks", "3"}));
  REQUIRE(again.exit_code == 0);
  CHECK(verdicts_of(json_of(again.out)) == verdicts_of(json_of(one.out)));
  CHECK(json_of(call({"runs", "--json", "--db", together}).out)["runs"].size() == 1);
}

TEST_CASE("ranks: a Slurm job array says who is who, and the last task merges", "[cli]") {
  const Recorded recorded(60);
  const auto whole = recorded.whole();
  const auto task = [](int id) -> std::map<std::string, std::string> {
    return {{"SLURM_ARRAY_TASK_ID", std::to_string(id)},
            {"SLURM_ARRAY_TASK_COUNT", "3"},
            {"SLURM_ARRAY_TASK_MIN", "1"},
            {"SLURM_ARRAY_TASK_MAX", "3"}};
  };
  const Ended second = call(recorded.words(), task(2));
  INFO(second.err);
  REQUIRE(second.exit_code == 0);
  CHECK_THAT(second.err, Contains("rank 1 of 3 (by SLURM_ARRAY_TASK_ID 2 (1 to 3))"));
  CHECK_THAT(second.out, Contains("rank 1 of 3 is done") && Contains("rank 0 has not begun"));
  // A single process would make the run a second time.
  const Ended alone = call(recorded.words());
  CHECK(alone.exit_code == 2);
  CHECK_THAT(alone.err, Contains("3 ranks have begun this run"));

  CHECK(call(recorded.words(), task(3)).exit_code == 0);
  const Ended last = call(recorded.words(), task(1));
  INFO(last.err);
  REQUIRE(last.exit_code == 0);
  CHECK_THAT(last.out, Contains("words") && Contains("80.0 %") && Contains("on 1 host"));
  CHECK(stored_content(recorded.db) == whole);
  // With --ranks 1 a task is a run of its own.
  const Ended own = call(recorded.words({"--ranks", "1"}), task(1));
  REQUIRE(own.exit_code == 0);
  CHECK(json_of(call({"runs", "--json", "--db", recorded.db}).out)["runs"].size() == 2);
}

TEST_CASE("ranks: a wrong world is refused in one line", "[cli]") {
  const Recorded recorded(40);
  REQUIRE(call(recorded.rank(0, 2)).exit_code == 0);
  const auto refused = [&](std::vector<std::string> words, int exit_code, const std::string& why) {
    const Ended ended = call(words);
    INFO(ended.err);
    CHECK(ended.exit_code == exit_code);
    CHECK_THAT(ended.err, Contains(why));
    CHECK(ended.out.empty());
    // The line that says what was understood, and the error.
    CHECK(n_lines(ended.err) <= 2);
  };
  std::vector<std::string> words = recorded.rank(1, 2);
  words.insert(words.end(), {"--seed", "5"});
  refused(words, 2, "--seed is not given there, \"5\" here");
  refused(recorded.rank(1, 3), 2, "--ranks is 2 there, 3 here");
  refused(recorded.rank(2, 2), 2, "ranks count from 0 to 1");
  refused(recorded.words({"--rank", "1"}), 2, "--ranks is missing");
  refused(recorded.words({"--ranks", "2"}), 2, "--rank is missing");
  refused(recorded.words({"--ranks", "99999999"}), 2, "--ranks");
  words = recorded.rank(1, 2);
  words.insert(words.end(), {"--resume", "latest"});
  refused(words, 2, "--resume");
  // The recording has become another one: what hashes of weights are to a model.
  write_recording(recorded.folder, "r.jsonl", recorded.n_items, 2);
  refused(recorded.rank(1, 2), 2, "the hash of the weights");
  write_recording(recorded.folder, "r.jsonl", recorded.n_items);
  // A file that somebody has taken away.
  fs::rename(recorded.part(0), recorded.folder / "away.db");
  refused(recorded.rank(1, 2), 3, "rank-0.db: is missing; start rank 0 again");
  fs::rename(recorded.folder / "away.db", recorded.part(0));
  refused({"merge", "--into", recorded.db, recorded.folder / "words"}, 2, "is no folder of ranks");
  REQUIRE(call({"merge", "--into", recorded.db, recorded.db + ".ranks"}).exit_code == 0);
  CHECK(stored_content(recorded.db) == recorded.whole());
  CHECK_THAT(call({"merge", "--into", recorded.db, recorded.db + ".ranks/"}).out, Contains("is whole in"));
  refused({"merge", "--into", recorded.folder / "other.db", recorded.db + ".ranks"}, 2, "was merged into");
  // Not beside a database that can't be one.
  write_text(recorded.folder / "text.db", "not a database, but long enough to be looked at as one by any reader of it");
  refused({"run", "--model", recorded.recording, "--suite", recorded.suite, "--db", recorded.folder / "text.db",
           "--rank", "0", "--ranks", "2"},
          2, "text.db");
}

TEST_CASE("ranks: one is killed, the others finish, and started again it completes the run", "[cli]") {
  const Recorded recorded(4000);
  const auto whole = recorded.whole();
  Call killed(recorded.rank(1, 3));
  wait_for_samples(killed, recorded.part(1), 30);
  killed.send(SIGKILL);
  REQUIRE(killed.wait().signal == SIGKILL);
  const std::int64_t n_before = n_stored(recorded.part(1));
  CHECK(n_before >= 30);

  REQUIRE(call(recorded.rank(0, 3)).exit_code == 0);  // rank 2 may still come
  const Ended last = call(recorded.rank(2, 3));
  INFO(last.err);
  REQUIRE(last.exit_code == 3);
  CHECK(last.out.empty());
  CHECK_THAT(last.err, Contains("rank 1 ended after") && Contains("all that was stored is kept"));
  const Ended merge = call({"merge", "--into", recorded.db, recorded.db + ".ranks"});
  CHECK(merge.exit_code == 3);
  CHECK_THAT(merge.err, Contains("rank 1 ended after"));
  CHECK(n_stored(recorded.part(1)) == n_before);

  const Ended again = call(restart_words(last.err));
  INFO(again.err);
  REQUIRE(again.exit_code == 0);
  CHECK_THAT(again.err, Contains("going on behind " + std::to_string(n_before)));
  CHECK(stored_content(recorded.db) == whole);
  CHECK(json_of(call({"runs", "--json", "--db", recorded.db}).out)["runs"].size() == 1);
}

TEST_CASE("ranks: a stop is exit code 4, and the words in the message go on", "[cli]") {
  const Recorded recorded(40'000);  // far more than waits to be graded, however late the signal comes
  Call running(recorded.rank(0, 2));
  wait_for_samples(running, recorded.part(0), 30);
  running.send(SIGTERM);
  const Ended ended = running.wait();
  INFO(ended.err);
  REQUIRE(ended.exit_code == 4);
  CHECK_THAT(ended.err, Contains("rank 0 of 2: interrupted") && Contains("--rank 0 --ranks 2"));
  REQUIRE(call(recorded.rank(1, 2)).exit_code == 3);  // nobody is left, and rank 0 is not done
  REQUIRE(call(recorded.rank(0, 2)).exit_code == 0);
  CHECK(stored_content(recorded.db) == recorded.whole());
}

TEST_CASE("ranks: a rank is one process at a time", "[cli]") {
  const Recorded recorded(4000);
  Call running(recorded.rank(0, 2));
  wait_for_samples(running, recorded.part(0), 1);
  running.stop();
  const Ended second = call(recorded.rank(0, 2));
  running.send(SIGCONT);
  CHECK(second.exit_code == 3);
  CHECK_THAT(second.err, Contains("rank 0 is at work already"));
  CHECK(running.wait().exit_code == 0);
}

TEST_CASE("ranks: all at a time, any of them may be the last", "[cli]") {
  const Recorded recorded(800);
  const auto whole = recorded.whole();
  std::vector<std::unique_ptr<Call>> calls;
  for (int rank = 0; rank < 5; ++rank) calls.push_back(std::make_unique<Call>(recorded.rank(rank, 5)));
  int n_reports = 0;
  for (const auto& running : calls) {
    const Ended ended = running->wait();
    INFO(ended.err);
    CHECK(ended.exit_code == 0);
    n_reports += ended.out.find("80.0 %") != std::string::npos;
  }
  CHECK(n_reports >= 1);
  CHECK(stored_content(recorded.db) == whole);
}

#ifdef ASSAY_MPIEXEC
namespace {

/// OpenMPI as root, with more ranks than cores, none of them bound to one core; what it leaks itself is no finding.
const std::map<std::string, std::string> kMpi = {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                                                 {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                                                 {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
                                                 {"OMPI_MCA_hwloc_base_binding_policy", "none"},
                                                 {"ASAN_OPTIONS", "detect_leaks=0"}};

/// The process that mpirun started as this rank on `db`; 0 as long as there is none.
pid_t process_of_rank(const std::string& db, int rank) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string words = read_text(entry.path() / "cmdline");
    const std::string variables = '\0' + read_text(entry.path() / "environ");
    const std::string variable = '\0' + std::string("OMPI_COMM_WORLD_RANK=") + std::to_string(rank) + '\0';
    if (words.find(db) != std::string::npos && variables.find(variable) != std::string::npos) return std::stoi(name);
  }
  return 0;
}

}  // namespace

TEST_CASE("ranks: under mpirun rank 0 prints one run, equal to that of one process", "[cli]") {
  const Recorded recorded(300);
  const auto whole = recorded.whole();
  for (int round = 0; round < 2; ++round) {  // a finished run starts anew, as without ranks
    const Ended ended = Call(recorded.words({"--json"}), kMpi, "", {ASSAY_MPIEXEC, "-n", "3"}).wait();
    INFO(ended.err);
    REQUIRE(ended.exit_code == 0);
    const Json run = json_of(ended.out);
    CHECK(run["suites"][0]["samples"] == 1);
    CHECK(run["suites"][0]["accuracy"] == 0.8);
    CHECK(run["hardware"]["n_ranks"] == 3);
    CHECK(run["hardware"]["n_hosts"] == 1);
    CHECK(stored_content(recorded.db) == whole);
    CHECK(json_of(call({"runs", "--json", "--db", recorded.db}).out)["runs"].size() == round + 1u);
  }
}

TEST_CASE("ranks: under mpirun other options of one rank are refused by one line before anything starts", "[cli]") {
  const Recorded recorded(50);
  std::vector<std::string> words = recorded.words({"--seed", "1", ":", "-n", "1", ASSAY_PROGRAM});
  const std::vector<std::string> other = recorded.words({"--seed", "2"});
  words.insert(words.end(), other.begin(), other.end());
  const Ended ended = Call(words, kMpi, "", {ASSAY_MPIEXEC, "-n", "2"}).wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK_THAT(ended.err,
             Contains("rank 2 of 3: was given other options than rank 0: --seed is \"1\" there, \"2\" here"));
  CHECK(ended.err.find("--seed is") == ended.err.rfind("--seed is"));
  CHECK_FALSE(fs::exists(recorded.db));
}

TEST_CASE("ranks: one killed under mpirun --enable-recovery leaves the others to finish", "[cli]") {
  const Recorded recorded(6000);
  const auto whole = recorded.whole();
  Call running(recorded.words(), kMpi, "", {ASSAY_MPIEXEC, "--enable-recovery", "-n", "3"});
  wait_for_samples(running, recorded.part(1), 20);
  const pid_t process = process_of_rank(recorded.db, 1);
  REQUIRE(process > 0);
  REQUIRE(::kill(process, SIGKILL) == 0);
  const Ended ended = running.wait();
  INFO(ended.out << ended.err);
  // mpirun --enable-recovery itself always ends with 0; rank 0 says what is missing, and merge has the code.
  CHECK_THAT(ended.err, Contains("rank 1 ended after"));
  CHECK(ended.out.empty());
  const Ended merge = call({"merge", "--into", recorded.db, recorded.db + ".ranks"});
  CHECK(merge.exit_code == 3);
  const Ended again = call(restart_words(merge.err));
  INFO(again.err);
  REQUIRE(again.exit_code == 0);
  CHECK(stored_content(recorded.db) == whole);
}

TEST_CASE("ranks: one that fails under mpirun waits for the others, so that mpirun does not end them", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const std::vector<std::string> words = {"run",     "--model", "reference", "--suite", "choice-smoke",
                                          "--limit", "12",      "--device",  "cpu",     "--max-output-tokens",
                                          "40",      "--db",    db};
  // The second one has no room for a sample: how much memory it takes is a machine's own.
  std::vector<std::string> all = words;
  all.insert(all.end(), {":", "-n", "1", ASSAY_PROGRAM});
  all.insert(all.end(), words.begin(), words.end());
  all.insert(all.end(), {"--kv-memory", "1000"});
  const Ended ended = Call(all, kMpi, "", {ASSAY_MPIEXEC, "-n", "1"}).wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 3);
  CHECK(ended.out.empty());
  CHECK_THAT(ended.err, Contains("rank 1 of 2: ") && Contains("start again: assay run"));
  const std::int64_t n_of_first = n_stored(db + ".ranks/rank-0.db");
  CHECK(n_of_first >= 4);
  const Ended again = call(restart_words(ended.err));  // those of the first rank, which has room
  INFO(again.err);
  REQUIRE(again.exit_code == 0);
  CHECK(stored_content(db).size() == 12);
}

TEST_CASE("ranks: mpirun that ends all with the one that was killed loses nothing", "[cli]") {
  const Recorded recorded(6000);
  const auto whole = recorded.whole();
  Call running(recorded.words(), kMpi, "", {ASSAY_MPIEXEC, "-n", "2"});
  wait_for_samples(running, recorded.part(1), 20);
  const pid_t process = process_of_rank(recorded.db, 1);
  REQUIRE(process > 0);
  const std::int64_t n_before = n_stored(recorded.part(1));
  REQUIRE(::kill(process, SIGKILL) == 0);
  CHECK(running.wait().exit_code != 0);
  CHECK(n_stored(recorded.part(1)) >= n_before);
  const Ended again = Call(recorded.words(), kMpi, "", {ASSAY_MPIEXEC, "-n", "2"}).wait();
  INFO(again.err);
  REQUIRE(again.exit_code == 0);
  CHECK(stored_content(recorded.db) == whole);
}
#endif
