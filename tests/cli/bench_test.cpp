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
  CHECK_THAT(refusal({}), Contains("serve, decode, prefill, sweep, machine or collective"));
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
