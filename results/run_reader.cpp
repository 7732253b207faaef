#include "results/run_reader.h"

#include "results/run_lock.h"
#include "results/run_time.h"

namespace assay::results {

namespace {

constexpr std::string_view kReadRun =
    "SELECT r.run_key, r.run_id, r.name, r.identity_sha256, r.state, r.seed, r.command_line, r.hardware_profile, "
    "r.price_usd_per_gpu_hour, r.n_priced_devices, r.provenance, r.started_at_ms, r.finished_at_ms, "
    "m.name, m.reference, m.weights_sha256, m.tokenizer_sha256, m.details "
    "FROM runs r JOIN models m ON m.model_id = r.model_id WHERE r.run_id = ?1";
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
    "SELECT rs.suite, rs.version, rs.kind, rs.sha256, rs.samples, rs.sampling, rs.n_items, rs.is_protected, "
    "first.grader_profile, first.grader_version, c.grader_profile, c.grader_version, c.n_samples, c.n_correct, "
    "c.n_incorrect, c.n_no_answer, c.n_truncated, c.n_errors "
    "FROM run_suites rs "
    "JOIN current_gradings c ON c.run_suite_id = rs.run_suite_id "
    "JOIN gradings first ON first.grading_id = "
    "(SELECT min(g.grading_id) FROM gradings g WHERE g.run_suite_id = rs.run_suite_id) "
    "WHERE rs.run_key = ?1 ORDER BY rs.run_suite_id";

Result<std::vector<std::pair<std::string, std::string>>> read_tags(Statement& row, std::int64_t run_key) {
  std::vector<std::pair<std::string, std::string>> tags;
  row.reset();
  row.bind(1, run_key);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    tags.emplace_back(row.text(0), row.text(1));
    return {};
  }));
  return tags;
}

Result<std::vector<SegmentRecord>> read_segments(Statement& row, std::int64_t run_key, const std::string& where) {
  std::vector<SegmentRecord> segments;
  row.reset();
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
    ASSAY_ASSIGN(environment.details, parse_json(row.text(21), where + ": environments.details"));
    return {};
  }));
  return segments;
}

Result<std::vector<RunSuiteRecord>> read_suites(Statement& row, std::int64_t run_key, const std::string& where) {
  std::vector<RunSuiteRecord> suites;
  row.reset();
  row.bind(1, run_key);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    RunSuiteRecord& suite = suites.emplace_back();
    suite.facts.suite = row.text(0);
    suite.facts.version = row.text(1);
    suite.facts.kind = row.text(2);
    suite.facts.sha256 = row.text(3);
    suite.facts.samples = row.integer(4);
    ASSAY_ASSIGN(suite.facts.sampling, parse_json(row.text(5), where + ": run_suites.sampling"));
    suite.n_items = row.integer(6);
    suite.facts.is_protected = row.integer(7) != 0;
    suite.facts.grader_profile = row.text(8);
    suite.facts.grader_version = row.text(9);
    suite.current_profile = row.text(10);
    suite.current_grader_version = row.text(11);
    suite.n_samples = row.integer(12);
    suite.n_correct = row.integer(13);
    suite.n_incorrect = row.integer(14);
    suite.n_no_answer = row.integer(15);
    suite.n_truncated = row.integer(16);
    suite.n_errors = row.integer(17);
    return {};
  }));
  return suites;
}

}  // namespace

Result<RunReader> RunReader::open(const Database& database) {
  ASSAY_ASSIGN(auto run, database.prepare(kReadRun));
  ASSAY_ASSIGN(auto tags, database.prepare(kReadTags));
  ASSAY_ASSIGN(auto segments, database.prepare(kReadSegments));
  ASSAY_ASSIGN(auto suites, database.prepare(kReadSuites));
  return RunReader(database.path(), std::move(run), std::move(tags), std::move(segments), std::move(suites));
}

Result<RunRecord> RunReader::read(const RunId& run) {
  const std::string where = path_.string();
  RunRecord record;
  Statement& row = run_;
  row.reset();
  ASSAY_ASSIGN(const bool found, row.bind(1, run.value).step());
  if (!found) return bad_input(where, ": there is no run ", run);
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
  ASSAY_ASSIGN(model.details, parse_json(row.text(17), where + ": models.details"));
  record.is_active = record.state == RunState::running && RunLock::is_held(path_, run_key);
  ASSAY_ASSIGN(record.facts.tags, read_tags(tags_, run_key));
  ASSAY_ASSIGN(record.segments, read_segments(segments_, run_key, where));
  ASSAY_ASSIGN(record.suites, read_suites(suites_, run_key, where));
  record.wall_s = time_at_work_s(record.segments);
  record.device_s = device_time_s(record.segments);
  return record;
}

}  // namespace assay::results
