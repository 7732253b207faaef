// assay run --dummy-weights: speed without a download, and nobody can take its records for a real model's.

#include <algorithm>
#include <filesystem>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

const std::filesystem::path kReference = std::filesystem::path(ASSAY_SOURCE_DIR) / "models/reference";

/// The reference model without its weights.
std::string write_folder_without_weights(const TemporaryFolder& folder) {
  const std::filesystem::path model = folder / "model";
  std::filesystem::create_directory(model);
  for (const char* file : {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
    std::filesystem::copy(kReference / file, model / file);
  }
  return model;
}

std::vector<std::string> run_words(const std::string& model, const std::string& db) {
  return {"run", "--model",       model, "--suite",         "choice-smoke", "--limit", "2", "--max-output-tokens",
          "4",   "--temperature", "1",   "--dummy-weights", "--json",       "--db",    db};
}

}  // namespace

TEST_CASE("run --dummy-weights: runs from config.json and tokenizer.json alone, and every record says so", "[cli]") {
  const TemporaryFolder folder;
  const std::string model = write_folder_without_weights(folder), db = folder / "runs.db";
  const Ended ended = call(run_words(model, db));
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json run = json_of(ended.out);
  CHECK(run["model"]["weights_sha256"].is_null());
  CHECK(run["model"]["name"] == "model (dummy weights)");
  CHECK_THAT(run["model"]["reference"].get<std::string>(), Contains(model + " (dummy weights of config.json "));
  CHECK(run["model"]["details"]["weights"] == "dummy");
  CHECK(run["tokens"]["output"].get<int>() > 0);
  CHECK(run["throughput"]["output_tokens_per_s"].get<double>() > 0);
  CHECK_THAT(call({"report", "latest", "--db", db}).out, Contains("dummy weights"));

  // The same call draws the same tokens; with another configuration it is another model.
  const auto first = stored_content(db);
  REQUIRE(call(run_words(model, db)).exit_code == 0);
  CHECK(stored_content(db) == first);
  Json config = json_of(read_text(model + "/config.json"));
  config["num_hidden_layers"] = config["num_hidden_layers"].get<int>() - 1;
  write_text(model + "/config.json", config.dump());
  const Json other = json_of(call(run_words(model, db)).out);
  CHECK(other["model"]["reference"] != run["model"]["reference"]);
}

TEST_CASE("run --dummy-weights: not the model whose folder it is, even where the weights are there", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  const Json dummy = json_of(call(run_words("reference", db)).out);
  std::vector<std::string> words = run_words("reference", db);
  words.erase(std::find(words.begin(), words.end(), "--dummy-weights"));
  const Json real = json_of(call(words).out);
  CHECK(real["model"]["weights_sha256"].is_string());
  CHECK(real["model"]["details"]["weights"] == "files");
  CHECK(real["model"]["reference"] != dummy["model"]["reference"]);
}

TEST_CASE("run --dummy-weights: what it can't work with is refused in one line", "[cli]") {
  const TemporaryFolder folder;
  const std::string model = write_folder_without_weights(folder), db = folder / "runs.db";
  const auto refusal = [&](const std::string& reference) {
    const Ended ended = call(run_words(reference, db));
    CHECK(ended.exit_code == 2);
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
    return ended.err;
  };
  write_text(folder / "r.jsonl", "{\"id\":\"a\",\"sample\":0,\"output\":\"x\"}\n");
  CHECK_THAT(refusal("replay:" + (folder / "r.jsonl")), Contains("--dummy-weights") && Contains("recording"));
  write_text(folder / "m.gguf", "GGUF");
  CHECK_THAT(refusal(folder / "m.gguf"), Contains("m.gguf") && Contains("config.json"));
  std::filesystem::remove(model + "/tokenizer.json");
  CHECK_THAT(refusal(model), Contains("has no tokenizer.json"));
  Json config = json_of(read_text(model + "/config.json"));
  std::filesystem::copy(kReference / "tokenizer.json", model + "/tokenizer.json");
  config["torch_dtype"] = "int4";
  write_text(model + "/config.json", config.dump());
  CHECK_THAT(refusal(model), Contains("torch_dtype"));
}
