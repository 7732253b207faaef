#include "results/merge.h"

#include <map>
#include <string>
#include <system_error>
#include <unordered_map>

#include "harness/base/text.h"
#include "results/run_lock.h"
#include "results/schema.h"

namespace assay::results {

namespace {

using Row = std::vector<SqlValue>;
using RunLocks = std::map<std::int64_t, RunLock>;             // by run_key in the target
using Keys = std::unordered_map<std::int64_t, std::int64_t>;  // a row's key in the file → its key in the target

constexpr std::int64_t kRowsBetweenProgress = 256;

// What a run is from its beginning on. Rows of both databases are compared in this order; ?1 is the run's key.
constexpr std::string_view kRunFacts =
    "SELECT r.run_id, r.name, r.identity_sha256, r.seed, r.command_line, r.hardware_profile, "
    "r.price_usd_per_gpu_hour, r.n_priced_devices, r.provenance, r.started_at_ms, m.name, m.reference, "
    "m.weights_sha256, m.tokenizer_sha256, m.details FROM runs r JOIN models m ON m.model_id = r.model_id "
    "WHERE r.run_key = ?1";
constexpr std::string_view kTags = "SELECT tag, value FROM run_tags WHERE run_key = ?1 ORDER BY tag";
constexpr std::string_view kMeasurements =
    "SELECT name, metric, value, stddev, n, details FROM measurements WHERE run_key = ?1 ORDER BY measurement_id";
constexpr std::string_view kSuites =
    "SELECT suite, version, kind, sha256, samples, sampling, n_items, is_protected FROM run_suites "
    "WHERE run_key = ?1 ORDER BY run_suite_id";
constexpr std::string_view kItems =
    "SELECT rs.suite, i.item, i.tag, i.prompt_sha256, i.prompt, i.expected FROM run_suites rs "
    "JOIN items i ON i.run_suite_id = rs.run_suite_id WHERE rs.run_key = ?1 ORDER BY rs.run_suite_id, i.item_key";

constexpr std::string_view kRunsOfFile = "SELECT run_key, run_id, state, finished_at_ms FROM runs ORDER BY run_key";
constexpr std::string_view kFindRun = "SELECT run_key, state, finished_at_ms FROM runs WHERE run_id = ?1";
constexpr std::string_view kInsertRun =
    "INSERT INTO runs (run_id, name, identity_sha256, seed, command_line, hardware_profile, price_usd_per_gpu_hour, "
    "n_priced_devices, provenance, started_at_ms, model_id, state) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'interrupted')";
constexpr int kRunColumns = 10;  // of kRunFacts; those of the model follow
constexpr std::string_view kFindModel =
    "SELECT model_id FROM models WHERE name = ?1 AND reference = ?2 AND weights_sha256 = ?3 AND tokenizer_sha256 = ?4 "
    "AND details = ?5";
constexpr std::string_view kInsertModel =
    "INSERT INTO models (name, reference, weights_sha256, tokenizer_sha256, details) VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr std::string_view kInsertTag = "INSERT INTO run_tags (tag, value, run_key) VALUES (?1, ?2, ?3)";
constexpr std::string_view kInsertMeasurement =
    "INSERT INTO measurements (name, metric, value, stddev, n, details, run_key) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr std::string_view kInsertSuite =
    "INSERT INTO run_suites (suite, version, kind, sha256, samples, sampling, n_items, is_protected, run_key) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr std::string_view kInsertItem =
    "INSERT INTO items (item, tag, prompt_sha256, prompt, expected, run_suite_id) "
    "SELECT ?2, ?3, ?4, ?5, ?6, run_suite_id FROM run_suites WHERE run_key = ?7 AND suite = ?1";
// Both databases number the items of a run in the same order.
constexpr std::string_view kItemKeys =
    "SELECT i.item_key FROM run_suites rs JOIN items i ON i.run_suite_id = rs.run_suite_id WHERE rs.run_key = ?1 "
    "ORDER BY rs.run_suite_id, i.item_key";
constexpr std::string_view kSuiteKeys = "SELECT run_suite_id FROM run_suites WHERE run_key = ?1 ORDER BY run_suite_id";

// A segment is known by when and where it began.
constexpr std::string_view kSegments =
    "SELECT s.segment_id, s.wall_ms, s.ended_at_ms, s.prefill_device_ms, s.decode_device_ms, s.device_idle_ms, "
    "s.started_at_ms, e.device_kind, e.device_name, e.hostname, e.cpu_model, e.n_cores, e.memory_bytes, e.os, "
    "e.kernel, e.gpu_name, e.n_gpus, e.gpu_driver, e.cuda_version, e.gpu_clock_mhz, e.gpu_power_limit_watts, "
    "e.build_version, e.build_git_commit, e.compiler, e.compiler_flags, e.details "
    "FROM run_segments s JOIN environments e ON e.environment_id = s.environment_id WHERE s.run_key = ?1 "
    "ORDER BY s.segment_id";
constexpr int kSegmentEnd = 2, kSegmentIdentity = 6, kEnvironment = 7;  // columns of kSegments from which on…
constexpr std::string_view kInsertEnvironment =
    "INSERT INTO environments (device_kind, device_name, hostname, cpu_model, n_cores, memory_bytes, os, kernel, "
    "gpu_name, n_gpus, gpu_driver, cuda_version, gpu_clock_mhz, gpu_power_limit_watts, build_version, "
    "build_git_commit, compiler, compiler_flags, details) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
constexpr std::string_view kInsertSegment =
    "INSERT INTO run_segments (wall_ms, ended_at_ms, prefill_device_ms, decode_device_ms, device_idle_ms, "
    "started_at_ms, run_key, environment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
constexpr std::string_view kGrowSegment =
    "UPDATE run_segments SET wall_ms = ?1, ended_at_ms = ?2, prefill_device_ms = ?3, decode_device_ms = ?4, "
    "device_idle_ms = ?5 WHERE segment_id = ?6";
constexpr std::string_view kGpuSamples =
    "SELECT gpu, at_ms, sm_clock_mhz, memory_clock_mhz, power_watts, temperature_c, throttle_reasons, "
    "total_energy_joules FROM gpu_samples WHERE segment_id = ?1 ORDER BY gpu_sample_id";
constexpr std::string_view kInsertGpuSample =
    "INSERT INTO gpu_samples (gpu, at_ms, sm_clock_mhz, memory_clock_mhz, power_watts, temperature_c, "
    "throttle_reasons, total_energy_joules, segment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

constexpr std::string_view kSampleContent =
    "s.sample, s.stored_at_ms, s.rendered_prompt_sha256, s.n_prompt_tokens, s.n_cached_prompt_tokens, "
    "s.n_output_tokens, s.finish_reason, s.n_drafted_tokens, s.n_accepted_tokens, s.queued_ms, s.started_ms, "
    "s.first_token_ms, s.finished_ms, s.ttft_ms, s.e2e_ms, s.itl_ms_mean, s.prefill_device_ms, s.decode_device_ms, "
    "s.failure, s.prefill, s.text, s.tokens ";
constexpr std::string_view kInsertSample =
    "INSERT INTO samples (sample, stored_at_ms, rendered_prompt_sha256, n_prompt_tokens, n_cached_prompt_tokens, "
    "n_output_tokens, finish_reason, n_drafted_tokens, n_accepted_tokens, queued_ms, started_ms, first_token_ms, "
    "finished_ms, ttft_ms, e2e_ms, itl_ms_mean, prefill_device_ms, decode_device_ms, failure, prefill, text, tokens, "
    "item_key, segment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
    "?19, ?20, ?21, ?22, ?23, ?24)";

// A grading is known by suite, grader and when it began.
constexpr std::string_view kGradings =
    "SELECT grading_id, grader_profile, grader_version, started_at_ms FROM gradings WHERE run_suite_id = ?1 "
    "ORDER BY grading_id";
constexpr std::string_view kInsertGrading =
    "INSERT INTO gradings (grader_profile, grader_version, started_at_ms, run_suite_id) VALUES (?1, ?2, ?3, ?4)";
constexpr std::string_view kVerdicts =
    "SELECT sample_key, verdict, answer, expected, score, rule, detail, sandboxed, graded_at_ms FROM verdicts "
    "WHERE grading_id = ?1 ORDER BY verdict_id";
constexpr std::string_view kFindVerdict =
    "SELECT verdict, answer, expected, score, rule, detail, sandboxed, graded_at_ms FROM verdicts "
    "WHERE sample_key = ?1 AND grading_id = ?2";
constexpr std::string_view kInsertVerdict =
    "INSERT INTO verdicts (verdict, answer, expected, score, rule, detail, sandboxed, graded_at_ms, sample_key, "
    "grading_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
constexpr std::string_view kCountAgain =
    "UPDATE gradings SET (n_correct, n_incorrect, n_no_answer, n_truncated, n_errors) = "
    "(SELECT c.n_correct, c.n_incorrect, c.n_no_answer, c.n_truncated, c.n_errors FROM counted_verdicts c "
    "WHERE c.grading_id = ?1) WHERE grading_id = ?1";
/// Suites with a sample that the first grading, which every sample has, does not cover.
constexpr std::string_view kUngraded =
    "SELECT rs.suite FROM run_suites rs WHERE rs.run_key = ?1 AND "
    "(SELECT count(*) FROM items i JOIN samples s ON s.item_key = i.item_key WHERE i.run_suite_id = rs.run_suite_id) "
    "<> coalesce((SELECT g.n_verdicts FROM gradings g WHERE g.run_suite_id = rs.run_suite_id "
    "ORDER BY g.grading_id LIMIT 1), -1)";
constexpr std::string_view kMissing =
    "SELECT (SELECT coalesce(sum(samples * n_items), 0) FROM run_suites WHERE run_key = ?1) - "
    "(SELECT count(*) FROM run_suites rs JOIN items i ON i.run_suite_id = rs.run_suite_id "
    "JOIN samples s ON s.item_key = i.item_key WHERE rs.run_key = ?1)";
constexpr std::string_view kFinish = "UPDATE runs SET state = 'finished', finished_at_ms = ?2 WHERE run_key = ?1";

/// The rest of `row` from `first` on.
Row tail(const Row& row, int first) { return Row(row.begin() + first, row.end()); }

/// All rows of `sql` for `key`.
Result<std::vector<Row>> rows_of(const Database& database, std::string_view sql, std::int64_t key) {
  std::vector<Row> rows;
  ASSAY_ASSIGN(auto row, database.prepare(sql));
  row.bind(1, key);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    rows.push_back(row.values());
    return {};
  }));
  return rows;
}

Result<std::int64_t> insert_row(const Database& database, Statement& insert, const Row& values,
                                std::initializer_list<std::int64_t> keys) {
  int parameter = 0;
  for (const SqlValue& value : values) insert.bind_value(++parameter, value);
  for (const std::int64_t key : keys) insert.bind(++parameter, key);
  ASSAY_TRY(insert.run());
  return database.last_insert_rowid();
}

Result<std::int64_t> insert_row(const Database& database, std::string_view sql, const Row& values,
                                std::initializer_list<std::int64_t> keys) {
  ASSAY_ASSIGN(auto insert, database.prepare(sql));
  return insert_row(database, insert, values, keys);
}

/// One run of one file on its way into the target.
class RunMerge {
 public:
  RunMerge(const Database& file, const Database& target, std::string run_id, std::int64_t file_run, MergedFile& merged)
      : file_(file), target_(target), run_id_(std::move(run_id)), file_run_(file_run), merged_(merged) {}

  /// `state` and `finished_at_ms` as the file has them. `tick` is called once a sample.
  Result<> merge(const SqlValue& state, const SqlValue& finished_at_ms, RunLocks& locks,
                 const std::function<Result<>()>& tick);

 private:
  Error conflict(const std::string& what) const {
    return bad_input(file_.path().string(), ": run ", run_id_, " differs from the one in ", target_.path().string(),
                     ": ", what, "; nothing was merged");
  }
  Result<> find_target(RunLocks& locks);
  Result<> insert_facts();
  Result<> check_facts() const;
  Result<Keys> pair_keys(std::string_view sql) const;
  Result<> merge_segments();
  Result<> merge_gpu_samples(std::int64_t file_segment, std::int64_t target_segment);
  Result<> merge_samples(const std::function<Result<>()>& tick);
  Result<> merge_gradings();
  Result<> merge_verdicts(std::int64_t file_grading, std::int64_t target_grading);
  Result<> check_and_finish(const SqlValue& state, const SqlValue& finished_at_ms);

  const Database& file_;
  const Database& target_;
  const std::string run_id_;
  const std::int64_t file_run_;
  MergedFile& merged_;
  std::int64_t target_run_ = 0;
  bool is_new_ = false;
  bool has_grown_ = false;
  SqlValue target_state_, target_finished_at_ms_;
  Keys segments_, samples_;
};

Result<> RunMerge::merge(const SqlValue& state, const SqlValue& finished_at_ms, RunLocks& locks,
                         const std::function<Result<>()>& tick) {
  ASSAY_TRY(find_target(locks));
  ASSAY_TRY(is_new_ ? insert_facts() : check_facts());
  ASSAY_TRY(merge_segments());
  ASSAY_TRY(merge_samples(tick));
  ASSAY_TRY(merge_gradings());
  ASSAY_TRY(check_and_finish(state, finished_at_ms));
  ++(is_new_ ? merged_.n_runs_new : has_grown_ ? merged_.n_runs_grown : merged_.n_runs_unchanged);
  return {};
}

Result<> RunMerge::find_target(RunLocks& locks) {
  ASSAY_ASSIGN(auto found, target_.prepare(kFindRun));
  ASSAY_ASSIGN(const bool exists, found.bind(1, run_id_).step());
  is_new_ = !exists;
  if (is_new_) return {};
  target_run_ = found.integer(0);
  target_state_ = found.value(1);
  target_finished_at_ms_ = found.value(2);
  if (target_state_ == SqlValue("finished") || locks.contains(target_run_)) return {};
  ASSAY_ASSIGN(auto lock, RunLock::try_acquire(target_.path(), target_run_));
  if (!lock) {
    return environment_error(target_.path().string(), ": run ", run_id_,
                             " is being written by another process; wait for it");
  }
  locks.emplace(target_run_, std::move(*lock));
  return {};
}

Result<> RunMerge::insert_facts() {
  ASSAY_ASSIGN(const auto run, rows_of(file_, kRunFacts, file_run_));
  if (run.size() != 1) return bad_input(file_.path().string(), ": run ", run_id_, " has no model");
  const Row model = tail(run[0], kRunColumns);
  std::int64_t model_id = 0;
  {
    ASSAY_ASSIGN(auto find, target_.prepare(kFindModel));
    for (std::size_t i = 0; i < model.size(); ++i) find.bind_value(static_cast<int>(i) + 1, model[i]);
    ASSAY_ASSIGN(const bool found, find.step());
    if (found) model_id = find.integer(0);
  }
  if (model_id == 0) {
    ASSAY_ASSIGN(model_id, insert_row(target_, kInsertModel, model, {}));
  }
  ASSAY_ASSIGN(target_run_,
               insert_row(target_, kInsertRun, Row(run[0].begin(), run[0].begin() + kRunColumns), {model_id}));
  for (const auto& [select, insert] : {std::pair(kTags, kInsertTag), std::pair(kMeasurements, kInsertMeasurement),
                                       std::pair(kSuites, kInsertSuite), std::pair(kItems, kInsertItem)}) {
    ASSAY_ASSIGN(auto row, file_.prepare(select));
    ASSAY_ASSIGN(auto into, target_.prepare(insert));
    row.bind(1, file_run_);
    const Result<> copied = for_each_row(row, [&]() -> Result<> {
      ASSAY_TRY(insert_row(target_, into, row.values(), {target_run_}));
      return {};
    });
    ASSAY_TRY(copied);
  }
  return {};
}

Result<> RunMerge::check_facts() const {
  for (const auto& [what, sql] : {std::pair("its name, model, seed or other facts", kRunFacts),
                                  std::pair("its tags", kTags), std::pair("its measurements", kMeasurements),
                                  std::pair("its suites", kSuites), std::pair("its items", kItems)}) {
    ASSAY_ASSIGN(auto theirs, file_.prepare(sql));
    ASSAY_ASSIGN(auto ours, target_.prepare(sql));
    theirs.bind(1, file_run_);
    ours.bind(1, target_run_);
    while (true) {
      ASSAY_ASSIGN(const bool has_theirs, theirs.step());
      ASSAY_ASSIGN(const bool has_ours, ours.step());
      if (has_theirs != has_ours || (has_ours && theirs.values() != ours.values())) return conflict(what);
      if (!has_ours) break;
    }
  }
  return {};
}

/// The keys of the same rows in both databases; what `sql` gives is equal in number and order.
Result<Keys> RunMerge::pair_keys(std::string_view sql) const {
  ASSAY_ASSIGN(const auto theirs, rows_of(file_, sql, file_run_));
  ASSAY_ASSIGN(const auto ours, rows_of(target_, sql, target_run_));
  if (theirs.size() != ours.size()) return conflict("its items");
  Keys keys;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    keys[std::get<std::int64_t>(theirs[i][0])] = std::get<std::int64_t>(ours[i][0]);
  }
  return keys;
}

Result<> RunMerge::merge_segments() {
  ASSAY_ASSIGN(const auto theirs, rows_of(file_, kSegments, file_run_));
  ASSAY_ASSIGN(auto ours, rows_of(target_, kSegments, target_run_));
  for (const Row& segment : theirs) {
    std::int64_t key = 0;
    for (auto at = ours.begin(); at != ours.end(); ++at) {
      if (tail(*at, kSegmentIdentity) != tail(segment, kSegmentIdentity)) continue;
      key = std::get<std::int64_t>((*at)[0]);
      Row grown = Row(at->begin() + 1, at->begin() + kSegmentIdentity);
      if (grown[0] < segment[1]) grown[0] = segment[1];
      for (std::size_t i = kSegmentEnd; i < kSegmentIdentity; ++i) {
        SqlValue& value = grown[i - 1];
        if (value == SqlValue()) value = segment[i];
        if (segment[i] != SqlValue() && segment[i] != value) return conflict("how one of its segments ended");
      }
      if (grown != Row(at->begin() + 1, at->begin() + kSegmentIdentity)) {
        has_grown_ = true;
        ASSAY_TRY(insert_row(target_, kGrowSegment, grown, {key}));
      }
      ours.erase(at);
      break;
    }
    if (key == 0) {
      has_grown_ = true;
      ASSAY_ASSIGN(const std::int64_t environment,
                   insert_row(target_, kInsertEnvironment, tail(segment, kEnvironment), {}));
      ASSAY_ASSIGN(key, insert_row(target_, kInsertSegment, Row(segment.begin() + 1, segment.begin() + kEnvironment),
                                   {target_run_, environment}));
    }
    const std::int64_t file_segment = std::get<std::int64_t>(segment[0]);
    segments_[file_segment] = key;
    ASSAY_TRY(merge_gpu_samples(file_segment, key));
  }
  return {};
}

Result<> RunMerge::merge_gpu_samples(std::int64_t file_segment, std::int64_t target_segment) {
  std::map<Row, Row> ours;  // (gpu, at_ms) → the rest
  ASSAY_ASSIGN(const auto stored, rows_of(target_, kGpuSamples, target_segment));
  for (const Row& row : stored) ours[{row[0], row[1]}] = tail(row, 2);
  ASSAY_ASSIGN(auto row, file_.prepare(kGpuSamples));
  ASSAY_ASSIGN(auto insert, target_.prepare(kInsertGpuSample));
  row.bind(1, file_segment);
  return for_each_row(row, [&]() -> Result<> {
    const Row sample = row.values();
    const auto at = ours.find({sample[0], sample[1]});
    if (at != ours.end() && at->second != tail(sample, 2)) return conflict("a sample of its GPU");
    if (at != ours.end()) return {};
    has_grown_ = true;
    ++merged_.n_gpu_samples_added;
    ASSAY_TRY(insert_row(target_, insert, sample, {target_segment}));
    return {};
  });
}

Result<> RunMerge::merge_samples(const std::function<Result<>()>& tick) {
  ASSAY_ASSIGN(const Keys items, pair_keys(kItemKeys));
  const std::string from_item =
      "SELECT s.sample_key, s.segment_id, " + std::string(kSampleContent) + "FROM samples s WHERE s.item_key = ?1 ";
  ASSAY_ASSIGN(auto theirs, file_.prepare(from_item + "ORDER BY s.sample"));
  ASSAY_ASSIGN(auto ours, target_.prepare(from_item + "AND s.sample = ?2"));
  ASSAY_ASSIGN(auto insert, target_.prepare(kInsertSample));
  ASSAY_ASSIGN(const auto file_items, rows_of(file_, kItemKeys, file_run_));  // in plan order
  for (const Row& file_item : file_items) {
    const std::int64_t item_key = items.at(std::get<std::int64_t>(file_item[0]));
    theirs.reset();
    theirs.bind_value(1, file_item[0]);
    const Result<> merged = for_each_row(theirs, [&]() -> Result<> {
      ASSAY_TRY(tick());
      const std::int64_t file_sample = theirs.integer(0);
      const Row content = theirs.values(2);
      const auto segment = segments_.find(theirs.integer(1));
      if (segment == segments_.end()) {
        return bad_input(file_.path().string(), ": run ", run_id_, " has a sample of another run's segment");
      }
      ours.reset();
      ASSAY_ASSIGN(const bool exists, ours.bind(1, item_key).bind_value(2, content[0]).step());
      if (exists) {
        if (ours.values(2) != content) {
          return conflict("sample " + to_text(theirs.integer(2)) + " of one of its items is stored with other content");
        }
        samples_[file_sample] = ours.integer(0);
        return {};
      }
      has_grown_ = true;
      ++merged_.n_samples_added;
      ASSAY_ASSIGN(samples_[file_sample], insert_row(target_, insert, content, {item_key, segment->second}));
      return {};
    });
    ASSAY_TRY(merged);
  }
  return {};
}

Result<> RunMerge::merge_gradings() {
  ASSAY_ASSIGN(const auto theirs_of, rows_of(file_, kSuiteKeys, file_run_));
  ASSAY_ASSIGN(const auto ours_of, rows_of(target_, kSuiteKeys, target_run_));
  for (std::size_t s = 0; s < theirs_of.size(); ++s) {
    const std::int64_t target_suite = std::get<std::int64_t>(ours_of[s][0]);
    ASSAY_ASSIGN(const auto theirs, rows_of(file_, kGradings, std::get<std::int64_t>(theirs_of[s][0])));
    ASSAY_ASSIGN(const auto ours, rows_of(target_, kGradings, target_suite));
    for (const Row& grading : theirs) {
      std::int64_t key = 0;
      for (const Row& stored : ours) {
        if (tail(stored, 1) == tail(grading, 1)) key = std::get<std::int64_t>(stored[0]);
      }
      if (key == 0) {
        has_grown_ = true;
        ++merged_.n_gradings_added;
        ASSAY_ASSIGN(key, insert_row(target_, kInsertGrading, tail(grading, 1), {target_suite}));
      }
      ASSAY_TRY(merge_verdicts(std::get<std::int64_t>(grading[0]), key));
    }
  }
  return {};
}

Result<> RunMerge::merge_verdicts(std::int64_t file_grading, std::int64_t target_grading) {
  ASSAY_ASSIGN(auto theirs, file_.prepare(kVerdicts));
  ASSAY_ASSIGN(auto ours, target_.prepare(kFindVerdict));
  ASSAY_ASSIGN(auto insert, target_.prepare(kInsertVerdict));
  theirs.bind(1, file_grading);
  const Result<> merged = for_each_row(theirs, [&]() -> Result<> {
    const auto sample = samples_.find(theirs.integer(0));
    if (sample == samples_.end()) {
      return bad_input(file_.path().string(), ": run ", run_id_, " has a verdict on another run's sample");
    }
    const Row verdict = theirs.values(1);
    ours.reset();
    ASSAY_ASSIGN(const bool exists, ours.bind(1, sample->second).bind(2, target_grading).step());
    if (exists && ours.values() != verdict) return conflict("a verdict on one of its samples");
    if (exists) return {};
    has_grown_ = true;
    ASSAY_TRY(insert_row(target_, insert, verdict, {sample->second, target_grading}));
    return {};
  });
  ASSAY_TRY(merged);
  ASSAY_ASSIGN(auto count, target_.prepare(kCountAgain));
  return count.bind(1, target_grading).run();
}

Result<> RunMerge::check_and_finish(const SqlValue& state, const SqlValue& finished_at_ms) {
  {
    ASSAY_ASSIGN(auto ungraded, target_.prepare(kUngraded));
    ASSAY_ASSIGN(const bool found, ungraded.bind(1, target_run_).step());
    if (found) {
      return bad_input(file_.path().string(), ": run ", run_id_, ": suite ", quoted_excerpt(ungraded.text(0)),
                       " has samples without a verdict; nothing was merged");
    }
  }
  if (state != SqlValue("finished")) return {};
  if (target_state_ == SqlValue("finished")) {
    return finished_at_ms == target_finished_at_ms_ ? Result<>() : conflict("when it was finished");
  }
  ASSAY_ASSIGN(const auto missing, rows_of(target_, kMissing, target_run_));
  if (missing[0][0] != SqlValue(std::int64_t{0})) {
    return bad_input(file_.path().string(), ": run ", run_id_,
                     " says that it is finished, but has not all samples of its plan; nothing was merged");
  }
  has_grown_ = true;
  ASSAY_ASSIGN(auto finish, target_.prepare(kFinish));
  return finish.bind(1, target_run_).bind_value(2, finished_at_ms).run();
}

Result<> check_not_same(const std::filesystem::path& into, const std::filesystem::path& file) {
  std::error_code missing;
  if (!std::filesystem::equivalent(into, file, missing) || missing) return {};
  return bad_input(file.string(), ": is the database to merge into; name the others alone");
}

}  // namespace

Result<std::vector<MergedFile>> merge_databases(const std::filesystem::path& into,
                                                std::span<const std::filesystem::path> from,
                                                const MergeProgress& progress) {
  // Every file is looked at before the target is made or touched.
  std::vector<std::unique_ptr<Database>> files;
  std::int64_t n_total = 0;
  for (const std::filesystem::path& path : from) {
    ASSAY_TRY(check_not_same(into, path));
    ASSAY_ASSIGN(auto file, open_for_reading(path));
    ASSAY_ASSIGN(const std::int64_t n_samples, file->query_integer("SELECT count(*) FROM samples"));
    n_total += n_samples;
    files.push_back(std::move(file));
  }
  ASSAY_ASSIGN(const auto target, open_for_writing(into));
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*target, Transaction::Kind::write));
  RunLocks locks;
  std::vector<MergedFile> merged;
  std::int64_t n_done = 0;
  const auto tick = [&]() -> Result<> {
    return ++n_done % kRowsBetweenProgress == 0 ? progress(n_done, n_total) : Result<>();
  };
  for (const auto& file : files) {
    MergedFile& counts = merged.emplace_back();
    counts.file = file->path();
    ASSAY_ASSIGN(auto snapshot, Transaction::begin(*file, Transaction::Kind::read));
    ASSAY_ASSIGN(auto run, file->prepare(kRunsOfFile));
    ASSAY_TRY(for_each_row(run, [&]() -> Result<> {
      return RunMerge(*file, *target, run.text(1), run.integer(0), counts)
          .merge(run.value(2), run.value(3), locks, tick);
    }));
  }
  ASSAY_TRY(progress(n_done, n_total));
  ASSAY_TRY(transaction.commit());
  return merged;
}

}  // namespace assay::results
