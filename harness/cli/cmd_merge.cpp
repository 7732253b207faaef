// assay merge: runs of other databases into one.

#include <filesystem>
#include <memory>

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/progress.h"
#include "harness/run/stop_signals.h"
#include "results/merge.h"

namespace assay::cli {

namespace {

struct MergeArgs {
  std::string into;
  std::vector<std::string> files;
};

Result<> print_merged(const MergeArgs& args, const std::vector<results::MergedFile>& merged,
                      const CommonOptions& common) {
  if (common.json) {
    Json files = Json::array();
    for (const results::MergedFile& file : merged) {
      files.push_back({{"file", file.file.string()},
                       {"runs_new", file.n_runs_new},
                       {"runs_grown", file.n_runs_grown},
                       {"runs_unchanged", file.n_runs_unchanged},
                       {"samples_added", file.n_samples_added},
                       {"gradings_added", file.n_gradings_added},
                       {"gpu_samples_added", file.n_gpu_samples_added},
                       {"points_added", file.n_points_added}});
    }
    return print_json({{"into", args.into}, {"files", files}});
  }
  std::vector<std::vector<std::string>> rows = {{"file", "new runs", "grown", "unchanged", "samples added"}};
  for (const results::MergedFile& file : merged) {
    rows.push_back({shown(file.file.string()), to_text(file.n_runs_new), to_text(file.n_runs_grown),
                    to_text(file.n_runs_unchanged), to_text(file.n_samples_added)});
  }
  return print(text_table(rows));
}

Result<> merge_command(const MergeArgs& args, const CommonOptions& common) {
  if (args.into.empty()) return bad_input("--into is missing; it takes the database that gets the runs");
  if (args.files.empty()) return bad_input("PATH is missing; name the databases whose runs are to be merged");
  const run::StopSignals signals;
  run::ProgressView progress(run::progress_style(common.quiet), "merge");
  bool has_started = false;
  const std::vector<std::filesystem::path> files(args.files.begin(), args.files.end());
  ASSAY_ASSIGN(const auto merged,
               results::merge_databases(args.into, files, [&](std::int64_t n_done, std::int64_t n_total) -> Result<> {
                 if (signals.token().stop_requested()) {
                   return interrupted("interrupted; ", args.into, " is as it was; give the same command again");
                 }
                 if (!has_started) progress.start(n_total, 0);
                 has_started = true;
                 progress.set_done(n_done);
                 return {};
               }));
  return print_merged(args, merged, common);
}

}  // namespace

Action declare_merge(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<MergeArgs>();  // shared by the option table, which writes it, and the action
  add_text(app, "--into", args->into, "FILE.db", "The database that gets the runs; made if it is missing");
  add_texts(app, "PATH", args->files, "", "Databases with runs from elsewhere; they are only read");
  app.footer(
      "A run is known by its id: merging a file again adds nothing, and an unfinished run grows when it has gone on.\n"
      "The same id with other content is refused, and then nothing is merged. --db is not used.\n"
      "Example: assay merge --into all.db node1.db node2.db");
  return [args, &common] { return merge_command(*args, common); };
}

}  // namespace assay::cli
