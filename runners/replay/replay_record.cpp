#include "runners/replay/replay_record.h"

#include "harness/base/json.h"

namespace assay::runners {

namespace {

Result<std::optional<std::int64_t>> optional_count(const JsonObject& record, std::string_view key) {
  if (!record.has(key)) return std::optional<std::int64_t>{};
  ASSAY_ASSIGN(const std::int64_t count, record.integer(key));
  if (count < 0) return record.field_error(key, "must not be negative");
  return std::optional<std::int64_t>{count};
}

Result<std::optional<double>> optional_duration_ms(const JsonObject& record, std::string_view key) {
  if (!record.has(key)) return std::optional<double>{};
  ASSAY_ASSIGN(const double duration_ms, record.number(key));
  if (duration_ms < 0) return record.field_error(key, "must not be negative (milliseconds)");
  return std::optional<double>{duration_ms};
}

}  // namespace

Result<ReplayRecord> parse_replay_record(std::string_view line, const std::string& where) {
  ASSAY_ASSIGN(const Json document, parse_json(line, where));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, where));
  ReplayRecord record;
  ASSAY_ASSIGN(record.id, fields.string("id"));
  if (record.id.empty()) return fields.field_error("id", "must not be empty");
  ASSAY_ASSIGN(record.sample, fields.integer("sample"));
  if (record.sample < 0) return fields.field_error("sample", "must not be negative");
  ASSAY_ASSIGN(record.output, fields.string("output"));
  ASSAY_ASSIGN(record.n_prompt_tokens, optional_count(fields, "prompt_tokens"));
  ASSAY_ASSIGN(record.n_output_tokens, optional_count(fields, "output_tokens"));
  ASSAY_ASSIGN(record.ttft_ms, optional_duration_ms(fields, "ttft_ms"));
  ASSAY_ASSIGN(record.e2e_ms, optional_duration_ms(fields, "e2e_ms"));
  if (record.ttft_ms && record.e2e_ms && *record.ttft_ms > *record.e2e_ms) {
    return fields.field_error("ttft_ms", "must not exceed e2e_ms");
  }
  if (fields.has("failure")) {
    ASSAY_ASSIGN(record.failure, fields.string("failure"));
  }
  ASSAY_ASSIGN(const std::string reason, fields.string_or("finish_reason", "eos"));
  auto parsed_reason = parse_finish_reason(reason);
  if (!parsed_reason) {
    return fields.field_error("finish_reason", "must be eos, stop, length, context, timeout or cancelled");
  }
  record.finish_reason = *parsed_reason;
  return record;
}

}  // namespace assay::runners
