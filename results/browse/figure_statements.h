#pragma once
// The statements that go through all samples of a database. An index has every column that they name, so that SQLite
// needs no row for them; a test asks it for its plan.

#include <string_view>

namespace assay::results::figures_sql {

/// ?1 the first key, ?2 the one behind the last.
inline constexpr std::string_view kBetween =
    "SELECT item_key, finish_reason IS NULL, n_prompt_tokens, n_cached_prompt_tokens, n_output_tokens, "
    "n_drafted_tokens, n_accepted_tokens, ttft_ms, itl_ms_mean, e2e_ms, prefill_device_ms, decode_device_ms "
    "FROM samples WHERE sample_key >= ?1 AND sample_key < ?2 ORDER BY sample_key";
/// ?1 the key before the first, ?2 how many at most.
inline constexpr std::string_view kAfter =
    "SELECT sample_key, n_output_tokens, ttft_ms, itl_ms_mean, e2e_ms FROM samples WHERE sample_key > ?1 "
    "ORDER BY sample_key LIMIT ?2";
/// ?1 the grading, ?2 the verdict.
inline constexpr std::string_view kOfVerdict = "SELECT sample_key FROM verdicts WHERE grading_id = ?1 AND verdict = ?2";

}  // namespace assay::results::figures_sql
