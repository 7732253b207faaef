// A GPU that fails in the middle of a run, on purpose.

#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstdlib>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t kSamples = 2 * 50 * 8;

std::vector<std::string> run_words(const std::string& db, int n_gpus = 1) {
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
          "--tensor-parallel",
          std::to_string(n_gpus),
          "--json",
          "--db",
          db};
}

/// Lets the first GPU of n_gpus fail in the middle of a run, and resumes it.
void fail_and_go_on(int n_gpus) {
  const TemporaryFolder folder;
  const std::string whole = folder / "whole.db", db = folder / "runs.db", now = folder / "now";
  REQUIRE(call(run_words(whole, n_gpus)).exit_code == 0);

  Call running(run_words(db, n_gpus),
               {{"CUDA_INJECTION64_PATH", ASSAY_FAILING_DEVICE}, {"ASSAY_FAIL_DEVICE_WHEN", now}});
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

}  // namespace

TEST_CASE("run: a GPU that fails mid-run is exit code 3, keeps what finished, and the run goes on to the same end",
          "[gpu][cli]") {
  fail_and_go_on(1);
}

TEST_CASE("run: one of two GPUs that fails mid-run is exit code 3, keeps what finished, and the run goes on",
          "[gpu][cli]") {
  int n_devices = 0;
  if (cudaGetDeviceCount(&n_devices) != cudaSuccess || n_devices < 2) {
    std::fprintf(stderr, "skipped: this test takes two GPUs\n");
    std::fflush(nullptr);
    std::_Exit(77);
  }
  fail_and_go_on(2);
}
