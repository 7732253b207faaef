// Choosing the runs of a suite on different devices, and reading them.
#include <algorithm>
#include <map>
#include <tuple>

#include "gui/models/figure_text.h"
#include "gui/models/hardware.h"
#include "gui/models/plain_text.h"

namespace assay::gui {

namespace {

using results::EnvironmentFacts;
using results::RunRecord;

bool has_suite(const RunRecord& run, const std::string& suite) {
  return std::any_of(run.suites.begin(), run.suites.end(),
                     [&](const results::RunSuiteRecord& of) { return of.facts.suite == suite && of.n_samples > 0; });
}

std::string device_name_of(const RunRecord& run) {
  if (run.facts.hardware_profile) return *run.facts.hardware_profile;
  const EnvironmentFacts& environment = run.segments.back().environment;
  return environment.gpu_name.value_or(environment.device_name);
}

QString hardware_title(const RunRecord& run, const std::vector<results::HardwareProfile>& profiles) {
  constexpr qsizetype kMaxTitle = 60;
  if (const auto profile = profile_of(run, profiles)) return visible_text(profile->title, kMaxTitle);
  const std::string device = device_name_of(run);
  return device.empty() ? QString("unknown device") : visible_text(device, kMaxTitle);
}

Result<> read_hardware_run(const ChosenRun& chosen, const HardwareQuestion& question,
                           const std::vector<results::HardwareProfile>& profiles, std::stop_token stop,
                           std::optional<results::TokenStreams>& reference, HardwareAnswer& answer) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(chosen.database.toStdString()));
  const RunId id(chosen.run_id.toStdString());
  return store.in_snapshot([&]() -> Result<> {
    HardwareRun run;
    run.title = chosen.title;
    ASSAY_ASSIGN(run.summary, results::summarise(store, id));
    run.hardware = hardware_title(run.summary.run, profiles);
    for (const results::SuiteSummary& suite : run.summary.suites) {
      if (suite.suite.facts.suite == question.suite) run.suite = suite;
    }
    ASSAY_ASSIGN(results::TokenStreams tokens,
                 results::read_token_streams(store, id, [&] { return stop.stop_requested(); }));
    // The first run that has samples is what the others are compared with.
    if (!reference && !tokens.empty()) reference = tokens;
    if (reference) run.agreement = results::token_agreement(*reference, tokens);
    answer.runs.push_back(std::move(run));
    return {};
  });
}

}  // namespace

std::optional<results::HardwareProfile> profile_of(const RunRecord& run,
                                                   const std::vector<results::HardwareProfile>& profiles) {
  if (const auto& name = run.facts.hardware_profile) {
    auto profile = results::find_hardware(profiles, *name);
    return profile ? std::optional(std::move(*profile)) : std::nullopt;
  }
  const EnvironmentFacts& environment = run.segments.back().environment;
  const results::HardwareProfile* profile =
      environment.gpu_name ? results::match_hardware(profiles, "gpu", *environment.gpu_name, std::nullopt)
                           : results::match_hardware(profiles, "cpu", environment.cpu_model, std::nullopt);
  return profile != nullptr ? std::optional(*profile) : std::nullopt;
}

std::string suite_to_show(const Workspace& workspace, const ViewState& state) {
  if (!state.suite.isEmpty()) return state.suite.toStdString();
  for (const QString& id : state.runs) {
    const LocatedRun* located = workspace.find(id);
    if (located != nullptr && !located->run.suites.empty()) return located->run.suites.front().facts.suite;
  }
  for (const LocatedRun& located : *workspace.runs()) {
    if (!located.run.suites.empty()) return located.run.suites.front().facts.suite;
  }
  return {};
}

HardwareQuestion hardware_question(const Workspace& workspace, const ViewState& state) {
  HardwareQuestion question;
  question.suite = suite_to_show(workspace, state);
  ChosenRuns chosen = chosen_runs(workspace, state);
  if (!chosen.runs.empty()) {
    question.runs = std::move(chosen.runs);
    return question;
  }
  ViewState picked;
  std::map<std::tuple<std::string, std::string, std::string>, int> n_of_group;
  for (const LocatedRun& located : *workspace.runs()) {
    const RunRecord& run = located.run;
    const bool is_figures_alone = run.suites.empty();
    if (!is_figures_alone && !has_suite(run, question.suite)) continue;
    const int n = ++n_of_group[{device_name_of(run), run.facts.provenance, run.facts.model.name}];
    const bool is_taken = (is_figures_alone || n == 1) && picked.runs.size() < qsizetype{kMaxHardwareRuns};
    if (is_taken) {
      picked.runs.append(QString::fromStdString(run.run_id.value));
    } else {
      ++question.n_left_out;
    }
  }
  question.runs = chosen_runs(workspace, picked).runs;
  return question;
}

HardwareAnswer read_hardware_runs(const HardwareQuestion& question, std::stop_token stop) {
  HardwareAnswer answer;
  answer.suite = question.suite;
  answer.n_left_out = question.n_left_out;
  const auto profiles = results::load_hardware(results::user_hardware_folder());
  if (!profiles) {
    answer.refusal = profiles.error().message;
    return answer;
  }
  std::optional<results::TokenStreams> reference;
  for (const ChosenRun& chosen : question.runs) {
    if (stop.stop_requested()) return answer;
    if (const Result<> read = read_hardware_run(chosen, question, *profiles, stop, reference, answer); !read) {
      answer.refusal = read.error().message;
      return answer;
    }
  }
  std::stable_sort(answer.runs.begin(), answer.runs.end(),
                   [](const HardwareRun& a, const HardwareRun& b) { return a.hardware < b.hardware; });
  return answer;
}

}  // namespace assay::gui
