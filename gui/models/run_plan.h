#pragma once
// What a run will take, before it starts: from what the suites and the model say of themselves, and from an earlier
// run.

#include <QByteArray>
#include <QString>
#include <QStringList>
#include <map>
#include <optional>
#include <vector>

#include "gui/models/run_command.h"
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

/// A figure that is known only if an earlier run tells it.
struct RunPlan {
  int n_items = 0;
  int n_samples = 0;  ///< over all items
  std::optional<double> n_output_tokens, seconds, usd;
  QString basis;        ///< which run the three come from, and how
  QStringList unknown;  ///< what is not known, and why
  QStringList memory;   ///< a line a device
};

/// Plans a run. `suites` has the facts of each chosen one, in their order. `earlier` is a finished, timed run of the
/// same model with samples of some of the suites, or null: its mean output tokens a sample, its speed and the given
/// price are taken to hold again. Pure.
RunPlan plan_run(const RunChoices& choices, const std::vector<SuitePlanFacts>& suites,
                 const std::optional<ModelPlanFacts>& model, const results::RunSummary* earlier);

}  // namespace assay::gui
