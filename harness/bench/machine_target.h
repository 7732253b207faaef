#pragma once
// This machine itself as a target: what its processors, GPUs and the links between them give at most.

#include <memory>
#include <string>
#include <vector>

#include "harness/bench/target.h"

namespace assay::bench {

struct MachineOptions {
  bool with_cpu = true;
  bool with_gpus = true;                   ///< those that CUDA shows, where there are any
  bool need_gpus = false;                  ///< they were asked for by name: none is an Error
  bool with_ceilings = true;               ///< of each device
  bool with_collectives = true;            ///< over 2, 4 or 8 of the GPUs
  std::vector<double> link_gb_per_s = {};  ///< hold operations back to these rates too
  int n_threads = 1;                       ///< of the processors
};

/// A machine that is open, and what can be measured on it.
struct OpenMachine {
  std::unique_ptr<Target> target;
  std::vector<Setting> settings;
  std::vector<std::string> missing;  ///< what is left out, and why
};

/// Error{environment} where GPUs were asked for and can't be had, or two can't reach each other; where nothing is left
/// to measure; and where a link is slower than it is to be held back to.
Result<OpenMachine> open_machine(const MachineOptions& options);

/// The texts behind the versions of what a machine's points measure.
const std::map<std::string, std::pair<int, std::string>>& machine_methods();

}  // namespace assay::bench
