// Costs as tables.
#include <cmath>

#include "gui/models/cost.h"
#include "gui/models/plain_text.h"
#include "harness/base/text.h"

namespace assay::gui {

namespace {

using results::CostSplit;
using results::RunCost;

constexpr auto kNoDeviceTime =
    "device times of the samples are not known, so that input and output can't be told apart";

QString price_proof(const RunCost& cost) {
  if (!cost.price) return visible_text(cost.usd_reason);
  QStringList lines = {usd_text(cost.price->usd) + " per GPU-hour (" + visible_text(cost.price->provenance) + ": " +
                       visible_text(cost.price->source) + ")"};
  if (cost.price->band_usd) lines << "that source's range: " + range_text(*cost.price->band_usd, usd_text);
  return lines.join('\n');
}

/// n, price, use and provenance: below every sum of money.
QString usd_proof(const RunCost& cost) {
  return QStringList{
      price_proof(cost),
      "time: " + number_text(cost.run.wall_s) + " s on " + counted(cost.run.facts.n_priced_devices, "device") +
          (cost.run.device_s > cost.run.wall_s
               ? ", " + number_text(cost.run.device_s) + " s summed over all that were at work"
               : QString()) +
          ", busy " + number_text(100 * cost.utilisation_ratio) + " % of the hours paid for",
      "n: " + counted(cost.n_samples, "sample") + ", " + number_text(static_cast<double>(cost.n_correct)) + " correct",
      "provenance: " + usd_provenance(cost)}
      .join('\n');
}

TableCell part_cell(const RunCost& cost, std::optional<double> CostSplit::*part) {
  const QString reason = !cost.usd_total ? visible_text(cost.usd_reason)
                         : !cost.split   ? QString(kNoDeviceTime)
                                         : visible_text(cost.split->cached_reason);
  return figure_cell(cost.split ? (*cost.split).*part : std::nullopt, usd_text,
                     usd_proof(cost) + "\nmethod: by device time in prefill and decode, waiting spread in proportion",
                     reason.isEmpty() ? QString("no such tokens") : reason);
}

QString mtok_text(double mtok) { return number_text(mtok); }

}  // namespace

QString usd_provenance(const RunCost& cost) {
  if (cost.endpoint_price) return "published";
  return cost.utilisation_ratio < 1 ? QString("projected") : visible_text(cost.run.facts.provenance);
}

QString range_text(const results::Range& range, FigureText text) {
  return range.low < range.high ? text(range.low) + " to " + text(range.high) : text(range.low);
}

QString endpoint_text(const results::ApiPrice& price) { return visible_text(price.provider + " " + price.model); }

QString validity_text(const results::ApiPrice& price) {
  const QString from = visible_text(price.valid_from.value_or("")), to = visible_text(price.valid_to.value_or(""));
  QString text = !from.isEmpty() && !to.isEmpty() ? from + " to " + to
                 : !from.isEmpty()                ? "from " + from
                 : !to.isEmpty()                  ? "until " + to
                                                  : "read " + visible_text(price.citation.date);
  if (price.window_utc) text += ", " + visible_text(*price.window_utc) + " UTC";
  return text;
}

Table cost_table(const CostAnswer& answer) {
  Table table;
  table.name = "Cost of the chosen runs";
  table.columns = {{"run", "", false},
                   {"$/GPU-hour", "", true},
                   {"whole", "all samples: wrong, truncated and failed ones are paid for too", true},
                   {"input $/Mtok", "a million prompt tokens that were not cached", true},
                   {"cached $/Mtok", "a million prompt tokens from the cache", true},
                   {"all input $/Mtok", "over all prompt tokens", true},
                   {"output $/Mtok", "a million output tokens", true},
                   {"per correct", "whole / correct samples", true},
                   {"95 % interval", "of the cost per correct answer, over items", true},
                   {"tokens per correct", "output tokens of all samples / correct samples", true},
                   {"provenance", "", false}};
  for (std::size_t i = 0; i < answer.costs.size(); ++i) {
    const RunCost& cost = answer.costs[i];
    const QString proof = usd_proof(cost), reason = visible_text(cost.usd_reason);
    table.rows.push_back(
        {text_cell(answer.titles[i], visible_text(cost.run.run_id.value), CellTone::strong),
         figure_cell(cost.price ? std::optional(cost.price->usd) : std::nullopt, usd_text, price_proof(cost), reason),
         figure_cell(cost.usd_total, usd_text, proof, reason), part_cell(cost, &CostSplit::usd_per_mtok_uncached_input),
         part_cell(cost, &CostSplit::usd_per_mtok_cached_input), part_cell(cost, &CostSplit::usd_per_mtok_input),
         part_cell(cost, &CostSplit::usd_per_mtok_output),
         figure_cell(cost.usd_per_correct, usd_text, proof,
                     reason.isEmpty() ? QString("no sample is correct") : reason),
         interval_cell(cost.usd_per_correct_ci95, usd_text, proof + "\nmethod: BCa bootstrap over items",
                       visible_text(cost.interval_reason.empty() ? cost.usd_reason : cost.interval_reason)),
         figure_cell(cost.output_tokens_per_correct, number_text, "n: " + counted(cost.n_correct, "correct sample"),
                     "token counts are not known, or no sample is correct"),
         text_cell(cost.usd_total ? usd_provenance(cost) : unknown_text(), reason)});
    table.row_keys.push_back(QString::fromStdString(cost.run.run_id.value));
  }
  return table;
}

Table energy_table(const CostAnswer& answer) {
  Table table;
  table.name = "Energy of the chosen runs";
  table.columns = {{"run", "", false},
                   {"gross", "of the devices, what they draw when idle included", true},
                   {"net of idle", "without what the devices draw when idle", true},
                   {"per output token", "", true},
                   {"per correct", "", true},
                   {"95 % interval", "of the energy per correct answer, over items", true},
                   {"electricity", "scenario: price and PUE as stated", true},
                   {"gCO2e", "scenario: as stated", true},
                   {"from", "", false}};
  for (std::size_t i = 0; i < answer.costs.size(); ++i) {
    const RunCost& cost = answer.costs[i];
    const results::RunEnergy& energy = cost.energy;
    const QString reason = visible_text(energy.reason);
    const QString proof = "by the device's " + visible_text(energy.source) +
                          "\nn: " + counted(cost.n_samples, "sample") +
                          "\nprovenance: " + visible_text(cost.run.facts.provenance);
    QString net_proof = proof;
    if (energy.idle_watts) {
      net_proof += "\nidle power: " + number_text(*energy.idle_watts) + " W, " + visible_text(energy.idle_provenance);
    }
    const QString unstated = energy.joules ? QString("not stated: see the assumptions below") : reason;
    table.rows.push_back(
        {text_cell(answer.titles[i], {}, CellTone::strong), figure_cell(energy.joules, joules_text, proof, reason),
         figure_cell(energy.net_joules, joules_text, net_proof, visible_text(energy.net_reason)),
         figure_cell(energy.joules_per_output_token, joules_text, proof, reason),
         figure_cell(energy.joules_per_correct, joules_text, proof, reason),
         interval_cell(energy.joules_per_correct_ci95, joules_text, proof + "\nmethod: BCa bootstrap over items",
                       energy.joules ? visible_text(cost.interval_reason) : reason),
         figure_cell(energy.usd, usd_text, "scenario", unstated),
         figure_cell(energy.gco2e, number_text, "scenario", unstated),
         text_cell(energy.joules ? visible_text(energy.source) : unknown_text(), reason)});
  }
  return table;
}

Table hosted_table(const RunCost& cost) {
  Table table;
  table.name = "The same tokens at hosted endpoints";
  table.columns = {
      {"endpoint", "", false},
      {"input $/Mtok", "", true},
      {"cached $/Mtok", "", true},
      {"output $/Mtok", "", true},
      {"whole", "the run's tokens at these prices", true},
      {"per correct", "if its answers were as often right", true},
      {"break-even Mtok/month", "scenario: output tokens a month from which on one's own hardware is cheaper", true},
      {"valid", "", false},
      {"source", "", false}};
  for (const results::HostedCost& hosted : cost.hosted) {
    const results::HostedPrice& price = hosted.price.price;
    const QString source = visible_text(hosted.price.citation.source) + ", " +
                           visible_text(hosted.price.citation.date) + " (" +
                           visible_text(to_string(hosted.price.citation.confidence)) + ")";
    const QString proof = "published: " + source;
    TableCell even = text_cell(unknown_text(), "no hardware of one's own is stated", CellTone::muted);
    if (hosted.even) {
      const auto end = [](const std::optional<double>& mtok) { return mtok ? mtok_text(*mtok) : QString("never"); };
      const QString low = end(hosted.even->low_mtok_per_month), high = end(hosted.even->high_mtok_per_month);
      const bool is_beyond =
          hosted.even->low_mtok_per_month.value_or(INFINITY) > hosted.even->capacity_mtok_per_month.high;
      even = text_cell((low == high ? low : low + " to " + high) + (is_beyond ? " (more than these GPUs make)" : ""),
                       "scenario\nat full use these GPUs make " +
                           range_text(hosted.even->capacity_mtok_per_month, mtok_text) + " Mtok a month");
    }
    even.is_figure = true;
    table.rows.push_back({text_cell(endpoint_text(hosted.price), {}, CellTone::strong),
                          figure_cell(price.usd_per_mtok_input, usd_text, proof),
                          figure_cell(price.usd_per_mtok_cached, usd_text, proof, "as other input"),
                          figure_cell(price.usd_per_mtok_output, usd_text, proof),
                          figure_cell(hosted.usd_total, usd_text, proof + "\nfor the tokens of this run"),
                          figure_cell(hosted.usd_per_correct, usd_text, proof, "no sample is correct"), std::move(even),
                          text_cell(validity_text(hosted.price)), text_cell(source, source)});
  }
  return table;
}

Table brain_table(const CostAnswer& answer) {
  Table table;
  table.name = "Twenty watts";
  table.columns = {{"what", "", false}, {"energy", "", true}, {"provenance", "", false}};
  for (std::size_t i = 0; i < answer.costs.size(); ++i) {
    const RunCost& cost = answer.costs[i];
    table.rows.push_back(
        {text_cell(answer.titles[i] + ", per correct answer", {}, CellTone::strong),
         figure_cell(cost.energy.joules_per_correct, joules_text, {}, visible_text(cost.energy.reason)),
         text_cell(cost.energy.joules_per_correct ? visible_text(cost.run.facts.provenance) : unknown_text(),
                   visible_text(cost.energy.reason))});
  }
  table.rows.push_back({text_cell("a brain at 20 W for 12 minutes"),
                        figure_cell(results::kBrainJoulesPerItem, joules_text),
                        text_cell("calculated: AIME's pace, 15 items in 180 min")});
  return table;
}

Table rebound_table(const RunCost& cost) {
  Table table;
  table.name = "If demand answers to the price";
  table.columns = {{"elasticity", "an assumption", true},
                   {"quantity", "of answers, against today", true},
                   {"spending and energy", "against today", true}};
  for (const results::Rebound& rebound : cost.rebounds) {
    table.rows.push_back({figure_cell(rebound.elasticity, number_text, "scenario"),
                          figure_cell(rebound.quantity_ratio, ratio_text, "scenario"),
                          figure_cell(rebound.spending_ratio, ratio_text, "scenario")});
  }
  return table;
}

Table worked_example_table(const results::WorkedExample& example) {
  Table table;
  table.name = visible_text(example.title);
  table.columns = {{"quantity", "", false},
                   {"unit", "", false},
                   {"computed here", "", true},
                   {"published", "", true},
                   {"how", "", false}};
  for (const results::ExampleRow& row : example.rows) {
    TableCell computed = figure_cell(row.computed, number_text, "source: " + visible_text(example.source));
    computed.text = visible_text(to_fixed(row.computed, row.digits));
    TableCell published = figure_cell(row.published, number_text, "source: " + visible_text(example.source),
                                      "the source prints no such figure");
    if (row.published) published.text = visible_text(to_fixed(*row.published, row.digits));
    table.rows.push_back({text_cell(visible_text(row.quantity)), text_cell(visible_text(row.unit), {}, CellTone::muted),
                          std::move(computed), std::move(published),
                          text_cell(row.formula.empty() ? "input" : visible_text(row.formula), {}, CellTone::muted)});
  }
  return table;
}

}  // namespace assay::gui
