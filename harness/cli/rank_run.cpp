#include "harness/cli/rank_run.h"

#include <chrono>
#include <thread>

#include "harness/base/json.h"
#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/output.h"
#include "harness/run/ranks_folder.h"

namespace assay::cli {

namespace {

using run::RankReport;
using run::RanksFolder;
using run::World;

constexpr auto kWaitPeriod = std::chrono::milliseconds(100);

std::string name_of(const World& world) {
  return "rank " + std::to_string(world.rank) + " of " + std::to_string(world.ranks);
}

Error of_rank(const World& world, Error error) {
  error.message = name_of(world) + ": " + error.message;
  return error;
}

/// Of ranks that started together one speaks.
bool is_silent(const World& world) { return world.starts_together && world.rank != 0; }

// What ranks that started together have to say before any of them loads a model.

Json message_of(const Result<>& result) {
  return result ? Json() : Json{{"kind", static_cast<int>(result.error().kind)}, {"message", result.error().message}};
}

/// The exit code that all ranks end with if one of them failed, said once by rank 0 with the words of the first;
/// nothing if none did. Without MPI the own error is all that there is.
Result<std::optional<int>> fail_together(const RankGroup& group, const Result<>& own) {
  if (!group.mpi) {
    if (!own) return of_rank(group.world, own.error());
    return std::optional<int>();
  }
  const std::vector<std::string> told = group.mpi->gather(to_json_text(message_of(own)));
  for (std::size_t rank = 0; rank < told.size(); ++rank) {
    ASSAY_ASSIGN(const Json message, parse_json(told[rank], "a rank's message"));
    if (message.is_null()) continue;
    if (group.world.rank == 0) {
      log_line(LogLevel::quiet, "rank " + std::to_string(rank) + " of " + std::to_string(told.size()) + ": " +
                                    replace_all(message["message"].get<std::string>(), "\n", " "));
    }
    (void)group.mpi->gather("");  // the launcher ends all as soon as one has failed: nobody leaves before it is said
    return std::optional(message["kind"].get<int>());
  }
  return std::optional<int>();
}

/// Whether all were called with the same words.
Result<> compare_terms(const RankGroup& group, const run::RankTerms& terms) {
  if (!group.mpi) return {};
  const std::vector<std::string> told = group.mpi->gather(to_json_text(run::to_json(terms)));
  ASSAY_ASSIGN(const Json json, parse_json(told.front(), "rank 0's options"));
  ASSAY_ASSIGN(const run::RankTerms first, run::parse_rank_terms(json, "rank 0's options"));
  const std::string difference = run::first_difference(first, terms);
  if (difference.empty()) return {};
  return bad_input("was given other options than rank 0: ", difference);
}

/// Rank 0's run is the one that all others found.
Result<> compare_folders(const RankGroup& group, const Result<RanksFolder>& ranks, const std::string& db) {
  if (!group.mpi) return {};
  const std::vector<std::string> told = group.mpi->gather(ranks ? ranks->origin().run_id.value : "");
  if (!ranks || told.front() == ranks->origin().run_id.value) return {};
  return environment_error("does not see what rank 0 wrote to ", RanksFolder::of_database(db).string(),
                           "; --db must lie on a file system that all hosts share");
}

// The end.

std::vector<RankReport> unfinished(const RanksFolder& ranks) {
  std::vector<RankReport> reports = ranks.reports();
  std::erase_if(reports, [](const RankReport& report) { return report.state == RankReport::State::done; });
  return reports;
}

/// Until no other rank is at work, and rank 0 has said how it ended; or until a stop.
void wait_for_others(RanksFolder& ranks, std::int64_t n_own, const run::StopSignals& signals,
                     run::ProgressView& progress) {
  while (!signals.token().stop_requested()) {
    bool is_anyone_working = false;
    for (const RankReport& report : ranks.reports()) {
      if (report.rank == ranks.world().rank) continue;
      is_anyone_working |= report.state == RankReport::State::working || (report.rank == 0 && ranks.is_alive(0));
    }
    if (!is_anyone_working) return;
    progress.set_done(n_own + ranks.n_done_by_others());
    std::this_thread::sleep_for(kWaitPeriod);
  }
}

/// This rank is done and others are still to come: what a job array's task says.
Result<int> tell_who_is_missing(const RanksFolder& ranks, const std::vector<RankReport>& missing,
                                const CommonOptions& common) {
  std::vector<std::string> texts;
  Json waiting_for = Json::array();
  for (const RankReport& report : missing) {
    texts.push_back(run::to_string(report));
    waiting_for.push_back(report.rank);
  }
  const RankReport own = ranks.reports()[static_cast<std::size_t>(ranks.world().rank)];
  if (common.json) {
    ASSAY_TRY(print_json({{"run_id", ranks.origin().run_id.value},
                          {"rank", ranks.world().rank},
                          {"ranks", ranks.world().ranks},
                          {"samples", own.n_done},
                          {"merged", false},
                          {"waiting_for", waiting_for}}));
  } else {
    ASSAY_TRY(print(name_of(ranks.world()) + " is done: " + to_text(own.n_done) +
                    " samples; the last rank to be done merges. " + join(texts, "; ") + "\n"));
  }
  return 0;
}

/// Merges and prints what there is to be printed.
Result<int> finish_ranks(RanksFolder& ranks, const run::StopSignals& signals, const CommonOptions& common) {
  const auto go_on = [&](std::int64_t, std::int64_t) -> Result<> {
    if (!signals.token().stop_requested()) return {};
    return interrupted("interrupted while merging; nothing is lost, the same command goes on");
  };
  ASSAY_ASSIGN(const bool is_whole, ranks.merge_into(common.db, go_on, signals.token()));
  if (is_whole) {
    ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(common.db));
    ASSAY_TRY(print_run(store, ranks.origin().run_id, common));
    return 0;
  }
  const std::vector<RankReport> missing = unfinished(ranks);
  const bool may_come = std::any_of(missing.begin(), missing.end(), [&](const RankReport& report) {
    return report.state == RankReport::State::working ||
           (report.state == RankReport::State::absent && !ranks.world().starts_together);
  });
  if (may_come) return tell_who_is_missing(ranks, missing, common);
  return ranks.incomplete(common.db);
}

Error stopped_rank(const RanksFolder& ranks, const run::RunOutcome& outcome, const std::string& db) {
  Error error = *outcome.stopped_by;
  error.message = (error.kind == ErrorKind::interrupted ? "interrupted" : error.message) + std::string("; ") +
                  to_text(outcome.n_stored) + " of its " + to_text(outcome.n_planned) +
                  " samples are stored; go on with: " + ranks.restart_words(ranks.world().rank, db);
  return of_rank(ranks.world(), error);
}

}  // namespace

Result<std::optional<RankGroup>> join_ranks(std::optional<std::int64_t> rank, std::optional<std::int64_t> ranks) {
  RankGroup group;
  if (!rank && !ranks) group.mpi = run::MpiGroup::join();
  if (group.mpi && group.mpi->ranks() > 1) {
    group.world = {group.mpi->rank(), group.mpi->ranks(), "MPI", true};
    return std::optional(std::move(group));
  }
  group.mpi.reset();  // alone, or under the launcher of another MPI, whose variables say more
  ASSAY_ASSIGN(group.world, run::find_world(rank, ranks, run::process_environment()));
  if (group.world.ranks == 1) return std::optional<RankGroup>();
  return std::optional(std::move(group));
}

Result<int> run_rank(RankGroup group, const RunJob& job, std::vector<suites::Suite> suites, const run::RankTerms& terms,
                     const run::StopSignals& signals, const CommonOptions& common) {
  const World world = group.world;
  if (is_silent(world) && log_level() != LogLevel::verbose) set_log_level(LogLevel::quiet);
  log_note(name_of(world), " (by ", world.said_by, "); parts go to ", RanksFolder::of_database(common.db).string(),
           "; with --ranks 1 this is a run of its own");

  // Before a model is loaded: the same words, one folder, one process a rank. Rank 0 is the first to come.
  const auto now_ms = run::machine_clock().unix_ms();
  const auto join = [&] { return RanksFolder::join(common.db, world, terms, now_ms, signals.token()); };
  ASSAY_ASSIGN(std::optional<int> failed, fail_together(group, compare_terms(group, terms)));
  if (failed) return *failed;
  std::optional<Result<RanksFolder>> joined;
  if (world.rank == 0 || !group.mpi) joined = join();
  ASSAY_ASSIGN(failed, fail_together(group, joined && !*joined ? Result<>(joined->error()) : Result<>()));
  if (failed) return *failed;
  if (!joined) joined = join();
  ASSAY_ASSIGN(failed, fail_together(group, *joined ? Result<>() : Result<>(joined->error())));
  if (failed) return *failed;
  ASSAY_ASSIGN(failed, fail_together(group, compare_folders(group, *joined, common.db)));
  if (failed) return *failed;
  group.mpi.reset();  // from here on ranks speak through the folder alone
  RanksFolder& ranks = **joined;

  run::ProgressView progress(run::progress_style(common.quiet || is_silent(world)),
                             "run (" + std::to_string(world.ranks) + " ranks)");
  std::int64_t n_own = 0;
  std::optional<Error> stopped_by;
  if (ranks.is_merged() || ranks.is_done()) {
    log_note(name_of(world), ": its samples are all stored", ranks.is_merged() ? ", and merged" : "");
  } else {
    auto store = results::Store::open_or_create(ranks.database());
    const Result<run::RunOutcome> outcome =
        store ? ask(job, std::move(suites), {*store, progress, &ranks, signals, common.quiet}) : store.error();
    if (!outcome) {
      stopped_by = of_rank(world, outcome.error());
      if (stopped_by->kind == ErrorKind::environment) ASSAY_TRY(ranks.end(outcome.error()));
    } else {
      n_own = outcome->n_stored;
      if (outcome->stopped_by) stopped_by = stopped_rank(ranks, *outcome, common.db);
    }
  }
  if (stopped_by && stopped_by->kind != ErrorKind::environment) return *stopped_by;
  // A rank that failed stays until the others are done: launchers end all ranks when one has ended with an error.
  if (world.starts_together && (world.rank == 0 || stopped_by)) wait_for_others(ranks, n_own, signals, progress);
  if (stopped_by) return *stopped_by;
  if (signals.token().stop_requested()) {
    return interrupted(name_of(world), " is done, and was stopped before all was merged; the same command goes on");
  }
  if (is_silent(world) && ranks.is_alive(0)) return 0;  // which merges, and prints
  return finish_ranks(ranks, signals, common);
}

}  // namespace assay::cli
