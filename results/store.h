#pragma once
// The results database: runs, samples and verdicts in one SQLite file.
//
//   ASSAY_ASSIGN(auto store, results::Store::open_or_create(path));
//   ASSAY_ASSIGN(auto unfinished, store.find_resumable(results::run_identity(facts)));
//   ASSAY_ASSIGN(auto writer, unfinished ? store.resume_run(*unfinished, environment, now_ms)
//                                        : store.begin_run(facts, environment, now_ms));
//   … writer.add_sample(sample, verdict, now_ms, wall_ms) …; writer.finish(RunState::finished, now_ms, wall_ms)
//
// Durable: when add_sample returns, sample and verdict survive kill -9 and power loss. Append-only: no call changes or
// removes a stored sample. Several processes may use one database; one at a time writes a given run.
// Errors: `bad_input` for a file that is no Assay database, was tampered with or is damaged, and for words that name no
// run; `environment` for a newer version, a lock, a full disk, a place that can't be written. Threads: a Store and its
// RunWriters belong to one thread at a time. Use a Store per thread.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/facts.h"
#include "results/points.h"

namespace assay::results {

class Database;

/// What the database says of a suite within a run. `items` is left empty; Store::read_items gives them.
struct RunSuiteRecord {
  RunSuiteFacts facts;
  std::int64_t n_items = 0;
  std::int64_t n_samples = 0;  ///< stored so far, over all items
  std::int64_t n_correct = 0, n_incorrect = 0, n_no_answer = 0, n_truncated = 0, n_errors = 0;  ///< current grading
  std::string current_profile;  ///< of the newest grading that covers every stored sample
  std::string current_grader_version;
};

/// A process's work on a run.
struct SegmentRecord {
  std::int64_t started_at_ms = 0;
  std::optional<std::int64_t> ended_at_ms;  ///< none if the process was killed, or still works
  double wall_ms = 0;                       ///< up to its last stored sample, or its end
  std::optional<DeviceTime> device_time;    ///< none where no device is known, or the process was killed
  EnvironmentFacts environment;
};

/// A stored run without its items and samples.
struct RunRecord {
  RunId run_id;
  RunFacts facts;  ///< suites and measurements are left empty, see `suites` and Store::read_measurements
  std::string identity_sha256;
  RunState state = RunState::running;  ///< as stored, see current_state
  bool is_active = false;              ///< a process on this host holds the run open for writing now
  std::int64_t started_at_ms = 0;
  std::optional<std::int64_t> finished_at_ms;
  std::vector<RunSuiteRecord> suites;   ///< in the order in which they were given
  std::vector<SegmentRecord> segments;  ///< at least one
  double wall_s = 0;                    ///< while any process worked on it, see time_at_work_s
  double device_s = 0;                  ///< summed over the devices at work: what is paid for, see device_time_s
};

/// What to call a run now: a run that is stored as `running` but has no writer was killed, and is `interrupted`.
RunState current_state(const RunRecord& run);

/// A stored sample with its verdict in the current grading. `sample.text`, `.prefill` and `.tokens` are empty unless
/// asked for.
struct SampleRecord {
  SampleFacts sample;
  VerdictFacts verdict;
  std::string item_tag;
  std::size_t segment = 0;  ///< whose sample it is: its index in RunRecord::segments
};
enum class SampleParts { facts, transcripts };

/// A verdict for regrading.
struct KeyedVerdict {
  SampleKey key;
  VerdictFacts verdict;
};

/// Which run it is that several databases hold parts of: the same id and beginning in each, so that merge joins them.
struct RunOrigin {
  RunId run_id;
  std::int64_t started_at_ms = 0;
};
/// Twelve random hexadecimal digits.
RunId new_run_id();

/// A sample to store.
struct GradedSample {
  SampleFacts sample;
  VerdictFacts verdict;
};

/// Writes one run. While it lives no other process can write this run; a killed process frees it at once. Dropping it
/// without finish() leaves the run resumable.
class RunWriter {
 public:
  RunWriter(RunWriter&&) noexcept;
  RunWriter& operator=(RunWriter&&) noexcept;
  ~RunWriter();

  const RunId& run_id() const;

  /// Stores a sample and its verdict in one transaction, durably. `wall_ms` is the time since this process began to
  /// work on the run (monotonic clock). Error{bad_input} if the sample is stored already, is not in the plan, or has a
  /// value out of range; Error{environment} if it can't be written (disk full): then nothing of it is stored, and what
  /// was, stays.
  Result<> add_sample(const SampleFacts& sample, const VerdictFacts& verdict, std::int64_t stored_at_ms,
                      double wall_ms);

  /// Stores several samples with their verdicts in one transaction, durably: all of them, or at an error none.
  /// Otherwise as add_sample.
  Result<> add_samples(std::span<const GradedSample> samples, std::int64_t stored_at_ms, double wall_ms);

  /// Stores what a GPU did meanwhile, in one transaction; none is nothing to do. Errors as add_sample.
  Result<> add_gpu_samples(std::span<const GpuSample> samples);

  /// Stores a benchmark's point durably. `wall_ms` as in add_sample. Error{bad_input} if the run has this setting, arm
  /// and repeat already.
  Result<> add_point(const BenchPoint& point, double wall_ms);

  /// Ends this process's segment and sets the run's state to `finished` or `interrupted`. Error{bad_input} for
  /// `finished` while planned samples are missing.
  Result<> finish(RunState state, std::int64_t ended_at_ms, double wall_ms,
                  const std::optional<DeviceTime>& device_time = {});

 private:
  friend class Store;
  struct State;
  explicit RunWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// An open results database.
class Store {
 public:
  /// Opens `path` for reading and writing; makes it if it is missing or empty; migrates an older version.
  static Result<Store> open_or_create(const std::filesystem::path& path);
  /// Opens an existing database for reading; also from a read-only place. Error{bad_input} if it is missing.
  /// A database of version 4 or older is refused (Error{environment}) until open_or_create has migrated it.
  static Result<Store> open_read_only(const std::filesystem::path& path);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  const std::filesystem::path& path() const;

  // Writing. `now_ms` is Unix time.

  /// Stores a new run as that of `origin`, or under a new random id, begun now. Error{environment} if a process writes
  /// a run of the same identity now. Error{bad_input} for facts that are out of range or named twice. The Store must
  /// outlive the writer.
  Result<RunWriter> begin_run(const RunFacts& facts, const EnvironmentFacts& environment, std::int64_t now_ms,
                              const std::optional<RunOrigin>& origin = {});
  /// Calls `write`; all that it stores is one transaction: there whole when this returns, or, at an error, nothing of
  /// it. Other processes can't write meanwhile.
  Result<> as_one_write(const std::function<Result<>()>& write);
  /// The newest unfinished run of this identity, active or not.
  Result<std::optional<RunId>> find_resumable(std::string_view identity_sha256) const;
  /// Goes on with an unfinished run. Error{environment} if another process writes it; Error{bad_input} if it is
  /// finished.
  Result<RunWriter> resume_run(const RunId& run, const EnvironmentFacts& environment, std::int64_t now_ms);
  /// Stores a new grading of one suite of a run in one transaction: exactly one verdict for each stored sample, else
  /// Error{bad_input}. It becomes the current grading; the old ones stay.
  Result<> add_grading(const RunId& run, std::string_view suite, std::string_view grader_profile,
                       std::string_view grader_version, const std::vector<KeyedVerdict>& verdicts, std::int64_t now_ms);

  // Reading

  /// Makes the read that is under way fail with Error{interrupted}. Any thread may call it while the Store lives.
  void interrupt() const;
  /// Calls `read`; everything that it reads from this Store is of one moment, whatever other processes write meanwhile.
  Result<> in_snapshot(const std::function<Result<>()>& read) const;
  /// The run meant by an id, `latest` (started last), a name (the run of that name that started last), or an
  /// unambiguous prefix of an id; tried in this order. Error{bad_input} says what there is.
  Result<RunId> find_run(std::string_view words) const;
  /// True if a run has exactly this id.
  Result<bool> has_run(const RunId& run) const;
  /// All runs, the one started last first.
  Result<std::vector<RunRecord>> list_runs() const;
  Result<RunRecord> read_run(const RunId& run) const;
  /// Figures that came with the run itself, in the order in which they were given.
  Result<std::vector<Measurement>> read_measurements(const RunId& run) const;
  /// A benchmark's points, in the order in which they were measured.
  Result<std::vector<BenchPoint>> read_points(const RunId& run) const;
  /// Items of one suite of a run, in plan order.
  Result<std::vector<ItemFacts>> read_items(const RunId& run, std::string_view suite) const;
  /// Keys of all samples stored for a run, sorted.
  Result<std::vector<SampleKey>> stored_samples(const RunId& run) const;
  /// Calls `use` for each stored sample of a run (of one suite, unless `suite` is empty), by suite, item in plan order
  /// and sample; stops at the first error that `use` returns. `use` must not write to this Store.
  Result<> for_each_sample(const RunId& run, std::string_view suite, SampleParts parts,
                           const std::function<Result<>(const SampleRecord&)>& use) const;
  /// One stored sample with its transcript; none if it is not stored (yet). Error{bad_input} if there is no such run.
  Result<std::optional<SampleRecord>> read_sample(const RunId& run, const SampleKey& key) const;
  /// One item; none if the run has none of this suite and id.
  Result<std::optional<ItemFacts>> read_item(const RunId& run, std::string_view suite, const ItemId& item) const;
  /// Calls `use` for each GPU sample of a run with the index of its segment in RunRecord::segments; by segment, GPU and
  /// time. Stops at the first error that `use` returns.
  Result<> for_each_gpu_sample(const RunId& run,
                               const std::function<Result<>(std::size_t segment, const GpuSample&)>& use) const;

 private:
  Store(std::filesystem::path path, std::unique_ptr<Database> database);
  std::filesystem::path path_;
  std::unique_ptr<Database> database_;
};

}  // namespace assay::results
