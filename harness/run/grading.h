#pragma once
// From a sample's output to the verdict that is stored with it.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "results/facts.h"
#include "runners/runner.h"
#include "suites/suite.h"

namespace assay::run {

/// What graders may use. Several threads grade at once, each with its own use of the sandbox.
struct GradingTools {
  suites::Sandbox* sandbox = nullptr;  ///< needed by code suites alone
  bool sandbox_protects = true;        ///< false for --sandbox none: verdicts of code suites are marked
  std::string profile = "canonical";
};

/// The stored form of a completion. What a runner can't know stays unknown: prompt and output counts of 0 (a served
/// sample has a prompt and an end) and negative counts of cached tokens.
results::SampleFacts sample_facts(const std::string& suite, const ItemId& item, const runners::Completion& completion);

/// Grades what a sample's model said; `graded_at_ms` is Unix time. A sample that failed is the verdict `error` with its
/// failure in detail, and so is one whose grader throws.
results::VerdictFacts grade_sample(const suites::Suite& suite, const suites::Item& item,
                                   const results::SampleFacts& sample, const GradingTools& tools,
                                   std::int64_t graded_at_ms);

/// How many threads grade: two for pure graders; for code suites, whose graders wait for programs, one per processor.
std::size_t grading_threads(bool has_code_suite);

/// Calls `grade_one(i)` once for each i in [0, n) on `n_threads` threads and returns when all are done.
void grade_in_parallel(std::size_t n, std::size_t n_threads, const std::function<void(std::size_t)>& grade_one);

}  // namespace assay::run
