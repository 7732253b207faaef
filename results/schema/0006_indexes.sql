-- Indexes alone: what is asked of all samples at once is read from them in place of the rows, between which lie the texts,
-- which are most of the file.

-- What runs took, and what samples are sorted by. finish_reason is NULL of a sample that has failed. It begins with the
-- key, so that it only grows at its end.
CREATE INDEX samples_figures ON samples (
  sample_key, item_key, finish_reason, n_prompt_tokens, n_cached_prompt_tokens, n_output_tokens, n_drafted_tokens,
  n_accepted_tokens, ttft_ms, itl_ms_mean, e2e_ms, prefill_device_ms, decode_device_ms
);

-- Which samples have a verdict.
DROP INDEX verdicts_by_grading;
CREATE INDEX verdicts_by_grading ON verdicts (grading_id, verdict, sample_key);
