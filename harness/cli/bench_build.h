#pragma once
// `assay bench --against-build`: the words that make another process measure what this one would.

#include <string>
#include <vector>

#include "harness/bench/benchmark.h"
#include "harness/cli/bench_words.h"
#include "harness/run/open_runner.h"

namespace assay::cli {

/// What of the words chooses the model that is loaded: arms of equal words share one.
std::vector<std::string> target_words(const run::RunnerOptions& options, const BenchArgs& args);

/// Makes the arm measure `program` from outside, in place of this process. Error{bad_input} if it can't be read.
Result<> measure_build(bench::Arm& arm, const std::string& program, const run::RunnerOptions& runner,
                       const BenchArgs& args);

/// The program that runs here.
Result<std::string> this_program();

}  // namespace assay::cli
