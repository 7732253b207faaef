#pragma once
// How a suite's samples are drawn: the user's word over the protocol's over the suite's.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/runner.h"
#include "suites/suite.h"

namespace assay::run {

/// Sampling as far as someone has set it; what is empty is left to the next in line.
struct SamplingChoice {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> top_k;
  std::optional<double> min_p;
  std::optional<std::int64_t> max_output_tokens;
  bool operator==(const SamplingChoice&) const = default;
};

/// Names of the known protocols (settings under which scores were published).
std::vector<std::string> protocol_names();

/// The sampling that a protocol prescribes. `deepseek-r1`: temperature 0.6, top-p 0.95, at most 32,768 output tokens.
/// Source: DeepSeek-R1, arXiv:2501.12948, evaluation set-up. Error{bad_input} lists the known names.
Result<SamplingChoice> protocol_sampling(std::string_view name);

/// The sampling of one suite's samples: `user`, else `protocol`, else the suite's own.
runners::SamplingParams resolve_sampling(const suites::SamplingDefaults& suite, const SamplingChoice& protocol,
                                         const SamplingChoice& user);

}  // namespace assay::run
