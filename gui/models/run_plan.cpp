#include "gui/models/run_plan.h"

#include <QLocale>
#include <algorithm>

#include "gui/models/plain_text.h"
#include "gui/models/run_columns.h"
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

/// Tokens, seconds, dollars and energy as the earlier run had them.
void estimate(RunPlan& plan, const RunChoices& choices, const results::RunSummary& earlier) {
  const std::string& name = earlier.run.facts.name;
  const QString title = visible_text(name.empty() ? earlier.run.run_id.value.substr(0, 8) : name, 60);
  const std::int64_t n = n_graded(earlier);
  if (n == 0 || !earlier.n_output_tokens || !earlier.output_tokens_per_s || *earlier.output_tokens_per_s <= 0) {
    plan.unknown << QObject::tr("Tokens, time and cost: run %1 doesn't know its tokens or its speed").arg(title);
    return;
  }
  const double tokens_a_sample = static_cast<double>(*earlier.n_output_tokens) / static_cast<double>(n);
  PlanFigures& expected = plan.expected;
  expected.n_output_tokens = tokens_a_sample * static_cast<double>(plan.n_samples);
  expected.seconds = *expected.n_output_tokens / *earlier.output_tokens_per_s;
  if (choices.price_usd_per_gpu_hour) expected.usd = *expected.seconds / 3600 * *choices.price_usd_per_gpu_hour;
  if (earlier.joules_per_output_token) expected.joules = *expected.n_output_tokens * *earlier.joules_per_output_token;
  plan.basis << QObject::tr("projected from run %1: %2 output tokens a sample, %3 output tokens/s")
                    .arg(title)
                    .arg(tokens_a_sample, 0, 'f', 0)
                    .arg(*earlier.output_tokens_per_s, 0, 'f', 0);
  if (!expected.usd) plan.unknown << QObject::tr("Cost: no price is given");
  if (!expected.joules) plan.unknown << QObject::tr("Energy: that run doesn't know its own");
}

PlanFigures figures_of(const Json& document, const char* key) {
  const auto found = document.find(key);
  if (found == document.end() || !found->is_object()) return {};
  return {number_of(*found, "output_tokens"), number_of(*found, "seconds"), number_of(*found, "usd"),
          number_of(*found, "joules_at_most")};
}

/// Where the program's plan has its output lengths and its price from.
void add_basis(const Json& document, RunPlan& plan) {
  QStringList lengths;
  for (const Json& suite : document.value("suites", Json::array())) {
    const QString from = suite.is_object() ? text_of(suite, "lengths_from") : QString();
    if (!from.isEmpty() && !lengths.contains(from)) lengths << from;
  }
  plan.basis << QObject::tr("projected for %1 by \"assay plan\": nothing was run").arg(text_of(document, "hardware"));
  if (!lengths.isEmpty()) plan.basis << QObject::tr("output lengths: as those of %1").arg(lengths.join(", "));
  if (!plan.expected.seconds) {
    plan.unknown << QObject::tr("Expected lengths: no finished run of this model and these suites is open");
  }
  if (plan.expected.joules || (plan.at_most && plan.at_most->joules)) {
    plan.basis << QObject::tr("energy: the board's limit over all of the time");
  }
  const auto price = document.find("price");
  if (price == document.end() || !price->is_object()) return;
  if (const auto usd = number_of(*price, "usd_per_gpu_hour")) {
    plan.basis << QObject::tr("price: $%1 a GPU-hour, %2").arg(*usd, 0, 'f', 2).arg(text_of(*price, "source"));
  } else {
    plan.unknown << QObject::tr("Cost: %1").arg(text_of(*price, "reason"));
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

Result<QStringList> parse_hardware_names(const QByteArray& json) {
  ASSAY_ASSIGN(const Json list, list_in(json, "assay hardware --json", "hardware"));
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
    const std::int64_t n_items = choices.limit ? std::min(suite.n_items, *choices.limit) : suite.n_items;
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

Result<RunPlan> parse_plan(const QByteArray& json) {
  ASSAY_ASSIGN(const Json document, parse_object(json, "assay plan --json"));
  const auto n_items = number_of(document, "items"), n_samples = number_of(document, "samples");
  constexpr double kMost = 1e15;
  if (!n_items || !n_samples || !(*n_items >= 0 && *n_items < kMost && *n_samples >= 0 && *n_samples < kMost)) {
    return bad_input("assay plan --json: no counts \"items\" and \"samples\"");
  }
  RunPlan plan;
  plan.n_items = static_cast<std::int64_t>(*n_items);
  plan.n_samples = static_cast<std::int64_t>(*n_samples);
  plan.n_prompt_tokens = number_of(document, "prompt_tokens");
  plan.expected = figures_of(document, "expected");
  plan.at_most = figures_of(document, "at_most");
  plan.error_ratio = number_of(document, "error_ratio");
  if (const auto memory = document.find("memory"); memory != document.end() && memory->is_object()) {
    const auto weights = number_of(*memory, "weight_bytes"), cache = number_of(*memory, "kv_memory_bytes"),
               all = number_of(*memory, "memory_bytes");
    if (weights && cache && all) {
      plan.memory << QObject::tr("%1: %2 of weights, %3 for cached keys and values, of %4: fits")
                         .arg(text_of(document, "hardware"), gigabytes(*weights), gigabytes(*cache), gigabytes(*all));
    }
  }
  add_basis(document, plan);
  return plan;
}

QString plan_size_text(const RunPlan& plan) {
  const QLocale locale = QLocale::c();
  QString text = QObject::tr("%1 items, %2 samples")
                     .arg(locale.toString(static_cast<qlonglong>(plan.n_items)),
                          locale.toString(static_cast<qlonglong>(plan.n_samples)));
  if (plan.n_prompt_tokens) text += QObject::tr(", %1 prompt tokens").arg(number_text(*plan.n_prompt_tokens));
  return text;
}

Table plan_table(const RunPlan& plan) {
  Table table;
  table.name = QObject::tr("What the run will take");
  table.columns = {{"", "", false},
                   {QObject::tr("expected"), QObject::tr("with replies as long as those of an earlier run"), true},
                   {QObject::tr("at most"), QObject::tr("if each sample took all the tokens that it may"), true}};
  QString how = QObject::tr("provenance: projected\n") + plan.basis.join('\n');
  if (plan.error_ratio) {
    how += QObject::tr("\noff by at most %1 where it could be checked").arg(share_text(*plan.error_ratio));
  }
  const QString why_not = plan.unknown.isEmpty() ? QObject::tr("not known") : plan.unknown.join('\n');
  const PlanFigures most = plan.at_most.value_or(PlanFigures());
  const auto add = [&](const QString& name, FigureText text, std::optional<double> PlanFigures::*figure) {
    table.rows.push_back({text_cell(name, {}, CellTone::strong), figure_cell(plan.expected.*figure, text, how, why_not),
                          figure_cell(most.*figure, text, how, why_not)});
  };
  add(QObject::tr("Output tokens"), number_text, &PlanFigures::n_output_tokens);
  add(QObject::tr("Time"), shown_duration, &PlanFigures::seconds);
  add(QObject::tr("Cost"), usd_text, &PlanFigures::usd);
  add(QObject::tr("Energy"), joules_text, &PlanFigures::joules);
  return table;
}

}  // namespace assay::gui
