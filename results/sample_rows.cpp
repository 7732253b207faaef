#include "results/sample_rows.h"

#include <vector>

namespace assay::results {

const std::string_view kInsertSampleRow =
    "INSERT INTO samples (item_key, sample, segment_id, stored_at_ms, rendered_prompt_sha256, n_prompt_tokens, "
    "n_cached_prompt_tokens, n_output_tokens, finish_reason, n_drafted_tokens, n_accepted_tokens, queued_ms, "
    "started_ms, "
    "first_token_ms, finished_ms, ttft_ms, e2e_ms, itl_ms_mean, prefill_device_ms, decode_device_ms, failure, prefill, "
    "text, tokens) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, "
    "?21, ?22, ?23, ?24)";
const std::string_view kInsertVerdictRow =
    "INSERT INTO verdicts (grading_id, sample_key, verdict, answer, expected, score, rule, detail, sandboxed, "
    "graded_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const std::string_view kAddCounts =
    "UPDATE gradings SET n_correct = n_correct + ?2, n_incorrect = n_incorrect + ?3, n_no_answer = n_no_answer + ?4, "
    "n_truncated = n_truncated + ?5, n_errors = n_errors + ?6 WHERE grading_id = ?1";

namespace {

std::vector<std::byte> to_bytes(const std::vector<std::int32_t>& tokens) {
  std::vector<std::byte> bytes;
  bytes.reserve(tokens.size() * 4);
  for (const std::int32_t token : tokens) {
    const auto bits = static_cast<std::uint32_t>(token);
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::byte>(bits >> shift & 0xff));
  }
  return bytes;
}

}  // namespace

void bind_verdict(Statement& row, const VerdictFacts& verdict) {
  row.bind(3, to_string(verdict.verdict)).bind(4, verdict.answer).bind(5, verdict.expected).bind(6, verdict.score);
  row.bind(7, verdict.rule).bind(8, to_json_text(verdict.detail));
  row.bind(9, static_cast<std::int64_t>(verdict.sandboxed)).bind(10, verdict.graded_at_ms);
}

void bind_sample(Statement& row, const SampleFacts& sample) {
  row.bind(5, sample.rendered_prompt_sha256).bind(6, sample.n_prompt_tokens).bind(7, sample.n_cached_prompt_tokens);
  row.bind(8, sample.n_output_tokens).bind(9, sample.finish_reason).bind(10, sample.n_drafted_tokens);
  row.bind(11, sample.n_accepted_tokens).bind(12, sample.queued_ms).bind(13, sample.started_ms);
  row.bind(14, sample.first_token_ms).bind(15, sample.finished_ms).bind(16, sample.ttft_ms).bind(17, sample.e2e_ms);
  row.bind(18, sample.itl_ms_mean).bind(19, sample.prefill_device_ms).bind(20, sample.decode_device_ms);
  row.bind(21, sample.failure).bind(22, sample.prefill).bind(23, sample.text);
  row.bind(24, std::span<const std::byte>(to_bytes(sample.tokens)));
}

Result<> add_counts(Statement& add, const VerdictCounts& counts) {
  for (const auto& [grading_id, n] : counts) {
    add.bind(1, grading_id);
    for (int verdict = 0; verdict < 5; ++verdict) add.bind(2 + verdict, n[static_cast<std::size_t>(verdict)]);
    ASSAY_TRY(add.run());
  }
  return {};
}

}  // namespace assay::results
