-- Points of benchmarks: one setting, measured once. Written one by one while the benchmark runs, so that a stopped one
-- goes on behind the last. The segment's environment is what it was measured on. settings, figures, method_versions and
-- details are JSON objects, reason_codes a JSON list: why the point must not be believed. figures has
-- {"value", "stddev", "n"} for each metric, whose name ends in its unit.
CREATE TABLE points (
  point_id INTEGER PRIMARY KEY,
  run_key INTEGER NOT NULL REFERENCES runs,
  segment_id INTEGER NOT NULL REFERENCES run_segments,
  kind TEXT NOT NULL CHECK (kind <> ''),
  name TEXT NOT NULL CHECK (name <> ''),
  arm TEXT NOT NULL CHECK (arm IN ('', 'a', 'b')),
  repeat INTEGER NOT NULL CHECK (repeat >= 0),
  started_at_ms INTEGER NOT NULL,
  wall_ms REAL NOT NULL CHECK (wall_ms >= 0),
  provenance TEXT NOT NULL CHECK (provenance IN ('measured', 'emulated', 'projected', 'published')),
  reason_codes TEXT NOT NULL,
  is_valid INTEGER GENERATED ALWAYS AS (reason_codes = '[]') VIRTUAL,
  settings TEXT NOT NULL,
  figures TEXT NOT NULL,
  method_versions TEXT NOT NULL,
  details TEXT NOT NULL,
  UNIQUE (run_key, name, arm, repeat)
) STRICT;
