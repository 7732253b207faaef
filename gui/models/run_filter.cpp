#include "gui/models/run_filter.h"

#include <QDateTime>
#include <QRegularExpression>
#include <QSet>
#include <algorithm>

#include "gui/models/run_columns.h"

namespace assay::gui {

namespace {

constexpr int kMostDays = 14;
constexpr int kDayLength = 10;   // "2026-11-22"
constexpr int kMonthLength = 7;  // "2026-11"

QString text_from(const std::string& text) { return QString::fromStdString(text); }

QString searched_text(const LocatedRun& located) {
  const results::RunRecord& run = located.run;
  QStringList parts = {text_from(run.facts.name),
                       text_from(run.run_id.value),
                       text_from(run.facts.model.name),
                       text_from(run.facts.model.reference),
                       devices_of_run(run),
                       text_from(run.facts.provenance),
                       text_from(run.facts.command_line),
                       text_from(to_string(current_state(run)))};
  for (const results::RunSuiteRecord& suite : run.suites) parts << text_from(suite.facts.suite);
  for (const auto& [tag, value] : run.facts.tags) parts << text_from(tag) + "=" + text_from(value);
  for (const results::SegmentRecord& segment : run.segments) {
    parts << text_from(segment.environment.build_version) << text_from(segment.environment.build_git_commit);
  }
  return parts.join('\n');
}

bool has_words(const LocatedRun& run, const QStringList& words) {
  if (words.isEmpty()) return true;
  const QString text = searched_text(run);
  return std::all_of(words.begin(), words.end(),
                     [&](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
}

bool is_in_facet(const LocatedRun& run, const QString& facet, const QStringList& chosen) {
  const QStringList values = facet_values(facet, run);
  return std::any_of(chosen.begin(), chosen.end(), [&](const QString& value) {
    if (facet == "date") return !values.isEmpty() && values.first().startsWith(value);
    return values.contains(value);
  });
}

QString facet_title(const QString& key) {
  if (key == "model") return "Model";
  if (key == "suite") return "Suite";
  if (key == "hardware") return "Hardware";
  if (key == "state") return "State";
  if (key == "date") return "Started";
  return "Tag " + key.mid(4);
}

}  // namespace

QStringList facet_values(const QString& facet, const LocatedRun& located) {
  const results::RunRecord& run = located.run;
  if (facet == "model") return {text_from(run.facts.model.name)};
  if (facet == "hardware") return {devices_of_run(run)};
  if (facet == "state") return {text_from(to_string(current_state(run)))};
  if (facet == "date") return {QDateTime::fromMSecsSinceEpoch(run.started_at_ms).toString("yyyy-MM-dd")};
  QStringList values;
  if (facet == "suite") {
    for (const results::RunSuiteRecord& suite : run.suites) values << text_from(suite.facts.suite);
  } else if (facet.startsWith("tag.")) {
    for (const auto& [tag, value] : run.facts.tags) {
      if (text_from(tag) == facet.mid(4)) values << text_from(value);
    }
  }
  return values;
}

bool is_let_through(const LocatedRun& run, const QMap<QString, QStringList>& facets, const QStringList& words) {
  for (auto it = facets.begin(); it != facets.end(); ++it) {
    if (!it->isEmpty() && !is_in_facet(run, it.key(), *it)) return false;
  }
  return has_words(run, words);
}

std::vector<Facet> count_facets(const Runs& runs, const ViewState& state) {
  QStringList keys = {"model", "suite", "hardware", "state", "date"};
  QSet<QString> days;
  QStringList tags;
  for (const LocatedRun& run : runs) {
    days.insert(facet_values("date", run).first());
    for (const auto& [tag, value] : run.run.facts.tags) {
      const QString key = "tag." + text_from(tag);
      if (!tags.contains(key)) tags << key;
    }
  }
  for (auto it = state.facets.begin(); it != state.facets.end(); ++it) {
    if (!keys.contains(it.key()) && !tags.contains(it.key())) tags << it.key();
  }
  tags.sort();
  keys += tags;
  const int date_length = days.size() <= kMostDays ? kDayLength : kMonthLength;

  // Words are looked for once a run, facets once a run and facet.
  std::vector<const LocatedRun*> with_words;
  const QStringList words = words_of(state.search);
  for (const LocatedRun& run : runs) {
    if (has_words(run, words)) with_words.push_back(&run);
  }
  std::vector<Facet> facets;
  for (const QString& key : keys) {
    Facet facet{key, facet_title(key), {}};
    QMap<QString, QStringList> others = state.facets;
    others.remove(key);
    QMap<QString, int> counts;
    for (const LocatedRun& run : runs) {
      for (const QString& value : facet_values(key, run)) counts[key == "date" ? value.left(date_length) : value] += 0;
    }
    for (const LocatedRun* run : with_words) {
      if (!is_let_through(*run, others, {})) continue;
      for (const QString& value : facet_values(key, *run)) ++counts[key == "date" ? value.left(date_length) : value];
    }
    const QStringList chosen = state.facets.value(key);
    for (const QString& value : chosen) counts[value] += 0;
    for (auto it = counts.begin(); it != counts.end(); ++it) {
      facet.values.push_back({it.key(), it.value(), chosen.contains(it.key())});
    }
    std::stable_sort(facet.values.begin(), facet.values.end(), [&](const FacetValue& a, const FacetValue& b) {
      return key == "date" ? a.value > b.value : a.n_runs > b.n_runs;
    });
    if (!facet.values.empty()) facets.push_back(std::move(facet));
  }
  return facets;
}

QStringList words_of(const QString& search) {
  return search.split(QRegularExpression("\\s+"), Qt::SkipEmptyParts).mid(0, 32);
}

}  // namespace assay::gui
