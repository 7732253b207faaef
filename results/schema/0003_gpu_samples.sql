-- What the driver's management library said of a GPU while a segment ran, about once a second, first and last included.
-- total_energy_joules counts since the driver was loaded; throttle_reasons has the bits of nvmlClocksThrottleReason*.
-- NULL where the library does not say.
CREATE TABLE gpu_samples (
  gpu_sample_id INTEGER PRIMARY KEY,
  segment_id INTEGER NOT NULL REFERENCES run_segments,
  gpu INTEGER NOT NULL CHECK (gpu >= 0),
  at_ms REAL NOT NULL CHECK (at_ms BETWEEN 0 AND 1e15),
  sm_clock_mhz REAL CHECK (sm_clock_mhz BETWEEN 0 AND 1e6),
  memory_clock_mhz REAL CHECK (memory_clock_mhz BETWEEN 0 AND 1e6),
  power_watts REAL CHECK (power_watts BETWEEN 0 AND 1e6),
  temperature_c REAL CHECK (temperature_c BETWEEN -300 AND 1000),
  throttle_reasons INTEGER CHECK (throttle_reasons >= 0),
  total_energy_joules REAL CHECK (total_energy_joules BETWEEN 0 AND 1e18)
) STRICT;
CREATE INDEX gpu_samples_by_segment ON gpu_samples (segment_id, gpu);
