// assay bench machine and assay project, as far as a machine without a GPU goes.

#include "results/ceilings.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

TEST_CASE("bench machine: a point a ceiling and repeat, and the newest ceilings of this processor", "[cli][machine]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const Ended ended = call({"bench", "machine", "--repeats", "2", "--threads", "1", "--db", db, "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK_THAT(ended.err, Contains("not measured: GPUs"));
  const Json run = json_of(ended.out);
  REQUIRE(run["points"].size() == 8);
  for (const Json& point : run["points"]) {
    CHECK(point["kind"] == "machine");
    CHECK(point["provenance"] == "measured");
    CHECK(point["settings"]["device"] == "cpu");
    const Json& figures = point["figures"];
    const std::string metric = figures.contains("tflops") ? "tflops" : "gb_per_s";
    CHECK(figures[metric]["value"].get<double>() > 0);
    CHECK(point["method_versions"][metric] == 1);
  }
  CHECK(run["environment_fingerprint"].get<std::string>().size() == 64);
  const auto store = results::Store::open_read_only(db);
  REQUIRE(store);
  const auto newest = results::newest_ceilings(*store);
  REQUIRE(newest);
  REQUIRE(newest->size() == 1);
  CHECK(newest->front().best("read").has_value());
  CHECK_THAT(call({"report", "latest", "--db", db}).out, Contains("GB/s") && Contains("TFLOP/s"));
}

TEST_CASE("bench machine and collective: what isn't there is an error where it was asked for", "[cli][machine]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const Ended gpus = call({"bench", "machine", "--device", "cuda", "--db", db});
  CHECK(gpus.exit_code == 3);
  CHECK_THAT(gpus.err, Contains("no GPU"));
  CHECK(call({"bench", "collective", "--db", db}).exit_code == 3);
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "bench");
    words.insert(words.end(), {"--db", db});
    const Ended ended = call(words);
    CHECK(ended.exit_code == 2);
    return ended.err;
  };
  CHECK_THAT(refusal({"machine", "--link-gb-s", "fast"}), Contains("--link-gb-s"));
  CHECK_THAT(refusal({"machine", "--link-gb-s", "165", "--device", "cpu"}), Contains("--link-gb-s"));
  CHECK_THAT(refusal({"machine", "--repeats", "0"}), Contains("--repeats"));
  CHECK_THAT(refusal({"decode", "--model", "reference", "--link-gb-s", "165"}),
             Contains("--link-gb-s") && Contains("--tensor-parallel"));
}

TEST_CASE("project: refuses in one line what can't be projected", "[cli][project]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "project");
    words.insert(words.end(), {"--db", db});
    const Ended ended = call(words);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
    return ended.err;
  };
  CHECK_THAT(refusal({"--to", "h800-sxm5"}), Contains("--from"));
  CHECK_THAT(refusal({"--from", "latest"}), Contains("--to"));
  const Ended decode = call({"bench", "decode", "--model", "reference", "--device", "cpu", "--batch", "1", "--context",
                             "16", "--steps", "8", "--repeats", "1", "--threads", "1", "--db", db, "--json"});
  REQUIRE((decode.exit_code == 0 || decode.exit_code == 3));
  CHECK(json_of(decode.out)["model"]["details"]["pass_work"]["n_layers"].get<double>() > 0);
  CHECK_THAT(refusal({"--from", "latest", "--to", "h800-sxm5"}), Contains("only what ran on a GPU"));
  CHECK_THAT(refusal({"--from", "latest", "--to", "h8000"}), Contains("h800-sxm5"));
  CHECK_THAT(refusal({"--from", "nobody", "--to", "h800-sxm5"}), Contains("nobody"));
  CHECK_THAT(refusal({"--from", db, "--to", "h800-sxm5"}), Contains("assay merge --into") && Contains("assay import"));
}
