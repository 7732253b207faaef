// Opening and reading. Writing is in run_writer.cpp.
#include "results/store.h"

#include <algorithm>

#include "harness/base/text.h"
#include "results/run_lock.h"
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
constexpr std::string_view kReadRun =
    "SELECT r.run_key, r.run_id, r.name, r.identity_sha256, r.state, r.seed, r.command_line, r.hardware_profile, "
    "r.price_usd_per_gpu_hour, r.n_priced_devices, r.provenance, r.started_at_ms, r.finished_at_ms, "
    "m.name, m.reference, m.weights_sha256, m.tokenizer_sha256, m.details, w.wall_s "
    "FROM runs r JOIN models m ON m.model_id = r.model_id JOIN run_wall w ON w.run_key = r.run_key WHERE r.run_id = ?1";
constexpr std::string_view kReadTags = "SELECT tag, value FROM run_tags WHERE run_key = ?1 ORDER BY tag";
constexpr std::string_view kReadSegments =
    "SELECT s.started_at_ms, s.ended_at_ms, s.wall_ms, e.device_kind, e.device_name, e.hostname, e.cpu_model, "
    "e.n_cores, "
    "e.memory_bytes, e.os, e.kernel, e.gpu_name, e.n_gpus, e.gpu_driver, e.cuda_version, e.gpu_clock_mhz, "
    "e.gpu_power_limit_watts, e.build_version, e.build_git_commit, e.compiler, e.compiler_flags, e.details, "
    "s.prefill_device_ms, s.decode_device_ms, s.device_idle_ms "
    "FROM run_segments s JOIN environments e ON e.environment_id = s.environment_id "
    "WHERE s.run_key = ?1 ORDER BY s.segment_id";
constexpr std::string_view kReadSuites =
    "SELECT rs.run_suite_id, rs.suite, rs.version, rs.kind, rs.sha256, rs.samples, rs.sampling, "
    "(SELECT count(*) FROM items i WHERE i.run_suite_id = rs.run_suite_id), "
    "first.grader_profile, first.grader_version, c.grader_profile, c.grader_version "
    "FROM run_suites rs "
    "JOIN current_gradings c ON c.run_suite_id = rs.run_suite_id "
    "JOIN gradings first ON first.grading_id = "
    "(SELECT min(g.grading_id) FROM gradings g WHERE g.run_suite_id = rs.run_suite_id) "
    "WHERE rs.run_key = ?1 ORDER BY rs.run_suite_id";
constexpr std::string_view kVerdictCounts = "SELECT verdict, n_samples FROM verdict_counts WHERE run_suite_id = ?1";
constexpr std::string_view kReadItems =
    "SELECT i.item, i.tag, i.prompt_sha256, i.prompt, i.expected FROM runs r "
    "JOIN run_suites rs ON rs.run_key = r.run_key JOIN items i ON i.run_suite_id = rs.run_suite_id "
    "WHERE r.run_id = ?1 AND rs.suite = ?2 ORDER BY i.item_key";
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
constexpr std::string_view kTranscriptColumns = "s.prefill, s.text, s.tokens ";
constexpr std::string_view kNoTranscriptColumns = "'', '', x'' ";
constexpr std::string_view kSamplesFrom =
    "FROM items i JOIN samples s ON s.item_key = i.item_key "
    "JOIN verdicts v ON v.sample_key = s.sample_key AND v.grading_id = ?2 "
    "WHERE i.run_suite_id = ?1 ORDER BY i.item_key, s.sample";

/// Calls `use` for each row of `rows`.
Result<> for_each_row(Statement& rows, const std::function<Result<>()>& use) {
  while (true) {
    ASSAY_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    ASSAY_TRY(use());
  }
}

std::vector<std::int32_t> to_tokens(std::span<const std::byte> bytes) {
  std::vector<std::int32_t> tokens(bytes.size() / 4);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::uint32_t bits = 0;
    for (std::size_t j = 4; j-- > 0;) bits = bits << 8 | std::to_integer<std::uint32_t>(bytes[4 * i + j]);
    tokens[i] = static_cast<std::int32_t>(bits);
  }
  return tokens;
}

Result<SampleRecord> read_sample(const Statement& row, std::string_view suite, const std::string& where) {
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
  return record;
}

Result<std::vector<std::pair<std::string, std::string>>> read_tags(const Database& database, std::int64_t run_key) {
  std::vector<std::pair<std::string, std::string>> tags;
  ASSAY_ASSIGN(auto row, database.prepare(kReadTags));
  row.bind(1, run_key);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    tags.emplace_back(row.text(0), row.text(1));
    return {};
  }));
  return tags;
}

Result<std::vector<SegmentRecord>> read_segments(const Database& database, std::int64_t run_key) {
  std::vector<SegmentRecord> segments;
  ASSAY_ASSIGN(auto row, database.prepare(kReadSegments));
  row.bind(1, run_key);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    SegmentRecord& segment = segments.emplace_back();
    segment.started_at_ms = row.integer(0);
    segment.ended_at_ms = row.optional_integer(1);
    segment.wall_ms = row.real(2);
    if (const auto prefill_ms = row.optional_real(22)) {
      segment.device_time = {*prefill_ms, row.optional_real(23).value_or(0), row.optional_real(24).value_or(0)};
    }
    EnvironmentFacts& environment = segment.environment;
    environment.device_kind = row.text(3);
    environment.device_name = row.text(4);
    environment.hostname = row.optional_text(5);
    environment.cpu_model = row.text(6);
    environment.n_cores = row.optional_integer(7);
    environment.memory_bytes = row.optional_integer(8);
    environment.os = row.text(9);
    environment.kernel = row.text(10);
    environment.gpu_name = row.optional_text(11);
    environment.n_gpus = row.optional_integer(12);
    environment.gpu_driver = row.optional_text(13);
    environment.cuda_version = row.optional_text(14);
    environment.gpu_clock_mhz = row.optional_real(15);
    environment.gpu_power_limit_watts = row.optional_real(16);
    environment.build_version = row.text(17);
    environment.build_git_commit = row.text(18);
    environment.compiler = row.text(19);
    environment.compiler_flags = row.text(20);
    ASSAY_ASSIGN(environment.details, parse_json(row.text(21), database.path().string() + ": environments.details"));
    return {};
  }));
  return segments;
}

Result<> read_verdict_counts(const Database& database, std::int64_t run_suite_id, RunSuiteRecord& suite) {
  ASSAY_ASSIGN(auto row, database.prepare(kVerdictCounts));
  row.bind(1, run_suite_id);
  return for_each_row(row, [&]() -> Result<> {
    ASSAY_ASSIGN(const Verdict verdict, parse_verdict(row.text(0)));
    const std::int64_t n = row.integer(1);
    suite.n_samples += n;
    switch (verdict) {
      case Verdict::correct:
        suite.n_correct = n;
        break;
      case Verdict::incorrect:
        suite.n_incorrect = n;
        break;
      case Verdict::no_answer:
        suite.n_no_answer = n;
        break;
      case Verdict::truncated:
        suite.n_truncated = n;
        break;
      case Verdict::error:
        suite.n_errors = n;
        break;
    }
    return {};
  });
}

Result<std::vector<RunSuiteRecord>> read_suites(const Database& database, std::int64_t run_key) {
  std::vector<RunSuiteRecord> suites;
  ASSAY_ASSIGN(auto row, database.prepare(kReadSuites));
  row.bind(1, run_key);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    RunSuiteRecord& suite = suites.emplace_back();
    suite.facts.suite = row.text(1);
    suite.facts.version = row.text(2);
    suite.facts.kind = row.text(3);
    suite.facts.sha256 = row.text(4);
    suite.facts.samples = row.integer(5);
    ASSAY_ASSIGN(suite.facts.sampling, parse_json(row.text(6), database.path().string() + ": run_suites.sampling"));
    suite.n_items = row.integer(7);
    suite.facts.grader_profile = row.text(8);
    suite.facts.grader_version = row.text(9);
    suite.current_profile = row.text(10);
    suite.current_grader_version = row.text(11);
    return read_verdict_counts(database, row.integer(0), suite);
  }));
  return suites;
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

Result<> Store::in_snapshot(const std::function<Result<>()>& read) const {
  if (database_->in_transaction()) return read();
  ASSAY_ASSIGN(auto transaction, Transaction::begin(*database_, Transaction::Kind::read));
  ASSAY_TRY(read());
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

Result<std::vector<RunRecord>> Store::list_runs() const {
  std::vector<RunRecord> runs;
  ASSAY_TRY(in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(auto row, database_->prepare(kRunIds));
    return for_each_row(row, [&]() -> Result<> {
      ASSAY_ASSIGN(auto run, read_run(RunId(row.text(0))));
      runs.push_back(std::move(run));
      return {};
    });
  }));
  return runs;
}

Result<RunRecord> Store::read_run(const RunId& run) const {
  RunRecord record;
  const auto read = in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(auto row, database_->prepare(kReadRun));
    ASSAY_ASSIGN(const bool found, row.bind(1, run.value).step());
    if (!found) return bad_input(path_.string(), ": there is no run ", run);
    const std::int64_t run_key = row.integer(0);
    record.run_id = RunId(row.text(1));
    record.facts.name = row.text(2);
    record.identity_sha256 = row.text(3);
    ASSAY_ASSIGN(record.state, parse_run_state(row.text(4)));
    record.facts.seed = row.integer(5);
    record.facts.command_line = row.text(6);
    record.facts.hardware_profile = row.optional_text(7);
    record.facts.price_usd_per_gpu_hour = row.optional_real(8);
    record.facts.n_priced_devices = row.integer(9);
    record.facts.provenance = row.text(10);
    record.started_at_ms = row.integer(11);
    record.finished_at_ms = row.optional_integer(12);
    ModelFacts& model = record.facts.model;
    model.name = row.text(13);
    model.reference = row.text(14);
    model.weights_sha256 = row.text(15);
    model.tokenizer_sha256 = row.text(16);
    ASSAY_ASSIGN(model.details, parse_json(row.text(17), path_.string() + ": models.details"));
    record.wall_s = row.real(18);
    record.is_active = record.state == RunState::running && RunLock::is_held(path_, run_key);
    ASSAY_ASSIGN(record.facts.tags, read_tags(*database_, run_key));
    ASSAY_ASSIGN(record.segments, read_segments(*database_, run_key));
    ASSAY_ASSIGN(record.suites, read_suites(*database_, run_key));
    return {};
  });
  if (!read) return read.error();
  return record;
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
    ASSAY_ASSIGN(auto suites, database_->prepare(kSuitesOfRun));
    ASSAY_ASSIGN(auto row, database_->prepare(sql));
    suites.bind(1, run.value).bind(2, suite);
    return for_each_row(suites, [&]() -> Result<> {
      const std::string name = suites.text(1);
      row.bind(1, suites.integer(0)).bind(2, suites.integer(2));
      ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
        ASSAY_ASSIGN(const SampleRecord record, read_sample(row, name, path_.string()));
        return use(record);
      }));
      row.reset();
      return {};
    });
  });
}

}  // namespace assay::results
