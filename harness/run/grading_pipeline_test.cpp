#include "harness/run/grading_pipeline.h"

#include <atomic>
#include <set>

#include "harness/run/test_parts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;

namespace {

Plan plan_of(int n_items) {
  PlanSettings settings;
  settings.samples = 1;
  return *make_plan({text_suite("words", n_items)}, settings);
}

}  // namespace

TEST_CASE("grading pipeline: everything handed over is graded and stored once, on one thread", "[run]") {
  const Plan plan = plan_of(1000);
  std::set<std::string> stored;
  std::set<std::thread::id> threads;
  int n_correct = 0;
  GradingPipeline pipeline(
      plan, {}, 4,
      [&](std::span<const results::GradedSample> samples) -> Result<> {
        CHECK_FALSE(samples.empty());
        threads.insert(std::this_thread::get_id());
        for (const auto& [sample, verdict] : samples) {
          CHECK(stored.insert(sample.key.item.value).second);
          n_correct += verdict.verdict == results::Verdict::correct;
          CHECK(verdict.graded_at_ms == 42);
        }
        return {};
      },
      [] { return std::int64_t{42}; });
  for (const PlannedSample& planned : plan.samples) {
    runners::Completion completion = ScriptedRunner::right_answer(planned.request);
    if (planned.item_index % 10 == 0) completion.text = "something else";
    REQUIRE(pipeline.submit(std::move(completion)));
  }
  REQUIRE(pipeline.finish());
  CHECK(stored.size() == 1000);
  CHECK(threads.size() == 1);
  CHECK(n_correct == 900);
}

TEST_CASE("grading pipeline: when storing fails, submitting fails and nothing further is stored", "[run]") {
  const Plan plan = plan_of(5000);
  std::atomic<int> n_calls = 0;
  GradingPipeline pipeline(
      plan, {}, 2,
      [&](std::span<const results::GradedSample>) -> Result<> {
        if (++n_calls == 3) return environment_error("disk full");
        return {};
      },
      [] { return std::int64_t{0}; });
  std::size_t n_accepted = 0;
  for (const PlannedSample& planned : plan.samples) {
    const auto submitted = pipeline.submit(ScriptedRunner::right_answer(planned.request));
    if (!submitted) {
      CHECK(submitted.error().message == "disk full");
      break;
    }
    ++n_accepted;
  }
  CHECK(n_accepted < 5000);  // the queues hold far fewer, so submit() must have noticed
  const auto finished = pipeline.finish();
  REQUIRE_FALSE(finished);
  CHECK(finished.error().kind == ErrorKind::environment);
  CHECK(n_calls == 3);
}

TEST_CASE("grading pipeline: a completion that nobody asked for is refused", "[run]") {
  const Plan plan = plan_of(2);
  GradingPipeline pipeline(
      plan, {}, 1, [](std::span<const results::GradedSample>) -> Result<> { return {}; },
      [] { return std::int64_t{0}; });
  runners::Completion completion;
  completion.id = "q0";
  completion.sample = 1;
  CHECK_FALSE(pipeline.submit(completion));
  completion.sample = 0;
  CHECK(pipeline.submit(completion));
  CHECK(pipeline.finish());
}

TEST_CASE("grade_sample: a failed sample is the verdict error with its reason", "[run]") {
  const suites::Suite suite = text_suite("words", 1);
  results::SampleFacts sample;
  sample.key = {"words", ItemId("q0"), 0};
  sample.text = "a0";
  sample.failure = "nan_logits at step 3";
  const results::VerdictFacts verdict = grade_sample(suite, suite.items[0], sample, {}, 5);
  CHECK(verdict.verdict == results::Verdict::error);
  CHECK(verdict.detail["message"] == "nan_logits at step 3");
  CHECK(verdict.score == 0);
}

TEST_CASE("grade_sample: the prefill is graded in front of the text", "[run]") {
  const suites::Suite suite = text_suite("words", 1);
  results::SampleFacts sample;
  sample.prefill = "<think>\n";
  sample.text = "still thinking a0";
  CHECK(grade_sample(suite, suite.items[0], sample, {}, 5).verdict == results::Verdict::truncated);
  sample.text = "done</think>\na0";
  CHECK(grade_sample(suite, suite.items[0], sample, {}, 5).verdict == results::Verdict::correct);
}

TEST_CASE("sample_facts: counts of zero are unknown, reasons are words", "[run]") {
  runners::Completion completion;
  completion.finish_reason = runners::FinishReason::length;
  CHECK_FALSE(sample_facts("s", ItemId("i"), completion).n_prompt_tokens.has_value());
  CHECK_FALSE(sample_facts("s", ItemId("i"), completion).n_output_tokens.has_value());
  completion.n_prompt_tokens = 5;
  completion.n_output_tokens = 6;
  completion.timings.ttft_ms = 1.5;
  const results::SampleFacts facts = sample_facts("s", ItemId("i"), completion);
  CHECK(facts.n_prompt_tokens == 5);
  CHECK(facts.n_cached_prompt_tokens == 0);
  CHECK(facts.n_output_tokens == 6);
  completion.n_cached_prompt_tokens = -1;
  CHECK_FALSE(sample_facts("s", ItemId("i"), completion).n_cached_prompt_tokens.has_value());
  CHECK(facts.ttft_ms == 1.5);
  CHECK(facts.finish_reason == "length");
  completion.failure = "gone";
  CHECK_FALSE(sample_facts("s", ItemId("i"), completion).finish_reason.has_value());
}

TEST_CASE("grade_in_parallel: each index once", "[run]") {
  std::vector<std::atomic<int>> seen(257);
  grade_in_parallel(seen.size(), 3, [&](std::size_t i) { ++seen[i]; });
  for (const auto& count : seen) CHECK(count == 1);
}
