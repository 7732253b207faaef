#pragma once
// What the tests of harness/run share: a small suite, and a runner that follows a script.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runners/runner.h"
#include "suites/suite.h"

namespace assay::run {

/// A suite of kind `text`: item "qN" asks for the word "aN".
inline suites::Suite text_suite(const std::string& name, int n_items) {
  suites::Suite suite;
  suite.name = name;
  suite.version = "1";
  suite.kind = suites::ItemKind::text;
  suite.sha256 = std::string(63, '0') + "1";
  for (int i = 0; i < n_items; ++i) {
    const std::string n = std::to_string(i);
    Json record = {{"id", "q" + n}, {"question", "Say a" + n}, {"answer", {"a" + n}}};
    suite.items.push_back({ItemId("q" + n), "", "Say a" + n, std::move(record), ""});
  }
  return suite;
}

/// Answers each request as `answer` says, last request first: completions need not come in the order of the plan.
class ScriptedRunner final : public runners::Runner {
 public:
  using Answer = std::function<runners::Completion(const runners::Request&)>;
  explicit ScriptedRunner(Answer answer) : answer_(std::move(answer)) {}

  /// Says "aN" for "Say aN".
  static runners::Completion right_answer(const runners::Request& request) {
    runners::Completion completion;
    completion.id = request.id;
    completion.sample = request.sample;
    completion.text = request.messages.front().content.substr(4);
    completion.n_prompt_tokens = 3;
    completion.n_output_tokens = 2;
    return completion;
  }

  runners::ModelFacts model_facts() const override {
    runners::ModelFacts facts;
    facts.name = "scripted";
    facts.reference = "scripted";
    facts.weights_sha256 = weights_sha256;
    return facts;
  }
  runners::DeviceFacts device_facts() const override { return device; }
  Result<> check(const std::vector<runners::Request>&) override {
    if (during_check) during_check();
    return refuses_all ? Result<>(bad_input("prompt too long")) : Result<>();
  }
  Result<> run(const std::vector<runners::Request>& requests, const runners::CompletionSink& on_completion,
               const runners::ProgressSink& on_progress, std::stop_token stop) override {
    n_asked = requests.size();
    for (std::size_t i = requests.size(); i-- > 0;) {
      if (stop.stop_requested()) return interrupted("stopped");
      if (fails_after == 0) return environment_error("the device is gone");
      --fails_after;
      ASSAY_TRY(on_completion(answer_(requests[i])));
      on_progress({});
    }
    return {};
  }

  Result<std::optional<runners::LinkReport>> link_report() const override { return link; }

  std::optional<runners::LinkReport> link;
  std::string weights_sha256 = std::string(64, 'a');
  runners::DeviceFacts device = {"cpu", "script", Json::object()};
  bool refuses_all = false;
  std::function<void()> during_check;
  std::int64_t fails_after = -1;  ///< completions before the device fails; negative: it never does
  std::size_t n_asked = 0;

 private:
  Answer answer_;
};

}  // namespace assay::run
