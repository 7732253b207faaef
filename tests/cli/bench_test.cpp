// assay bench: points of the native engine and of loads, stored, resumed, and refused where words are wrong.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "results/store.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

const std::string kReference = (std::filesystem::path(ASSAY_SOURCE_DIR) / "models/reference").string();

std::size_t n_points(const std::string& db) {
  const auto store = results::Store::open_read_only(db);
  if (!store) return 0;
  const auto run = store->find_run("latest");
  return run ? store->read_points(*run)->size() : 0;
}

}  // namespace

TEST_CASE("bench decode and prefill: a point a repeat, whose rates are tokens over time", "[cli][bench]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  // A busy machine may make a decode unsteady, which is then said: its points are stored all the same.
  const Ended decode = call({"bench", "decode", "--model", kReference, "--batch", "1,4", "--context", "32", "--steps",
                             "16", "--repeats", "2", "--threads", "1", "--db", db, "--json"});
  INFO(decode.err);
  REQUIRE((decode.exit_code == 0 || decode.exit_code == 3));
  const Json run = json_of(decode.out);
  REQUIRE(run["points"].size() == 4);
  for (const Json& point : run["points"]) {
    const double rate = point["figures"]["output_tokens_per_s"]["value"].get<double>();
    const double per_user = point["figures"]["output_tokens_per_s_per_user"]["value"].get<double>();
    CHECK(rate > 0);
    CHECK(per_user * point["settings"]["batch"].get<double>() == Approx(rate));
    CHECK(point["method_versions"]["output_tokens_per_s"] == 1);
    CHECK(point["provenance"] == "measured");
  }
  CHECK(run["points"][1]["settings"]["batch"] == 4);
  CHECK(run["points"][2]["settings"]["batch"] == 4);  // backwards in every second round
  CHECK(run["environment_fingerprint"].get<std::string>().size() == 64);
  CHECK_THAT(call({"report", "latest", "--db", db}).out, Contains("batch=4 context=32"));

  const Ended prefill = call({"bench", "prefill", "--model", kReference, "--prompt-tokens", "64", "--repeats", "2",
                              "--price-usd-per-gpu-hour", "2", "--threads", "1", "--db", db, "--json"});
  INFO(prefill.err);
  REQUIRE(prefill.exit_code == 0);
  const Json figures = json_of(prefill.out)["points"][0]["figures"];
  const double rate = figures["prompt_tokens_per_s"]["value"].get<double>();
  CHECK(figures["usd_per_mtok_input"]["value"].get<double>() == Approx(2 / 3600.0 / rate * 1e6));
}

TEST_CASE("bench decode: a configuration alone will do, with dummy weights", "[cli][bench]") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "model");
  std::filesystem::copy(kReference + "/config.json", folder / "model/config.json");
  const Ended ended =
      call({"bench", "decode", "--config", folder / "model/config.json", "--dummy-weights", "--batch", "1", "--context",
            "16", "--steps", "8", "--repeats", "1", "--threads", "1", "--db", folder / "runs.db", "--json"});
  INFO(ended.err);
  REQUIRE((ended.exit_code == 0 || ended.exit_code == 3));
  CHECK(json_of(ended.out)["model"]["name"] == "model (dummy weights)");
}

TEST_CASE("bench serve: too short a load says so, ends with 3, and is stored", "[cli][bench]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const Ended ended = call({"bench", "serve", "--model", kReference, "--concurrency", "2", "--duration-s", "0.5",
                            "--output-tokens", "4", "--threads", "1", "--db", db, "--json"});
  INFO(ended.err);
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, Contains("too_short"));
  const Json point = json_of(ended.out)["points"][0];
  CHECK(point["valid"] == false);
  CHECK(point["figures"].contains("p50_ttft_ms"));
  CHECK(point["details"]["client"]["self_test"]["requests_per_s"].get<double>() > 0);
  // Prompts are about as long as was asked, template included.
  CHECK(point["figures"]["mean_prompt_tokens"]["value"].get<double>() == Approx(64).epsilon(0.2));
  CHECK_THAT(call({"report", "latest", "--db", db}).out, Contains("0/1 ") && Contains("too_short"));
  const Ended text = call({"bench", "serve", "--model", kReference, "--concurrency", "2", "--duration-s", "0.2",
                           "--output-tokens", "4", "--threads", "1", "--db", db});
  CHECK_THAT(text.out, Contains("client: ") && Contains("ms a request in this process, at most"));
}

TEST_CASE("bench sweep: interrupted it keeps its points, and the same command goes on behind them", "[cli][bench]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const std::vector<std::string> words = {
      "bench",   "sweep", "--kind",    "decode", "--model",   kReference, "--batch", "1,2", "--context", "16",
      "--steps", "400",   "--repeats", "3",      "--threads", "1",        "--db",    db,    "--json"};
  std::size_t n_before = 0;
  {
    Call running(words);
    while (!running.has_ended() && n_points(db) < 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    running.send(SIGINT);
    const Ended ended = running.wait();
    n_before = n_points(db);
    if (ended.exit_code == 0) return;  // it was faster than the signal
    CHECK(ended.exit_code == 4);
    CHECK_THAT(ended.err, Contains("of 6 points are stored; the same command goes on behind them"));
  }
  CHECK(n_before >= 1);
  const Ended ended = call(words);
  INFO(ended.err);
  CHECK((ended.exit_code == 0 || ended.exit_code == 3));
  CHECK(json_of(ended.out)["points"].size() == 6);
  CHECK(json_of(ended.out)["points"][0]["segment"] == 0);
  CHECK(json_of(ended.out)["points"][5]["segment"] == 1);
}

namespace {

/// A program of this folder that calls the real one.
std::string write_program(const TemporaryFolder& folder, const std::string& name, const std::string& script) {
  write_text(folder / name, "#!/bin/sh\n" + script + "\n");
  std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
  return folder / name;
}

/// The builds of a decode comparison in three blocks.
Json compare_builds(const TemporaryFolder& folder, const std::string& other, const std::string& steps) {
  const Ended ended =
      call({"bench", "decode", "--model", kReference, "--batch", "1", "--context", "16", "--steps", steps, "--repeats",
            "3", "--threads", "1", "--against-build", other, "--db", folder / "runs.db", "--json"});
  INFO(ended.err);
  REQUIRE((ended.exit_code == 0 || ended.exit_code == 3));
  const Json run = json_of(ended.out);
  REQUIRE(run["points"].size() == 12);
  return run;
}

}  // namespace

TEST_CASE("bench: a build against itself has no difference", "[cli][bench]") {
  const TemporaryFolder folder;
  const Json run = compare_builds(folder, ASSAY_PROGRAM, "64");
  std::string arms;
  for (const Json& point : run["points"]) {
    arms += point["arm"].get<std::string>();
    CHECK(point["figures"]["output_tokens_per_s"]["value"].get<double>() > 0);
    CHECK(point["details"]["build"]["build_version"] == run["hardware"]["build_version"]);
    CHECK_THAT(point["settings"]["target"].get<std::string>(), Contains(ASSAY_PROGRAM " (sha256 "));
    CHECK(point["wall_ms"].get<double>() > 0);
  }
  CHECK(arms == "abbabaababba");
  CHECK(run["model"]["weights_sha256"].get<std::string>().size() == 64);
  REQUIRE(run["comparisons"].size() == 1);
  for (const Json& metric : run["comparisons"][0]["metrics"]) CHECK(metric["verdict"] == "no_difference");
  CHECK_THAT(call({"report", "latest", "--db", folder / "runs.db"}).out, Contains("batch=1 context=16"));
}

TEST_CASE("bench: a build that is slower is found to be, and its words are its own", "[cli][bench]") {
  const TemporaryFolder folder;
  const std::string other = write_program(folder, "slow", "ASSAY_SIMD=scalar exec '" ASSAY_PROGRAM "' \"$@\"");
  const Json comparison = compare_builds(folder, other, "12")["comparisons"][0];
  if (comparison["n_blocks"] == 3) {
    CHECK(comparison["metrics"][0]["ratio"].get<double>() < 0.7);
  } else {
    // A machine so busy that decoding was not steady: then nothing is claimed, and the reason says so.
    CHECK_THAT(comparison["reason"].get<std::string>(), Contains("whole blocks with valid points"));
  }
}

TEST_CASE("bench: builds against each other under load", "[cli][bench]") {
  const TemporaryFolder folder;
  const Ended ended = call({"bench",
                            "serve",
                            "--model",
                            kReference,
                            "--concurrency",
                            "2",
                            "--duration-s",
                            "0.4",
                            "--output-tokens",
                            "4",
                            "--repeats",
                            "1",
                            "--threads",
                            "1",
                            "--slo",
                            "ttft=500",
                            "--against-build",
                            ASSAY_PROGRAM,
                            "--against",
                            "--max-batch 1",
                            "--db",
                            folder / "runs.db",
                            "--json"});
  INFO(ended.err);
  REQUIRE((ended.exit_code == 0 || ended.exit_code == 3));  // too short to be believed
  const Json run = json_of(ended.out);
  REQUIRE(run["points"].size() == 4);
  for (const Json& point : run["points"]) {
    const bool is_b = point["arm"] == "b";
    const bool has_option = point["settings"]["target"].get<std::string>().find("--max-batch 1") != std::string::npos;
    CHECK(is_b == has_option);
    CHECK(point["settings"]["seed"].is_number());
  }
  CHECK_THAT(run["comparisons"][0]["reason"].get<std::string>(), Contains("only 0 whole blocks"));
}

TEST_CASE("bench: what is no build to be compared with is refused with the reason", "[cli][bench]") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& program, int exit_code) {
    const Ended ended = call({"bench", "decode", "--model", kReference, "--batch", "1", "--context", "16", "--steps",
                              "8", "--threads", "1", "--against-build", program, "--db", folder / "runs.db"});
    CHECK(ended.exit_code == exit_code);
    CHECK(ended.out.empty());
    return ended.err;
  };
  CHECK_THAT(refusal(folder / "none", 2), Contains("--against-build") && Contains("none"));
  CHECK_THAT(refusal(write_program(folder, "silent", "exit 0"), 2), Contains("it printed no run as JSON"));
  CHECK_THAT(refusal(write_program(folder, "other", "echo '{\"points\": []}'"), 2), Contains("the one point"));
  CHECK_THAT(refusal(write_program(folder, "old", "echo 'assay: --steps: is unknown' >&2; exit 2"), 2),
             Contains("can't be compared: assay: --steps: is unknown"));
  CHECK_THAT(refusal(write_program(folder, "dies", "kill -9 $$"), 3), Contains("ended by signal 9"));
  CHECK_THAT(refusal(write_program(folder, "fails", "echo 'no device' >&2; exit 3"), 3), Contains("no device"));
  CHECK_THAT(refusal(write_program(folder, "newer",
                                   "'" ASSAY_PROGRAM
                                   "' \"$@\" | sed 's/\"output_tokens_per_s\": 1,/\"output_tokens_per_s\": 2,/'"),
                     2),
             Contains("measures output_tokens_per_s by version 2"));
  write_text(folder / "data", "no program");
  CHECK_THAT(refusal(folder / "data", 3), Contains("Permission denied"));
}

TEST_CASE("bench: wrong words are refused in one line before a model is loaded", "[cli][bench]") {
  const TemporaryFolder folder;
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "bench");
    words.insert(words.end(), {"--db", folder / "runs.db"});
    const Ended ended = call(words);
    CHECK(ended.exit_code == 2);
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
    return ended.err;
  };
  CHECK_THAT(refusal({}), Contains("serve, decode, prefill, sweep, layers, machine or collective"));
  CHECK_THAT(refusal({"serve"}), Contains("--model is missing"));
  CHECK_THAT(refusal({"serve", "--model", "x", "--concurrency", "0"}), Contains("--concurrency"));
  CHECK_THAT(refusal({"serve", "--model", "x", "--concurrency", "1,,2"}), Contains("--concurrency"));
  CHECK_THAT(refusal({"serve", "--model", "x", "--rate", "inf"}), Contains("--rate"));
  CHECK_THAT(refusal({"serve", "--model", "x", "--rate", "1", "--concurrency", "1"}), Contains("give one of them"));
  CHECK_THAT(refusal({"serve", "--model", "x", "--arrivals", "burst"}), Contains("needs --rate"));
  CHECK_THAT(refusal({"serve", "--model", "x", "--slo", "fast"}), Contains("mlperf-deepseek-r1-server"));
  CHECK_THAT(refusal({"serve", "--model", "x", "--trace", folder / "none"}), Contains("none"));
  CHECK_THAT(refusal({"serve", "--model", "replay:x.jsonl"}), Contains("no speed of their own"));
  CHECK_THAT(refusal({"decode", "--model", "x", "--batch", "99999999"}), Contains("--batch"));
  CHECK_THAT(refusal({"decode", "--model", "http://localhost/v1#m"}), Contains("native engine"));
  CHECK_THAT(refusal({"decode", "--config", "/x/config.json"}), Contains("--dummy-weights"));
  CHECK_THAT(refusal({"decode", "--config", "/x/model.json", "--dummy-weights"}), Contains("config.json"));
  CHECK_THAT(refusal({"sweep", "--model", "x", "--against", "--concurrency 3"}), Contains("--against: gives 1"));
  CHECK_THAT(refusal({"sweep", "--model", "x", "--against", "--nonsense"}), Contains("--against"));
}
