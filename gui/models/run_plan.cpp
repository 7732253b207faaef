#include "gui/models/run_plan.h"

#include <QLocale>
#include <algorithm>

#include "gui/models/workspace.h"
#include "harness/base/json.h"

namespace assay::gui {

namespace {

QString text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? QString::fromStdString(found->get<std::string>()) : QString();
}
std::optional<double> number_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}
std::optional<int> count_of(const Json& object, const char* key) {
  const std::optional<double> value = number_of(object, key);
  return value && *value >= 0 && *value < 1e9 ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

Result<Json> parse_object(const QByteArray& json, const char* where) {
  ASSAY_ASSIGN(Json document, parse_json(json.toStdString(), where));
  if (!document.is_object()) return bad_input(where, ": no JSON object");
  return document;
}

Result<Json> list_in(const QByteArray& json, const char* where, const char* key) {
  ASSAY_ASSIGN(Json document, parse_object(json, where));
  if (!document.contains(key) || !document[key].is_array()) return bad_input(where, ": no list \"", key, "\"");
  for (const Json& entry : document[key]) {
    if (!entry.is_object()) return bad_input(where, ": \"", key, "\" must hold objects");
  }
  return document[key];
}

int samples_of(const RunChoices& choices, const SuitePlanFacts& suite) {
  if (choices.samples) return *choices.samples;
  const auto protocol = suite.protocol_samples.find(choices.protocol.toStdString());
  return protocol != suite.protocol_samples.end() ? protocol->second : suite.samples;
}

QString gigabytes(double bytes) { return QLocale::c().toString(bytes / 1e9, 'f', bytes < 1e9 ? 2 : 1) + " GB"; }

QStringList memory_lines(const ModelPlanFacts& model) {
  QStringList lines;
  for (const DeviceFit& fit : model.devices) {
    QString line = fit.device + ": ";
    if (fit.weight_bytes) line += gigabytes(*fit.weight_bytes) + QObject::tr(" of weights");
    if (fit.available_bytes) line += QObject::tr(", %1 free").arg(gigabytes(*fit.available_bytes));
    if (fit.fits) line += *fit.fits ? QObject::tr(": fits") : QObject::tr(": does not fit");
    lines << line;
  }
  return lines;
}

std::int64_t n_graded(const results::RunSummary& run) {
  std::int64_t n = 0;
  for (const results::SuiteSummary& suite : run.suites) n += suite.suite.n_samples;
  return n;
}

/// Tokens, seconds and dollars as the earlier run had them.
void estimate(RunPlan& plan, const RunChoices& choices, const results::RunSummary& earlier) {
  const std::int64_t n = n_graded(earlier);
  if (n == 0 || !earlier.n_output_tokens || !earlier.output_tokens_per_s || *earlier.output_tokens_per_s <= 0) {
    plan.unknown
        << QObject::tr("Tokens, time and cost: run %1 doesn't know its tokens or its speed").arg(title_of(earlier.run));
    return;
  }
  plan.n_output_tokens = static_cast<double>(*earlier.n_output_tokens) / static_cast<double>(n) * plan.n_samples;
  plan.seconds = *plan.n_output_tokens / *earlier.output_tokens_per_s;
  plan.basis = QObject::tr("projected from run %1: %2 output tokens a sample, %3 output tokens/s")
                   .arg(title_of(earlier.run))
                   .arg(static_cast<double>(*earlier.n_output_tokens) / static_cast<double>(n), 0, 'f', 0)
                   .arg(*earlier.output_tokens_per_s, 0, 'f', 0);
  if (choices.price_usd_per_gpu_hour) {
    plan.usd = *plan.seconds / 3600 * *choices.price_usd_per_gpu_hour;
  } else {
    plan.unknown << QObject::tr("Cost: no price is given");
  }
}

}  // namespace

Result<std::vector<SuiteOffer>> parse_suite_list(const QByteArray& json) {
  ASSAY_ASSIGN(const Json list, list_in(json, "assay suites --json", "suites"));
  std::vector<SuiteOffer> offers;
  for (const Json& entry : list) {
    SuiteOffer offer{text_of(entry, "suite"), text_of(entry, "group"),  text_of(entry, "title"),
                     text_of(entry, "kind"),  count_of(entry, "items"), text_of(entry, "items_from")};
    if (!offer.suite.isEmpty()) offers.push_back(std::move(offer));
  }
  return offers;
}

Result<SuitePlanFacts> parse_suite(const QByteArray& json) {
  ASSAY_ASSIGN(const Json document, parse_object(json, "assay suites show --json"));
  SuitePlanFacts facts;
  const std::optional<int> n_items = count_of(document, "items");
  if (!n_items) return bad_input("suite ", text_of(document, "suite").toStdString(), ": its items are not there");
  facts.n_items = *n_items;
  if (const auto sampling = document.find("sampling"); sampling != document.end() && sampling->is_object()) {
    facts.samples = count_of(*sampling, "samples").value_or(1);
  }
  if (const auto protocols = document.find("protocols"); protocols != document.end() && protocols->is_object()) {
    for (const auto& [name, protocol] : protocols->items()) {
      if (const auto samples = protocol.is_object() ? count_of(protocol, "samples") : std::nullopt) {
        facts.protocol_samples[name] = *samples;
      }
    }
  }
  return facts;
}

Result<QStringList> parse_model_names(const QByteArray& json) {
  ASSAY_ASSIGN(const Json list, list_in(json, "assay models --json", "models"));
  QStringList names;
  for (const Json& entry : list) names << text_of(entry, "name");
  names.removeAll(QString());
  return names;
}

Result<ModelPlanFacts> parse_model(const QByteArray& json) {
  ASSAY_ASSIGN(const Json document, parse_object(json, "assay models show --json"));
  ASSAY_ASSIGN(const Json devices, list_in(json, "assay models show --json", "devices"));
  ModelPlanFacts facts;
  facts.name = text_of(document, "name");
  for (const Json& entry : devices) {
    DeviceFit fit{text_of(entry, "device"),
                  text_of(entry, "name"),
                  number_of(entry, "weight_bytes"),
                  number_of(entry, "available_bytes"),
                  {}};
    const auto fits = entry.find("fits");
    if (fits != entry.end() && fits->is_boolean()) fit.fits = fits->get<bool>();
    facts.devices.push_back(std::move(fit));
  }
  return facts;
}

RunPlan plan_run(const RunChoices& choices, const std::vector<SuitePlanFacts>& suites,
                 const std::optional<ModelPlanFacts>& model, const results::RunSummary* earlier) {
  RunPlan plan;
  for (const SuitePlanFacts& suite : suites) {
    const int n_items = choices.limit ? std::min(suite.n_items, *choices.limit) : suite.n_items;
    plan.n_items += n_items;
    plan.n_samples += n_items * samples_of(choices, suite);
  }
  if (earlier != nullptr) {
    estimate(plan, choices, *earlier);
  } else {
    plan.unknown << QObject::tr(
        "Tokens, time and cost: no finished run of this model and these suites is in the open databases");
  }
  if (model) {
    plan.memory = memory_lines(*model);
  } else {
    plan.unknown << QObject::tr("Memory: the model says nothing of itself");
  }
  return plan;
}

}  // namespace assay::gui
