-- What of all samples is read at once: to list runs by what they took, and to sort samples. SQLite reads it in place of
-- the rows, whose texts are most of the file. finish_reason is NULL of a sample that has failed. It begins with the key,
-- so that it only grows at its end.
CREATE INDEX samples_figures ON samples (
  sample_key, item_key, finish_reason, n_prompt_tokens, n_cached_prompt_tokens, n_output_tokens, n_drafted_tokens,
  n_accepted_tokens, ttft_ms, itl_ms_mean, e2e_ms, prefill_device_ms, decode_device_ms
);
