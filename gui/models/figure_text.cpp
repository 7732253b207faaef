#include "gui/models/figure_text.h"

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"

namespace assay::gui {

namespace {

QString from_text(const std::string& text) { return QString::fromStdString(text); }

/// Decimals that leave `places` significant ones, but no more than twelve.
int decimals_for(double value, int places) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const int magnitude = static_cast<int>(std::floor(std::log10(std::fabs(value))));
  return std::clamp(places - 1 - magnitude, 0, 12);
}

/// "12,345".
QString grouped(QString digits) {
  const qsizetype begin = digits.startsWith('-') ? 1 : 0;
  qsizetype end = digits.indexOf('.');
  if (end < 0) end = digits.size();
  for (qsizetype at = end - 3; at > begin; at -= 3) digits.insert(at, ',');
  return digits;
}

QString with_prefix(double value, const char* unit) {
  struct Prefix {
    double scale;
    const char* letter;
  };
  for (const Prefix prefix : {Prefix{1e15, "P"}, Prefix{1e12, "T"}, Prefix{1e9, "G"}, Prefix{1e6, "M"}}) {
    if (std::fabs(value) >= prefix.scale) return number_text(value / prefix.scale) + " " + prefix.letter + unit;
  }
  return number_text(value) + " " + unit;
}

}  // namespace

QString unknown_text() { return QStringLiteral("—"); }

QString share_text(double ratio) { return from_text(to_fixed(100 * ratio, 1)) + " %"; }

QString points_text(double difference) {
  return (difference > 0 ? "+" : "") + from_text(to_fixed(100 * difference, 1));
}

QString number_text(double value) {
  if (!std::isfinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "not a number";
  const double size = std::fabs(value);
  if (value == std::floor(value) && size < 1e15) return grouped(from_text(to_fixed(value, 0)));
  return grouped(from_text(to_fixed(value, size >= 1000 ? 0 : decimals_for(value, 3))));
}

QString signed_text(double value) { return (value > 0 ? "+" : "") + number_text(value); }

QString ratio_text(double ratio) {
  if (!std::isfinite(ratio)) return "unbounded";
  const double size = std::fabs(ratio);
  const int decimals = size >= 100 ? 0 : size >= 10 ? 1 : 3;  // near 1 every thousandth counts
  return grouped(from_text(to_fixed(ratio, decimals))) + "×";
}

QString usd_text(double usd) {
  if (!std::isfinite(usd)) return "no bound";
  constexpr int kCents = 2;
  QString text = from_text(to_fixed(usd, std::max(kCents, decimals_for(usd, 3))));
  while (text.endsWith('0') && text.size() - text.indexOf('.') - 1 > kCents) text.chop(1);
  return "$" + grouped(text);
}

QString joules_text(double joules) {
  if (!std::isfinite(joules)) return "no bound";
  if (std::fabs(joules) >= 10'000) return number_text(joules / 1000) + " kJ";
  return number_text(joules) + " J";
}

QString p_text(double p) { return p < 0.0001 ? "<0.0001" : from_text(to_fixed(p, 4)); }

QString bytes_per_s_text(double rate) { return with_prefix(rate, "B/s"); }
QString flop_per_s_text(double rate) { return with_prefix(rate, "FLOP/s"); }

QString figure_or_dash(const std::optional<double>& value, FigureText text) {
  return value ? text(*value) : unknown_text();
}

QString interval_text(const std::optional<results::Interval>& interval, FigureText text) {
  if (!interval) return unknown_text();
  if (!std::isfinite((*interval)[1])) return "at least " + text((*interval)[0]);
  return text((*interval)[0]) + " to " + text((*interval)[1]);
}

QString counted(qint64 n, const QString& thing) {
  return number_text(static_cast<double>(n)) + " " + thing + (n == 1 ? "" : "s");
}

QString sql_text(const QString& text) { return "'" + QString(text).replace('\'', "''") + "'"; }

}  // namespace assay::gui
