#pragma once
// The main path: a plan is asked, graded and stored.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <vector>

#include "harness/base/ids.h"
#include "harness/base/result.h"
#include "harness/run/clock.h"
#include "harness/run/cpu_energy.h"
#include "harness/run/gpu_probe.h"
#include "harness/run/grading.h"
#include "harness/run/idle_power.h"
#include "harness/run/progress.h"
#include "harness/run/ranks_folder.h"
#include "harness/run/run_facts.h"
#include "results/store.h"
#include "runners/runner.h"
#include "suites/suite.h"

namespace assay::run {

/// What a run works with. All of it outlives execute().
struct RunParts {
  runners::Runner& runner;
  results::Store& store;
  GradingTools grading;
  ProgressView& progress;
  Clock clock;
  const char* nvml_library = kNvmlLibrary;           ///< what is asked of the runner's GPU while it works
  std::filesystem::path powercap = kPowercapFolder;  ///< where a run on processors looks for their energy counters
  IdlePowers idle_powers = {};                       ///< of this machine, before the model was loaded
  RanksFolder* ranks = nullptr;                      ///< where other processes make parts of the run: this one's hold
};

/// How a run ended. What is stored is durable in every case.
struct RunOutcome {
  RunId run_id;
  std::int64_t n_planned = 0;       ///< of this rank, where there are several
  std::int64_t n_stored = 0;        ///< by this process and those before it
  std::optional<Error> stopped_by;  ///< why samples are missing: interrupted, or what failed; the run can be resumed
};

/// Runs every item of `suites` and stores each sample with its verdict before it counts as done. Goes on with the
/// newest unfinished run of the same identity, or with the run that settings.resume names; else begins a new one. With
/// parts.ranks only this rank's samples are asked, the store is its own, and the run in it stays unfinished until the
/// parts of all ranks are merged.
/// Error: nothing was begun (a request that can't be served, a run that another process writes, a resume that doesn't
/// fit).
Result<RunOutcome> execute(const RunSettings& settings, std::vector<suites::Suite> suites, const RunParts& parts,
                           std::stop_token stop);

}  // namespace assay::run
