#include "gui/views/charts/chart.h"

#include "gui/models/plain_text.h"
#include "harness/base/text.h"

namespace assay::gui {

namespace {

QString number_cell(double value) { return QString::fromStdString(to_text(value)).replace("null", ""); }

QString end_cell(const std::optional<results::Interval>& interval, std::size_t end) {
  return interval ? number_cell((*interval)[end]) : QString();
}

QString name_or_number(const ChartAxis& axis, double value) {
  return axis.categories.isEmpty() ? number_cell(value) : csv_cell(axis_value(axis, value));
}

QString spoken_value(const ChartAxis& axis, double value, const std::optional<results::Interval>& interval) {
  QString text = axis.title.isEmpty() ? axis_value(axis, value)
                                      : QString("%1: %2").arg(visible_text(axis.title, 120), axis_value(axis, value));
  if (interval) {
    text += QString(" [%1, %2]").arg(axis_value(axis, (*interval)[0]), axis_value(axis, (*interval)[1]));
  }
  return text;
}

}  // namespace

QString chart_csv(const Chart& chart) {
  const QString x = axis_heading(chart.x).isEmpty() ? "x" : axis_heading(chart.x);
  const QString y = axis_heading(chart.y).isEmpty() ? "y" : axis_heading(chart.y);
  QStringList head;
  for (const QString& each : {QString("series"), QString("label"), x, y, x + " low", x + " high", y + " low",
                              y + " high", QString("measured here"), QString("missing")}) {
    head << csv_cell(each);
  }
  QString csv = head.join(',') + "\r\n";
  for (const ChartSeries& series : chart.series) {
    for (const ChartPoint& point : series.points) {
      csv += QStringList{csv_cell(series.name),
                         csv_cell(point.label),
                         name_or_number(chart.x, point.x),
                         name_or_number(chart.y, point.y),
                         end_cell(point.x_interval, 0),
                         end_cell(point.x_interval, 1),
                         end_cell(point.y_interval, 0),
                         end_cell(point.y_interval, 1),
                         point.is_hollow ? "no" : "yes",
                         QString()}
                 .join(',') +
             "\r\n";
    }
  }
  for (const QString& each : chart.missing) csv += ",,,,,,,,," + csv_cell(each) + "\r\n";
  return csv;
}

QString point_tooltip(const Chart& chart, const ChartSeries& series, const ChartPoint& point) {
  if (!point.tooltip.isEmpty()) return visible_text(point.tooltip, 4000, true);
  QStringList lines;
  if (!series.name.isEmpty()) lines << visible_text(series.name, 120);
  if (!point.label.isEmpty() && point.label != series.name) lines << visible_text(point.label, 120);
  lines << spoken_value(chart.x, point.x, point.x_interval);
  lines << spoken_value(chart.y, point.y, point.y_interval);
  if (point.is_hollow) lines << "not measured here";
  return lines.join('\n');
}

}  // namespace assay::gui
