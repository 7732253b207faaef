#pragma once
// What merge.cpp asks of and writes into the two databases.

#include <string_view>

namespace assay::results::merge_sql {

// What a run is from its beginning on. Rows of both databases are compared in this order; ?1 is the run's key.
inline constexpr std::string_view kRunFacts =
    "SELECT r.run_id, r.name, r.identity_sha256, r.seed, r.command_line, r.hardware_profile, "
    "r.price_usd_per_gpu_hour, r.n_priced_devices, r.provenance, r.started_at_ms, m.name, m.reference, "
    "m.weights_sha256, m.tokenizer_sha256, m.details FROM runs r JOIN models m ON m.model_id = r.model_id "
    "WHERE r.run_key = ?1";
inline constexpr std::string_view kTags = "SELECT tag, value FROM run_tags WHERE run_key = ?1 ORDER BY tag";
inline constexpr std::string_view kMeasurements =
    "SELECT name, metric, value, stddev, n, details FROM measurements WHERE run_key = ?1 ORDER BY measurement_id";
inline constexpr std::string_view kSuites =
    "SELECT suite, version, kind, sha256, samples, sampling, n_items, is_protected FROM run_suites "
    "WHERE run_key = ?1 ORDER BY run_suite_id";
inline constexpr std::string_view kItems =
    "SELECT rs.suite, i.item, i.tag, i.prompt_sha256, i.prompt, i.expected FROM run_suites rs "
    "JOIN items i ON i.run_suite_id = rs.run_suite_id WHERE rs.run_key = ?1 ORDER BY rs.run_suite_id, i.item_key";

inline constexpr std::string_view kRunsOfFile =
    "SELECT run_key, run_id, state, finished_at_ms FROM runs ORDER BY run_key";
inline constexpr std::string_view kFindRun = "SELECT run_key, state, finished_at_ms FROM runs WHERE run_id = ?1";
inline constexpr std::string_view kInsertRun =
    "INSERT INTO runs (run_id, name, identity_sha256, seed, command_line, hardware_profile, price_usd_per_gpu_hour, "
    "n_priced_devices, provenance, started_at_ms, model_id, state) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'interrupted')";
inline constexpr int kRunColumns = 10;  // of kRunFacts; those of the model follow
inline constexpr std::string_view kFindModel =
    "SELECT model_id FROM models WHERE name = ?1 AND reference = ?2 AND weights_sha256 = ?3 AND tokenizer_sha256 = ?4 "
    "AND details = ?5";
inline constexpr std::string_view kInsertModel =
    "INSERT INTO models (name, reference, weights_sha256, tokenizer_sha256, details) VALUES (?1, ?2, ?3, ?4, ?5)";
inline constexpr std::string_view kInsertTag = "INSERT INTO run_tags (tag, value, run_key) VALUES (?1, ?2, ?3)";
inline constexpr std::string_view kInsertMeasurement =
    "INSERT INTO measurements (name, metric, value, stddev, n, details, run_key) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
inline constexpr std::string_view kInsertSuite =
    "INSERT INTO run_suites (suite, version, kind, sha256, samples, sampling, n_items, is_protected, run_key) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
inline constexpr std::string_view kInsertItem =
    "INSERT INTO items (item, tag, prompt_sha256, prompt, expected, run_suite_id) "
    "SELECT ?2, ?3, ?4, ?5, ?6, run_suite_id FROM run_suites WHERE run_key = ?7 AND suite = ?1";
// Both databases number the items of a run in the same order.
inline constexpr std::string_view kItemKeys =
    "SELECT i.item_key FROM run_suites rs JOIN items i ON i.run_suite_id = rs.run_suite_id WHERE rs.run_key = ?1 "
    "ORDER BY rs.run_suite_id, i.item_key";
inline constexpr std::string_view kSuiteKeys =
    "SELECT run_suite_id FROM run_suites WHERE run_key = ?1 ORDER BY run_suite_id";

// A segment is known by when and where it began.
inline constexpr std::string_view kSegments =
    "SELECT s.segment_id, s.wall_ms, s.ended_at_ms, s.prefill_device_ms, s.decode_device_ms, s.device_idle_ms, "
    "s.started_at_ms, e.device_kind, e.device_name, e.hostname, e.cpu_model, e.n_cores, e.memory_bytes, e.os, "
    "e.kernel, e.gpu_name, e.n_gpus, e.gpu_driver, e.cuda_version, e.gpu_clock_mhz, e.gpu_power_limit_watts, "
    "e.build_version, e.build_git_commit, e.compiler, e.compiler_flags, e.details "
    "FROM run_segments s JOIN environments e ON e.environment_id = s.environment_id WHERE s.run_key = ?1 "
    "ORDER BY s.segment_id";
inline constexpr int kSegmentEnd = 2, kSegmentIdentity = 6, kEnvironment = 7;  // columns of kSegments from which on…
inline constexpr std::string_view kInsertEnvironment =
    "INSERT INTO environments (device_kind, device_name, hostname, cpu_model, n_cores, memory_bytes, os, kernel, "
    "gpu_name, n_gpus, gpu_driver, cuda_version, gpu_clock_mhz, gpu_power_limit_watts, build_version, "
    "build_git_commit, compiler, compiler_flags, details) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
inline constexpr std::string_view kInsertSegment =
    "INSERT INTO run_segments (wall_ms, ended_at_ms, prefill_device_ms, decode_device_ms, device_idle_ms, "
    "started_at_ms, run_key, environment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
inline constexpr std::string_view kGrowSegment =
    "UPDATE run_segments SET wall_ms = ?1, ended_at_ms = ?2, prefill_device_ms = ?3, decode_device_ms = ?4, "
    "device_idle_ms = ?5 WHERE segment_id = ?6";
inline constexpr std::string_view kGpuSamples =
    "SELECT gpu, at_ms, sm_clock_mhz, memory_clock_mhz, power_watts, temperature_c, throttle_reasons, "
    "total_energy_joules FROM gpu_samples WHERE segment_id = ?1 ORDER BY gpu_sample_id";
inline constexpr std::string_view kInsertGpuSample =
    "INSERT INTO gpu_samples (gpu, at_ms, sm_clock_mhz, memory_clock_mhz, power_watts, temperature_c, "
    "throttle_reasons, total_energy_joules, segment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

inline constexpr std::string_view kPoints =
    "SELECT segment_id, name, arm, repeat, kind, started_at_ms, wall_ms, provenance, reason_codes, settings, figures, "
    "method_versions, details FROM points WHERE run_key = ?1 ORDER BY point_id";
inline constexpr std::string_view kInsertPoint =
    "INSERT INTO points (name, arm, repeat, kind, started_at_ms, wall_ms, provenance, reason_codes, settings, figures, "
    "method_versions, details, run_key, segment_id) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
inline constexpr int kPointSegment = 0, kPointName = 1, kPointKeyEnd = 4;  // columns of kPoints

inline constexpr std::string_view kSampleContent =
    "s.sample, s.stored_at_ms, s.rendered_prompt_sha256, s.n_prompt_tokens, s.n_cached_prompt_tokens, "
    "s.n_output_tokens, s.finish_reason, s.n_drafted_tokens, s.n_accepted_tokens, s.queued_ms, s.started_ms, "
    "s.first_token_ms, s.finished_ms, s.ttft_ms, s.e2e_ms, s.itl_ms_mean, s.prefill_device_ms, s.decode_device_ms, "
    "s.failure, s.prefill, s.text, s.tokens ";
/// Behind the keys, the first column of kSampleContent that two databases must agree in: not when it was stored, which
/// an import of an export does not know.
inline constexpr int kSampleFacts = 4;
inline constexpr std::string_view kInsertSample =
    "INSERT INTO samples (sample, stored_at_ms, rendered_prompt_sha256, n_prompt_tokens, n_cached_prompt_tokens, "
    "n_output_tokens, finish_reason, n_drafted_tokens, n_accepted_tokens, queued_ms, started_ms, first_token_ms, "
    "finished_ms, ttft_ms, e2e_ms, itl_ms_mean, prefill_device_ms, decode_device_ms, failure, prefill, text, tokens, "
    "item_key, segment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
    "?19, ?20, ?21, ?22, ?23, ?24)";

// A grading is known by suite, grader and when it began.
inline constexpr std::string_view kGradings =
    "SELECT grading_id, grader_profile, grader_version, started_at_ms FROM gradings WHERE run_suite_id = ?1 "
    "ORDER BY grading_id";
inline constexpr std::string_view kInsertGrading =
    "INSERT INTO gradings (grader_profile, grader_version, started_at_ms, run_suite_id) VALUES (?1, ?2, ?3, ?4)";
inline constexpr std::string_view kVerdicts =
    "SELECT sample_key, verdict, answer, expected, score, rule, detail, sandboxed, graded_at_ms FROM verdicts "
    "WHERE grading_id = ?1 ORDER BY verdict_id";
inline constexpr std::string_view kFindVerdict =
    "SELECT verdict, answer, expected, score, rule, detail, sandboxed, graded_at_ms FROM verdicts "
    "WHERE sample_key = ?1 AND grading_id = ?2";
inline constexpr std::string_view kInsertVerdict =
    "INSERT INTO verdicts (verdict, answer, expected, score, rule, detail, sandboxed, graded_at_ms, sample_key, "
    "grading_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
inline constexpr std::string_view kCountAgain =
    "UPDATE gradings SET (n_correct, n_incorrect, n_no_answer, n_truncated, n_errors) = "
    "(SELECT c.n_correct, c.n_incorrect, c.n_no_answer, c.n_truncated, c.n_errors FROM counted_verdicts c "
    "WHERE c.grading_id = ?1) WHERE grading_id = ?1";
/// Suites with a sample that the first grading, which every sample has, does not cover.
inline constexpr std::string_view kUngraded =
    "SELECT rs.suite FROM run_suites rs WHERE rs.run_key = ?1 AND "
    "(SELECT count(*) FROM items i JOIN samples s ON s.item_key = i.item_key WHERE i.run_suite_id = rs.run_suite_id) "
    "<> coalesce((SELECT g.n_verdicts FROM gradings g WHERE g.run_suite_id = rs.run_suite_id "
    "ORDER BY g.grading_id LIMIT 1), -1)";
inline constexpr std::string_view kMissing =
    "SELECT (SELECT coalesce(sum(samples * n_items), 0) FROM run_suites WHERE run_key = ?1) - "
    "(SELECT count(*) FROM run_suites rs JOIN items i ON i.run_suite_id = rs.run_suite_id "
    "JOIN samples s ON s.item_key = i.item_key WHERE rs.run_key = ?1)";
inline constexpr std::string_view kFinish =
    "UPDATE runs SET state = 'finished', finished_at_ms = ?2 WHERE run_key = ?1";
/// A killed process has no end; its last stored sample is known.
inline constexpr std::string_view kFinishAtLastEnd =
    "UPDATE runs SET state = 'finished', finished_at_ms = (SELECT max(coalesce(s.ended_at_ms, s.started_at_ms + "
    "CAST(s.wall_ms AS INTEGER))) FROM run_segments s WHERE s.run_key = ?1) WHERE run_key = ?1";

}  // namespace assay::results::merge_sql
