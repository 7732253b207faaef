// Items whose outcome changed: items in rows, runs in columns.
#include <algorithm>
#include <cmath>
#include <map>

#include "gui/models/comparison.h"
#include "gui/models/plain_text.h"

namespace assay::gui {

namespace {

using results::Flip;

struct FlippedItem {
  const Flip* baseline = nullptr;                 ///< any of the flips: the baseline's side is the same in all
  std::map<std::size_t, const Flip*> candidates;  ///< by candidate; one without a flip is as the baseline
  double largest_change = 0;
  double sum_of_changes = 0;
};

double change_of(const Flip& flip) {
  return static_cast<double>(flip.n_correct_candidate) / static_cast<double>(flip.n_candidate) -
         static_cast<double>(flip.n_correct_baseline) / static_cast<double>(flip.n_baseline);
}

QString count_text(std::int64_t n_correct, std::int64_t n) { return QString("%1/%2").arg(n_correct).arg(n); }

TableCell flip_cell(const Flip& flip) {
  const double change = change_of(flip);
  const QString outcome = QString::fromStdString(to_string(flip.candidate));
  return text_cell((change < 0 ? "▼ " : "▲ ") + outcome + " " + count_text(flip.n_correct_candidate, flip.n_candidate),
                   QString(change < 0 ? "lost" : "gained") + ": " +
                       count_text(flip.n_correct_baseline, flip.n_baseline) + " correct before, " +
                       count_text(flip.n_correct_candidate, flip.n_candidate) + " now\nmost frequent outcome: " +
                       QString::fromStdString(to_string(flip.baseline)) + " before, " + outcome + " now",
                   change < 0 ? CellTone::worse : CellTone::better);
}

}  // namespace

QString flip_key(const QString& suite, const QString& item) { return suite + "\n" + item; }

std::pair<QString, QString> parse_flip_key(const QString& key) {
  const qsizetype at = key.indexOf('\n');
  return {key.left(at), at < 0 ? QString() : key.mid(at + 1)};
}

Table flips_table(const ComparisonAnswer& answer, const QString& which, const QString& suite) {
  Table table;
  table.name = "Items whose outcome changed";
  if (!answer.comparison) return table;
  table.columns = {
      {"suite", "", false}, {"item", "", false}, {"tag", "", false}, {answer.titles[0], "the baseline", false}};
  const auto& runs = answer.comparison->runs;
  for (std::size_t i = 0; i < runs.size(); ++i) table.columns.push_back({answer.titles[i + 1], "", false});
  // By suite, then the largest change first, then by item.
  std::map<std::pair<std::string, std::string>, FlippedItem> items;
  std::vector<std::string> suites;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const results::SuiteComparison& compared : runs[i].suites) {
      if (!suite.isEmpty() && compared.suite != suite.toStdString()) continue;
      if (std::find(suites.begin(), suites.end(), compared.suite) == suites.end()) suites.push_back(compared.suite);
      for (const Flip& flip : compared.flips) {
        const double change = change_of(flip);
        if ((which == "lost" && change > 0) || (which == "gained" && change < 0)) continue;
        FlippedItem& item = items[{compared.suite, flip.item}];
        item.baseline = &flip;
        item.candidates[i] = &flip;
        item.largest_change = std::max(item.largest_change, std::abs(change));
        item.sum_of_changes += change;
      }
    }
  }
  std::vector<std::pair<std::pair<std::string, std::string>, const FlippedItem*>> order;
  for (const auto& [name, item] : items) order.emplace_back(name, &item);
  const auto place_of = [&](const std::string& name) { return std::find(suites.begin(), suites.end(), name); };
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    if (a.first.first != b.first.first) return place_of(a.first.first) < place_of(b.first.first);
    if (a.second->largest_change != b.second->largest_change)
      return a.second->largest_change > b.second->largest_change;
    return a.second->sum_of_changes < b.second->sum_of_changes;
  });
  for (const auto& [name, item] : order) {
    const Flip& any = *item->baseline;
    std::vector<TableCell> row = {text_cell(visible_text(name.first)), text_cell(visible_text(name.second)),
                                  text_cell(visible_text(any.tag)),
                                  text_cell(QString::fromStdString(to_string(any.baseline)) + " " +
                                            count_text(any.n_correct_baseline, any.n_baseline))};
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto flip = item->candidates.find(i);
      row.push_back(flip != item->candidates.end()
                        ? flip_cell(*flip->second)
                        : text_cell("·",
                                    "not among the flips that are shown: its share of correct samples is the "
                                    "baseline's, it changed the other way, or this run has not the item",
                                    CellTone::muted));
    }
    table.rows.push_back(std::move(row));
    table.row_keys.push_back(flip_key(QString::fromStdString(name.first), QString::fromStdString(name.second)));
  }
  return table;
}

}  // namespace assay::gui
