#pragma once
// Prompts for loads: of about a given length, no two alike from their beginning on, so that no cache of prefixes makes
// a benchmark look fast; or with a shared beginning, when that is what is asked for. Pure.

#include <cstdint>
#include <string>

namespace assay::bench {

struct PromptPlan {
  std::uint64_t seed = 0;           ///< another seed gives other prompts: a repeat takes another one
  std::int64_t n_words = 64;        ///< of each prompt, shared ones not counted
  std::int64_t n_shared_words = 0;  ///< that all prompts of all seeds begin with; 0 shares nothing
};

/// The same plan and index give the same text.
std::string make_prompt(const PromptPlan& plan, std::int64_t index);

}  // namespace assay::bench
