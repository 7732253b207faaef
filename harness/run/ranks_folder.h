#pragma once
// The folder beside a database in which the ranks of a run keep what is theirs until it is merged: "results.db.ranks".
//
//   world.json      which run it is, and what its ranks have in common
//   rank-3.db       the samples of rank 3, a results database of the same run; deleted once merged
//   rank-3.json     how far rank 3 is
//   world-lock      who is at work (results/run_lock.h): byte 0 the folder, byte 1 + r rank r
//
// SQLite can't be written by several hosts over a network file system; a file of its own each host can write.
// Ranks speak through these files alone, so they may start and end when they like, and the death of one hangs nobody.
// All of it needs a file system that the hosts share and that carries locks (NFS 4, Lustre with flock, GPFS).
// One thread at a time.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/run/world.h"
#include "harness/run/world_file.h"
#include "results/facts.h"
#include "results/merge.h"
#include "results/run_lock.h"
#include "results/store.h"

namespace assay::run {

/// What of a rank is known to the others.
struct RankReport {
  enum class State {
    absent,   ///< has not begun
    working,  ///< its process lives
    stopped,  ///< has begun, and ended before its samples were done
    done,
  };
  int rank = 0;
  State state = State::absent;
  std::int64_t n_planned = 0, n_done = 0;  ///< samples; 0 while absent
  std::string host;
  std::string reason;  ///< why it stopped, if it could say so
};

/// "rank 2 ended after 3 of 25 samples (on node7: the device is gone)"
std::string to_string(const RankReport& report);

/// One rank's hold on the folder. While it lives, no other process can be the same rank of the same database.
class RanksFolder {
 public:
  /// DB.ranks
  static std::filesystem::path of_database(const std::filesystem::path& db);

  /// Begins the run, or joins the one that other ranks began. A run that is merged already is begun anew by rank 0 of a
  /// world that starts together; in a job array, where a task may come late or twice, it stays (is_merged()).
  /// Error{bad_input} if the folder holds an unfinished run of other terms or of another number of ranks, naming the
  /// first difference; Error{environment} if this rank is at work already, or the folder can't be written or locked.
  static Result<RanksFolder> join(const std::filesystem::path& db, const World& world, const RankTerms& terms,
                                  std::int64_t now_ms, std::stop_token stop);
  /// Error{bad_input} if ranks left such a run unfinished beside `db`: a single process must not make it a second time.
  static Result<> refuse_unfinished(const std::filesystem::path& db, const RankTerms& terms);
  /// The folder itself, to merge what is in it: no rank's. Error{bad_input} if it is no such folder.
  static Result<RanksFolder> open(const std::filesystem::path& folder);

  const World& world() const { return world_; }
  const results::RunOrigin& origin() const { return origin_; }
  /// Of this rank.
  std::filesystem::path database() const { return database_of(world_.rank); }
  bool is_merged() const { return is_merged_; }
  /// This rank's samples are all stored.
  bool is_done() const;

  /// Whether this process computes the same as the other ranks: model, suites, kernels and the logits of the canary
  /// must be theirs. Makes what may differ in `facts` between hosts (paths within the model's details) that of the
  /// first. Error{bad_input} names the first difference.
  Result<> agree(results::RunFacts& facts, const std::string& kernels, const Json& canary) const;

  /// Tells the others how far this rank is.
  Result<> begin(std::int64_t n_planned, std::int64_t n_done);
  /// The same, at most once a second: a folder on a network is not asked for each sample.
  void set_done(std::int64_t n_done);
  /// Samples that all other ranks have stored, as far as they have told; asked for at most once a second, and
  /// less often where many ranks ask. 0 for ranks that show no progress.
  std::int64_t n_done_by_others();
  /// This rank's process stops working on its samples: all done, or stopped for a reason.
  Result<> end(const std::optional<Error>& stopped_by);

  /// All ranks, by number.
  std::vector<RankReport> reports() const;
  /// A process is this rank now.
  bool is_alive(int rank) const;
  /// Joins the databases of all ranks into `db`, if every rank is done; else nothing happens. True once the run is
  /// whole in `db`, also if another rank has merged it. Error{environment} names a rank whose file is missing or lacks
  /// samples.
  Result<bool> merge_into(const std::filesystem::path& db, const results::MergeProgress& progress,
                          std::stop_token stop);
  /// Why merge_into() did nothing: the ranks that are not done, and the words that start them again.
  Error incomplete(const std::filesystem::path& db) const;
  /// The words that start a rank again, for people: "assay run … --rank 2 --ranks 4 --db results.db".
  std::string restart_words(int rank, const std::filesystem::path& db) const;

 private:
  RanksFolder(std::filesystem::path folder, World world) : folder_(std::move(folder)), world_(std::move(world)) {}
  std::filesystem::path database_of(int rank) const;
  std::filesystem::path report_of(int rank) const;
  RankReport read_report(int rank) const;
  std::filesystem::path world_path() const { return folder_ / "world.json"; }
  Result<> write_report();
  Result<> go_on();
  Result<> begin_anew(const std::filesystem::path& db, const RankTerms& terms, std::int64_t now_ms);
  Result<> check_files(const std::filesystem::path& db) const;
  void remove_rank_files() const;
  void look_again() const;

  std::filesystem::path folder_;
  World world_;
  results::RunOrigin origin_;
  std::string command_line_;
  bool is_merged_ = false;
  std::optional<results::RunLock> lock_;  ///< of this rank

  RankReport own_;
  std::int64_t n_done_by_others_ = 0;
  double told_ms_ = 0, asked_ms_ = 0;  ///< of the machine's monotonic clock
};

}  // namespace assay::run
