#pragma once
// What a run will take, before it starts: from what the suites and the model say of themselves, and from an earlier
// run; or from the program's own model of the chosen GPU.

#include <QByteArray>
#include <QString>
#include <QStringList>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "gui/models/run_command.h"
#include "gui/models/table.h"
#include "results/summary.h"

namespace assay::gui {

/// A suite in the list that `assay suites --json` prints.
struct SuiteOffer {
  QString suite, group, title, kind;
  std::optional<int> n_items;  ///< none where the items are not there yet
  QString items_from;          ///< where to get them then
};
/// Error{bad_input} for anything but what the program prints.
Result<std::vector<SuiteOffer>> parse_suite_list(const QByteArray& json);

/// What `assay suites show NAME --json` says of a suite that a plan needs.
struct SuitePlanFacts {
  int n_items = 0;
  int samples = 1;                              ///< an item, unless the call says otherwise
  std::map<std::string, int> protocol_samples;  ///< the same under a protocol
};
Result<SuitePlanFacts> parse_suite(const QByteArray& json);

/// Names of registered models, from `assay models --json`.
Result<QStringList> parse_model_names(const QByteArray& json);
/// Names of hardware profiles, from `assay hardware --json`.
Result<QStringList> parse_hardware_names(const QByteArray& json);

/// How the model fits a device, from `assay models show REF --json`.
struct DeviceFit {
  QString device, name;
  std::optional<double> weight_bytes, available_bytes;
  std::optional<bool> fits;
};
struct ModelPlanFacts {
  QString name;
  std::vector<DeviceFit> devices;
};
Result<ModelPlanFacts> parse_model(const QByteArray& json);

/// What a run takes. Each figure is there only where something tells it; all are projections.
struct PlanFigures {
  std::optional<double> n_output_tokens, seconds, usd, joules;
};

struct RunPlan {
  std::int64_t n_items = 0;
  std::int64_t n_samples = 0;             ///< over all items
  std::optional<double> n_prompt_tokens;  ///< each item's once
  PlanFigures expected;
  std::optional<PlanFigures> at_most;  ///< if each sample took all that it may
  std::optional<double> error_ratio;   ///< of the times, where the model of them could be checked
  QStringList basis;                   ///< where the figures come from
  QStringList unknown;                 ///< what is not known, and why
  QStringList memory;                  ///< a line a device
};

/// Plans a run. `suites` has the facts of each chosen one, in their order. `earlier` is a finished, timed run of the
/// same model with samples of some of the suites, or null: its mean output tokens a sample, its speed, its energy a
/// token and the given price are taken to hold again. Pure.
RunPlan plan_run(const RunChoices& choices, const std::vector<SuitePlanFacts>& suites,
                 const std::optional<ModelPlanFacts>& model, const results::RunSummary* earlier);

/// The plan for a GPU that need not be here, from what `assay plan --json` prints.
Result<RunPlan> parse_plan(const QByteArray& json);

/// "3 items, 6 samples, 250 prompt tokens".
QString plan_size_text(const RunPlan& plan);
/// Tokens, time, cost and energy: expected, and at most.
Table plan_table(const RunPlan& plan);

}  // namespace assay::gui
