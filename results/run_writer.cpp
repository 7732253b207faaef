// Writing: a run's plan, its samples and verdicts, its end, and later gradings.
#include <map>
#include <random>
#include <set>
#include <utility>

#include "results/gpu_rows.h"
#include "results/run_lock.h"
#include "results/sample_rows.h"
#include "results/schema.h"
#include "results/store.h"

namespace assay::results {

namespace {

constexpr std::string_view kFindModel =
    "SELECT model_id FROM models WHERE reference = ?1 AND weights_sha256 = ?2 AND tokenizer_sha256 = ?3 AND name = ?4 "
    "AND details = ?5";
constexpr std::string_view kInsertModel =
    "INSERT INTO models (reference, weights_sha256, tokenizer_sha256, name, details) VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr std::string_view kInsertEnvironment =
    "INSERT INTO environments (device_kind, device_name, hostname, cpu_model, n_cores, memory_bytes, os, kernel, "
    "gpu_name, n_gpus, gpu_driver, cuda_version, gpu_clock_mhz, gpu_power_limit_watts, build_version, "
    "build_git_commit, "
    "compiler, compiler_flags, details) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
constexpr std::string_view kInsertRun =
    "INSERT INTO runs (run_id, name, identity_sha256, state, model_id, seed, command_line, hardware_profile, "
    "price_usd_per_gpu_hour, n_priced_devices, provenance, started_at_ms) "
    "VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
constexpr std::string_view kInsertTag = "INSERT INTO run_tags (run_key, tag, value) VALUES (?1, ?2, ?3)";
constexpr std::string_view kInsertSuite =
    "INSERT INTO run_suites (run_key, suite, version, kind, sha256, samples, sampling, n_items, is_protected) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr std::string_view kInsertMeasurement =
    "INSERT INTO measurements (run_key, name, metric, value, stddev, n, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr std::string_view kInsertItem =
    "INSERT INTO items (run_suite_id, item, tag, prompt_sha256, prompt, expected) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr std::string_view kInsertGrading =
    "INSERT INTO gradings (run_suite_id, grader_profile, grader_version, started_at_ms) VALUES (?1, ?2, ?3, ?4)";
constexpr std::string_view kInsertSegment =
    "INSERT INTO run_segments (run_key, environment_id, started_at_ms, wall_ms) VALUES (?1, ?2, ?3, 0)";
constexpr std::string_view kExtendSegment = "UPDATE run_segments SET wall_ms = max(wall_ms, ?2) WHERE segment_id = ?1";
constexpr std::string_view kEndSegment =
    "UPDATE run_segments SET ended_at_ms = ?2, prefill_device_ms = ?3, decode_device_ms = ?4, device_idle_ms = ?5 "
    "WHERE segment_id = ?1";
constexpr std::string_view kSetState = "UPDATE runs SET state = ?2, finished_at_ms = ?3 WHERE run_key = ?1";
constexpr std::string_view kFindRun = "SELECT run_key, state FROM runs WHERE run_id = ?1";
constexpr std::string_view kUnfinishedOfIdentity =
    "SELECT run_key, run_id FROM runs WHERE identity_sha256 = ?1 AND state <> 'finished'";
// Samples of a regrade go on in the run's first grading, see the view current_gradings.
constexpr std::string_view kPlan =
    "SELECT rs.suite, i.item, i.item_key, rs.samples, "
    "(SELECT min(g.grading_id) FROM gradings g WHERE g.run_suite_id = rs.run_suite_id) "
    "FROM run_suites rs JOIN items i ON i.run_suite_id = rs.run_suite_id WHERE rs.run_key = ?1";
constexpr std::string_view kCountMissing =
    "SELECT (SELECT coalesce(sum(rs.samples * rs.n_items), 0) FROM run_suites rs WHERE rs.run_key = ?1) - "
    "(SELECT count(*) FROM run_suites rs JOIN items i ON i.run_suite_id = rs.run_suite_id "
    "JOIN samples s ON s.item_key = i.item_key WHERE rs.run_key = ?1)";
constexpr std::string_view kFindSuite =
    "SELECT rs.run_suite_id FROM runs r JOIN run_suites rs ON rs.run_key = r.run_key WHERE r.run_id = ?1 AND rs.suite "
    "= ?2";
constexpr std::string_view kSampleKeysOfSuite =
    "SELECT i.item, s.sample, s.sample_key FROM items i JOIN samples s ON s.item_key = i.item_key "
    "WHERE i.run_suite_id = ?1";

/// `result`'s error with `what` in front of it.
template <class T>
Result<T> in_context(Result<T> result, const std::string& what) {
  if (result) return result;
  return Error{result.error().kind, what + ": " + result.error().message};
}

std::string name_of(const SampleKey& key) {
  return "sample " + std::to_string(key.sample) + " of item " + key.item.value + " of suite " + key.suite;
}

Result<std::int64_t> insert_model(const Database& database, const ModelFacts& model) {
  const std::string details = to_json_text(model.details);
  for (const std::string_view sql : {kFindModel, kInsertModel}) {
    ASSAY_ASSIGN(auto statement, database.prepare(sql));
    statement.bind(1, std::string_view(model.reference)).bind(2, std::string_view(model.weights_sha256));
    statement.bind(3, std::string_view(model.tokenizer_sha256)).bind(4, std::string_view(model.name));
    statement.bind(5, std::string_view(details));
    ASSAY_ASSIGN(const bool found, statement.step());
    if (found) return statement.integer(0);
  }
  return database.last_insert_rowid();
}

Result<std::int64_t> insert_segment(const Database& database, std::int64_t run_key, const EnvironmentFacts& facts,
                                    std::int64_t now_ms) {
  ASSAY_ASSIGN(auto environment, database.prepare(kInsertEnvironment));
  environment.bind(1, facts.device_kind).bind(2, facts.device_name).bind(3, facts.hostname).bind(4, facts.cpu_model);
  environment.bind(5, facts.n_cores).bind(6, facts.memory_bytes).bind(7, facts.os).bind(8, facts.kernel);
  environment.bind(9, facts.gpu_name).bind(10, facts.n_gpus).bind(11, facts.gpu_driver).bind(12, facts.cuda_version);
  environment.bind(13, facts.gpu_clock_mhz).bind(14, facts.gpu_power_limit_watts).bind(15, facts.build_version);
  environment.bind(16, facts.build_git_commit).bind(17, facts.compiler).bind(18, facts.compiler_flags);
  environment.bind(19, to_json_text(facts.details));
  ASSAY_TRY(in_context(environment.run(), "environment"));
  const std::int64_t environment_id = database.last_insert_rowid();
  ASSAY_ASSIGN(auto segment, database.prepare(kInsertSegment));
  ASSAY_TRY(segment.bind(1, run_key).bind(2, environment_id).bind(3, now_ms).run());
  return database.last_insert_rowid();
}

Result<> insert_suite(const Database& database, std::int64_t run_key, const RunSuiteFacts& facts, std::int64_t now_ms) {
  const std::string where = "suite " + facts.suite;
  ASSAY_ASSIGN(auto suite, database.prepare(kInsertSuite));
  suite.bind(1, run_key).bind(2, facts.suite).bind(3, facts.version).bind(4, facts.kind).bind(5, facts.sha256);
  suite.bind(6, facts.samples).bind(7, to_json_text(facts.sampling));
  suite.bind(8, static_cast<std::int64_t>(facts.items.size()));
  suite.bind(9, static_cast<std::int64_t>(facts.is_protected));
  ASSAY_TRY(in_context(suite.run(), where));
  const std::int64_t run_suite_id = database.last_insert_rowid();

  ASSAY_ASSIGN(auto grading, database.prepare(kInsertGrading));
  grading.bind(1, run_suite_id).bind(2, facts.grader_profile).bind(3, facts.grader_version).bind(4, now_ms);
  ASSAY_TRY(in_context(grading.run(), where));

  ASSAY_ASSIGN(auto row, database.prepare(kInsertItem));
  for (const ItemFacts& item : facts.items) {
    row.bind(1, run_suite_id).bind(2, item.item.value).bind(3, item.tag).bind(4, item.prompt_sha256);
    row.bind(5, item.prompt).bind(6, item.expected);
    ASSAY_TRY(in_context(row.run(), where + ": item " + item.item.value));
  }
  return {};
}

Result<std::int64_t> insert_run(const Database& database, const RunId& run_id, const RunFacts& facts,
                                std::string_view identity_sha256, std::int64_t now_ms) {
  ASSAY_ASSIGN(const std::int64_t model_id, in_context(insert_model(database, facts.model), "model"));
  ASSAY_ASSIGN(auto run, database.prepare(kInsertRun));
  run.bind(1, run_id.value).bind(2, facts.name).bind(3, identity_sha256).bind(4, model_id).bind(5, facts.seed);
  run.bind(6, facts.command_line).bind(7, facts.hardware_profile).bind(8, facts.price_usd_per_gpu_hour);
  run.bind(9, facts.n_priced_devices).bind(10, facts.provenance).bind(11, now_ms);
  ASSAY_TRY(run.run());
  const std::int64_t run_key = database.last_insert_rowid();

  ASSAY_ASSIGN(auto tag, database.prepare(kInsertTag));
  for (const auto& [name, value] : facts.tags) {
    ASSAY_TRY(in_context(tag.bind(1, run_key).bind(2, name).bind(3, value).run(), "tag " + name));
  }
  ASSAY_ASSIGN(auto measurement, database.prepare(kInsertMeasurement));
  for (const Measurement& figure : facts.measurements) {
    measurement.bind(1, run_key).bind(2, figure.name).bind(3, figure.metric).bind(4, figure.value);
    measurement.bind(5, figure.stddev).bind(6, figure.n).bind(7, to_json_text(figure.details));
    ASSAY_TRY(in_context(measurement.run(), "measurement " + figure.name));
  }
  for (const RunSuiteFacts& suite : facts.suites) ASSAY_TRY(insert_suite(database, run_key, suite, now_ms));
  return run_key;
}

Result<RunLock> lock_run(const Database& database, std::int64_t run_key, const RunId& run) {
  ASSAY_ASSIGN(auto lock, RunLock::try_acquire(database.path(), run_key));
  if (lock) return std::move(*lock);
  return environment_error(database.path().string(), ": run ", run,
                           " is being written by another process; wait for it");
}

}  // namespace

RunId new_run_id() {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::random_device source;
  std::uniform_int_distribution<std::size_t> digit(0, 15);
  std::string id;
  for (int i = 0; i < 12; ++i) id += kHex[digit(source)];
  return RunId(id);
}

struct RunWriter::State {
  struct PlannedItem {
    std::int64_t item_key;
    std::int64_t samples;
    std::int64_t grading_id;
  };
  /// Reads the plan and prepares the statements of add_sample. `segment_id` is a row of this run.
  static Result<std::unique_ptr<State>> make(const Database& database, RunId run_id, std::int64_t run_key,
                                             std::int64_t segment_id, RunLock lock);
  /// Into the open transaction; adds to `counts` what commit() writes.
  Result<> insert(const SampleFacts& sample, const VerdictFacts& verdict, std::int64_t stored_at_ms,
                  VerdictCounts& counts);
  Result<> commit(Transaction& transaction, const VerdictCounts& counts, double wall_ms);

  const Database* database;
  RunId run_id;
  std::int64_t run_key;
  std::int64_t segment_id;
  Statement insert_sample, insert_verdict, add_counts, extend_segment;
  std::map<std::pair<std::string, ItemId>, PlannedItem> plan;
  bool finished = false;
  RunLock lock;
};

Result<std::unique_ptr<RunWriter::State>> RunWriter::State::make(const Database& database, RunId run_id,
                                                                 std::int64_t run_key, std::int64_t segment_id,
                                                                 RunLock lock) {
  ASSAY_ASSIGN(auto insert_sample, database.prepare(kInsertSampleRow));
  ASSAY_ASSIGN(auto insert_verdict, database.prepare(kInsertVerdictRow));
  ASSAY_ASSIGN(auto add_counts, database.prepare(kAddCounts));
  ASSAY_ASSIGN(auto extend_segment, database.prepare(kExtendSegment));
  auto state = std::unique_ptr<State>(new State{&database,
                                                std::move(run_id),
                                                run_key,
                                                segment_id,
                                                std::move(insert_sample),
                                                std::move(insert_verdict),
                                                std::move(add_counts),
                                                std::move(extend_segment),
                                                {},
                                                false,
                                                std::move(lock)});
  ASSAY_ASSIGN(auto rows, database.prepare(kPlan));
  rows.bind(1, run_key);
  while (true) {
    ASSAY_ASSIGN(const bool row, rows.step());
    if (!row) return state;
    state->plan[{rows.text(0), ItemId(rows.text(1))}] = {rows.integer(2), rows.integer(3), rows.integer(4)};
  }
}

RunWriter::RunWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunWriter::RunWriter(RunWriter&&) noexcept = default;
RunWriter& RunWriter::operator=(RunWriter&&) noexcept = default;
RunWriter::~RunWriter() = default;

const RunId& RunWriter::run_id() const { return state_->run_id; }

Result<> RunWriter::State::insert(const SampleFacts& sample, const VerdictFacts& verdict, std::int64_t stored_at_ms,
                                  VerdictCounts& counts) {
  const SampleKey& key = sample.key;
  const auto planned = plan.find({key.suite, key.item});
  if (planned == plan.end() || key.sample < 0 || key.sample >= planned->second.samples) {
    return bad_input(name_of(key), " is not in the plan of run ", run_id);
  }
  const std::int64_t grading_id = planned->second.grading_id;
  insert_sample.bind(1, planned->second.item_key).bind(2, key.sample).bind(3, segment_id).bind(4, stored_at_ms);
  bind_sample(insert_sample, sample);
  ASSAY_TRY(in_context(insert_sample.run(), name_of(key)));
  insert_verdict.bind(1, grading_id).bind(2, database->last_insert_rowid());
  bind_verdict(insert_verdict, verdict);
  ASSAY_TRY(in_context(insert_verdict.run(), name_of(key)));
  ++counts[grading_id][static_cast<std::size_t>(verdict.verdict)];
  return {};
}

Result<> RunWriter::State::commit(Transaction& transaction, const VerdictCounts& counts, double wall_ms) {
  ASSAY_TRY(results::add_counts(add_counts, counts));
  ASSAY_TRY(extend_segment.bind(1, segment_id).bind(2, wall_ms).run());
  return transaction.commit();
}

Result<> RunWriter::add_sample(const SampleFacts& sample, const VerdictFacts& verdict, std::int64_t stored_at_ms,
                               double wall_ms) {
  ASSAY_ASSERT(!state_->finished, "add_sample comes before finish");
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*state_->database, Transaction::Kind::write));
  VerdictCounts counts;
  ASSAY_TRY(state_->insert(sample, verdict, stored_at_ms, counts));
  return state_->commit(transaction, counts, wall_ms);
}

Result<> RunWriter::add_samples(std::span<const GradedSample> samples, std::int64_t stored_at_ms, double wall_ms) {
  ASSAY_ASSERT(!state_->finished, "add_samples comes before finish");
  if (samples.empty()) return {};
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*state_->database, Transaction::Kind::write));
  VerdictCounts counts;
  for (const GradedSample& graded : samples) {
    ASSAY_TRY(state_->insert(graded.sample, graded.verdict, stored_at_ms, counts));
  }
  return state_->commit(transaction, counts, wall_ms);
}

Result<> RunWriter::add_gpu_samples(std::span<const GpuSample> samples) {
  ASSAY_ASSERT(!state_->finished, "add_gpu_samples comes before finish");
  return insert_gpu_samples(*state_->database, state_->segment_id, samples);
}

Result<> RunWriter::add_point(const BenchPoint& point, double wall_ms) {
  ASSAY_ASSERT(!state_->finished, "add_point comes before finish");
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*state_->database, Transaction::Kind::write));
  ASSAY_TRY(insert_point(*state_->database, state_->run_key, state_->segment_id, point));
  ASSAY_TRY(state_->extend_segment.bind(1, state_->segment_id).bind(2, wall_ms).run());
  return transaction.commit();
}

Result<> RunWriter::finish(RunState state, std::int64_t ended_at_ms, double wall_ms,
                           const std::optional<DeviceTime>& device_time) {
  ASSAY_ASSERT(!state_->finished && state != RunState::running, "a run ends once, as finished or interrupted");
  const Database& database = *state_->database;
  ASSAY_ASSIGN(auto transaction, Transaction::begin(database, Transaction::Kind::write));
  if (state == RunState::finished) {
    ASSAY_ASSIGN(auto missing, database.prepare(kCountMissing));
    ASSAY_ASSIGN([[maybe_unused]] const bool row, missing.bind(1, state_->run_key).step());
    if (const std::int64_t n_missing = missing.integer(0); n_missing != 0) {
      return bad_input("run ", state_->run_id, ": ", n_missing,
                       " planned samples are not stored, so it is not finished");
    }
  }
  ASSAY_TRY(state_->extend_segment.bind(1, state_->segment_id).bind(2, wall_ms).run());
  ASSAY_ASSIGN(auto end_segment, database.prepare(kEndSegment));
  end_segment.bind(1, state_->segment_id).bind(2, ended_at_ms);
  const auto part = [&](double DeviceTime::*ms) {
    return device_time ? std::optional(*device_time.*ms) : std::nullopt;
  };
  end_segment.bind(3, part(&DeviceTime::prefill_ms)).bind(4, part(&DeviceTime::decode_ms));
  ASSAY_TRY(end_segment.bind(5, part(&DeviceTime::idle_ms)).run());
  ASSAY_ASSIGN(auto set_state, database.prepare(kSetState));
  set_state.bind(1, state_->run_key).bind(2, to_string(state));
  set_state.bind(3, state == RunState::finished ? std::optional(ended_at_ms) : std::nullopt);
  ASSAY_TRY(set_state.run());
  ASSAY_TRY(transaction.commit());
  state_->finished = true;
  return {};
}

Result<RunWriter> Store::begin_run(const RunFacts& facts, const EnvironmentFacts& environment, std::int64_t now_ms,
                                   const std::optional<RunOrigin>& given) {
  const std::string identity = run_identity(facts);
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*database_, Transaction::Kind::write));
  {
    ASSAY_ASSIGN(auto rows, database_->prepare(kUnfinishedOfIdentity));
    rows.bind(1, identity);
    while (true) {
      ASSAY_ASSIGN(const bool row, rows.step());
      if (!row) break;
      if (RunLock::is_held(path_, rows.integer(0))) {
        return environment_error(path_.string(), ": another process is writing the same run now (", rows.text(1),
                                 "); wait for it, or give this one another --name");
      }
    }
  }
  const auto& [run_id, started_at_ms] = given ? *given : RunOrigin{new_run_id(), now_ms};
  ASSAY_ASSIGN(const std::int64_t run_key, insert_run(*database_, run_id, facts, identity, started_at_ms));
  ASSAY_ASSIGN(const std::int64_t segment_id, insert_segment(*database_, run_key, environment, now_ms));
  // Locked before it is visible, so that who sees the run also sees its writer.
  ASSAY_ASSIGN(auto lock, lock_run(*database_, run_key, run_id));
  ASSAY_ASSIGN(auto state, RunWriter::State::make(*database_, run_id, run_key, segment_id, std::move(lock)));
  ASSAY_TRY(transaction.commit());
  return RunWriter(std::move(state));
}

Result<RunWriter> Store::resume_run(const RunId& run, const EnvironmentFacts& environment, std::int64_t now_ms) {
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*database_, Transaction::Kind::write));
  std::int64_t run_key = 0;
  {
    ASSAY_ASSIGN(auto found, database_->prepare(kFindRun));
    ASSAY_ASSIGN(const bool row, found.bind(1, run.value).step());
    if (!row) return bad_input(path_.string(), ": there is no run ", run);
    run_key = found.integer(0);
    if (found.text(1) == "finished") return bad_input("run ", run, " is finished; there is nothing to resume");
  }
  ASSAY_ASSIGN(auto lock, lock_run(*database_, run_key, run));
  ASSAY_ASSIGN(const std::int64_t segment_id, insert_segment(*database_, run_key, environment, now_ms));
  {
    ASSAY_ASSIGN(auto set_state, database_->prepare(kSetState));
    ASSAY_TRY(set_state.bind(1, run_key).bind(2, to_string(RunState::running)).bind_null(3).run());
  }
  ASSAY_ASSIGN(auto state, RunWriter::State::make(*database_, run, run_key, segment_id, std::move(lock)));
  ASSAY_TRY(transaction.commit());
  return RunWriter(std::move(state));
}

Result<> Store::add_grading(const RunId& run, std::string_view suite, std::string_view grader_profile,
                            std::string_view grader_version, const std::vector<KeyedVerdict>& verdicts,
                            std::int64_t now_ms) {
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*database_, Transaction::Kind::write));
  ASSAY_ASSIGN(auto found, database_->prepare(kFindSuite));
  ASSAY_ASSIGN(const bool has_suite, found.bind(1, run.value).bind(2, suite).step());
  if (!has_suite) return bad_input(path_.string(), ": run ", run, " has no suite ", suite);
  const std::int64_t run_suite_id = found.integer(0);
  found.reset();

  std::map<std::pair<ItemId, std::int64_t>, std::int64_t> ungraded;  // (item, sample) → sample_key
  ASSAY_ASSIGN(auto rows, database_->prepare(kSampleKeysOfSuite));
  rows.bind(1, run_suite_id);
  while (true) {
    ASSAY_ASSIGN(const bool row, rows.step());
    if (!row) break;
    ungraded[{ItemId(rows.text(0)), rows.integer(1)}] = rows.integer(2);
  }

  ASSAY_ASSIGN(auto grading, database_->prepare(kInsertGrading));
  ASSAY_TRY(grading.bind(1, run_suite_id).bind(2, grader_profile).bind(3, grader_version).bind(4, now_ms).run());
  const std::int64_t grading_id = database_->last_insert_rowid();
  ASSAY_ASSIGN(auto insert, database_->prepare(kInsertVerdictRow));
  VerdictCounts counts;
  for (const KeyedVerdict& graded : verdicts) {
    const auto sample = ungraded.extract({graded.key.item, graded.key.sample});
    if (sample.empty() || graded.key.suite != suite) {
      return bad_input(name_of(graded.key), " is not stored for run ", run, ", or is graded twice");
    }
    insert.bind(1, grading_id).bind(2, sample.mapped());
    bind_verdict(insert, graded.verdict);
    ASSAY_TRY(in_context(insert.run(), name_of(graded.key)));
    ++counts[grading_id][static_cast<std::size_t>(graded.verdict.verdict)];
  }
  if (!ungraded.empty()) {
    return bad_input("suite ", suite, " of run ", run, ": ", ungraded.size(), " stored samples have no verdict");
  }
  ASSAY_ASSIGN(auto add, database_->prepare(kAddCounts));
  ASSAY_TRY(add_counts(add, counts));
  return transaction.commit();
}

}  // namespace assay::results
