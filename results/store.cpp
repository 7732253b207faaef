// Opening and reading. Writing is in run_writer.cpp.
#include "results/store.h"

#include <algorithm>

#include "harness/base/text.h"
#include "results/gpu_rows.h"
#include "results/run_reader.h"
#include "results/schema.h"

namespace assay::results {

namespace {

constexpr std::string_view kLatestRun = "SELECT run_id FROM runs ORDER BY started_at_ms DESC, run_key DESC LIMIT 1";
constexpr std::string_view kRunOfId = "SELECT run_id FROM runs WHERE run_id = ?1";
constexpr std::string_view kRunOfName =
    "SELECT run_id FROM runs WHERE name = ?1 ORDER BY started_at_ms DESC, run_key DESC LIMIT 1";
constexpr std::string_view kRunsOfPrefix =
    "SELECT run_id FROM runs WHERE substr(run_id, 1, length(?1)) = ?1 ORDER BY run_id LIMIT 5";
constexpr std::string_view kResumable =
    "SELECT run_id FROM runs WHERE identity_sha256 = ?1 AND state <> 'finished' "
    "ORDER BY started_at_ms DESC, run_key DESC LIMIT 1";
constexpr std::string_view kRunIds = "SELECT run_id FROM runs ORDER BY started_at_ms DESC, run_key DESC";
constexpr std::string_view kReadItems =
    "SELECT i.item, i.tag, i.prompt_sha256, i.prompt, i.expected FROM runs r "
    "JOIN run_suites rs ON rs.run_key = r.run_key JOIN items i ON i.run_suite_id = rs.run_suite_id "
    "WHERE r.run_id = ?1 AND rs.suite = ?2 ORDER BY i.item_key";
constexpr std::string_view kReadItem =
    "SELECT i.item, i.tag, i.prompt_sha256, i.prompt, i.expected FROM runs r "
    "JOIN run_suites rs ON rs.run_key = r.run_key JOIN items i ON i.run_suite_id = rs.run_suite_id "
    "WHERE r.run_id = ?1 AND rs.suite = ?2 AND i.item = ?3";
constexpr std::string_view kKeyOfRun = "SELECT run_key FROM runs WHERE run_id = ?1";
constexpr std::string_view kReadMeasurements =
    "SELECT m.name, m.metric, m.value, m.stddev, m.n, m.details FROM runs r JOIN measurements m ON m.run_key = "
    "r.run_key "
    "WHERE r.run_id = ?1 ORDER BY m.measurement_id";
constexpr std::string_view kStoredSamples =
    "SELECT rs.suite, i.item, s.sample FROM runs r JOIN run_suites rs ON rs.run_key = r.run_key "
    "JOIN items i ON i.run_suite_id = rs.run_suite_id JOIN samples s ON s.item_key = i.item_key WHERE r.run_id = ?1";
constexpr std::string_view kSuitesOfRun =
    "SELECT rs.run_suite_id, rs.suite, c.grading_id FROM runs r JOIN run_suites rs ON rs.run_key = r.run_key "
    "JOIN current_gradings c ON c.run_suite_id = rs.run_suite_id "
    "WHERE r.run_id = ?1 AND (?2 = '' OR rs.suite = ?2) ORDER BY rs.run_suite_id";
// Followed by the transcript's columns or by their empty stand-ins, then by kSamplesFrom.
constexpr std::string_view kSampleColumns =
    "SELECT i.item, i.tag, s.sample, s.rendered_prompt_sha256, s.n_prompt_tokens, s.n_cached_prompt_tokens, "
    "s.n_output_tokens, s.finish_reason, s.n_drafted_tokens, s.n_accepted_tokens, s.queued_ms, s.started_ms, "
    "s.first_token_ms, s.finished_ms, s.ttft_ms, s.e2e_ms, s.itl_ms_mean, s.prefill_device_ms, s.decode_device_ms, "
    "s.failure, v.verdict, v.answer, v.expected, v.score, v.rule, v.detail, v.sandboxed, v.graded_at_ms, ";
constexpr std::string_view kTranscriptColumns = "s.prefill, s.text, s.tokens";
constexpr std::string_view kNoTranscriptColumns = "'', '', x''";
constexpr std::string_view kSamplesFrom =
    ", s.segment_id FROM items i JOIN samples s ON s.item_key = i.item_key "
    "JOIN verdicts v ON v.sample_key = s.sample_key AND v.grading_id = ?2 "
    "WHERE i.run_suite_id = ?1 ORDER BY i.item_key, s.sample";

constexpr std::string_view kOneSampleFrom =
    ", s.segment_id FROM items i JOIN samples s ON s.item_key = i.item_key "
    "JOIN verdicts v ON v.sample_key = s.sample_key AND v.grading_id = ?2 "
    "WHERE i.run_suite_id = ?1 AND i.item = ?3 AND s.sample = ?4";

std::vector<std::int32_t> to_tokens(std::span<const std::byte> bytes) {
  std::vector<std::int32_t> tokens(bytes.size() / 4);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::uint32_t bits = 0;
    for (std::size_t j = 4; j-- > 0;) bits = bits << 8 | std::to_integer<std::uint32_t>(bytes[4 * i + j]);
    tokens[i] = static_cast<std::int32_t>(bits);
  }
  return tokens;
}

/// A run's segments: row id to place.
using SegmentPlaces = std::map<std::int64_t, std::size_t>;

Result<SegmentPlaces> segment_places(const Database& database, const RunId& run) {
  SegmentPlaces places;
  ASSAY_ASSIGN(auto segment, database.prepare(kSegmentsOfRun));
  segment.bind(1, run.value);
  ASSAY_TRY(for_each_row(segment, [&]() -> Result<> {
    places.emplace(segment.integer(0), places.size());
    return {};
  }));
  return places;
}

Result<SampleRecord> sample_of(const Statement& row, std::string_view suite, const SegmentPlaces& segments,
                               const std::string& where) {
  SampleRecord record;
  SampleFacts& sample = record.sample;
  sample.key = {std::string(suite), ItemId(row.text(0)), row.integer(2)};
  record.item_tag = row.text(1);
  sample.rendered_prompt_sha256 = row.text(3);
  sample.n_prompt_tokens = row.optional_integer(4);
  sample.n_cached_prompt_tokens = row.optional_integer(5);
  sample.n_output_tokens = row.optional_integer(6);
  sample.finish_reason = row.optional_text(7);
  sample.n_drafted_tokens = row.integer(8);
  sample.n_accepted_tokens = row.integer(9);
  sample.queued_ms = row.optional_real(10);
  sample.started_ms = row.optional_real(11);
  sample.first_token_ms = row.optional_real(12);
  sample.finished_ms = row.optional_real(13);
  sample.ttft_ms = row.optional_real(14);
  sample.e2e_ms = row.optional_real(15);
  sample.itl_ms_mean = row.optional_real(16);
  sample.prefill_device_ms = row.optional_real(17);
  sample.decode_device_ms = row.optional_real(18);
  sample.failure = row.optional_text(19);
  VerdictFacts& verdict = record.verdict;
  ASSAY_ASSIGN(verdict.verdict, parse_verdict(row.text(20)));
  verdict.answer = row.optional_text(21);
  verdict.expected = row.optional_text(22);
  verdict.score = row.real(23);
  verdict.rule = row.text(24);
  ASSAY_ASSIGN(verdict.detail, parse_json(row.text(25), where + ": verdicts.detail"));
  verdict.sandboxed = row.integer(26) != 0;
  verdict.graded_at_ms = row.integer(27);
  sample.prefill = row.text(28);
  sample.text = row.text(29);
  sample.tokens = to_tokens(row.blob(30));
  const auto segment = segments.find(row.integer(31));
  if (segment == segments.end()) return bad_input(where, ": a sample belongs to a segment of another run");
  record.segment = segment->second;
  return record;
}

/// The run_id of the first row of `sql` with `word` bound, if there is one.
Result<std::optional<RunId>> first_run(const Database& database, std::string_view sql, std::string_view word) {
  ASSAY_ASSIGN(auto row, database.prepare(sql));
  ASSAY_ASSIGN(const bool found, row.bind(1, word).step());
  return found ? std::optional(RunId(row.text(0))) : std::nullopt;
}

}  // namespace

RunState current_state(const RunRecord& run) {
  return run.state == RunState::running && !run.is_active ? RunState::interrupted : run.state;
}

Store::Store(std::filesystem::path path, std::unique_ptr<Database> database)
    : path_(std::move(path)), database_(std::move(database)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open_or_create(const std::filesystem::path& path) {
  ASSAY_ASSIGN(auto database, open_for_writing(path));
  return Store(path, std::move(database));
}

Result<Store> Store::open_read_only(const std::filesystem::path& path) {
  ASSAY_ASSIGN(auto database, open_for_reading(path));
  return Store(path, std::move(database));
}

const std::filesystem::path& Store::path() const { return path_; }

Result<std::optional<RunId>> Store::find_resumable(std::string_view identity_sha256) const {
  return first_run(*database_, kResumable, identity_sha256);
}

void Store::interrupt() const { database_->interrupt(); }

Result<> Store::in_snapshot(const std::function<Result<>()>& read) const {
  if (database_->in_transaction()) return read();
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*database_, Transaction::Kind::read));
  ASSAY_TRY(read());
  return transaction.commit();
}

Result<> Store::as_one_write(const std::function<Result<>()>& write) {
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*database_, Transaction::Kind::write));
  ASSAY_TRY(write());
  return transaction.commit();
}

Result<RunId> Store::find_run(std::string_view words) const {
  const auto nothing = [&](const std::string& what) { return bad_input(path_.string(), ": ", what); };
  if (words.empty()) return nothing("a run is an id, a prefix of one, a name, or \"latest\"; got an empty text");
  if (words == "latest") {
    ASSAY_ASSIGN(auto row, database_->prepare(kLatestRun));
    ASSAY_ASSIGN(const bool found, row.step());
    if (!found) return nothing("there are no runs");
    return RunId(row.text(0));
  }
  for (const std::string_view sql : {kRunOfId, kRunOfName}) {
    ASSAY_ASSIGN(const auto run, first_run(*database_, sql, words));
    if (run) return *run;
  }
  std::vector<std::string> candidates;
  ASSAY_ASSIGN(auto row, database_->prepare(kRunsOfPrefix));
  row.bind(1, words);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    candidates.push_back(row.text(0));
    return {};
  }));
  const std::string quoted = quoted_excerpt(words);
  if (candidates.empty()) return nothing("no run has the id, prefix or name " + quoted + "; `assay runs` lists them");
  if (candidates.size() > 1) return nothing(quoted + " begins several run ids: " + join(candidates, ", "));
  return RunId(candidates.front());
}

Result<bool> Store::has_run(const RunId& run) const {
  ASSAY_ASSIGN(const auto found, first_run(*database_, kRunOfId, run.value));
  return found.has_value();
}

Result<std::vector<RunRecord>> Store::list_runs() const {
  std::vector<RunRecord> runs;
  ASSAY_TRY(in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(RunReader reader, RunReader::open(*database_));
    ASSAY_ASSIGN(auto row, database_->prepare(kRunIds));
    return for_each_row(row, [&]() -> Result<> {
      ASSAY_ASSIGN(auto run, reader.read(RunId(row.text(0))));
      runs.push_back(std::move(run));
      return {};
    });
  }));
  return runs;
}

Result<RunRecord> Store::read_run(const RunId& run) const {
  RunRecord record;
  ASSAY_TRY(in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(RunReader reader, RunReader::open(*database_));
    ASSAY_ASSIGN(record, reader.read(run));
    return {};
  }));
  return record;
}

Result<std::vector<Measurement>> Store::read_measurements(const RunId& run) const {
  std::vector<Measurement> measurements;
  ASSAY_ASSIGN(auto row, database_->prepare(kReadMeasurements));
  row.bind(1, run.value);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    ASSAY_ASSIGN(Json details, parse_json(row.text(5), path_.string() + ": measurements.details"));
    measurements.push_back(
        {row.text(0), row.text(1), row.real(2), row.optional_real(3), row.optional_integer(4), std::move(details)});
    return {};
  }));
  return measurements;
}

Result<std::vector<BenchPoint>> Store::read_points(const RunId& run) const {
  ASSAY_ASSIGN(auto row, database_->prepare(kKeyOfRun));
  ASSAY_ASSIGN(const bool found, row.bind(1, run.value).step());
  if (!found) return std::vector<BenchPoint>();
  return read_point_rows(*database_, row.integer(0), path_.string());
}

Result<std::vector<ItemFacts>> Store::read_items(const RunId& run, std::string_view suite) const {
  std::vector<ItemFacts> items;
  ASSAY_ASSIGN(auto row, database_->prepare(kReadItems));
  row.bind(1, run.value).bind(2, suite);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    items.push_back({ItemId(row.text(0)), row.text(1), row.text(2), row.optional_text(3), row.optional_text(4)});
    return {};
  }));
  return items;
}

Result<std::optional<ItemFacts>> Store::read_item(const RunId& run, std::string_view suite, const ItemId& item) const {
  ASSAY_ASSIGN(auto row, database_->prepare(kReadItem));
  ASSAY_ASSIGN(const bool found, row.bind(1, run.value).bind(2, suite).bind(3, item.value).step());
  if (!found) return std::optional<ItemFacts>();
  return std::optional(
      ItemFacts{ItemId(row.text(0)), row.text(1), row.text(2), row.optional_text(3), row.optional_text(4)});
}

Result<std::optional<SampleRecord>> Store::read_sample(const RunId& run, const SampleKey& key) const {
  std::optional<SampleRecord> record;
  ASSAY_TRY(in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(const bool is_known, has_run(run));
    if (!is_known) return bad_input(path_.string(), ": there is no run ", run);
    ASSAY_ASSIGN(auto suite, database_->prepare(kSuitesOfRun));
    ASSAY_ASSIGN(const bool has_suite, suite.bind(1, run.value).bind(2, key.suite).step());
    if (!has_suite) return {};
    const std::string sql = std::string(kSampleColumns).append(kTranscriptColumns).append(kOneSampleFrom);
    ASSAY_ASSIGN(auto row, database_->prepare(sql));
    row.bind(1, suite.integer(0)).bind(2, suite.integer(2)).bind(3, key.item.value).bind(4, key.sample);
    ASSAY_ASSIGN(const bool found, row.step());
    if (!found) return {};
    ASSAY_ASSIGN(const SegmentPlaces segments, segment_places(*database_, run));
    ASSAY_ASSIGN(record, sample_of(row, key.suite, segments, path_.string()));
    return {};
  }));
  return record;
}

Result<std::vector<SampleKey>> Store::stored_samples(const RunId& run) const {
  std::vector<SampleKey> keys;
  ASSAY_ASSIGN(auto row, database_->prepare(kStoredSamples));
  row.bind(1, run.value);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    keys.push_back({row.text(0), ItemId(row.text(1)), row.integer(2)});
    return {};
  }));
  std::sort(keys.begin(), keys.end());
  return keys;
}

Result<> Store::for_each_sample(const RunId& run, std::string_view suite, SampleParts parts,
                                const std::function<Result<>(const SampleRecord&)>& use) const {
  const std::string sql = std::string(kSampleColumns)
                              .append(parts == SampleParts::transcripts ? kTranscriptColumns : kNoTranscriptColumns)
                              .append(kSamplesFrom);
  return in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(const SegmentPlaces segments, segment_places(*database_, run));
    ASSAY_ASSIGN(auto suites, database_->prepare(kSuitesOfRun));
    ASSAY_ASSIGN(auto row, database_->prepare(sql));
    suites.bind(1, run.value).bind(2, suite);
    return for_each_row(suites, [&]() -> Result<> {
      const std::string name = suites.text(1);
      row.bind(1, suites.integer(0)).bind(2, suites.integer(2));
      ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
        ASSAY_ASSIGN(const SampleRecord record, sample_of(row, name, segments, path_.string()));
        return use(record);
      }));
      row.reset();
      return {};
    });
  });
}

}  // namespace assay::results
