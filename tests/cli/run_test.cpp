// assay run over recorded outputs: plan, graders, store and reports as any other model.

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

// 10 items, of which 0 and 5 are answered wrongly: 8 of 10, both samples alike. The keys are INTERFACE.md's.
TEST_CASE("run --json: prints the record of the run, counted by hand", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const Ended ended =
      call({"run", "--model", write_recording(folder, "r.jsonl", 10, 2), "--suite", write_suite(folder, "words", 10),
            "--samples", "2", "--name", "first", "--tag", "a=b", "--tag", "c=d", "--json", "--db", db});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json run = json_of(ended.out);
  for (const char* key : {"run_id", "name", "model", "hardware", "suites", "tokens", "latency", "throughput", "cost",
                          "energy", "wall_s"}) {
    CHECK(run.contains(key));
  }
  CHECK(run["name"] == "first");
  REQUIRE(run["suites"].size() == 1);
  const Json& suite = run["suites"][0];
  for (const char* key : {"suite", "items", "samples", "accuracy", "stderr", "ci95", "pass_at_k", "maj_at_k",
                          "no_answer", "truncated", "errors"}) {
    CHECK(suite.contains(key));
  }
  CHECK(suite["suite"] == "words");
  CHECK(suite["items"] == 10);
  CHECK(suite["accuracy"].get<double>() == Approx(0.8));
  CHECK(suite["errors"] == 0);
  CHECK(suite["ci95"][0].get<double>() < 0.8);
  CHECK(run["tokens"]["prompt"] == 200);
  CHECK(run["tokens"]["output"] == 80);
  CHECK(run["latency"]["ttft_ms"]["p50"] == 20);
  CHECK(run["latency"]["e2e_ms"]["p90"] == 50);
  CHECK(run["energy"].is_null());
  CHECK(run["hardware"]["canary"].is_null());  // recordings have no logits
  CHECK(run["cost"]["usd_total"].is_null());

  const Ended report = call({"report", "first", "--json", "--db", db});
  CHECK(json_of(report.out) == run);
  CHECK(json_of(call({"report", "first", "latest", "--json", "--db", db}).out).size() == 2);
  CHECK_THAT(call({"report", "--db", db}).out, Contains("words") && Contains("80"));

  const Json runs = json_of(call({"runs", "--json", "--db", db}).out);
  REQUIRE(runs["runs"].size() == 1);
  CHECK(runs["runs"][0]["run_id"] == run["run_id"]);
  CHECK(runs["runs"][0]["state"] == "finished");
  CHECK(runs["runs"][0]["samples_stored"] == 20);
  CHECK(runs["runs"][0]["tags"] == Json({{"a", "b"}, {"c", "d"}}));
  CHECK_THAT(call({"runs", "--db", db}).out, Contains("first") && Contains("20/20"));
}

TEST_CASE("run: --limit takes the first items, --quiet says nothing, the text report goes to standard output",
          "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const Ended ended = call({"run", "--model", write_recording(folder, "r.jsonl", 10), "--suite",
                            write_suite(folder, "words", 10), "--limit", "3", "--quiet", "--db", db});
  CHECK(ended.exit_code == 0);
  CHECK(ended.err.empty());
  CHECK_THAT(ended.out, Contains("words"));
  const auto content = stored_content(db);
  REQUIRE(content.size() == 3);
  CHECK_THAT(content.at("words/q0:0"), Contains("\"Answer: no\"") && Contains("\"incorrect\""));
  CHECK_THAT(content.at("words/q2:0"), Contains("\"Answer: a2\"") && Contains("\"correct\""));
}

TEST_CASE("run: a sample that the recording lacks is an error verdict, the others count", "[cli]") {
  const TemporaryFolder folder;
  const Ended ended = call({"run", "--model", write_recording(folder, "r.jsonl", 8), "--suite",
                            write_suite(folder, "words", 10), "--json", "--db", folder / "runs.db"});
  REQUIRE(ended.exit_code == 0);
  const Json suite = json_of(ended.out)["suites"][0];
  CHECK(suite["errors"] == 2);
  CHECK_THAT(ended.err, Contains("2 of 10 samples of words are errors"));
  CHECK(suite["accuracy"].get<double>() == Approx(0.6));  // 8 answered, of which q0 and q5 wrongly
}

TEST_CASE("run: a finished run given again starts anew", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const std::vector<std::string> words = {
      "run",  "--model", write_recording(folder, "r.jsonl", 4), "--suite", write_suite(folder, "words", 4), "--json",
      "--db", db};
  const Json first = json_of(call(words).out);
  const Json second = json_of(call(words).out);
  CHECK(first["run_id"] != second["run_id"]);
  CHECK(first["suites"] == second["suites"]);
  CHECK(call({"run", "--resume", first["run_id"], "--db", db}).exit_code == 2);
  CHECK_THAT(call({"run", "--resume", first["run_id"], "--seed", "1", "--db", db}).err, Contains("--resume"));
  CHECK_THAT(call({"run", "--resume", "nothing", "--db", db}).err, Contains("nothing"));
}

TEST_CASE("run: two suites that share item ids are told apart in a recording", "[cli]") {
  const TemporaryFolder folder;
  const std::string suites = write_suite(folder, "one", 1) + "," + write_suite(folder, "two", 1);
  write_text(folder / "r.jsonl", R"({"id":"one/q0","sample":0,"output":"Answer: a0"})"
                                 "\n"
                                 R"({"id":"two/q0","sample":0,"output":"Answer: no"})"
                                 "\n");
  const Ended ended =
      call({"run", "--model", "replay:" + (folder / "r.jsonl"), "--suite", suites, "--json", "--db", folder / "d.db"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json run = json_of(ended.out);
  CHECK(run["suites"][0]["accuracy"] == 1.0);
  CHECK(run["suites"][1]["accuracy"] == 0.0);
  CHECK(run["tokens"]["output"].is_null());  // the recording does not say
}

TEST_CASE("run: broken suites and recordings are refused with file and line, and no run is left behind", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const std::string recording = write_recording(folder, "r.jsonl", 3);
  const std::string suite = write_suite(folder, "words", 3);

  write_text(folder / "bad.jsonl", "{\"id\":\"q0\",\"sample\":0,\"output\":\"x\"}\n{\"id\":\"q1\"}\n");
  const Ended bad_recording =
      call({"run", "--model", "replay:" + (folder / "bad.jsonl"), "--suite", suite, "--db", db});
  CHECK(bad_recording.exit_code == 2);
  CHECK_THAT(bad_recording.err, Contains("bad.jsonl:2") && Contains("\"sample\""));

  write_text(suite + "/items.jsonl",
             "{\"id\":\"q0\",\"question\":\"?\",\"answer\":[\"a\"]}\n{\"id\":\"q1\",\"question\":7}\n");
  const Ended bad_items = call({"run", "--model", recording, "--suite", suite, "--db", db});
  CHECK(bad_items.exit_code == 2);
  CHECK_THAT(bad_items.err, Contains("items.jsonl:2"));

  write_text(suite + "/suite.json", "{\"name\":");
  const Ended bad_header = call({"run", "--model", recording, "--suite", suite, "--db", db});
  CHECK(bad_header.exit_code == 2);
  CHECK_THAT(bad_header.err, Contains("suite.json"));
  CHECK(n_stored(db) == 0);
}

TEST_CASE("run: databases that can't be used are exit code 2 or 3", "[cli]") {
  const TemporaryFolder folder;
  const std::string recording = write_recording(folder, "r.jsonl", 2);
  const std::string suite = write_suite(folder, "words", 2);
  const auto exit_code = [&](const std::string& db) {
    return call({"run", "--model", recording, "--suite", suite, "--db", db}).exit_code;
  };
  write_text(folder / "text.db", std::string(5000, 'x'));
  CHECK(exit_code(folder / "text.db") == 2);
  CHECK(read_text(folder / "text.db") == std::string(5000, 'x'));
  CHECK(exit_code("/proc/assay.db") == 3);  // a place where nobody can write, root included
  CHECK(exit_code(folder / "no/such/folder/runs.db") == 3);
}

TEST_CASE("run: a code suite without a sandbox is exit code 3 before anything runs", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const Ended ended =
      call({"run", "--model", write_recording(folder, "r.jsonl", 1), "--suite", "code-smoke", "--db", db},
           {{"PATH", "/nonexistent"}});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, Contains("bwrap") || Contains("bubblewrap"));
  CHECK(n_stored(db) == 0);
}

TEST_CASE("run: the reference model answers, and the cost follows from the price", "[cli]") {
  const TemporaryFolder folder;
  const Ended ended = call({"run", "--model", "reference", "--suite", "choice-smoke", "--limit", "2", "--device", "cpu",
                            "--price-usd-per-gpu-hour", "3600", "--json", "--db", folder / "runs.db"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json run = json_of(ended.out);
  // Its logits are another library's but for rounding, and the next run has the same to the bit.
  CHECK(run["hardware"]["canary"]["mean_kl_divergence"].get<double>() < 3e-6);
  const Ended again = call({"run", "--model", "reference", "--suite", "choice-smoke", "--limit", "1", "--device", "cpu",
                            "--max-batch", "1", "--json", "--db", folder / "runs.db"});
  CHECK(json_of(again.out)["hardware"]["canary"] == run["hardware"]["canary"]);
  CHECK_THAT(call({"report", "latest", "--db", folder / "runs.db"}).out, Contains("from the stored reference"));
  CHECK(run["suites"][0]["accuracy"] == 1.0);  // the model card: all of choice-smoke's items are right
  // 3,600 dollars an hour are one dollar a second.
  CHECK(run["cost"]["usd_total"].get<double>() == Approx(run["wall_s"].get<double>()).epsilon(1e-6));
}

TEST_CASE("regrade: a new grading becomes the current one, and a changed suite is refused", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const std::string suite = write_suite(folder, "words", 10);
  REQUIRE(call({"run", "--model", write_recording(folder, "r.jsonl", 10), "--suite", suite, "--db", db}).exit_code ==
          0);
  const Ended ended = call({"regrade", "latest", "--suite", suite, "--json", "--db", db});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json regraded = json_of(ended.out)["regraded"][0];
  CHECK(regraded["samples"] == 10);
  CHECK(regraded["correct"] == 8);
  CHECK(regraded["correct_before"] == 8);
  CHECK(regraded["changed"] == 0);
  CHECK(call({"regrade", "latest", "--db", db}).exit_code == 2);  // a folder's suite is not found by its name
  CHECK(call({"regrade", "latest", "--suite", suite, "--profile", "none", "--db", db}).exit_code == 2);
  write_suite(folder, "words", 9);
  CHECK_THAT(call({"regrade", "latest", "--suite", suite, "--db", db}).err, Contains("sha256"));
  CHECK(call({"regrade", "latest", "--db", folder / "other.db"}).exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(folder / "other.db"));
}
