#include "harness/run/grading.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace assay::run {

namespace {

results::Verdict to_stored(suites::Verdict verdict) {
  switch (verdict) {
    case suites::Verdict::correct:
      return results::Verdict::correct;
    case suites::Verdict::incorrect:
      return results::Verdict::incorrect;
    case suites::Verdict::no_answer:
      return results::Verdict::no_answer;
    case suites::Verdict::truncated:
      return results::Verdict::truncated;
    case suites::Verdict::error:
      break;
  }
  return results::Verdict::error;
}

suites::Grade error_grade(const char* rule, const std::string& reason) {
  suites::Grade grade;
  grade.verdict = suites::Verdict::error;
  grade.rule = rule;
  grade.detail["message"] = reason;
  return grade;
}

suites::Grade grade_text(const suites::Suite& suite, const suites::Item& item, const results::SampleFacts& sample,
                         const GradingTools& tools) {
  const std::string text = sample.prefill + sample.text;
  const bool hit_length_limit = sample.finish_reason == "length" || sample.finish_reason == "context";
  try {
    return suites::grade(suite, item, {.text = text, .hit_length_limit = hit_length_limit},
                         {.sandbox = tools.sandbox, .profile = tools.profile});
  } catch (const std::exception& thrown) {
    // Graders don't throw, but memory and libraries do; one sample must not end the run.
    return error_grade("grader_failed", thrown.what());
  }
}

std::optional<std::int64_t> known_count(std::int64_t count) { return count > 0 ? std::optional(count) : std::nullopt; }

}  // namespace

results::SampleFacts sample_facts(const std::string& suite, const ItemId& item, const runners::Completion& completion) {
  results::SampleFacts facts;
  facts.key = {suite, item, completion.sample};
  facts.prefill = completion.prefill;
  facts.text = completion.text;
  facts.tokens = completion.tokens;
  facts.rendered_prompt_sha256 = completion.prompt_sha256;
  facts.n_prompt_tokens = known_count(completion.n_prompt_tokens);
  if (completion.n_cached_prompt_tokens >= 0) facts.n_cached_prompt_tokens = completion.n_cached_prompt_tokens;
  facts.n_output_tokens = known_count(completion.n_output_tokens);
  facts.n_drafted_tokens = completion.n_drafted_tokens;
  facts.n_accepted_tokens = completion.n_accepted_tokens;
  const runners::Timings& timings = completion.timings;
  facts.queued_ms = timings.queued_ms;
  facts.started_ms = timings.started_ms;
  facts.first_token_ms = timings.first_token_ms;
  facts.finished_ms = timings.finished_ms;
  facts.ttft_ms = timings.ttft_ms;
  facts.e2e_ms = timings.e2e_ms;
  facts.itl_ms_mean = timings.itl_ms_mean;
  facts.prefill_device_ms = timings.prefill_device_ms;
  facts.decode_device_ms = timings.decode_device_ms;
  if (completion.failure.empty()) {
    facts.finish_reason = runners::to_string(completion.finish_reason);
  } else {
    facts.failure = completion.failure;
  }
  return facts;
}

results::VerdictFacts grade_sample(const suites::Suite& suite, const suites::Item& item,
                                   const results::SampleFacts& sample, const GradingTools& tools,
                                   std::int64_t graded_at_ms) {
  const suites::Grade grade =
      sample.failure ? error_grade("sample_failed", *sample.failure) : grade_text(suite, item, sample, tools);
  results::VerdictFacts verdict;
  verdict.verdict = to_stored(grade.verdict);
  verdict.answer = grade.answer;
  verdict.expected = grade.expected;
  verdict.score = grade.score;
  verdict.rule = grade.rule;
  verdict.detail = grade.detail;
  verdict.sandboxed = suite.kind != suites::ItemKind::code || tools.sandbox_protects;
  verdict.graded_at_ms = graded_at_ms;
  return verdict;
}

std::size_t grading_threads(bool has_code_suite) {
  return has_code_suite ? std::max(2u, std::thread::hardware_concurrency()) : 2;
}

void grade_in_parallel(std::size_t n, std::size_t n_threads, const std::function<void(std::size_t)>& grade_one) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < std::min(n, n_threads); ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = next++; i < n; i = next++) grade_one(i);
    });
  }
}

}  // namespace assay::run
