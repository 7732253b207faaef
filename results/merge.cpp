#include "results/merge.h"

#include <map>
#include <string>
#include <system_error>
#include <unordered_map>

#include "harness/base/text.h"
#include "results/merge_statements.h"
#include "results/run_lock.h"
#include "results/schema.h"

namespace assay::results {

namespace {

using Row = std::vector<SqlValue>;
using RunLocks = std::map<std::int64_t, RunLock>;             // by run_key in the target
using Keys = std::unordered_map<std::int64_t, std::int64_t>;  // a row's key in the file → its key in the target

constexpr std::int64_t kRowsBetweenProgress = 256;

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
  Result<> merge_points();
  Result<> merge_samples(const std::function<Result<>()>& tick);
  Result<> merge_gradings();
  Result<> merge_verdicts(std::int64_t file_grading, std::int64_t target_grading);
  Result<> check_and_finish(const SqlValue& state, const SqlValue& finished_at_ms);
  Result<> finish_if_complete();

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
  ASSAY_TRY(merge_points());
  ASSAY_TRY(merge_samples(tick));
  ASSAY_TRY(merge_gradings());
  ASSAY_TRY(check_and_finish(state, finished_at_ms));
  ++(is_new_ ? merged_.n_runs_new : has_grown_ ? merged_.n_runs_grown : merged_.n_runs_unchanged);
  return {};
}

Result<> RunMerge::find_target(RunLocks& locks) {
  ASSAY_ASSIGN(auto found, target_.prepare(merge_sql::kFindRun));
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
  ASSAY_ASSIGN(const auto run, rows_of(file_, merge_sql::kRunFacts, file_run_));
  if (run.size() != 1) return bad_input(file_.path().string(), ": run ", run_id_, " has no model");
  const Row model = tail(run[0], merge_sql::kRunColumns);
  std::int64_t model_id = 0;
  {
    ASSAY_ASSIGN(auto find, target_.prepare(merge_sql::kFindModel));
    for (std::size_t i = 0; i < model.size(); ++i) find.bind_value(static_cast<int>(i) + 1, model[i]);
    ASSAY_ASSIGN(const bool found, find.step());
    if (found) model_id = find.integer(0);
  }
  if (model_id == 0) {
    ASSAY_ASSIGN(model_id, insert_row(target_, merge_sql::kInsertModel, model, {}));
  }
  ASSAY_ASSIGN(target_run_, insert_row(target_, merge_sql::kInsertRun,
                                       Row(run[0].begin(), run[0].begin() + merge_sql::kRunColumns), {model_id}));
  for (const auto& [select, insert] :
       {std::pair(merge_sql::kTags, merge_sql::kInsertTag),
        std::pair(merge_sql::kMeasurements, merge_sql::kInsertMeasurement),
        std::pair(merge_sql::kSuites, merge_sql::kInsertSuite), std::pair(merge_sql::kItems, merge_sql::kInsertItem)}) {
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
  for (const auto& [what, sql] :
       {std::pair("its name, model, seed or other facts", merge_sql::kRunFacts),
        std::pair("its tags", merge_sql::kTags), std::pair("its measurements", merge_sql::kMeasurements),
        std::pair("its suites", merge_sql::kSuites), std::pair("its items", merge_sql::kItems)}) {
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
  ASSAY_ASSIGN(const auto theirs, rows_of(file_, merge_sql::kSegments, file_run_));
  ASSAY_ASSIGN(auto ours, rows_of(target_, merge_sql::kSegments, target_run_));
  for (const Row& segment : theirs) {
    std::int64_t key = 0;
    for (auto at = ours.begin(); at != ours.end(); ++at) {
      if (tail(*at, merge_sql::kSegmentIdentity) != tail(segment, merge_sql::kSegmentIdentity)) continue;
      key = std::get<std::int64_t>((*at)[0]);
      Row grown = Row(at->begin() + 1, at->begin() + merge_sql::kSegmentIdentity);
      if (grown[0] < segment[1]) grown[0] = segment[1];
      for (std::size_t i = merge_sql::kSegmentEnd; i < merge_sql::kSegmentIdentity; ++i) {
        SqlValue& value = grown[i - 1];
        if (value == SqlValue()) value = segment[i];
        if (segment[i] != SqlValue() && segment[i] != value) return conflict("how one of its segments ended");
      }
      if (grown != Row(at->begin() + 1, at->begin() + merge_sql::kSegmentIdentity)) {
        has_grown_ = true;
        ASSAY_TRY(insert_row(target_, merge_sql::kGrowSegment, grown, {key}));
      }
      ours.erase(at);
      break;
    }
    if (key == 0) {
      has_grown_ = true;
      ASSAY_ASSIGN(const std::int64_t environment,
                   insert_row(target_, merge_sql::kInsertEnvironment, tail(segment, merge_sql::kEnvironment), {}));
      ASSAY_ASSIGN(key, insert_row(target_, merge_sql::kInsertSegment,
                                   Row(segment.begin() + 1, segment.begin() + merge_sql::kEnvironment),
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
  ASSAY_ASSIGN(const auto stored, rows_of(target_, merge_sql::kGpuSamples, target_segment));
  for (const Row& row : stored) ours[{row[0], row[1]}] = tail(row, 2);
  ASSAY_ASSIGN(auto row, file_.prepare(merge_sql::kGpuSamples));
  ASSAY_ASSIGN(auto insert, target_.prepare(merge_sql::kInsertGpuSample));
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

Result<> RunMerge::merge_points() {
  const auto key_of = [](const Row& row) {
    return Row(row.begin() + merge_sql::kPointName, row.begin() + merge_sql::kPointKeyEnd);
  };
  std::map<Row, Row> ours;  // (name, arm, repeat) → all but the segment
  ASSAY_ASSIGN(const auto stored, rows_of(target_, merge_sql::kPoints, target_run_));
  for (const Row& row : stored) ours[key_of(row)] = tail(row, merge_sql::kPointName);
  ASSAY_ASSIGN(const auto theirs, rows_of(file_, merge_sql::kPoints, file_run_));
  for (const Row& point : theirs) {
    const auto segment = segments_.find(std::get<std::int64_t>(point[merge_sql::kPointSegment]));
    if (segment == segments_.end()) {
      return bad_input(file_.path().string(), ": run ", run_id_, " has a point of another run's segment");
    }
    const auto at = ours.find(key_of(point));
    if (at != ours.end() && at->second != tail(point, merge_sql::kPointName))
      return conflict("a point of its benchmark");
    if (at != ours.end()) continue;
    has_grown_ = true;
    ++merged_.n_points_added;
    ASSAY_TRY(insert_row(target_, merge_sql::kInsertPoint, tail(point, merge_sql::kPointName),
                         {target_run_, segment->second}));
  }
  return {};
}

Result<> RunMerge::merge_samples(const std::function<Result<>()>& tick) {
  ASSAY_ASSIGN(const Keys items, pair_keys(merge_sql::kItemKeys));
  const std::string from_item = "SELECT s.sample_key, s.segment_id, " + std::string(merge_sql::kSampleContent) +
                                "FROM samples s WHERE s.item_key = ?1 ";
  ASSAY_ASSIGN(auto theirs, file_.prepare(from_item + "ORDER BY s.sample"));
  ASSAY_ASSIGN(auto ours, target_.prepare(from_item + "AND s.sample = ?2"));
  ASSAY_ASSIGN(auto insert, target_.prepare(merge_sql::kInsertSample));
  ASSAY_ASSIGN(const auto file_items, rows_of(file_, merge_sql::kItemKeys, file_run_));  // in plan order
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
        if (ours.values(merge_sql::kSampleFacts) != theirs.values(merge_sql::kSampleFacts)) {
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
  ASSAY_ASSIGN(const auto theirs_of, rows_of(file_, merge_sql::kSuiteKeys, file_run_));
  ASSAY_ASSIGN(const auto ours_of, rows_of(target_, merge_sql::kSuiteKeys, target_run_));
  for (std::size_t s = 0; s < theirs_of.size(); ++s) {
    const std::int64_t target_suite = std::get<std::int64_t>(ours_of[s][0]);
    ASSAY_ASSIGN(const auto theirs, rows_of(file_, merge_sql::kGradings, std::get<std::int64_t>(theirs_of[s][0])));
    ASSAY_ASSIGN(const auto ours, rows_of(target_, merge_sql::kGradings, target_suite));
    for (const Row& grading : theirs) {
      std::int64_t key = 0;
      for (const Row& stored : ours) {
        if (tail(stored, 1) == tail(grading, 1)) key = std::get<std::int64_t>(stored[0]);
      }
      if (key == 0) {
        has_grown_ = true;
        ++merged_.n_gradings_added;
        ASSAY_ASSIGN(key, insert_row(target_, merge_sql::kInsertGrading, tail(grading, 1), {target_suite}));
      }
      ASSAY_TRY(merge_verdicts(std::get<std::int64_t>(grading[0]), key));
    }
  }
  return {};
}

Result<> RunMerge::merge_verdicts(std::int64_t file_grading, std::int64_t target_grading) {
  ASSAY_ASSIGN(auto theirs, file_.prepare(merge_sql::kVerdicts));
  ASSAY_ASSIGN(auto ours, target_.prepare(merge_sql::kFindVerdict));
  ASSAY_ASSIGN(auto insert, target_.prepare(merge_sql::kInsertVerdict));
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
  ASSAY_ASSIGN(auto count, target_.prepare(merge_sql::kCountAgain));
  return count.bind(1, target_grading).run();
}

Result<> RunMerge::check_and_finish(const SqlValue& state, const SqlValue& finished_at_ms) {
  {
    ASSAY_ASSIGN(auto ungraded, target_.prepare(merge_sql::kUngraded));
    ASSAY_ASSIGN(const bool found, ungraded.bind(1, target_run_).step());
    if (found) {
      return bad_input(file_.path().string(), ": run ", run_id_, ": suite ", quoted_excerpt(ungraded.text(0)),
                       " has samples without a verdict; nothing was merged");
    }
  }
  if (state != SqlValue("finished")) return finish_if_complete();
  if (target_state_ == SqlValue("finished")) {
    return finished_at_ms == target_finished_at_ms_ ? Result<>() : conflict("when it was finished");
  }
  ASSAY_ASSIGN(const auto missing, rows_of(target_, merge_sql::kMissing, target_run_));
  if (missing[0][0] != SqlValue(std::int64_t{0})) {
    return bad_input(file_.path().string(), ": run ", run_id_,
                     " says that it is finished, but has not all samples of its plan; nothing was merged");
  }
  has_grown_ = true;
  ASSAY_ASSIGN(auto finish, target_.prepare(merge_sql::kFinish));
  return finish.bind(1, target_run_).bind_value(2, finished_at_ms).run();
}

/// Parts of a run that ranks made: none of them is finished, together they are.
Result<> RunMerge::finish_if_complete() {
  if (target_state_ == SqlValue("finished")) return {};
  ASSAY_ASSIGN(const auto missing_here, rows_of(target_, merge_sql::kMissing, target_run_));
  ASSAY_ASSIGN(const auto missing_there, rows_of(file_, merge_sql::kMissing, file_run_));
  const SqlValue none(std::int64_t{0});
  if (missing_here[0][0] != none || missing_there[0][0] == none) return {};
  has_grown_ = true;
  ASSAY_ASSIGN(auto finish, target_.prepare(merge_sql::kFinishAtLastEnd));
  return finish.bind(1, target_run_).run();
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
    ASSAY_ASSIGN(auto run, file->prepare(merge_sql::kRunsOfFile));
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
