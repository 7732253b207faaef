#pragma once
// What the tests of results store: a small run, its samples, a folder that removes itself.

#include <string>

#include "results/store.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace assay::results::testing {

using test_support::TemporaryFolder;

/// True if `result` has a value; else a failing check around it shows the error.
template <class T>
bool ok(const Result<T>& result) {
  if (!result) UNSCOPED_INFO(result.error().message);
  return result.has_value();
}

inline EnvironmentFacts some_environment(std::string device_kind = "cpu") {
  EnvironmentFacts environment;
  environment.device_kind = std::move(device_kind);
  environment.device_name = "Test CPU, 2 threads";
  environment.cpu_model = "Test CPU";
  environment.n_cores = 2;
  environment.memory_bytes = 8'000'000'000;
  environment.os = "TestOS 1";
  environment.kernel = "6.1";
  environment.build_version = "0.1.0";
  environment.build_git_commit = "0123abc";
  environment.compiler = "gcc 12";
  environment.compiler_flags = "-O3";
  environment.details = {{"note", "for tests"}};
  return environment;
}

/// "i0", "i1", …
inline std::string item_name(std::int64_t n) { return std::string("i").append(std::to_string(n)); }

/// A run of suite "sums" with `n_items` items and `samples` samples each.
inline RunFacts some_run(std::string name = "trial", std::int64_t n_items = 3, std::int64_t samples = 2) {
  RunFacts run;
  run.name = std::move(name);
  run.model = {"tiny", "models/tiny", std::string(64, 'a'), std::string(64, 'b'), {{"n_layers", 6}}};
  run.seed = 7;
  run.command_line = "assay run --model models/tiny --suite sums";
  run.tags = {{"branch", "main"}};
  RunSuiteFacts suite;
  suite.suite = "sums";
  suite.version = "1";
  suite.kind = "integer";
  suite.sha256 = std::string(64, 'c');
  suite.samples = samples;
  suite.sampling = {{"temperature", 0.6}};
  suite.grader_version = "1";
  for (std::int64_t i = 0; i < n_items; ++i) {
    suite.items.push_back({ItemId(item_name(i)), "", std::string(64, 'd'), "1+1?", "2"});
  }
  run.suites = {suite};
  return run;
}

inline SampleFacts some_sample(std::string item, std::int64_t sample) {
  SampleFacts facts;
  facts.key = {"sums", ItemId(std::move(item)), sample};
  facts.prefill = "<think>\n";
  facts.text = "1+1 is 2.</think>\\boxed{2}";
  facts.tokens = {1, 2, 300, 70'000};
  facts.n_prompt_tokens = 10;
  facts.n_cached_prompt_tokens = 4;
  facts.n_output_tokens = 5;
  facts.finish_reason = "eos";
  facts.ttft_ms = 20;
  facts.e2e_ms = 100;
  facts.itl_ms_mean = 20;
  return facts;
}

inline VerdictFacts some_verdict(Verdict verdict, std::optional<std::string> answer = "2") {
  VerdictFacts facts;
  facts.verdict = verdict;
  facts.answer = std::move(answer);
  facts.expected = "2";
  facts.score = verdict == Verdict::correct ? 1 : 0;
  facts.rule = "boxed";
  facts.graded_at_ms = 1'700'000'000'000;
  return facts;
}

inline constexpr std::int64_t kNowMs = 1'700'000'000'000;

}  // namespace assay::results::testing
