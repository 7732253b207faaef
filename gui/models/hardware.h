#pragma once
// What the page of hardware shows: published profiles side by side, and runs of one suite on different devices.

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gui/models/chosen_runs.h"
#include "gui/models/table.h"
#include "results/hardware/hardware.h"
#include "results/summary.h"
#include "results/token_streams.h"

namespace assay::gui {

/// The profiles that are compared unless others are chosen.
const QStringList& default_profiles();

/// The profile that the run names, else the one of its device; none if there is none.
std::optional<results::HardwareProfile> profile_of(const results::RunRecord& run,
                                                   const std::vector<results::HardwareProfile>& profiles);

/// A row a value: each profile's, and the ratio of the others to the first. What is disputed bears an asterisk.
Table profiles_table(const std::vector<results::HardwareProfile>& profiles);
/// A row a value and profile: convention, source, date, confidence, and what others say.
Table sources_table(const std::vector<results::HardwareProfile>& profiles);

struct HardwareQuestion {
  std::vector<ChosenRun> runs;  ///< the first is the one whose tokens the others' are compared with
  std::string suite;            ///< whose accuracy is shown
  qint64 n_left_out = 0;        ///< runs of the suite that are not among `runs`
};

/// The suite that is looked at: the state's, else the first of the newest run that has one; empty where none is.
std::string suite_to_show(const Workspace& workspace, const ViewState& state);
/// The chosen runs; where none is chosen, the newest of each device, provenance and model that has the suite, and those
/// that hold figures without samples. At most kMaxHardwareRuns.
HardwareQuestion hardware_question(const Workspace& workspace, const ViewState& state);
inline constexpr std::size_t kMaxHardwareRuns = 24;

/// One run on its device.
struct HardwareRun {
  QString title;
  QString hardware;  ///< the profile's title, or what the device calls itself
  results::RunSummary summary;
  std::optional<results::SuiteSummary> suite;
  results::TokenAgreement agreement;  ///< with the first run
};

struct HardwareAnswer {
  std::string refusal;
  std::string suite;
  qint64 n_left_out = 0;
  std::vector<HardwareRun> runs;  ///< those of one hardware stand together
};
HardwareAnswer read_hardware_runs(const HardwareQuestion& question, std::stop_token stop);

/// A row a run: accuracy, speed, latency, energy, and whether its tokens are those of the first.
Table hardware_runs_table(const HardwareAnswer& answer);
/// Figures that came without samples: published and imported ones.
Table hardware_measurements_table(const HardwareAnswer& answer);

}  // namespace assay::gui
