-- What a run's device did in a segment: worked on prompts, worked on generated tokens, waited for the host between two
-- passes. NULL where it is not known: the CPU has no device beside it, recordings are not run, a killed process told
-- nothing.
ALTER TABLE run_segments ADD COLUMN prefill_device_ms REAL CHECK (prefill_device_ms >= 0);
ALTER TABLE run_segments ADD COLUMN decode_device_ms REAL CHECK (decode_device_ms >= 0);
ALTER TABLE run_segments ADD COLUMN device_idle_ms REAL CHECK (device_idle_ms >= 0);
