#pragma once
// Where the time of passes goes, operation by operation: on a CPU by its clock where operations begin, on a GPU from
// the records that it makes of every kernel and copy (kernels/device/activity_trace.h), graphs included.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "kernels/device/activity_trace.h"
#include "runners/engine/operation_work.h"
#include "runners/engine/pass_timing.h"

namespace assay::runners {

/// An operation of what was watched. Its times are what it adds: from the end of all that ended before it to its own
/// end; 0 where others hid it.
struct TimedOperation {
  int pass = 0;  ///< of a run
  OperationPlace place;
  std::vector<double> time_us;  ///< by run
  int n_kernels = 0;            ///< and copies; 0 on a CPU
};

/// A kernel's part of an operation, over all layers; the mean over runs.
struct TimedKernel {
  Operation operation = Operation::inputs;
  std::string kernel;
  int n = 0;
  double time_us = 0;
};

/// Runs of the same passes: a decoding step each, or prompts from beginning to end.
struct LayerTimes {
  std::vector<TimedOperation> operations;  ///< in order of time
  std::vector<TimedKernel> kernels;        ///< in order of first appearance; none on a CPU
  std::vector<double> run_us;              ///< by run: the sum of all that its operations add
  std::vector<PassShape> shapes;           ///< of the passes of the run in the middle
};

/// Executes passes and calls `after_pass` behind each, with nothing else under way; without one as fast as they go, the
/// next submitted while one runs.
using WatchedPasses = std::function<Result<>(const AfterPass& after_pass)>;

/// What is watched.
struct WatchPlan {
  WatchedPasses passes;  ///< called more than once; the same passes each time
  int n_runs = 1;        ///< at least 1
  /// Passes of a run; 0: all of one call of `passes`, which is then called for every run. Else a call gives all runs.
  int passes_per_run = 0;
  int n_first = 0;            ///< runs of a call that are not counted: graphs are made in them
  PassShape step_shape = {};  ///< of a run of one pass
};

/// What each of these, in order of starts, adds: from the end of all before it to its own end, but 0 where it ended
/// earlier. All before the first one ended at `end_us`, which becomes the end of these. Pure.
std::vector<double> added_us(std::span<const kernels::DeviceActivity> activities, double& end_us);

/// Error{environment} if runs differ in their operations.
Result<LayerTimes> watch_on_host(OperationMarks& marks, const WatchPlan& plan);
/// Runs of one pass follow each other as fast as they go, so that what the host takes to start one is hidden as it is
/// when nothing is watched: an operation's time may then begin with the end of the run before. The passes are run once
/// more before, kernel by kernel and waited for, to learn which kernel belongs to what: `labelled` does that, in one
/// run. Error{environment} if the watched passes then launch others.
Result<LayerTimes> watch_on_device(OperationMarks& marks, kernels::ActivityTrace& trace, const WatchedPasses& labelled,
                                   const WatchPlan& plan);

}  // namespace assay::runners
