#pragma once
// The words of `assay bench machine|collective`, and the plan that they make.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/benchmark.h"
#include "harness/cli/options.h"

namespace assay::cli {

struct MachineArgs {
  std::string device = "auto";  ///< auto, cpu, cuda
  std::string link_gb_s;        ///< "165,100"
  std::optional<std::int64_t> repeats, threads;
  std::string name;
  std::vector<std::string> tags;
};

/// Declares the options; `args` outlives `app`. `only_collectives`: of `bench collective`.
void add_machine_options(CLI::App& app, bool only_collectives, MachineArgs& args);

/// Opens the machine to see what there is to measure; logs what is left out. Errors as bench::open_machine() says.
Result<bench::BenchmarkPlan> parse_machine(const MachineArgs& args, bool only_collectives);

/// Rates of a link in GB/s, one way: "165,100". Error{bad_input} names `option`.
Result<std::vector<double>> parse_link_rates(const char* option, const std::string& words);

}  // namespace assay::cli
