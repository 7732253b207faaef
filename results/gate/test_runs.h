#pragma once
// Runs as the tests of comparisons and gates need them: made from chances, without a database.

#include <random>
#include <regex>
#include <string>
#include <vector>

#include "results/comparable_run.h"

namespace assay::results::testing {

/// A finished run of suite "words" without items.
inline ComparableRun empty_run(std::string id) {
  ComparableRun run;
  run.run_id = std::move(id);
  run.state = "finished";
  run.provenance = "measured";
  run.model = "tiny";
  run.weights_sha256 = std::string(64, 'a');
  run.environments = {{{"device_name", "Test CPU"}, {"build_version", "1"}}};
  ComparableSuite& suite = run.suites.emplace_back();
  suite.suite = "words";
  suite.version = "1";
  suite.sha256 = std::string(64, 'c');
  suite.grader_profile = "canonical";
  suite.grader_version = "1";
  suite.sampling = {{"temperature", 0.6}};
  return run;
}

inline ComparableSample some_comparable_sample(Verdict verdict) {
  ComparableSample sample;
  sample.verdict = verdict;
  if (verdict == Verdict::correct) sample.answer = 0;
  if (verdict == Verdict::incorrect) sample.answer = 1;
  sample.n_output_tokens = 100;
  sample.ttft_ms = 20;
  sample.itl_ms = 5;
  sample.e2e_ms = 520;
  return sample;
}

/// Adds an item "iN" with these verdicts to the run's suite of that index.
inline ComparableItem& add_item(ComparableRun& run, const std::vector<Verdict>& verdicts, std::size_t suite = 0) {
  ComparableSuite& of = run.suites[suite];
  const std::string id = std::string("i").append(std::to_string(of.items.size()));
  ComparableItem& item = of.items.emplace_back();
  item.item = id;
  item.content_sha256 = "content of " + id;
  for (const Verdict verdict : verdicts) item.samples.push_back(some_comparable_sample(verdict));
  of.n_items = static_cast<std::int64_t>(of.items.size());
  of.samples = static_cast<std::int64_t>(verdicts.size());
  return item;
}

/// A run of single samples: "cci" is two correct ones and an incorrect one; n, t and e are the other outcomes.
inline ComparableRun run_of(const std::string& id, const std::string& outcomes) {
  ComparableRun run = empty_run(id);
  for (const char c : outcomes) {
    add_item(run, {c == 'c'   ? Verdict::correct
                   : c == 'i' ? Verdict::incorrect
                   : c == 'n' ? Verdict::no_answer
                   : c == 't' ? Verdict::truncated
                              : Verdict::error});
  }
  return run;
}

/// A run whose item i is right with chance `chances[i]`, `n_samples` times over.
inline ComparableRun random_run(const std::string& id, const std::vector<double>& chances, int n_samples,
                                std::mt19937_64& random) {
  ComparableRun run = empty_run(id);
  for (const double chance : chances) {
    std::bernoulli_distribution correct(chance);
    std::vector<Verdict> verdicts;
    for (int k = 0; k < n_samples; ++k) verdicts.push_back(correct(random) ? Verdict::correct : Verdict::incorrect);
    add_item(run, verdicts);
  }
  return run;
}

/// True if a NaN or an infinity stands in a text.
inline bool shows_no_number(const std::string& text) {
  static const std::regex word("\\b(nan|inf|infinity)\\b", std::regex::icase);
  return std::regex_search(text, word);
}

}  // namespace assay::results::testing
