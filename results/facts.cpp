#include "results/facts.h"

#include <array>
#include <span>

#include "harness/base/sha256.h"
#include "harness/base/text.h"

namespace assay::results {

namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 5> kVerdicts = {"correct", "incorrect", "no_answer", "truncated", "error"};
constexpr std::array<std::string_view, 3> kRunStates = {"running", "finished", "interrupted"};

template <class Enum>
Result<Enum> parse_word(std::string_view text, std::span<const std::string_view> words, std::string_view what) {
  std::string known;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) return static_cast<Enum>(i);
    known += (i == 0 ? "" : ", ") + std::string(words[i]);
  }
  return bad_input(what, " ", quoted_excerpt(text), " is unknown; expected one of ", known);
}

Json identity_of(const RunSuiteFacts& suite) {
  Json items = Json::array();
  for (const ItemFacts& item : suite.items) items.push_back(item.item.value);
  return {{"suite", suite.suite},
          {"sha256", suite.sha256},
          {"samples", suite.samples},
          {"sampling", suite.sampling},
          {"grader_profile", suite.grader_profile},
          {"grader_version", suite.grader_version},
          {"items", std::move(items)}};
}

}  // namespace

std::string to_string(Verdict verdict) { return std::string(kVerdicts[static_cast<std::size_t>(verdict)]); }
Result<Verdict> parse_verdict(std::string_view text) { return parse_word<Verdict>(text, kVerdicts, "verdict"); }
std::string to_string(RunState state) { return std::string(kRunStates[static_cast<std::size_t>(state)]); }
Result<RunState> parse_run_state(std::string_view text) { return parse_word<RunState>(text, kRunStates, "run state"); }

std::string run_identity(const RunFacts& facts) {
  Json suites = Json::array();
  for (const RunSuiteFacts& suite : facts.suites) suites.push_back(identity_of(suite));
  Json identity = {{"name", facts.name},
                   {"model", facts.model.reference},
                   {"weights_sha256", facts.model.weights_sha256},
                   {"tokenizer_sha256", facts.model.tokenizer_sha256},
                   {"seed", facts.seed},
                   {"suites", std::move(suites)}};
  if (!facts.plan_sha256.empty()) identity["plan_sha256"] = facts.plan_sha256;
  return sha256_hex(to_json_text(identity));
}

}  // namespace assay::results
