#pragma once
// One line of a replay file, read and checked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "runners/runner.h"

namespace assay::runners {

/// What the line says, with absent fields empty.
struct ReplayRecord {
  std::string id;
  std::int64_t sample = 0;
  std::string output;
  std::optional<std::int64_t> n_prompt_tokens;
  std::optional<std::int64_t> n_output_tokens;
  std::optional<double> ttft_ms;
  std::optional<double> e2e_ms;
  FinishReason finish_reason = FinishReason::eos;
  std::optional<std::string> failure;  ///< why there is no output; then `output` may be empty
};

/// Error{bad_input} starts with `where` ("FILE:LINE") and names the field and its rule: ids are not empty, counts and
/// times not negative.
Result<ReplayRecord> parse_replay_record(std::string_view line, const std::string& where);

}  // namespace assay::runners
