#include "gui/models/run_figures.h"

#include <QCryptographicHash>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QStandardPaths>

#include "harness/base/json.h"

namespace assay::gui {

namespace {

constexpr std::int64_t kFormat = 1;
constexpr qint64 kMostFileBytes = 256 << 20;

template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const Median& median) { return {median.n, json_of(median.p50)}; }

Json json_of(const RunFigures& figures) {
  Json suites = Json::array();
  for (const SuiteFigures& suite : figures.suites) {
    suites.push_back({{"suite", suite.suite.toStdString()},
                      {"n_items_sampled", suite.n_items_sampled},
                      {"accuracy", json_of(suite.accuracy)},
                      {"ci95", json_of(suite.ci95)},
                      {"ci95_method", suite.ci95_method.toStdString()}});
  }
  return {{"suites", std::move(suites)},
          {"n_output_tokens", json_of(figures.n_output_tokens)},
          {"output_tokens_per_s", json_of(figures.output_tokens_per_s)},
          {"ttft_ms", json_of(figures.ttft_ms)},
          {"itl_ms", json_of(figures.itl_ms)},
          {"e2e_ms", json_of(figures.e2e_ms)},
          {"usd_total", json_of(figures.usd_total)},
          {"usd_per_correct", json_of(figures.usd_per_correct)},
          {"joules_total", json_of(figures.joules_total)},
          {"joules_reason", figures.joules_reason.toStdString()}};
}

QString cached_text(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? QString::fromStdString(at->get<std::string>()) : QString();
}

std::optional<double> cached_number(const Json& json) {
  return json.is_number() ? std::optional(json.get<double>()) : std::nullopt;
}

std::optional<double> cached_number(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() ? cached_number(*at) : std::nullopt;
}

std::int64_t cached_count(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

Median cached_median(const Json& json, const char* key) {
  const auto at = json.find(key);
  if (at == json.end() || !at->is_array() || at->size() != 2 || !(*at)[0].is_number_integer()) return {};
  return {(*at)[0].get<std::int64_t>(), cached_number((*at)[1])};
}

RunFigures figures_from(const Json& json) {
  RunFigures figures;
  const auto suites = json.find("suites");
  if (suites != json.end() && suites->is_array()) {
    for (const Json& suite : *suites) {
      if (!suite.is_object()) continue;
      SuiteFigures& known = figures.suites.emplace_back();
      known.suite = cached_text(suite, "suite");
      known.n_items_sampled = cached_count(suite, "n_items_sampled");
      known.accuracy = cached_number(suite, "accuracy");
      const auto ci95 = suite.find("ci95");
      if (ci95 != suite.end() && ci95->is_array() && ci95->size() == 2) {
        const auto low = cached_number((*ci95)[0]);
        const auto high = cached_number((*ci95)[1]);
        if (low && high) known.ci95 = results::Interval{*low, *high};
      }
      known.ci95_method = cached_text(suite, "ci95_method");
    }
  }
  const auto tokens = json.find("n_output_tokens");
  if (tokens != json.end() && tokens->is_number_integer()) figures.n_output_tokens = tokens->get<std::int64_t>();
  figures.output_tokens_per_s = cached_number(json, "output_tokens_per_s");
  figures.ttft_ms = cached_median(json, "ttft_ms");
  figures.itl_ms = cached_median(json, "itl_ms");
  figures.e2e_ms = cached_median(json, "e2e_ms");
  figures.usd_total = cached_number(json, "usd_total");
  figures.usd_per_correct = cached_number(json, "usd_per_correct");
  figures.joules_total = cached_number(json, "joules_total");
  figures.joules_reason = cached_text(json, "joules_reason");
  return figures;
}

Median median_of(const results::Percentiles& percentiles) { return {percentiles.n, percentiles.p50}; }

}  // namespace

RunFigures figures_of(const results::RunSummary& summary) {
  RunFigures figures;
  for (const results::SuiteSummary& suite : summary.suites) {
    figures.suites.push_back({QString::fromStdString(suite.suite.facts.suite), suite.n_items_sampled, suite.accuracy,
                              suite.ci95, QString::fromStdString(suite.ci95_method)});
  }
  figures.n_output_tokens = summary.n_output_tokens;
  figures.output_tokens_per_s = summary.output_tokens_per_s;
  figures.ttft_ms = median_of(summary.ttft_ms);
  figures.itl_ms = median_of(summary.itl_ms);
  figures.e2e_ms = median_of(summary.e2e_ms);
  figures.usd_total = summary.usd_total;
  figures.usd_per_correct = summary.usd_per_correct;
  if (summary.gpu) {
    figures.joules_total = summary.gpu->energy_joules;
    figures.joules_reason = QString::fromStdString(summary.gpu->energy_reason);
  } else {
    figures.joules_reason = "no energy was measured";
  }
  return figures;
}

RunFigures overview_figures(const results::RunSummary& overview, bool has_energy) {
  RunFigures figures = figures_of(overview);
  figures.is_whole = false;
  figures.has_energy = has_energy;
  return figures;
}

QString figures_key(const results::RunRecord& run) {
  QStringList parts = {QString::number(run.wall_s, 'g', 17), QString::number(run.segments.size())};
  for (const results::RunSuiteRecord& suite : run.suites) {
    parts << QString::fromStdString(suite.facts.suite) << QString::fromStdString(suite.current_profile)
          << QString::fromStdString(suite.current_grader_version);
    for (const std::int64_t n :
         {suite.n_correct, suite.n_incorrect, suite.n_no_answer, suite.n_truncated, suite.n_errors}) {
      parts << QString::number(n);
    }
  }
  return parts.join('\n');
}

QString cache_file(const QString& database, const QString& suffix) {
  const QString real = QFileInfo(database).canonicalFilePath();
  const QByteArray path = (real.isEmpty() ? database : real).toUtf8();
  const QString name = QString::fromLatin1(QCryptographicHash::hash(path, QCryptographicHash::Sha256).toHex().left(24));
  return QStandardPaths::writableLocation(QStandardPaths::GenericCacheLocation) + "/assay/" + name + "." + suffix;
}

FiguresById load_figures(const QString& file) {
  FiguresById figures;
  QFile opened(file);
  if (opened.size() > kMostFileBytes || !opened.open(QIODevice::ReadOnly)) return figures;
  const Result<Json> json = parse_json(opened.readAll().toStdString(), file.toStdString());
  if (!json || !json->is_object() || cached_count(*json, "format") != kFormat) return figures;
  const auto runs = json->find("runs");
  if (runs == json->end() || !runs->is_object()) return figures;
  for (const auto& [id, run] : runs->items()) {
    if (run.is_object()) figures.insert(QString::fromStdString(id), {cached_text(run, "key"), figures_from(run)});
  }
  return figures;
}

bool save_figures(const QString& file, const FiguresById& figures) {
  Json runs = Json::object();
  for (auto it = figures.begin(); it != figures.end(); ++it) {
    if (!it->figures.failure.isEmpty() || !it->figures.is_whole) continue;
    Json run = json_of(it->figures);
    run["key"] = it->key.toStdString();
    runs[it.key().toStdString()] = std::move(run);
  }
  if (!QDir().mkpath(QFileInfo(file).path())) return false;
  QSaveFile saved(file);
  if (!saved.open(QIODevice::WriteOnly)) return false;
  const std::string text = to_json_text({{"format", kFormat}, {"runs", std::move(runs)}});
  saved.write(text.data(), static_cast<qint64>(text.size()));
  return saved.commit();
}

}  // namespace assay::gui
