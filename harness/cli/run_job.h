#pragma once
// What `assay run` does once its words are read, by one process or as one of several.

#include <string>
#include <vector>

#include "harness/cli/options.h"
#include "harness/run/execute.h"
#include "harness/run/open_runner.h"
#include "harness/run/stop_signals.h"
#include "suites/sandbox/sandbox.h"
#include "suites/suite.h"

namespace assay::cli {

/// The command's words, checked.
struct RunJob {
  std::string suites;
  run::RunnerOptions runner;
  run::RunSettings settings;
  suites::SandboxMode sandbox = suites::SandboxMode::bwrap;
};

/// Where a job's samples go and who hears of it. All of it outlives ask().
struct AskParts {
  results::Store& store;
  run::ProgressView& progress;
  run::RanksFolder* ranks;  ///< none where one process makes the run
  const run::StopSignals& signals;
  bool quiet = false;
};

/// Loads the model and asks it, see run::execute().
Result<run::RunOutcome> ask(const RunJob& job, std::vector<suites::Suite> suites, const AskParts& parts);

/// The report of a stored run, or its JSON record.
Result<> print_run(const results::Store& store, const RunId& run, const CommonOptions& common);

}  // namespace assay::cli
