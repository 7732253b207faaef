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

/// Settings under which scores were published.
struct Protocol {
  std::string name;
  SamplingChoice sampling;
  std::string reply_opening;  ///< what every reply is made to begin with
};
std::vector<std::string> protocol_names();

/// `deepseek-r1`: temperature 0.6, top-p 0.95, at most 32,768 output tokens, replies opened with "<think>\n".
/// Source: DeepSeek-R1, arXiv:2501.12948, evaluation set-up; README of deepseek-ai/DeepSeek-R1, usage recommendations.
/// Error{bad_input} lists the known names.
Result<Protocol> find_protocol(std::string_view name);

/// Samples of each item under a protocol: what the suite says, else by its number of items n the largest power of two
/// not above 2000 / n, from 4 to 64. DeepSeek's paper says only "4 to 64 by size"; the rule gives the 64, 8 and 4
/// samples for AIME, GPQA-Diamond and MATH-500 of the open reproduction (huggingface/open-r1, README).
std::int64_t protocol_samples(const Protocol& protocol, const suites::Suite& suite);

/// The sampling of one suite's samples: `user`, else `protocol`, else the suite's own.
runners::SamplingParams resolve_sampling(const suites::SamplingDefaults& suite, const SamplingChoice& protocol,
                                         const SamplingChoice& user);

}  // namespace assay::run
