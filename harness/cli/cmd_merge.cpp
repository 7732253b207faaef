// assay merge: runs of other databases into one.

#include <filesystem>
#include <memory>

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/progress.h"
#include "harness/run/ranks_folder.h"
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

/// The parts that ranks made, all of them or none.
Result<> merge_ranks(const MergeArgs& args, const CommonOptions& common) {
  if (args.files.size() > 1) {
    return bad_input(args.files.front(), ": is a folder of ranks; it is merged alone, databases another time");
  }
  std::filesystem::path folder = args.files.front();
  if (!folder.has_filename()) folder = folder.parent_path();  // "results.db.ranks/"
  ASSAY_ASSIGN(run::RanksFolder ranks, run::RanksFolder::open(folder));
  const std::filesystem::path db = std::filesystem::path(folder).replace_extension();
  const run::StopSignals signals;
  const bool was_merged = ranks.is_merged();
  const auto go_on = [&](std::int64_t, std::int64_t) -> Result<> {
    if (!signals.token().stop_requested()) return {};
    return interrupted("interrupted; ", args.into, " is as it was; give the same command again");
  };
  ASSAY_ASSIGN(const bool is_whole, ranks.merge_into(args.into, go_on, signals.token()));
  if (!is_whole && was_merged) return bad_input(folder.string(), ": was merged into ", db.string(), "; name that one");
  if (!is_whole) return ranks.incomplete(db);
  if (common.json) {
    return print_json({{"into", args.into}, {"run_id", ranks.origin().run_id.value}, {"ranks", ranks.world().ranks}});
  }
  return print("run " + ranks.origin().run_id.value + " of " + std::to_string(ranks.world().ranks) +
               " ranks is whole in " + shown(args.into) + "\n");
}

Result<> merge_command(const MergeArgs& args, const CommonOptions& common) {
  if (args.into.empty()) return bad_input("--into is missing; it takes the database that gets the runs");
  if (args.files.empty()) return bad_input("PATH is missing; name the databases whose runs are to be merged");
  std::error_code ignored;
  for (const std::string& file : args.files) {
    if (std::filesystem::is_directory(file, ignored)) return merge_ranks(args, common);
  }
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
  add_texts(
      app, "PATH", args->files, "",
      "Databases with runs from elsewhere, which are only read; or the folder that the ranks of a run left beside "
      "their --db (results.db.ranks), once all are done");
  app.footer(
      "A run is known by its id: merging a file again adds nothing, and an unfinished run grows when it has gone on.\n"
      "The same id with other content is refused, and then nothing is merged. --db is not used.\n"
      "A folder of ranks that are not all done is refused with what to start again (exit code 3).\n"
      "Example: assay merge --into all.db node1.db node2.db");
  return [args, &common] { return merge_command(*args, common); };
}

}  // namespace assay::cli
