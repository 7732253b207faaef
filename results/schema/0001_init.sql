-- Version 1: runs, their items, samples and verdicts. Facts only; what can be computed from them is a view.
-- *_ms of a moment is Unix time in milliseconds where the name ends in _at_ms; every other *_ms is a duration, or counts
-- from the start of the segment's generation (samples.queued_ms to finished_ms). NULL means not known.
-- details, detail and sampling are JSON objects. SQLite refuses json_valid() in a CHECK where the schema is not trusted,
-- as ours never is, so readers check them.

CREATE TABLE models (
  model_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  reference TEXT NOT NULL,
  weights_sha256 TEXT NOT NULL CHECK (length(weights_sha256) IN (0, 64)),
  tokenizer_sha256 TEXT NOT NULL CHECK (length(tokenizer_sha256) IN (0, 64)),
  details TEXT NOT NULL,
  UNIQUE (reference, weights_sha256, tokenizer_sha256, name, details)
) STRICT;

CREATE TABLE environments (
  environment_id INTEGER PRIMARY KEY,
  device_kind TEXT NOT NULL CHECK (device_kind <> ''),
  device_name TEXT NOT NULL,
  hostname TEXT,
  cpu_model TEXT NOT NULL,
  n_cores INTEGER CHECK (n_cores > 0),
  memory_bytes INTEGER CHECK (memory_bytes > 0),
  os TEXT NOT NULL,
  kernel TEXT NOT NULL,
  gpu_name TEXT,
  n_gpus INTEGER CHECK (n_gpus >= 0),
  gpu_driver TEXT,
  cuda_version TEXT,
  gpu_clock_mhz REAL CHECK (gpu_clock_mhz > 0),
  gpu_power_limit_watts REAL CHECK (gpu_power_limit_watts > 0),
  build_version TEXT NOT NULL,
  build_git_commit TEXT NOT NULL,
  compiler TEXT NOT NULL,
  compiler_flags TEXT NOT NULL,
  details TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
  run_key INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE CHECK (run_id <> ''),
  name TEXT NOT NULL,
  identity_sha256 TEXT NOT NULL CHECK (length(identity_sha256) = 64),
  state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'interrupted')),
  model_id INTEGER NOT NULL REFERENCES models,
  seed INTEGER NOT NULL CHECK (seed >= 0),
  command_line TEXT NOT NULL,
  hardware_profile TEXT,
  price_usd_per_gpu_hour REAL CHECK (price_usd_per_gpu_hour >= 0),
  n_priced_devices INTEGER NOT NULL CHECK (n_priced_devices > 0),
  provenance TEXT NOT NULL CHECK (provenance IN ('measured', 'emulated', 'projected', 'published')),
  started_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,
  CHECK ((state = 'finished') = (finished_at_ms IS NOT NULL))
) STRICT;
CREATE INDEX runs_by_identity ON runs (identity_sha256);
CREATE INDEX runs_by_name ON runs (name);
CREATE INDEX runs_by_start ON runs (started_at_ms);

CREATE TABLE run_tags (
  run_key INTEGER NOT NULL REFERENCES runs,
  tag TEXT NOT NULL CHECK (tag <> ''),
  value TEXT NOT NULL,
  PRIMARY KEY (run_key, tag)
) STRICT, WITHOUT ROWID;

-- Each process that worked on a run. wall_ms grows with every stored sample, so a killed process is accounted for too.
CREATE TABLE run_segments (
  segment_id INTEGER PRIMARY KEY,
  run_key INTEGER NOT NULL REFERENCES runs,
  environment_id INTEGER NOT NULL REFERENCES environments,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  wall_ms REAL NOT NULL CHECK (wall_ms >= 0)
) STRICT;
CREATE INDEX run_segments_by_run ON run_segments (run_key);

CREATE TABLE run_suites (
  run_suite_id INTEGER PRIMARY KEY,
  run_key INTEGER NOT NULL REFERENCES runs,
  suite TEXT NOT NULL CHECK (suite <> ''),
  version TEXT NOT NULL,
  kind TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  samples INTEGER NOT NULL CHECK (samples > 0),
  sampling TEXT NOT NULL,
  UNIQUE (run_key, suite)
) STRICT;

CREATE TABLE items (
  item_key INTEGER PRIMARY KEY,
  run_suite_id INTEGER NOT NULL REFERENCES run_suites,
  item TEXT NOT NULL CHECK (item <> ''),
  tag TEXT NOT NULL,
  prompt_sha256 TEXT NOT NULL,
  prompt TEXT,
  expected TEXT,
  UNIQUE (run_suite_id, item)
) STRICT;

CREATE TABLE samples (
  sample_key INTEGER PRIMARY KEY,
  item_key INTEGER NOT NULL REFERENCES items,
  sample INTEGER NOT NULL CHECK (sample >= 0),
  segment_id INTEGER NOT NULL REFERENCES run_segments,
  stored_at_ms INTEGER NOT NULL,
  rendered_prompt_sha256 TEXT NOT NULL CHECK (length(rendered_prompt_sha256) IN (0, 64)),
  n_prompt_tokens INTEGER CHECK (n_prompt_tokens >= 0),
  n_cached_prompt_tokens INTEGER CHECK (n_cached_prompt_tokens BETWEEN 0 AND n_prompt_tokens),
  n_output_tokens INTEGER CHECK (n_output_tokens >= 0),
  finish_reason TEXT CHECK (finish_reason IN ('eos', 'stop', 'length', 'context', 'timeout', 'cancelled')),
  n_drafted_tokens INTEGER NOT NULL CHECK (n_drafted_tokens >= 0),
  n_accepted_tokens INTEGER NOT NULL CHECK (n_accepted_tokens BETWEEN 0 AND n_drafted_tokens),
  queued_ms REAL CHECK (queued_ms >= 0),
  started_ms REAL CHECK (started_ms >= 0),
  first_token_ms REAL CHECK (first_token_ms >= 0),
  finished_ms REAL CHECK (finished_ms >= 0),
  ttft_ms REAL CHECK (ttft_ms >= 0),
  e2e_ms REAL CHECK (e2e_ms >= 0),
  itl_ms_mean REAL CHECK (itl_ms_mean >= 0),
  prefill_device_ms REAL CHECK (prefill_device_ms >= 0),
  decode_device_ms REAL CHECK (decode_device_ms >= 0),
  failure TEXT CHECK (failure <> ''),
  -- The long columns come last: a row's later columns are only reached through its earlier ones.
  prefill TEXT NOT NULL,
  text TEXT NOT NULL,
  tokens BLOB NOT NULL CHECK (length(tokens) % 4 = 0),  -- int32, little-endian
  UNIQUE (item_key, sample),
  CHECK ((failure IS NULL) = (finish_reason IS NOT NULL))
) STRICT;

-- One pass of a grader over a suite's outputs: the first comes with the run, each regrade adds one.
CREATE TABLE gradings (
  grading_id INTEGER PRIMARY KEY,
  run_suite_id INTEGER NOT NULL REFERENCES run_suites,
  grader_profile TEXT NOT NULL CHECK (grader_profile <> ''),
  grader_version TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX gradings_by_suite ON gradings (run_suite_id);

CREATE TABLE verdicts (
  verdict_id INTEGER PRIMARY KEY,
  grading_id INTEGER NOT NULL REFERENCES gradings,
  sample_key INTEGER NOT NULL REFERENCES samples,
  verdict TEXT NOT NULL CHECK (verdict IN ('correct', 'incorrect', 'no_answer', 'truncated', 'error')),
  answer TEXT,
  expected TEXT,
  score REAL NOT NULL CHECK (score BETWEEN 0 AND 1),
  rule TEXT NOT NULL,
  detail TEXT NOT NULL,
  sandboxed INTEGER NOT NULL CHECK (sandboxed IN (0, 1)),
  graded_at_ms INTEGER NOT NULL,
  UNIQUE (sample_key, grading_id)
) STRICT;
CREATE INDEX verdicts_by_grading ON verdicts (grading_id, verdict);

-- A grading counts once it covers every stored sample of its suite. The first one always does; a regrade of an
-- unfinished run stops to, when the run goes on, so that verdicts of two graders are never mixed.
-- CROSS JOIN keeps the order of the loops: the two counts are taken once a grading, not once a verdict.
CREATE VIEW current_gradings AS
SELECT rs.run_suite_id, g.grading_id, g.grader_profile, g.grader_version
FROM run_suites rs CROSS JOIN gradings g ON g.grading_id =
  (SELECT o.grading_id FROM gradings o
   WHERE o.run_suite_id = rs.run_suite_id
     AND (SELECT count(*) FROM verdicts v WHERE v.grading_id = o.grading_id) =
         (SELECT count(*) FROM items i JOIN samples s ON s.item_key = i.item_key
          WHERE i.run_suite_id = rs.run_suite_id)
   ORDER BY o.grading_id DESC LIMIT 1);

CREATE VIEW current_verdicts AS
SELECT c.run_suite_id, v.grading_id, v.verdict_id, v.sample_key, v.verdict, v.answer, v.expected, v.score, v.rule,
       v.detail, v.sandboxed, v.graded_at_ms
FROM current_gradings c CROSS JOIN verdicts v ON v.grading_id = c.grading_id;

CREATE VIEW verdict_counts AS
SELECT c.run_suite_id, c.grading_id, v.verdict, count(*) AS n_samples
FROM current_gradings c CROSS JOIN verdicts v ON v.grading_id = c.grading_id
GROUP BY c.run_suite_id, c.grading_id, v.verdict;

CREATE VIEW run_wall AS
SELECT run_key, count(*) AS n_segments, sum(wall_ms) / 1000.0 AS wall_s
FROM run_segments GROUP BY run_key;
