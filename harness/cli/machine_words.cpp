#include "harness/cli/machine_words.h"

#include <memory>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/bench/machine_target.h"
#include "harness/cli/run_words.h"
#include "runners/engine/host.h"

namespace assay::cli {

Result<std::vector<double>> parse_link_rates(const char* option, const std::string& words) {
  constexpr double kMostGbPerS = 10'000;
  constexpr std::size_t kMostRates = 8;
  std::vector<double> rates;
  for (const std::string& word : split(words, ',')) {
    const auto rate = parse_number(word);
    if (!rate || !(*rate > 0) || *rate > kMostGbPerS) {
      return bad_input(option, ": must be GB/s one way, above 0 and at most 10000, with commas between, is ",
                       quoted_excerpt(words));
    }
    rates.push_back(*rate);
  }
  if (rates.size() > kMostRates) return bad_input(option, ": takes at most ", kMostRates, " rates");
  return rates;
}

void add_machine_options(CLI::App& app, bool only_collectives, MachineArgs& args) {
  if (!only_collectives) {
    add_choice(app, "--device", args.device, {"auto", "cpu", "cuda"},
               "What is measured: processors and every GPU that CUDA shows, or one of both (default: auto, both)");
    add_integer(app, "--threads", args.threads, 1, 1024, "Threads of the CPU (default: one for each processor)");
  }
  add_text(app, "--link-gb-s", args.link_gb_s, "X[,X…]",
           "Measure our collectives also with links held back to so many GB/s one way: 165 is what an H800's 8 of 18 "
           "links carry. These points are emulated");
  add_integer(app, "--repeats", args.repeats, 1, 1000,
              "Measure everything so often, forwards and backwards (default: 3)");
  add_name_option(app, args.name);
  add_texts(app, "--tag", args.tags, "K=V", "A label that is stored with the run; may be given several times");
}

Result<bench::BenchmarkPlan> parse_machine(const MachineArgs& args, bool only_collectives) {
  bench::MachineOptions options;
  options.with_ceilings = !only_collectives;
  options.with_cpu = !only_collectives && args.device != "cuda";
  options.with_gpus = args.device != "cpu";
  options.need_gpus = only_collectives || args.device == "cuda";
  options.n_threads = args.threads ? static_cast<int>(*args.threads) : runners::available_processors();
  if (!args.link_gb_s.empty()) {
    if (!options.with_gpus) return bad_input("--link-gb-s: holds links between GPUs back; leave out --device cpu");
    ASSAY_ASSIGN(options.link_gb_per_s, parse_link_rates("--link-gb-s", args.link_gb_s));
  }
  bench::BenchmarkPlan plan;
  ASSAY_ASSIGN(plan.tags, parse_tags(args.tags));
  ASSAY_ASSIGN(bench::OpenMachine machine, bench::open_machine(options));
  for (const std::string& missing : machine.missing) log_note("not measured: ", missing);
  plan.name = args.name;
  constexpr std::int64_t kRepeats = 3;
  plan.repeats = args.repeats.value_or(kRepeats);
  bench::Arm arm;
  arm.settings = std::move(machine.settings);
  // Opening took what is measured with; it is handed over once.
  const auto opened = std::make_shared<std::unique_ptr<bench::Target>>(std::move(machine.target));
  arm.open = [opened]() -> Result<std::unique_ptr<bench::Target>> { return std::move(*opened); };
  plan.arms.push_back(std::move(arm));
  return plan;
}

}  // namespace assay::cli
