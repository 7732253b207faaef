// assay doctor: what this machine has for measuring, and what is missing.

#include <unistd.h>

#include <filesystem>

#include "harness/base/data_path.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/build_facts.h"
#include "harness/run/environment.h"
#include "harness/run/gpu_probe.h"
#include "harness/run/mpi.h"
#include "results/store.h"
#include "suites/registry.h"
#include "suites/sandbox/sandbox.h"

namespace assay::cli {

namespace {

namespace fs = std::filesystem;

/// `ok` is there, `none` is absent but not needed, `fail` keeps something from working.
enum class Health { ok, none, fail };

struct Check {
  std::string name;
  Health health;
  std::string found;  ///< what is there, or what to do
};

const char* to_string(Health health) { return health == Health::ok ? "ok" : health == Health::none ? "none" : "fail"; }

Check check_cpu(const results::EnvironmentFacts& machine) {
  std::vector<std::string> features;
  const std::vector<std::string> flags = split(machine.details.value("cpu_flags", ""), ' ');
  for (const char* feature : {"avx2", "fma", "f16c", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve"}) {
    if (std::find(flags.begin(), flags.end(), feature) != flags.end()) features.emplace_back(feature);
  }
  std::string found = machine.cpu_model.empty() ? "unknown model" : machine.cpu_model;
  if (machine.n_cores) found += ", " + to_text(*machine.n_cores) + " logical processors";
  return {"cpu", Health::ok, found + (features.empty() ? "" : "; " + join(features, " "))};
}

Check check_memory(const results::EnvironmentFacts& machine) {
  if (!machine.memory_bytes) return {"memory", Health::none, "size unknown"};
  return {"memory", Health::ok, to_fixed(double(*machine.memory_bytes) / (1 << 30), 1) + " GiB"};
}

Check check_gpu() {
  const run::GpuProbe probe = run::probe_gpus();
  if (probe.gpus.empty()) return {"gpu", Health::none, probe.reason.empty() ? "the driver lists no GPU" : probe.reason};
  std::vector<std::string> names;
  for (const run::GpuEntry& gpu : probe.gpus) {
    names.push_back(gpu.name + " (" + to_fixed(double(gpu.memory_bytes) / (1 << 30), 1) + " GiB)");
  }
  return {"gpu", Health::ok, join(names, ", ") + "; driver " + probe.driver};
}

Check check_sandbox() {
  const auto sandbox = suites::Sandbox::open({});
  if (!sandbox) return {"sandbox", Health::fail, sandbox.error().message + "; code suites can't run"};
  if (!sandbox->why_cold().empty()) {
    return {"sandbox", Health::ok,
            "bubblewrap works, but no warm sandboxes, so programs are slower: " + sandbox->why_cold()};
  }
  return {"sandbox", Health::ok, "bubblewrap works, with warm sandboxes"};
}

Check check_python() {
  suites::SandboxOptions options;
  options.mode = suites::SandboxMode::none;
  const auto plain = suites::Sandbox::open(options);
  if (!plain) return {"python3", Health::fail, plain.error().message + "; code suites can't run"};
  return {"python3", Health::ok, plain->python_version()};
}

/// Looks without writing: a database is made by the first run.
Check check_database(const std::string& db) {
  std::error_code ignored;
  const fs::path folder = fs::path(db).has_parent_path() ? fs::path(db).parent_path() : fs::path(".");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return {"database", Health::fail, folder.string() + " can't be written; choose another place with --db"};
  }
  if (!fs::exists(db, ignored)) return {"database", Health::ok, db + " will be made by the first run"};
  if (::access(db.c_str(), W_OK) != 0) return {"database", Health::fail, db + " can't be written"};
  const auto store = results::Store::open_read_only(db);
  if (!store) return {"database", Health::fail, store.error().message};
  const auto runs = store->list_runs();
  if (!runs) return {"database", Health::fail, runs.error().message};
  return {"database", Health::ok, db + ", " + std::to_string(runs->size()) + " runs"};
}

Check check_shipped_model() {
  const auto folder = shipped_path("models/reference");
  if (!folder) return {"reference model", Health::fail, folder.error().message};
  return {"reference model", Health::ok, folder->string()};
}

Check check_mpi() {
  if (!run::has_mpi())
    return {"mpi", Health::none, "this build has none; ranks are told by --rank, --ranks or a job array"};
  return {"mpi", Health::ok, "mpirun -n N assay run … spreads a run over hosts"};
}

Check check_suites() {
  const auto cards = suites::list_suites();
  if (!cards) return {"suites", Health::fail, cards.error().message};
  return {"suites", Health::ok, std::to_string(cards->size()) + " shipped"};
}

Result<> print_checks(const std::vector<Check>& checks, const CommonOptions& common) {
  if (common.json) {
    Json records = Json::array();
    bool healthy = true;
    for (const Check& check : checks) {
      records.push_back({{"check", check.name}, {"status", to_string(check.health)}, {"found", check.found}});
      healthy = healthy && check.health != Health::fail;
    }
    return print_json({{"healthy", healthy}, {"checks", records}});
  }
  std::vector<std::vector<std::string>> rows;
  for (const Check& check : checks) rows.push_back({to_string(check.health), check.name, check.found});
  return print(text_table(rows));
}

Result<> doctor_command(const CommonOptions& common) {
  const results::EnvironmentFacts machine = run::read_environment({});
  const run::BuildFacts& build = run::build_facts();
  const std::vector<Check> checks = {
      {"assay", Health::ok,
       build.version + ", " + build.build_type + ", " + build.compiler +
           (build.git_commit.empty() ? "" : ", commit " + build.git_commit)},
      {"system", Health::ok, machine.os + ", " + machine.kernel},
      check_cpu(machine),
      check_memory(machine),
      check_gpu(),
      check_sandbox(),
      check_python(),
      check_mpi(),
      check_database(common.db),
      check_shipped_model(),
      check_suites(),
  };
  ASSAY_TRY(print_checks(checks, common));
  std::vector<std::string> failed;
  for (const Check& check : checks) {
    if (check.health == Health::fail) failed.push_back(check.name);
  }
  if (failed.empty()) return {};
  return environment_error("doctor: ", join(failed, ", "), failed.size() == 1 ? " needs" : " need", " attention");
}

}  // namespace

Action declare_doctor(CLI::App& app, const CommonOptions& common) {
  app.footer(
      "ok: there. none: absent, and not needed. fail: keeps something from working (exit code 3).\n"
      "Example: assay doctor");
  return [&common] { return doctor_command(common); };
}

}  // namespace assay::cli
