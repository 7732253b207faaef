// A GPU that fails in the middle of a run, on purpose.

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t kSamples = 2 * 50 * 8;

std::vector<std::string> run_words(const std::string& db) {
  return {"run",
          "--model",
          ASSAY_SOURCE_DIR "/models/reference",
          "--suite",
          "zebra-smoke,choice-smoke",
          "--limit",
          "50",
          "--samples",
          "8",
          "--device",
          "cuda",
          "--max-batch",
          "16",
          "--json",
          "--db",
          db};
}

}  // namespace

TEST_CASE("run: a GPU that fails mid-run is exit code 3, keeps what finished, and the run goes on to the same end",
          "[gpu][cli]") {
  const TemporaryFolder folder;
  const std::string whole = folder / "whole.db", db = folder / "runs.db", now = folder / "now";
  REQUIRE(call(run_words(whole)).exit_code == 0);

  Call running(run_words(db), {{"CUDA_INJECTION64_PATH", ASSAY_FAILING_DEVICE}, {"ASSAY_FAIL_DEVICE_WHEN", now}});
  wait_for_samples(running, db, 100);
  write_text(now, "");
  const Ended ended = running.wait();
  INFO(ended.err);
  REQUIRE(ended.exit_code == 3);
  CHECK(ended.out.empty());
  CHECK_THAT(ended.err, Contains("GPU"));
  const std::int64_t n_before = n_stored(db);
  CHECK(n_before >= 100);
  CHECK(n_before < kSamples);

  const Ended resumed = call(resume_words(ended.err));
  INFO(resumed.err);
  REQUIRE(resumed.exit_code == 0);
  CHECK(n_stored(db) == kSamples);
  CHECK(stored_content(db) == stored_content(whole));
}
