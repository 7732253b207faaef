// Profiles and runs on devices as tables.
#include <algorithm>

#include "gui/models/hardware.h"
#include "gui/models/plain_text.h"
#include "results/cost/run_cost.h"

namespace assay::gui {

namespace {

using results::HardwareProfile;
using results::HardwareValue;

/// The keys that some profile knows of, in the profiles' order.
std::vector<std::string> keys_of(const std::vector<HardwareProfile>& profiles) {
  std::vector<std::string> keys;
  for (const HardwareProfile& profile : profiles) {
    for (const HardwareValue& value : profile.values) {
      if (std::find(keys.begin(), keys.end(), value.key) == keys.end()) keys.push_back(value.key);
    }
  }
  return keys;
}

QString proof_of(const HardwareValue& value) {
  QStringList lines = {"published, " + visible_text(to_string(value.citation.confidence)),
                       "source: " + visible_text(value.citation.source) + ", " + visible_text(value.citation.date)};
  if (!value.convention.empty()) lines.prepend(visible_text(value.convention));
  if (!value.disputed.empty()) lines << "disputed: " + visible_text(value.disputed);
  return lines.join('\n');
}

TableCell value_cell(const HardwareValue* value) {
  if (value == nullptr) return figure_cell(std::nullopt, number_text, {}, "this profile says nothing of it");
  TableCell cell = figure_cell(value->value, number_text, proof_of(*value), visible_text(value->reason));
  if (value->value && !value->disputed.empty()) cell.text += " *";
  return cell;
}

std::optional<double> ratio_of(const HardwareProfile& profile, const HardwareProfile& first, const std::string& key) {
  const std::optional<double> a = first.value(key), b = profile.value(key);
  return a && b ? std::optional(*b / *a) : std::nullopt;
}

TableCell price_cell(const HardwareProfile& profile) {
  const auto price = results::rental_price(profile);
  if (!price) return figure_cell(std::nullopt, usd_text, {}, visible_text(price.error().message));
  QString proof = visible_text(price->provenance) + ": " + visible_text(price->source);
  if (price->band_usd) {
    proof += "\nthat source's range: " + usd_text(price->band_usd->low) + " to " + usd_text(price->band_usd->high);
  }
  return figure_cell(price->usd, usd_text, proof);
}

QString provenance_proof(const HardwareRun& run) {
  return "provenance: " + visible_text(run.summary.run.facts.provenance) + "\nbuild " +
         visible_text(run.summary.run.segments.back().environment.build_version);
}

TableCell percentile_cell(const results::Percentiles& of, const HardwareRun& run) {
  return figure_cell(of.p50, number_text,
                     "median\nn: " + counted(of.n, "sample") + ", all suites of the run\n" + provenance_proof(run),
                     "not timed");
}

TableCell agreement_cell(const HardwareRun& run) {
  const results::TokenAgreement& of = run.agreement;
  return figure_cell(
      of.same_ratio(), share_text,
      counted(of.n_same, "sample") + " of " + number_text(static_cast<double>(of.n_common - of.n_unknown)) +
          " with the same tokens, all of them" +
          (of.n_unknown > 0
               ? "; of " + number_text(static_cast<double>(of.n_unknown)) + " more the tokens are not known"
               : QString()),
      of.n_common == 0 ? "no sample in common with the first run" : "the tokens are not stored on one side");
}

/// Rates of bytes and operations have too many digits to be read without a prefix.
FigureText rate_text(const std::string& metric) {
  if (metric.find("bytes_per_s") != std::string::npos) return bytes_per_s_text;
  if (metric.find("flop_per_s") != std::string::npos) return flop_per_s_text;
  return number_text;
}

}  // namespace

const QStringList& default_profiles() {
  static const QStringList names = {"h800-sxm5", "h100-sxm5", "h200-sxm"};
  return names;
}

Table profiles_table(const std::vector<HardwareProfile>& profiles) {
  Table table;
  table.name = "Published figures of devices";
  if (profiles.empty()) return table;
  table.columns = {{"value", "", false}, {"unit", "", false}};
  for (const HardwareProfile& profile : profiles) {
    table.columns.push_back(
        {visible_text(profile.name), visible_text(profile.title) + "\n" + visible_text(profile.origin), true});
  }
  const HardwareProfile& first = profiles.front();
  for (std::size_t i = 1; i < profiles.size(); ++i) {
    table.columns.push_back(
        {visible_text(profiles[i].name) + " / " + visible_text(first.name), "ratio of the published figures", true});
  }
  for (const std::string& key : keys_of(profiles)) {
    const auto known = std::find_if(profiles.begin(), profiles.end(),
                                    [&](const HardwareProfile& profile) { return profile.find(key) != nullptr; });
    std::vector<TableCell> row = {text_cell(visible_text(key), {}, CellTone::strong),
                                  text_cell(visible_text(known->find(key)->unit), {}, CellTone::muted)};
    for (const HardwareProfile& profile : profiles) row.push_back(value_cell(profile.find(key)));
    for (std::size_t i = 1; i < profiles.size(); ++i) {
      row.push_back(figure_cell(ratio_of(profiles[i], first, key), ratio_text, "calculated from the published figures",
                                "not known of both"));
    }
    table.rows.push_back(std::move(row));
  }
  std::vector<TableCell> prices = {text_cell("price of an hour", {}, CellTone::strong),
                                   text_cell("USD", {}, CellTone::muted)};
  for (const HardwareProfile& profile : profiles) prices.push_back(price_cell(profile));
  table.rows.push_back(std::move(prices));
  return table;
}

Table sources_table(const std::vector<HardwareProfile>& profiles) {
  Table table;
  table.name = "Where the published figures come from";
  table.columns = {{"device", "", false},     {"value", "", false},      {"", "", true},
                   {"unit", "", false},       {"convention", "", false}, {"date", "", false},
                   {"confidence", "", false}, {"source", "", false},     {"disputed", "", false}};
  for (const std::string& key : keys_of(profiles)) {
    for (const HardwareProfile& profile : profiles) {
      const HardwareValue* value = profile.find(key);
      if (value == nullptr) continue;
      const bool is_known = value->value.has_value();
      table.rows.push_back({text_cell(visible_text(profile.name), visible_text(profile.title), CellTone::strong),
                            text_cell(visible_text(key)), value_cell(value),
                            text_cell(visible_text(value->unit), {}, CellTone::muted),
                            text_cell(is_known ? visible_text(value->convention) : visible_text(value->reason)),
                            text_cell(visible_text(value->citation.date)),
                            text_cell(is_known ? visible_text(to_string(value->citation.confidence)) : QString()),
                            text_cell(visible_text(value->citation.source), visible_text(value->citation.source)),
                            text_cell(visible_text(value->disputed), visible_text(value->disputed))});
    }
  }
  return table;
}

Table hardware_runs_table(const HardwareAnswer& answer) {
  Table table;
  table.name = "Runs of the suite by hardware";
  table.columns = {{"hardware", "", false},
                   {"run", "", false},
                   {"model", "", false},
                   {"provenance", "", false},
                   {"accuracy", "of this suite", true},
                   {"95 % interval", "", true},
                   {"output tokens/s", "of the whole run", true},
                   {"TTFT p50 ms", "", true},
                   {"ITL p50 ms", "", true},
                   {"E2E p50 ms", "", true},
                   {"J/output token", "of the devices alone", true},
                   {"same tokens",
                    "share of the samples whose tokens are those of the first run: only then times are "
                    "of the same work",
                    true}};
  for (const HardwareRun& run : answer.runs) {
    if (run.summary.suites.empty()) continue;
    const results::RunSummary& summary = run.summary;
    const QString accuracy_proof = run.suite ? "n: " + counted(run.suite->n_items_sampled, "item") + "\n" +
                                                   visible_text(run.suite->ci95_method) + "\n" + provenance_proof(run)
                                             : QString();
    const QString no_suite = "this run has no sample of the suite";
    table.rows.push_back(
        {text_cell(run.hardware, visible_text(summary.run.segments.back().environment.device_name), CellTone::strong),
         text_cell(run.title, visible_text(summary.run.run_id.value)),
         text_cell(visible_text(summary.run.facts.model.name)), text_cell(visible_text(summary.run.facts.provenance)),
         figure_cell(run.suite ? run.suite->accuracy : std::nullopt, share_text, accuracy_proof, no_suite),
         interval_cell(run.suite ? run.suite->ci95 : std::nullopt, share_text, accuracy_proof, no_suite),
         figure_cell(summary.output_tokens_per_s, number_text, provenance_proof(run),
                     "recorded or imported outputs were not timed"),
         percentile_cell(summary.ttft_ms, run), percentile_cell(summary.itl_ms, run),
         percentile_cell(summary.e2e_ms, run),
         figure_cell(
             summary.joules_per_output_token, joules_text, provenance_proof(run),
             summary.gpu ? visible_text(summary.gpu->energy_reason) : QString("no energy counter could be read")),
         agreement_cell(run)});
    table.row_keys.push_back(QString::fromStdString(summary.run.run_id.value));
  }
  return table;
}

Table hardware_measurements_table(const HardwareAnswer& answer) {
  Table table;
  table.name = "Figures without samples";
  table.columns = {{"hardware", "", false}, {"run", "", false},        {"figure", "", false},
                   {"metric", "", false},   {"value", "", true},       {"± stddev", "", true},
                   {"n", "", true},         {"provenance", "", false}, {"source and conditions", "", false}};
  for (const HardwareRun& run : answer.runs) {
    for (const results::Measurement& figure : run.summary.run.facts.measurements) {
      const FigureText text = rate_text(figure.metric);
      QStringList details;
      for (const auto& [key, value] : figure.details.items()) {
        details << visible_text(key) + ": " +
                       (value.is_string() ? visible_text(value.get<std::string>()) : visible_text(value.dump()));
      }
      table.rows.push_back(
          {text_cell(run.hardware, {}, CellTone::strong), text_cell(run.title), text_cell(visible_text(figure.name)),
           text_cell(visible_text(figure.metric)), figure_cell(figure.value, text, details.join('\n')),
           figure_cell(figure.stddev, text, {}, "not stated"),
           figure_cell(figure.n ? std::optional<double>(*figure.n) : std::nullopt, number_text, {}, "not stated"),
           text_cell(visible_text(run.summary.run.facts.provenance)),
           text_cell(details.join("; ").left(200), details.join('\n'))});
    }
  }
  return table;
}

}  // namespace assay::gui
