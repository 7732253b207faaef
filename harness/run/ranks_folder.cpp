#include "harness/run/ranks_folder.h"

#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "harness/run/clock.h"

namespace assay::run {

namespace {

namespace fs = std::filesystem;

constexpr double kTellPeriodMs = 1000;
constexpr auto kLockPeriod = std::chrono::milliseconds(20);
constexpr std::uint64_t kMaxReportBytes = 1 << 20;

// Bytes of world-lock.
constexpr std::int64_t kFolderLock = 0;
constexpr std::int64_t rank_lock(int rank) { return 1 + std::int64_t{rank}; }

fs::path lock_name(const fs::path& folder) { return folder / "world"; }

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

/// The folder, for reading and changing world.json: as long as another rank merges, this waits.
Result<results::RunLock> lock_folder(const fs::path& folder, std::stop_token stop) {
  while (!stop.stop_requested()) {
    ASSAY_ASSIGN(auto lock, results::RunLock::try_acquire(lock_name(folder), kFolderLock));
    if (lock) return std::move(*lock);
    std::this_thread::sleep_for(kLockPeriod);
  }
  return interrupted("interrupted while another rank held ", folder.string());
}

Result<> make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directory(folder, failed);
  if (failed) return environment_error(folder.string(), ": can't be made: ", failed.message());
  return {};
}

/// Whether a database is there and holds the run.
bool has_run(const fs::path& db, const RunId& run) {
  std::error_code failed;
  if (!fs::exists(db, failed)) return false;
  const auto store = results::Store::open_read_only(db);
  if (!store) return false;
  const auto found = store->has_run(run);
  return found && *found;
}

/// For a shell, quoted where it holds more than plain characters.
std::string shell_word(const std::string& word) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+,:=@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  return "'" + replace_all(word, "'", "'\\''") + "'";
}

std::string state_word(RankReport::State state) {
  switch (state) {
    case RankReport::State::absent:
      return "absent";
    case RankReport::State::working:
      return "working";
    case RankReport::State::stopped:
      return "stopped";
    case RankReport::State::done:
      break;
  }
  return "done";
}

}  // namespace

std::string to_string(const RankReport& report) {
  const std::string name = "rank " + std::to_string(report.rank);
  if (report.state == RankReport::State::absent) return name + " has not begun";
  std::string text = name + (report.state == RankReport::State::working ? " has " : " ended after ") +
                     to_text(report.n_done) + " of " + to_text(report.n_planned) + " samples";
  if (report.host.empty() && report.reason.empty()) return text;
  return text + " (on " + shown(report.host) + (report.reason.empty() ? "" : ": " + shown(report.reason)) + ")";
}

fs::path RanksFolder::of_database(const fs::path& db) { return db.string() + ".ranks"; }

fs::path RanksFolder::database_of(int rank) const { return folder_ / ("rank-" + std::to_string(rank) + ".db"); }
fs::path RanksFolder::report_of(int rank) const { return folder_ / ("rank-" + std::to_string(rank) + ".json"); }

Result<RanksFolder> RanksFolder::join(const fs::path& db, const World& world, const RankTerms& terms,
                                      std::int64_t now_ms, std::stop_token stop) {
  RanksFolder ranks(of_database(db), world);
  ASSAY_TRY(make_folder(ranks.folder_));
  ASSAY_ASSIGN(const auto held, lock_folder(ranks.folder_, stop));
  ASSAY_ASSIGN(ranks.lock_, results::RunLock::try_acquire(lock_name(ranks.folder_), rank_lock(world.rank)));
  if (!ranks.lock_) {
    return environment_error(ranks.folder_.string(), ": rank ", world.rank,
                             " is at work already; each rank is started once at a time");
  }
  ASSAY_ASSIGN(const std::optional<WorldFile> file, read_world_file(ranks.world_path()));
  if (!file) {
    ASSAY_TRY(ranks.begin_anew(db, terms, now_ms));
    return ranks;
  }
  std::string difference = first_difference(file->terms, terms);
  if (difference.empty() && file->ranks != world.ranks) {
    difference = "--ranks is " + std::to_string(file->ranks) + " there, " + std::to_string(world.ranks) + " here";
  }
  ranks.origin_ = file->origin;
  ranks.command_line_ = file->terms.command_line;
  const bool is_whole = file->is_merged && has_run(db, file->origin.run_id);
  if (difference.empty() && is_whole && !(world.starts_together && world.rank == 0)) {
    ranks.is_merged_ = true;
    return ranks;
  }
  if (difference.empty() && !file->is_merged) {
    ASSAY_TRY(ranks.go_on());
    return ranks;
  }
  if (!file->is_merged) {
    for (const RankReport& report : ranks.reports()) {
      if (report.rank == world.rank && report.n_planned == 0) continue;
      if (report.state == RankReport::State::absent) continue;
      return bad_input(ranks.folder_.string(), ": holds an unfinished run of other ranks: ", difference,
                       "; give every rank the same options, finish that run, take another --db, or remove the folder");
    }
  }
  ASSAY_TRY(ranks.begin_anew(db, terms, now_ms));
  return ranks;
}

/// A rank that was started again is at work, whatever it told when it stopped.
Result<> RanksFolder::go_on() {
  own_ = read_report(world_.rank);
  if (own_.state == RankReport::State::absent || own_.state == RankReport::State::done || own_.n_planned == 0)
    return {};
  own_.state = RankReport::State::working;
  return write_report();
}

/// A new run in the place of what was merged, or never had a sample.
Result<> RanksFolder::begin_anew(const fs::path& db, const RankTerms& terms, std::int64_t now_ms) {
  // Before hours of work: can the results go where they are to go? One rank at a time is here.
  ASSAY_ASSIGN([[maybe_unused]] const results::Store store, results::Store::open_or_create(db));
  remove_rank_files();
  origin_ = {results::new_run_id(), now_ms};
  command_line_ = terms.command_line;
  return write_world_file(world_path(), {.ranks = world_.ranks, .origin = origin_, .terms = terms, .model = {}});
}

void RanksFolder::remove_rank_files() const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    if (entry.path().filename().string().starts_with("rank-")) fs::remove(entry.path(), ignored);
  }
}

Result<> RanksFolder::refuse_unfinished(const fs::path& db, const RankTerms& terms) {
  const fs::path path = of_database(db) / "world.json";
  ASSAY_ASSIGN(const std::optional<WorldFile> file, read_world_file(path));
  if (!file || file->is_merged || !first_difference(file->terms, terms).empty()) return {};
  return bad_input(path.parent_path().string(), ": ", file->ranks,
                   " ranks have begun this run; start them again (--rank and --ranks ", file->ranks,
                   "), or remove the folder");
}

Result<RanksFolder> RanksFolder::open(const fs::path& folder) {
  RanksFolder ranks(folder, {});
  ASSAY_ASSIGN(const std::optional<WorldFile> file, read_world_file(ranks.world_path()));
  if (!file) return bad_input(folder.string(), ": is no folder of ranks; it has no world.json");
  ranks.world_.ranks = file->ranks;
  ranks.origin_ = file->origin;
  ranks.command_line_ = file->terms.command_line;
  ranks.is_merged_ = file->is_merged;
  return ranks;
}

bool RanksFolder::is_done() const {
  return read_report(world_.rank).state == RankReport::State::done && has_run(database(), origin_.run_id);
}

Result<> RanksFolder::agree(results::RunFacts& facts, const std::string& kernels, const Json& canary) const {
  ASSAY_ASSIGN(const auto held, lock_folder(folder_, {}));
  ASSAY_ASSIGN(std::optional<WorldFile> file, read_world_file(world_path()));
  if (!file || file->origin.run_id != origin_.run_id) {
    return environment_error(world_path().string(), ": is gone or another run's; start all ranks again");
  }
  facts.command_line = command_line_;
  const RankModel here{facts.model, results::run_identity(facts), kernels, canary};
  if (!file->model) {
    file->model = here;
    return write_world_file(world_path(), *file);
  }
  const std::string difference = first_difference(*file->model, here);
  if (!difference.empty()) {
    return bad_input(folder_.string(), ": this rank would not do what the others do: ", difference);
  }
  facts.model = file->model->model;
  return {};
}

Result<> RanksFolder::begin(std::int64_t n_planned, std::int64_t n_done) {
  own_ = {world_.rank, RankReport::State::working, n_planned, n_done, host_name(), {}};
  return write_report();
}

Result<> RanksFolder::write_report() {
  told_ms_ = machine_clock().monotonic_ms();
  const Json json = {{"state", state_word(own_.state)},
                     {"n_planned", own_.n_planned},
                     {"n_done", own_.n_done},
                     {"host", own_.host},
                     {"reason", own_.reason}};
  return write_file(report_of(world_.rank), to_json_text(json) + "\n");
}

void RanksFolder::set_done(std::int64_t n_done) {
  own_.n_done = n_done;
  if (machine_clock().monotonic_ms() - told_ms_ < kTellPeriodMs) return;
  // What the others see of it is late until the next one; the samples are stored.
  [[maybe_unused]] const Result<> told = write_report();
}

Result<> RanksFolder::end(const std::optional<Error>& stopped_by) {
  own_.rank = world_.rank;
  own_.host = host_name();
  own_.state = stopped_by ? RankReport::State::stopped : RankReport::State::done;
  own_.reason = stopped_by ? stopped_by->message : "";
  return write_report();
}

std::int64_t RanksFolder::n_done_by_others() {
  if (world_.starts_together && world_.rank != 0) return 0;  // rank 0 shows the progress of all
  // Where each rank asks for all others, ranks squared files are read: no more than 200 a second.
  const double ranks = world_.ranks;
  const double period_ms = std::max(kTellPeriodMs, 5 * (world_.starts_together ? ranks : ranks * ranks));
  const double now_ms = machine_clock().monotonic_ms();
  if (now_ms - asked_ms_ < period_ms) return n_done_by_others_;
  asked_ms_ = now_ms;
  n_done_by_others_ = 0;
  for (const RankReport& report : reports()) {
    if (report.rank != world_.rank) n_done_by_others_ += report.n_done;
  }
  return n_done_by_others_;
}

bool RanksFolder::is_alive(int rank) const { return results::RunLock::is_held(lock_name(folder_), rank_lock(rank)); }

/// What the rank has told, and whether it lives. A report that can't be read tells nothing.
RankReport RanksFolder::read_report(int rank) const {
  RankReport report;
  report.rank = rank;
  const bool is_held = is_alive(rank);
  report.state = is_held ? RankReport::State::working : RankReport::State::absent;
  const auto text = read_file(report_of(rank), kMaxReportBytes);
  if (!text) return report;
  const auto json = parse_json(*text, "");
  if (!json) return report;
  const auto object = JsonObject::of(*json, "");
  if (!object) return report;
  const auto count = [&](const char* key) {
    const auto value = object->integer_or(key, 0);
    return value ? std::max<std::int64_t>(0, *value) : 0;
  };
  const auto words = [&](const char* key) {
    const auto value = object->string_or(key, "");
    return value ? *value : std::string();
  };
  report.n_planned = count("n_planned");
  report.n_done = count("n_done");
  report.host = words("host");
  report.reason = words("reason");
  const std::string told = words("state");
  if (told == "done") {
    report.state = RankReport::State::done;
  } else if (told == "stopped" || !is_held) {
    report.state = RankReport::State::stopped;
  }
  return report;
}

std::vector<RankReport> RanksFolder::reports() const {
  std::vector<RankReport> reports;
  for (int rank = 0; rank < world_.ranks; ++rank) reports.push_back(read_report(rank));
  return reports;
}

/// Each rank's database is there, is the run's, and has all that the rank was to do.
Result<> RanksFolder::check_files(const fs::path& db) const {
  for (const RankReport& report : reports()) {
    if (report.n_planned == 0) continue;  // more ranks than samples
    const fs::path path = database_of(report.rank);
    const auto broken = [&](const std::string& what) {
      return environment_error(path.string(), ": ", what, "; start rank ", report.rank,
                               " again: ", restart_words(report.rank, db));
    };
    std::error_code failed;
    if (!fs::exists(path, failed)) return broken("is missing");
    ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(path));
    ASSAY_ASSIGN(const bool is_there, store.has_run(origin_.run_id));
    if (!is_there) return broken("is of another run than " + origin_.run_id.value);
    ASSAY_ASSIGN(const auto stored, store.stored_samples(origin_.run_id));
    if (static_cast<std::int64_t>(stored.size()) < report.n_planned) {
      return broken("has " + to_text(static_cast<std::int64_t>(stored.size())) + " of the rank's " +
                    to_text(report.n_planned) + " samples");
    }
  }
  return {};
}

/// A listing makes a network file system ask its server what is there: else the last two ranks could each see an old
/// report of the other, and nobody would merge.
void RanksFolder::look_again() const {
  std::error_code ignored;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_, ignored)) {
  }
}

Result<bool> RanksFolder::merge_into(const fs::path& db, const results::MergeProgress& progress, std::stop_token stop) {
  ASSAY_ASSIGN(const auto held, lock_folder(folder_, stop));
  ASSAY_ASSIGN(std::optional<WorldFile> file, read_world_file(world_path()));
  if (!file || file->origin.run_id != origin_.run_id) {
    return environment_error(world_path().string(), ": is gone or another run's");
  }
  if (file->is_merged && has_run(db, origin_.run_id)) return true;
  look_again();
  std::vector<fs::path> parts;
  for (const RankReport& report : reports()) {
    if (report.state != RankReport::State::done) return false;
    if (report.n_planned > 0) parts.push_back(database_of(report.rank));
  }
  ASSAY_TRY(check_files(db));
  ASSAY_TRY(results::merge_databases(db, parts, progress));
  {
    ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(db));
    ASSAY_ASSIGN(const results::RunRecord run, store.read_run(origin_.run_id));
    if (run.state != results::RunState::finished) {
      return environment_error(db.string(), ": run ", origin_.run_id,
                               " is merged, but samples of its plan are missing");
    }
  }
  file->is_merged = true;
  ASSAY_TRY(write_world_file(world_path(), *file));
  remove_rank_files();
  is_merged_ = true;
  return true;
}

Error RanksFolder::incomplete(const fs::path& db) const {
  std::vector<std::string> texts, words;
  for (const RankReport& report : reports()) {
    if (report.state == RankReport::State::done) continue;
    texts.push_back(to_string(report));
    if (report.state != RankReport::State::working) words.push_back(restart_words(report.rank, db));
  }
  return environment_error(assay::join(texts, "; "), "; all that was stored is kept",
                           words.empty() ? "" : "; start again: ", assay::join(words, " ; "));
}

std::string RanksFolder::restart_words(int rank, const fs::path& db) const {
  return "assay " + command_line_ + " --rank " + std::to_string(rank) + " --ranks " + std::to_string(world_.ranks) +
         " --db " + shell_word(db.string());
}

}  // namespace assay::run
