// export, import and merge, as a user gives them; and the run loop's batches.

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

/// A finished run of 20 items with two samples each.
std::string make_database(const TemporaryFolder& folder, const std::string& name) {
  const std::string suite = write_suite(folder, "words", 20);
  const std::string recording = write_recording(folder, name + ".jsonl", 20, 2);
  const std::string db = folder / (name + ".db");
  const Ended run = call({"run", "--model", recording, "--suite", suite, "--samples", "2", "--db", db, "--quiet"});
  INFO(run.err);
  REQUIRE(run.exit_code == 0);
  return db;
}

Json report_of(const std::string& db) { return json_of(call({"report", "--db", db, "--json"}).out); }

}  // namespace

TEST_CASE("assay export: JSON Lines replay to the same verdicts, and are graded alike", "[cli][store]") {
  const TemporaryFolder folder;
  const std::string db = make_database(folder, "a");
  const std::string lines = folder / "lines.jsonl";
  REQUIRE(call({"export", "latest", "--format", "jsonl", "--out", lines, "--db", db}).exit_code == 0);
  CHECK(json_lines_of(read_text(lines)).size() == 40);

  const std::string again = folder / "again.db";
  const std::string suite = folder / "words";
  REQUIRE(call({"run", "--model", "replay:" + lines, "--suite", suite, "--samples", "2", "--db", again}).exit_code ==
          0);
  CHECK(report_of(again)["suites"][0]["accuracy"] == report_of(db)["suites"][0]["accuracy"]);
  const Ended graded = call({"grade", "--suite", suite, "--in", lines});
  REQUIRE(graded.exit_code == 0);
  const auto verdicts = json_lines_of(graded.out);
  const auto exported = json_lines_of(read_text(lines));
  REQUIRE(verdicts.size() == exported.size());
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    CHECK(verdicts[i]["id"] == exported[i]["id"]);
    CHECK(verdicts[i]["verdict"] == exported[i]["verdict"]);
  }
}

TEST_CASE("assay export: each format is a file, written whole, what can't be is refused", "[cli][store]") {
  const TemporaryFolder folder;
  const std::string db = make_database(folder, "a");
  for (const char* format : {"json", "jsonl", "csv", "html"}) {
    CAPTURE(format);
    const std::string out = folder / (std::string("out.") + format);
    CHECK(call({"export", "latest", "--format", format, "--out", out, "--db", db}).exit_code == 0);
    // The same on standard output.
    CHECK(call({"export", "latest", "--format", format, "--db", db}).out == read_text(out));
  }
  CHECK(json_of(read_text(folder / "out.json"))["samples"].size() == 40);
  const Ended parquet = call({"export", "latest", "--format", "parquet", "--out", folder / "x", "--db", db});
  if (parquet.exit_code == 0) {  // a build with Apache Arrow
    CHECK_THAT(read_text(folder / "x"), Catch::Matchers::StartsWith("PAR1") && Catch::Matchers::EndsWith("PAR1"));
  } else {
    CHECK(parquet.exit_code == 3);
    CHECK_THAT(parquet.err, Contains("Arrow"));
    CHECK_FALSE(std::filesystem::exists(folder / "x"));
  }
  CHECK(call({"export", "latest", "--format", "xml", "--db", db}).exit_code == 2);
  CHECK(call({"export", "nobody", "--format", "csv", "--db", db}).exit_code == 2);
  CHECK(call({"export", "--format", "csv", "--db", db}).exit_code == 2);
  CHECK(call({"export", "latest", "--format", "csv", "--out", folder / "no/where", "--db", db}).exit_code == 2);
  const Ended full = call({"export", "latest", "--format", "csv", "--out", "/dev/full", "--db", db});
  CHECK(full.exit_code == 3);
}

TEST_CASE("output files: a database, a folder and a file without a folder are refused by every option",
          "[cli][store]") {
  const TemporaryFolder folder;
  const std::string db = make_database(folder, "a");
  const std::string before = read_text(db);
  const std::vector<std::vector<std::string>> commands = {
      {"export", "latest", "--format", "json", "--db", db, "--out"},
      {"check", "--baseline", "latest", "--db", db, "--junit"},
      {"check", "--baseline", "latest", "--db", db, "--summary-md"},
      {"check", "--baseline", "latest", "--db", db, "--openmetrics"},
      {"check", "--db", db, "--write-baseline"},
      {"grade", "--suite", folder / "words", "--in", folder / "a.jsonl", "--out"},
      {"logits", "--model", "reference", "--tokens", folder / "tokens.safetensors", "--out"},
  };
  for (std::vector<std::string> words : commands) {
    words.emplace_back();
    for (const std::string& out : {db, folder / "words", folder / "missing/x"}) {
      words.back() = out;
      const Ended ended = call(words);
      INFO(words.front() << " " << words[words.size() - 2] << " " << out << ": " << ended.err);
      CHECK(ended.exit_code == 2);
      CHECK_THAT(ended.err, Contains(words[words.size() - 2] + ": "));
    }
  }
  CHECK(read_text(db) == before);
}

TEST_CASE("assay merge: two machines' databases become one", "[cli][store]") {
  const TemporaryFolder folder;
  const std::string a = make_database(folder, "a");
  const std::string b = make_database(folder, "b");
  const std::string all = folder / "all.db";
  const Ended merged = call({"merge", "--into", all, a, b, "--json"});
  INFO(merged.err);
  REQUIRE(merged.exit_code == 0);
  CHECK(json_of(merged.out)["files"][1]["samples_added"] == 40);
  CHECK(json_of(call({"merge", "--into", all, a, b, "--json"}).out)["files"][0]["runs_unchanged"] == 1);
  CHECK(json_of(call({"runs", "--db", all, "--json"}).out)["runs"].size() == 2);
  CHECK(report_of(all)["suites"] == report_of(b)["suites"]);
  CHECK(call({"merge", "--into", all, all}).exit_code == 2);
  CHECK(call({"merge", "--into", all}).exit_code == 2);
  CHECK(call({"merge", a}).exit_code == 2);
  CHECK(call({"merge", "--into", all, folder / "missing.db"}).exit_code == 2);
}

TEST_CASE("assay import: transcripts of others are regraded by our graders", "[cli][store]") {
  const TemporaryFolder folder;
  const std::string db = folder / "x.db";
  const std::string file = folder / "samples_gsm8k_2026-11-22T10-00-00.jsonl";
  write_text(
      file,
      "{\"doc_id\":0,\"target\":\"#### 18\",\"resps\":[[\"So \\\\boxed{18}\"]],\"filtered_resps\":[\"[invalid]\"],"
      "\"filter\":\"strict-match\",\"metrics\":[\"exact_match\"],\"exact_match\":0.0}\n");
  const Ended imported = call({"import", "--format", "lm-eval", file, "--db", db, "--json"});
  INFO(imported.err);
  REQUIRE(imported.exit_code == 0);
  const Json run = json_of(imported.out)["imported"][0];
  CHECK(run["samples_added"] == 1);
  CHECK(run["provenance"] == "measured");
  CHECK(json_of(
            call({"import", "--format", "lm-eval", file, "--db", db, "--json"}).out)["imported"][0]["already_there"] ==
        true);
  CHECK(report_of(db)["suites"][0]["no_answer"] == 1);
  CHECK(report_of(db)["suites"][0]["grader_profile"] == "lm-eval");
  const Ended regraded = call({"regrade", run["run_id"], "--db", db});
  INFO(regraded.err);
  REQUIRE(regraded.exit_code == 0);
  CHECK(report_of(db)["suites"][0]["correct"] == 1);
  CHECK(report_of(db)["suites"][0]["grader_profile"] == "canonical");

  // A puzzle with its solution.
  const std::string zebra = folder / "tiny.json";
  write_text(zebra,
             R"([{"id":"z","size":"2*2","dataset":"zebra-grid","generator":"tiny","model_input":"Solve",)"
             R"("output":["{\"solution\":{\"House 1\":{\"Name\":\"Eric\"},\"House 2\":{\"Name\":\"Arnold\"}}}"],)"
             R"("solution":{"header":["House","Name"],"rows":[["1","Eric"],["2","Arnold"]]}}])");
  const Ended puzzles = call({"import", "--format", "zeroeval", zebra, "--db", db, "--json"});
  REQUIRE(puzzles.exit_code == 0);
  CHECK_THAT(puzzles.err, Contains("regrade"));
  const std::string puzzle_run = json_of(puzzles.out)["imported"][0]["run_id"];
  REQUIRE(call({"regrade", puzzle_run, "--db", db}).exit_code == 0);
  CHECK(json_of(call({"report", puzzle_run, "--db", db, "--json"}).out)["suites"][0]["correct"] == 1);
}

TEST_CASE("assay import: our own export is the run again, broken files change nothing", "[cli][store]") {
  const TemporaryFolder folder;
  const std::string a = make_database(folder, "a");
  const std::string record = folder / "a.json";
  REQUIRE(call({"export", "latest", "--format", "json", "--out", record, "--db", a}).exit_code == 0);
  const std::string db = folder / "copy.db";
  REQUIRE(call({"import", "--format", "assay", record, "--db", db}).exit_code == 0);
  CHECK(report_of(db) == report_of(a));
  const Json both = json_of(call({"merge", "--into", folder / "both.db", a, db, "--json"}).out);
  CHECK(both["files"][1]["samples_added"] == 0);
  write_text(folder / "broken.json", "{\"run_id\":");
  const Ended broken = call({"import", "--format", "assay", record, folder / "broken.json", "--db", folder / "new.db"});
  CHECK(broken.exit_code == 2);
  CHECK_THAT(broken.err, Contains("broken.json"));
  CHECK(call({"runs", "--db", folder / "new.db"}).exit_code == 2);  // was not made
  CHECK(call({"import", "--format", "nothing", record, "--db", db}).exit_code == 2);
  CHECK(call({"import", "--format", "assay", "--db", db}).exit_code == 2);
  CHECK(call({"import", "--format", "lm-eval", "--kind", "novel", record, "--db", db}).exit_code == 2);
}

TEST_CASE("assay run: a limit on file sizes ends it with what is stored, and the same call goes on", "[cli][store]") {
  const TemporaryFolder folder;
  const std::string suite = write_suite(folder, "words", 400);
  const std::string db = folder / "a.db";
  const std::vector<std::string> words = {
      "run", "--model", write_recording(folder, "a.jsonl", 400), "--suite", suite, "--db", db, "--quiet"};
  const Ended limited = call_under({"prlimit", "--fsize=204800"}, words);
  INFO(limited.err);
  CHECK(limited.signal == 0);
  CHECK(limited.exit_code == 3);
  CHECK_THAT(limited.err,
             Contains("limit on file sizes") && Contains("samples are stored; resume with: assay run --resume"));
  REQUIRE(call(words).exit_code == 0);
  CHECK(report_of(db)["suites"][0]["n_samples"] == 400);
}
