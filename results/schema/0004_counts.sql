-- What a list of many runs needs at once, counted where the rows are added, in the same transaction. Counting a million
-- rows anew takes longer than a list may; the view counted_verdicts counts them, and a test compares.
ALTER TABLE run_suites ADD COLUMN n_items INTEGER NOT NULL DEFAULT 0 CHECK (n_items >= 0);
-- Its authors ask that it be spread nowhere in plain text: no prompt is stored, and exports leave out what would tell.
ALTER TABLE run_suites ADD COLUMN is_protected INTEGER NOT NULL DEFAULT 0 CHECK (is_protected IN (0, 1));
ALTER TABLE gradings ADD COLUMN n_correct INTEGER NOT NULL DEFAULT 0 CHECK (n_correct >= 0);
ALTER TABLE gradings ADD COLUMN n_incorrect INTEGER NOT NULL DEFAULT 0 CHECK (n_incorrect >= 0);
ALTER TABLE gradings ADD COLUMN n_no_answer INTEGER NOT NULL DEFAULT 0 CHECK (n_no_answer >= 0);
ALTER TABLE gradings ADD COLUMN n_truncated INTEGER NOT NULL DEFAULT 0 CHECK (n_truncated >= 0);
ALTER TABLE gradings ADD COLUMN n_errors INTEGER NOT NULL DEFAULT 0 CHECK (n_errors >= 0);
ALTER TABLE gradings ADD COLUMN n_verdicts INTEGER
  GENERATED ALWAYS AS (n_correct + n_incorrect + n_no_answer + n_truncated + n_errors) VIRTUAL;

DROP VIEW verdict_counts;
DROP VIEW current_verdicts;
DROP VIEW current_gradings;

CREATE VIEW counted_verdicts AS
SELECT g.grading_id, g.run_suite_id,
       count(v.verdict_id) FILTER (WHERE v.verdict = 'correct') AS n_correct,
       count(v.verdict_id) FILTER (WHERE v.verdict = 'incorrect') AS n_incorrect,
       count(v.verdict_id) FILTER (WHERE v.verdict = 'no_answer') AS n_no_answer,
       count(v.verdict_id) FILTER (WHERE v.verdict = 'truncated') AS n_truncated,
       count(v.verdict_id) FILTER (WHERE v.verdict = 'error') AS n_errors
FROM gradings g LEFT JOIN verdicts v ON v.grading_id = g.grading_id
GROUP BY g.grading_id;

UPDATE run_suites SET n_items = (SELECT count(*) FROM items i WHERE i.run_suite_id = run_suites.run_suite_id);
UPDATE run_suites SET is_protected = 1
WHERE EXISTS (SELECT 1 FROM items i WHERE i.run_suite_id = run_suites.run_suite_id AND i.prompt IS NULL);
UPDATE gradings SET (n_correct, n_incorrect, n_no_answer, n_truncated, n_errors) =
  (SELECT c.n_correct, c.n_incorrect, c.n_no_answer, c.n_truncated, c.n_errors
   FROM counted_verdicts c WHERE c.grading_id = gradings.grading_id);

-- A grading counts once it covers every stored sample of its suite. The first one always does; a regrade of an
-- unfinished run stops to, when the run goes on, so that verdicts of two graders are never mixed.
CREATE VIEW current_gradings AS
SELECT rs.run_suite_id, g.grading_id, g.grader_profile, g.grader_version, g.n_correct, g.n_incorrect, g.n_no_answer,
       g.n_truncated, g.n_errors, g.n_verdicts AS n_samples
FROM run_suites rs CROSS JOIN gradings g ON g.grading_id =
  (SELECT o.grading_id FROM gradings o
   WHERE o.run_suite_id = rs.run_suite_id
     AND o.n_verdicts = (SELECT f.n_verdicts FROM gradings f WHERE f.run_suite_id = rs.run_suite_id
                         ORDER BY f.grading_id LIMIT 1)
   ORDER BY o.grading_id DESC LIMIT 1);

CREATE VIEW current_verdicts AS
SELECT c.run_suite_id, v.grading_id, v.verdict_id, v.sample_key, v.verdict, v.answer, v.expected, v.score, v.rule,
       v.detail, v.sandboxed, v.graded_at_ms
FROM current_gradings c CROSS JOIN verdicts v ON v.grading_id = c.grading_id;

-- Figures that come with no sample: a benchmark's rows, a published score. metric ends in its unit.
CREATE TABLE measurements (
  measurement_id INTEGER PRIMARY KEY,
  run_key INTEGER NOT NULL REFERENCES runs,
  name TEXT NOT NULL CHECK (name <> ''),
  metric TEXT NOT NULL CHECK (metric <> ''),
  value REAL NOT NULL,
  stddev REAL CHECK (stddev >= 0),
  n INTEGER CHECK (n > 0),
  details TEXT NOT NULL,
  UNIQUE (run_key, name, metric)
) STRICT;
