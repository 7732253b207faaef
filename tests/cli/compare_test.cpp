// assay compare over recorded outputs.

#include <algorithm>
#include <filesystem>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

/// A recording for write_suite's items: item i is right where `right(i, sample)`.
template <class Right>
std::string recording(const TemporaryFolder& folder, const std::string& name, int n_items, int n_samples,
                      const Right& right) {
  std::string lines;
  for (int i = 0; i < n_items; ++i) {
    for (int k = 0; k < n_samples; ++k) {
      const Json line = {{"id", "q" + std::to_string(i)},
                         {"sample", k},
                         {"output", right(i, k) ? "Answer: a" + std::to_string(i) : "Answer: no"},
                         {"prompt_tokens", 10},
                         {"output_tokens", 100 + i},
                         {"ttft_ms", 20},
                         {"e2e_ms", 500 + i},
                         {"finish_reason", "eos"}};
      lines += to_json_text(line) + "\n";
    }
  }
  write_text(folder / name, lines);
  return "replay:" + (folder / name);
}

void run(const std::string& model, const std::string& suite, const std::string& name, const std::string& db,
         int n_samples = 1, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {"run", "--model", model, "--suite", suite,       "--name",
                                    name,  "--db",    db,    "--quiet", "--samples", std::to_string(n_samples)};
  words.insert(words.end(), more.begin(), more.end());
  const Ended ended = call(words);
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
}

}  // namespace

TEST_CASE("compare: shows differences, flips and lengths of stored runs", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "r.db";
  const std::string suite = write_suite(folder, "words", 30);
  run(recording(folder, "a.jsonl", 30, 2, [](int, int) { return true; }), suite, "before", db, 2);
  run(recording(folder, "b.jsonl", 30, 2, [](int i, int k) { return i >= 9 || (i == 8 && k == 0); }), suite, "after",
      db, 2);
  // Machines that don't share a database: an export says the same, and so does a file of several runs.
  const std::string one = folder / "before.json", both = folder / "both.json";
  REQUIRE(call({"export", "before", "--format", "json", "--out", one, "--db", db}).exit_code == 0);
  REQUIRE(call({"export", "before", "after", "--format", "json", "--out", both, "--db", db}).exit_code == 0);
  const Ended stored = call({"compare", "before", "after", "--json", "--db", db});
  REQUIRE(stored.exit_code == 0);
  for (const auto& [baseline, candidate] :
       {std::pair(one, std::string("after")), std::pair(both + "#before", both + "#after"),
        std::pair(db + "#before", db)}) {
    const Ended same = call({"compare", baseline, candidate, "--json", "--db", db});
    INFO(baseline << "\n" << same.err);
    CHECK(same.out == stored.out);
  }
  const auto refusal = [&](const std::string& words) {
    const Ended ended = call({"compare", words, "after", "--db", db});
    CHECK(ended.exit_code == 2);
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
    return ended.err;
  };
  CHECK_THAT(refusal(both), Contains("holds 2 runs; name one as FILE#RUN"));
  CHECK_THAT(refusal(both + "#nobody"), Contains("holds no run"));
  CHECK_THAT(refusal(folder / "none.json"), Contains("no such file"));
  write_text(folder / "report.json", "{\"run_id\":\"a\"}");
  CHECK_THAT(refusal(folder / "report.json"), Contains("assay export RUN --format json"));
  write_text(folder / "cut.json", read_text(one).substr(0, 2000));
  CHECK_THAT(refusal(folder / "cut.json"), Contains("cut.json"));

  const Ended text = call({"compare", "before", "after", "--flips", "3", "--db", db});
  INFO(text.out << text.err);
  REQUIRE(text.exit_code == 0);
  CHECK_THAT(text.out, Contains("worse") && Contains("9 items lost, 0 gained") && Contains("(6 more: --flips N)"));
  CHECK_THAT(text.out, Contains("q0  correct -> incorrect  2/2 -> 0/2 correct"));

  const Json json = json_of(call({"compare", "before", "after", "before", "--json", "--db", db}).out);
  REQUIRE(json["comparisons"].size() == 2);
  CHECK(json["tests"] == 4);
  const Json& suite_json = json["comparisons"][0]["suites"][0];
  CHECK(suite_json["accuracy"]["difference"].get<double>() == Approx(-8.5 / 30));
  CHECK(suite_json["accuracy"]["finding"] == "worse");
  CHECK(suite_json["flips"].size() == 9);
  CHECK(suite_json["output_tokens"]["difference"] == 0.0);
  CHECK(json["comparisons"][1]["suites"][0]["accuracy"]["difference"] == 0.0);
  CHECK(json["comparisons"][0]["figures"]["output_tokens_per_s"]["ratio"].is_null());  // recordings take no time
}

TEST_CASE("compare: refuses what differs in one line unless forced, and wrong words", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "r.db";
  const auto right = [](int, int) { return true; };
  const std::string model = recording(folder, "a.jsonl", 6, 1, right);
  run(model, write_suite(folder, "words", 5), "a", db);
  run(model, write_suite(folder, "words", 6), "b", db);
  run(model, write_suite(folder, "words", 6), "c", db, 1, {"--temperature", "0.3"});
  const Ended refused = call({"compare", "a", "b", "--db", db});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("suite hash of words") && Contains("--force"));
  CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  const Ended forced = call({"compare", "a", "b", "--force", "--db", db});
  CHECK(forced.exit_code == 0);
  CHECK_THAT(forced.out, Contains("FORCED"));
  CHECK_THAT(call({"compare", "b", "c", "--db", db}).err, Contains("sampling of words: temperature"));
  CHECK(call({"compare", "a", "--db", db}).exit_code == 2);
  CHECK(call({"compare", "a", "nothing", "--db", db}).exit_code == 2);
  CHECK(call({"compare", "a", "b", "--level", "2", "--db", db}).exit_code == 2);
}
