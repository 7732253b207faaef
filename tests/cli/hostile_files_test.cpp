// Damaged models, full disks and read-only places, met by the real program: exit code 2 or 3, one line that says what
// and where, and what was stored before is still there.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

const std::string kShard = "model-00001-of-00002.safetensors";

/// A copy of the shipped model that a test may damage.
void copy_model(const std::string& to) {
  std::filesystem::copy(std::filesystem::path(ASSAY_SOURCE_DIR) / "models/reference", to);
}

/// Ends the test as skipped where bubblewrap, which makes its small and read-only places, may make none.
void need_bubblewrap() {
  if (call_under({"bwrap", "--dev-bind", "/", "/"}, {"--version"}).exit_code == 0) return;
  std::puts("skipped: bubblewrap is missing, or user namespaces are switched off");
  std::fflush(stdout);
  std::_Exit(77);
}

/// Rewrites the JSON header of a safetensors file.
void edit_header(const std::string& path, const std::function<void(Json&)>& edit) {
  const std::string bytes = read_text(path);
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  Json header = json_of(bytes.substr(sizeof size, size));
  edit(header);
  const std::string text = to_json_text(header);
  std::string begin(sizeof size, '\0');
  const std::uint64_t new_size = text.size();
  std::memcpy(begin.data(), &new_size, sizeof new_size);
  write_text(path, begin + text + bytes.substr(sizeof size + size));
}

void edit_json(const std::string& path, const std::function<void(Json&)>& edit) {
  Json document = json_of(read_text(path));
  edit(document);
  write_text(path, to_json_text(document));
}

struct Damage {
  std::string what;
  std::function<void(const std::string& folder)> damage;
  std::string file;    ///< that the message names
  std::string detail;  ///< that it names too; empty: any
};

}  // namespace

TEST_CASE("run: damaged models are exit code 2 and one line that names file and fault", "[cli][hostile]") {
  const std::string config = "config.json";
  const Damage damage = GENERATE_COPY(values<Damage>({
      {"truncated shard",
       [](const std::string& folder) { std::filesystem::resize_file(folder + "/" + kShard, 6'000'000); }, kShard, ""},
      {"overlapping tensors",
       [](const std::string& folder) {
         edit_header(folder + "/" + kShard, [](Json& header) {
           header["model.layers.0.mlp.up_proj.weight"]["data_offsets"] =
               header["model.layers.0.mlp.gate_proj.weight"]["data_offsets"];
         });
       },
       kShard, "model.layers.0.mlp."},
      {"absurd shape",
       [](const std::string& folder) {
         edit_header(folder + "/" + kShard, [](Json& header) {
           header["model.layers.0.mlp.up_proj.weight"]["shape"] = {std::int64_t{1} << 40, std::int64_t{1} << 40};
         });
       },
       kShard, "model.layers.0.mlp.up_proj.weight"},
      {"unknown type",
       [](const std::string& folder) {
         edit_header(folder + "/" + kShard,
                     [](Json& header) { header["model.layers.0.mlp.up_proj.weight"]["dtype"] = "F7"; });
       },
       kShard, "F7"},
      {"absurd header size",
       [](const std::string& folder) {
         std::string bytes = read_text(folder + "/" + kShard);
         std::fill_n(bytes.begin(), 8, '\x7f');
         write_text(folder + "/" + kShard, bytes);
       },
       kShard, "header"},
      {"missing shard", [](const std::string& folder) { std::filesystem::remove(folder + "/" + kShard); }, kShard, ""},
      {"broken index",
       [](const std::string& folder) { write_text(folder + "/model.safetensors.index.json", "{\"weight_map\": [1]}"); },
       "model.safetensors.index.json", "weight_map"},
      {"broken config", [](const std::string& folder) { write_text(folder + "/config.json", "{\"vocab_size\": 20"); },
       config, ""},
      {"unknown architecture",
       [](const std::string& folder) {
         edit_json(folder + "/config.json", [](Json& document) {
           document["architectures"] = {"MambaForCausalLM"};
           document["model_type"] = "mamba";
         });
       },
       config, "Mamba"},
      {"wrong vocabulary size",
       [](const std::string& folder) {
         edit_json(folder + "/config.json", [](Json& document) { document["vocab_size"] = 4096; });
       },
       "", "4096"},
      {"absurd width",
       [](const std::string& folder) {
         edit_json(folder + "/config.json", [](Json& document) { document["hidden_size"] = std::int64_t{1} << 60; });
       },
       config, "hidden_size"},
      {"token beyond the vocabulary",
       [](const std::string& folder) {
         edit_json(folder + "/tokenizer.json", [](Json& document) {
           document["added_tokens"].push_back({{"id", 900'000},
                                               {"content", "<far>"},
                                               {"single_word", false},
                                               {"lstrip", false},
                                               {"rstrip", false},
                                               {"normalized", false},
                                               {"special", true}});
         });
       },
       "tokenizer.json", "900000"},
      {"broken canary",
       [](const std::string& folder) {
         edit_json(folder + "/canary.json", [](Json& document) { document["tokens"][3] = 2048; });
       },
       "canary.json", "tokens"},
      {"broken tokenizer", [](const std::string& folder) { write_text(folder + "/tokenizer.json", "[]"); },
       "tokenizer.json", ""},
      {"no tokenizer", [](const std::string& folder) { std::filesystem::remove(folder + "/tokenizer.json"); },
       "tokenizer.json", ""},
  }));
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db", model = folder / "model";
  REQUIRE(call({"run", "--model", write_recording(folder, "r.jsonl", 3), "--suite", write_suite(folder, "words", 3),
                "--db", db})
              .exit_code == 0);
  const auto before = stored_content(db);
  copy_model(model);
  damage.damage(model);

  const Ended ended = call({"run", "--model", model, "--suite", "choice-smoke", "--limit", "1", "--db", db});
  INFO(damage.what << ": " << ended.err);
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  CHECK(ended.err.size() < 500);
  CHECK_THAT(ended.err, Contains(damage.file) && Contains(damage.detail));
  CHECK(json_of(call({"runs", "--json", "--db", db}).out)["runs"].size() == 1);
  CHECK(stored_content(db) == before);
}

TEST_CASE("run: a full disk is exit code 3, and after making room the run ends as if nothing had been",
          "[cli][hostile]") {
  need_bubblewrap();
  const TemporaryFolder folder;
  constexpr int kItems = 700, kSamples = 6;  // some 2 MB
  const std::string recording = write_recording(folder, "r.jsonl", kItems, kSamples);
  const std::string suite = write_suite(folder, "words", kItems);
  const std::string whole = folder / "whole.db";
  REQUIRE(call({"run", "--model", recording, "--suite", suite, "--samples", std::to_string(kSamples), "--db", whole})
              .exit_code == 0);

  // A file system of 1 MB for the database; what is left in it is copied out before it goes.
  const std::string small = folder / "small";
  std::filesystem::create_directory(small);
  const std::string then_copy = R"(small=$1 out=$2; shift 2; "$@"; status=$?; cp "$small"/* "$out"; exit $status)";
  const Ended full = call_under({"bwrap", "--dev-bind", "/", "/", "--size", "1000000", "--tmpfs", small, "sh", "-c",
                                 then_copy, "sh", small, folder.path()},
                                {"run", "--model", recording, "--suite", suite, "--samples", std::to_string(kSamples),
                                 "--db", small + "/runs.db"});
  INFO(full.err);
  REQUIRE(full.exit_code == 3);
  CHECK_THAT(full.err, Contains("runs.db") && Contains("full") && Contains("make room"));
  const std::string db = folder / "runs.db";
  const std::int64_t n_kept = n_stored(db);
  CHECK(n_kept > 0);
  CHECK(n_kept < kItems * kSamples);
  REQUIRE(call({"run", "--model", recording, "--suite", suite, "--samples", std::to_string(kSamples), "--db", db})
              .exit_code == 0);
  CHECK(stored_content(db) == stored_content(whole));
}

TEST_CASE("run: a database in a read-only place is exit code 3 and can still be read", "[cli][hostile]") {
  need_bubblewrap();
  const TemporaryFolder folder;
  const std::string recording = write_recording(folder, "r.jsonl", 5), suite = write_suite(folder, "words", 5);
  const std::string db = folder / "runs.db";
  REQUIRE(call({"run", "--model", recording, "--suite", suite, "--db", db}).exit_code == 0);
  const std::vector<std::string> read_only = {"bwrap",     "--dev-bind",  "/",          "/",
                                              "--ro-bind", folder.path(), folder.path()};
  const Ended refused = call_under(read_only, {"run", "--model", recording, "--suite", suite, "--db", db});
  INFO(refused.err);
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.err, Contains("runs.db") && Contains("writable"));
  CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  CHECK(call_under(read_only, {"report", "latest", "--db", db}).exit_code == 0);
  const Ended unmade =
      call_under(read_only, {"run", "--model", recording, "--suite", suite, "--db", folder / "new.db"});
  CHECK(unmade.exit_code == 3);
  CHECK_THAT(unmade.err, Contains("new.db") && Contains("Read-only file system"));
}
