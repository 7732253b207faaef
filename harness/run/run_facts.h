#pragma once
// What a run is, as it is stored: the settings it was started with and the facts made from them. Pure.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/run/plan.h"
#include "results/facts.h"
#include "runners/runner.h"

namespace assay::run {

/// The settings of `assay run` that outlive the process.
struct RunSettings {
  PlanSettings plan;
  std::string chat_template;  ///< --chat-template; empty: the model's own
  std::string name;           ///< --name; may be empty
  std::vector<std::pair<std::string, std::string>> tags;
  std::optional<std::string> hardware_profile;
  std::optional<double> price_usd_per_gpu_hour;
  std::string command_line;           ///< the words after "assay", quoted for a shell
  std::optional<std::string> resume;  ///< the RUN of --resume
};

/// Everything that is stored of a run before its first sample. Two calls whose facts have the same
/// results::run_identity() draw the same samples.
results::RunFacts run_facts(const Plan& plan, const RunSettings& settings, const runners::ModelFacts& model);

}  // namespace assay::run
