// assay bench layers on this machine's processor: a timeline that adds up, as results/README.md says it is stored.

#include <filesystem>
#include <set>

#include "results/layers.h"
#include "results/store.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

const std::string kReferenceModel = (std::filesystem::path(ASSAY_SOURCE_DIR) / "models/reference").string();

std::set<std::string> operations_of(const Json& point) {
  std::set<std::string> words;
  for (const Json& one : point["details"]["operations"]) words.insert(one["operation"].get<std::string>());
  return words;
}

}  // namespace

TEST_CASE("bench layers: every operation of every layer, in order, that add up to the pass", "[cli][layers]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const Ended ended = call({"bench",     "layers", "--model",         kReferenceModel,
                            "--device",  "cpu",    "--batch",         "2",
                            "--context", "32",     "--prompt-tokens", "40",
                            "--chunk",   "64",     "--steps",         "4",
                            "--repeats", "2",      "--threads",       "1",
                            "--db",      db,       "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json run = json_of(ended.out);
  REQUIRE(run["points"].size() == 4);
  for (const Json& point : run["points"]) {
    CHECK(point["kind"] == "layers");
    CHECK(point["provenance"] == "measured");
    CHECK(point["details"]["clock"] == "host");
    CHECK(point["details"]["n_passes"] == 4);
    CHECK(point["details"]["limits"].is_null());
    const Json& figures = point["figures"];
    CHECK(figures["pass_ms"]["value"].get<double>() > 0);
    CHECK_FALSE(figures.contains("device_ms"));
    double sum_us = 0, attention_us = 0;
    for (const Json& one : point["details"]["operations"]) {
      CHECK(one["start_us"].get<double>() == Approx(sum_us));
      CHECK(one["limit_us"].is_null());
      CHECK(one["n_kernels"].is_null());
      sum_us += one["time_us"].get<double>();
      if (one["operation"] == "attention") attention_us += one["time_us"].get<double>();
    }
    CHECK(figures["sum_ms"]["value"].get<double>() == Approx(sum_us / 1000));
    CHECK(figures["attention_us"]["value"].get<double>() == Approx(attention_us));
  }
  // The reference model: latent attention with compressed queries, the first layer dense, the others with experts.
  const Json& decode = run["points"][0];
  CHECK(decode["name"] == "decode batch=2 context=32");
  CHECK(decode["settings"]["pass"] == "decode");
  CHECK(operations_of(decode) ==
        std::set<std::string>{"embed",       "attention_norm",  "q_a",          "q_a_norm",  "q_b",
                              "rope_append", "key_map",         "attention",    "value_map", "attention_output",
                              "residual",    "ffn_norm",        "gate_up",      "down",      "router",
                              "sort",        "experts_gate_up", "experts_down", "combine",   "final_norm",
                              "head",        "sampling"});
  const Json& prefill = run["points"][1];
  CHECK(prefill["name"] == "prefill batch=2 in=40");
  CHECK(operations_of(prefill).contains("expand"));
  CHECK_FALSE(operations_of(prefill).contains("key_map"));
  CHECK(prefill["details"]["operations"].back()["pass"] == 1);  // 80 tokens in chunks of 64

  const auto store = results::Store::open_read_only(db);
  REQUIRE(store);
  const auto latest = store->find_run("latest");
  REQUIRE(latest);
  const auto points = store->read_points(*latest);
  REQUIRE(points);
  CHECK(results::read_operations(points->front()));
  CHECK_THAT(call({"report", "latest", "--db", db}).out, Contains("rope_append") && Contains("No limits"));
}

TEST_CASE("bench layers: limits are the ceilings that were measured here, and tables show them", "[cli][layers]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  REQUIRE(call({"bench", "machine", "--device", "cpu", "--repeats", "1", "--threads", "1", "--db", db}).exit_code == 0);
  const Ended ended = call({"bench", "layers", "--model", kReferenceModel, "--device", "cpu", "--steps", "2",
                            "--repeats", "1", "--threads", "1", "--by-layer", "--db", db});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK_THAT(ended.out, Contains("decode batch=1 context=128") && Contains("Limits, measured (") &&
                            Contains("TFLOP/s fp32") && Contains("layer by layer") && Contains("outside"));
}

TEST_CASE("bench layers: refuses in one line what can't be watched", "[cli][layers]") {
  const TemporaryFolder folder;
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"bench", "layers"});
    words.insert(words.end(), {"--db", folder / "runs.db"});
    const Ended ended = call(words);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
    return ended.err;
  };
  CHECK_THAT(refusal({"--model", kReferenceModel, "--device", "cpu", "--batch", "0"}), Contains("--batch"));
  CHECK_THAT(refusal({"--model", kReferenceModel, "--device", "cpu", "--steps", "0"}), Contains("--steps"));
  CHECK_THAT(refusal({"--model", kReferenceModel, "--device", "cpu", "--context", "9999999"}),
             Contains("positions") && !Contains("goes on"));
  CHECK_THAT(refusal({"--model", kReferenceModel, "--device", "cpu", "--prompt-tokens", "500", "--chunk", "1"}),
             Contains("500 passes") && Contains("--chunk"));
  CHECK_THAT(refusal({"--model", "http://127.0.0.1:9/v1#x"}), Contains("native engine"));
  CHECK_THAT(refusal({"--config", kReferenceModel + "/config.json"}), Contains("--dummy-weights"));
  CHECK_THAT(refusal({"--zzzz"}), Contains("\"assay bench layers --help\" lists them"));
}
