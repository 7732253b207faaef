// The frame of a chart: title, legend, axes, and what is written below.

#include "gui/views/charts/scene.h"

#include <QFontInfo>
#include <algorithm>
#include <cmath>
#include <optional>

#include "gui/models/plain_text.h"
#include "gui/views/charts/scene_parts.h"

namespace assay::gui {

namespace {

constexpr double kMargin = 12;
constexpr double kGap = 6;                   // between neighbours: a tick's text and its axis, a sign and its name
constexpr double kLegendSample = 22;         // width of a series' sign in the legend
constexpr std::size_t kMostMeasured = 500;   // of very many names only some are measured
constexpr double kNarrow = 420, kLow = 200;  // smaller charts save room
constexpr double kLeastPlot = 24;            // no plot is drawn in less than this many pixels

// What is still free while the frame takes its parts from the outside in.
struct Frame {
  const Chart& chart;
  Scene& scene;
  QRectF free;
  std::optional<AxisRange> x_data, y_data;

  bool is_empty() const { return !x_data || !y_data; }
  QFontMetricsF metrics(TextRole role) const { return QFontMetricsF(font_of(scene, role)); }
  double line_height(TextRole role) const { return std::ceil(metrics(role).height()); }
  QString cut(const QString& text, TextRole role, double width) const {
    // Names of runs differ at their ends.
    const bool is_name = role == TextRole::tick || role == TextRole::legend;
    return metrics(role).elidedText(text, is_name ? Qt::ElideMiddle : Qt::ElideRight, width);
  }
  void write(const QString& text, const QRectF& box, Qt::Alignment alignment, TextRole role, const QColor& color) {
    scene.texts.push_back({cut(text, role, box.width()), box, alignment, role, color, true});
  }
};

// Breaks a text into lines by words; a word that is too long for a line is cut.
QStringList wrapped(const QString& text, const QFontMetricsF& metrics, double width, int most_lines) {
  QStringList lines;
  QString line;
  const QStringList words = text.split(' ', Qt::SkipEmptyParts);
  for (qsizetype i = 0; i < words.size(); ++i) {
    const QString longer = line.isEmpty() ? words[i] : line + ' ' + words[i];
    if (line.isEmpty() || metrics.horizontalAdvance(longer) <= width) {
      line = longer;
      continue;
    }
    if (lines.size() + 1 == most_lines) {
      lines << metrics.elidedText(line + ' ' + words.mid(i).join(' '), Qt::ElideRight, width);
      return lines;
    }
    lines << line;
    line = words[i];
  }
  if (!line.isEmpty()) lines << line;
  for (QString& each : lines) each = metrics.elidedText(each, Qt::ElideRight, width);
  return lines;
}

void add_title(Frame& frame) {
  if (frame.chart.title.isEmpty()) return;
  const double height = frame.line_height(TextRole::title);
  for (const QString& line :
       wrapped(visible_text(frame.chart.title), frame.metrics(TextRole::title), frame.free.width(), 2)) {
    if (frame.free.height() < height) return;
    frame.write(line, {frame.free.left(), frame.free.top(), frame.free.width(), height},
                Qt::AlignLeft | Qt::AlignVCenter, TextRole::title, frame.scene.theme.text);
    frame.free.setTop(frame.free.top() + height);
  }
  frame.free.setTop(frame.free.top() + kGap);
}

bool has_hollow(const Chart& chart) {
  return std::any_of(chart.series.begin(), chart.series.end(), [](const ChartSeries& series) {
    return std::any_of(series.points.begin(), series.points.end(), [](const ChartPoint& p) { return p.is_hollow; });
  });
}

void add_legend(Frame& frame) {
  struct Entry {
    int series;
    QString name;
  };
  std::vector<Entry> entries;
  for (std::size_t s = 0; s < frame.chart.series.size(); ++s) {
    const ChartSeries& series = frame.chart.series[s];
    if (!series.name.isEmpty() && !series.points.empty()) {
      entries.push_back({static_cast<int>(s), visible_text(series.name, 120)});
    }
  }
  if (entries.size() == 1) entries.clear();  // the title says what a single series is
  if (has_hollow(frame.chart)) entries.push_back({-1, "hollow: not measured here"});
  if (entries.empty()) return;

  const QFontMetricsF metrics = frame.metrics(TextRole::legend);
  const double height = frame.line_height(TextRole::legend) + 2;
  double x = frame.free.left();
  double y = frame.free.top();
  const double lowest = y + std::max(height, frame.free.height() * 0.27);
  const QColor& color = frame.scene.theme.text;
  // In a narrow chart two names share a line.
  const bool is_narrow = frame.free.width() < kNarrow && entries.size() > 1;
  const double all = is_narrow ? frame.free.width() / 2 - 2 * kGap : frame.free.width();
  const double widest = std::max(10.0, std::min(280.0, all - kLegendSample - kGap));
  for (std::size_t i = 0; i < entries.size();) {
    // The last line keeps room to say how many names are left; the tooltips have them.
    const QString more = QString("+%1").arg(entries.size() - i - 1);
    const double more_width = std::ceil(metrics.horizontalAdvance(more)) + 1;
    const bool is_last_line = y + 2 * height > lowest;
    const double right = frame.free.right() - (is_last_line && i + 1 < entries.size() ? more_width + kGap : 0);
    const double x_of_name = x + kLegendSample + kGap;
    const double whole_width = std::ceil(metrics.horizontalAdvance(entries[i].name)) + 1;
    double text_width = entries[i].series < 0 ? whole_width : std::min(widest, whole_width);
    if (x_of_name + text_width > right && x > frame.free.left()) {
      if (is_last_line) {
        const QString left_over = QString("+%1").arg(entries.size() - i);
        frame.write(left_over, {x, y, frame.free.right() - x, height}, Qt::AlignLeft | Qt::AlignVCenter,
                    TextRole::legend, color);
        break;
      }
      x = frame.free.left();
      y += height;
      continue;  // once more, on the next line
    }
    text_width = std::max(1.0, std::min(text_width, right - x_of_name));
    frame.scene.legend.push_back({entries[i].series, {x, y, kLegendSample, height}});
    frame.write(entries[i].name, {x_of_name, y, text_width, height}, Qt::AlignLeft | Qt::AlignVCenter, TextRole::legend,
                color);
    x = x_of_name + text_width + 2 * kGap;
    ++i;
  }
  frame.free.setTop(y + height + kGap);
}

// What is missing, and the note: below, at most a fifth of the chart's height (in small charts one line that says how
// much is missing). Screen readers and the copied data have all of it.
void add_notes(Frame& frame) {
  const QFontMetricsF metrics = frame.metrics(TextRole::note);
  const double height = frame.line_height(TextRole::note);

  const bool is_low = frame.scene.size.height() < kLow && !frame.is_empty();
  const double most_height = frame.scene.size.height() * (frame.is_empty() ? 0.4 : 0.2);
  const qsizetype n_most = is_low ? 1 : std::max<qsizetype>(1, static_cast<qsizetype>(most_height / height));
  QStringList lines;
  const QStringList& missing = frame.scene.missing;
  for (qsizetype i = 0; i < missing.size(); ++i) {
    if (missing.size() - i > 1 && lines.size() + 1 >= n_most) {
      lines << QString(i == 0 ? "%1 not shown" : "%1 more not shown").arg(missing.size() - i);
      break;
    }
    const auto n_lines =
        static_cast<int>(std::clamp<qsizetype>(n_most - lines.size() - (missing.size() - i - 1), 1, 2));
    lines += wrapped("Not shown: " + visible_text(missing[i]), metrics, frame.free.width(), n_lines);
  }
  const auto n_left = static_cast<int>(n_most - lines.size());
  if (!frame.chart.note.isEmpty() && n_left > 0 && !is_low) {
    lines += wrapped(visible_text(frame.chart.note, 1000), metrics, frame.free.width(), std::min(3, n_left));
  }
  while (lines.size() > n_most) lines.removeLast();
  if (lines.isEmpty()) return;
  double y = frame.free.bottom() - height * static_cast<double>(lines.size());
  frame.free.setBottom(y - kGap);
  for (const QString& line : lines) {
    frame.write(line, {frame.free.left(), y, frame.free.width(), height}, Qt::AlignLeft | Qt::AlignVCenter,
                TextRole::note, frame.scene.theme.muted_text);
    y += height;
  }
}

void add_empty_text(Frame& frame) {
  const QString text = frame.chart.empty_text.isEmpty() ? "Nothing to draw" : visible_text(frame.chart.empty_text);
  const double height = frame.line_height(TextRole::empty);
  const double width = std::min(frame.free.width(), 420.0);
  const QStringList lines = wrapped(text, frame.metrics(TextRole::empty), width, 4);
  // Below the title, however low the chart is.
  double y = std::max(frame.free.top(), frame.free.center().y() - height * static_cast<double>(lines.size()) / 2);
  for (const QString& line : lines) {
    if (y + height > frame.free.bottom() + 1) break;
    frame.write(line, {frame.free.center().x() - width / 2, y, width, height}, Qt::AlignCenter, TextRole::empty,
                frame.scene.theme.muted_text);
    y += height;
  }
}

double widest_text(const std::vector<AxisTick>& ticks, const QFontMetricsF& metrics) {
  double width = 0;
  const std::size_t every = std::max<std::size_t>(1, ticks.size() / kMostMeasured);
  for (std::size_t i = 0; i < ticks.size(); i += every) {
    width = std::max(width, metrics.horizontalAdvance(ticks[i].text));
  }
  return std::ceil(width);
}

// Every how many names one is written, so that they don't overlap.
int every_for(double slot, double needed) {
  return std::max(1, static_cast<int>(std::ceil(needed / std::max(0.01, slot))));
}

void write_y_ticks(Frame& frame, const std::vector<AxisTick>& ticks) {
  const double height = frame.line_height(TextRole::tick);
  const double slot = frame.scene.plot.height() / std::max<double>(1, static_cast<double>(ticks.size()));
  const int every = frame.chart.y.categories.isEmpty() ? 1 : every_for(slot, height);
  for (std::size_t i = 0; i < ticks.size(); i += static_cast<std::size_t>(every)) {
    const double y = frame.scene.y.map.place(ticks[i].value);
    frame.scene.y.ticks.push_back({ticks[i].value, y, ticks[i].is_minor});
    if (ticks[i].text.isEmpty()) continue;
    const double right = frame.scene.plot.left() - kGap;
    frame.write(ticks[i].text, {frame.free.left(), y - height / 2, right - frame.free.left(), height},
                Qt::AlignRight | Qt::AlignVCenter, TextRole::tick, frame.scene.theme.muted_text);
  }
}

void write_x_ticks(Frame& frame, const std::vector<AxisTick>& ticks, bool upright, double height) {
  const double slot = frame.scene.plot.width() / std::max<double>(1, static_cast<double>(ticks.size()));
  const double line = frame.line_height(TextRole::tick);
  const double top = frame.scene.plot.bottom() + kGap;
  const bool has_names = !frame.chart.x.categories.isEmpty();
  const int every = has_names && !upright ? every_for(slot, line) : 1;
  double last_right = -1e9;
  for (std::size_t i = 0; i < ticks.size(); i += static_cast<std::size_t>(every)) {
    const double x = frame.scene.x.map.place(ticks[i].value);
    frame.scene.x.ticks.push_back({ticks[i].value, x, ticks[i].is_minor});
    if (ticks[i].text.isEmpty()) continue;
    if (upright) {
      const double wanted = std::ceil(frame.metrics(TextRole::tick).horizontalAdvance(ticks[i].text)) + 2;
      const double width = has_names ? std::min(wanted, slot) : wanted;
      if (x - width / 2 < last_right) continue;
      last_right = x + width / 2 + (has_names ? 0 : kGap);
      frame.write(ticks[i].text, {x - width / 2, top, width, line}, Qt::AlignCenter, TextRole::tick,
                  frame.scene.theme.muted_text);
      continue;
    }
    const QString name = frame.cut(ticks[i].text, TextRole::tick, height);
    frame.scene.texts.push_back({name,
                                 {x - line / 2, top, line, height},
                                 Qt::AlignRight | Qt::AlignVCenter,
                                 TextRole::tick,
                                 frame.scene.theme.muted_text,
                                 false});
  }
}

// The axes take their texts' room; what is left is the plot.
void add_axes(Frame& frame) {
  Scene& scene = frame.scene;
  const Chart& chart = frame.chart;
  const QFontMetricsF metrics = frame.metrics(TextRole::tick);
  const double line = frame.line_height(TextRole::tick);
  const QString y_heading = axis_heading(chart.y);
  const QString x_heading = axis_heading(chart.x);
  const double heading_height = frame.line_height(TextRole::heading);

  QRectF plot = frame.free;
  if (!y_heading.isEmpty()) {
    frame.write(y_heading, {plot.left(), plot.top(), plot.width(), heading_height}, Qt::AlignLeft | Qt::AlignVCenter,
                TextRole::heading, scene.theme.muted_text);
    plot.setTop(plot.top() + heading_height);
  }
  plot.setTop(plot.top() + line / 2);  // half of the uppermost tick's text
  if (!x_heading.isEmpty()) plot.setBottom(plot.bottom() - heading_height - 2);

  const AxisRange x_range = shown_range(chart, true, frame.x_data);
  const AxisRange y_range = shown_range(chart, false, frame.y_data);
  // Labels of a logarithmic axis may stand closer: they say more.
  const double y_distance = line * (chart.y.scale == AxisScale::log ? 1.5 : 2.4);
  const auto most_y = [&] { return std::clamp(static_cast<int>((plot.height() - line) / y_distance), 1, 12); };
  std::vector<AxisTick> y_ticks = ticks_of(chart.y, y_range, most_y());
  const double y_width = std::min(widest_text(y_ticks, metrics) + 2, frame.free.width() * 0.4);
  plot.setLeft(plot.left() + y_width + kGap);

  // Names that are too wide for their places are turned; numbers only get fewer.
  bool upright = true;
  double x_height = line;
  std::vector<AxisTick> x_ticks;
  if (!chart.x.categories.isEmpty()) {
    x_ticks = ticks_of(chart.x, x_range, 0);
    const double slot = plot.width() / static_cast<double>(x_ticks.size());
    const double widest = widest_text(x_ticks, metrics);
    upright = widest <= slot - kGap || slot > 90;
    if (!upright) x_height = std::min(widest + 2, plot.height() * 0.45);
  } else {
    x_ticks = ticks_of(chart.x, x_range, std::clamp(static_cast<int>(plot.width() / 70), 1, 12));
    const double widest = widest_text(x_ticks, metrics);
    x_ticks = ticks_of(chart.x, x_range, std::clamp(static_cast<int>(plot.width() / (widest + 4 * kGap)), 1, 10));
    plot.setRight(plot.right() - widest / 2);
  }
  plot.setBottom(plot.bottom() - x_height - kGap);
  if (plot.width() < kLeastPlot || plot.height() < kLeastPlot) return;
  scene.plot = plot;
  y_ticks = ticks_of(chart.y, y_range, most_y());

  const bool y_has_names = !chart.y.categories.isEmpty();
  scene.x.map = {chart.x.categories.isEmpty() ? chart.x.scale : AxisScale::linear, x_range, plot.left(), plot.right()};
  scene.y.map = {y_has_names ? AxisScale::linear : chart.y.scale, y_range, y_has_names ? plot.top() : plot.bottom(),
                 y_has_names ? plot.bottom() : plot.top()};
  scene.x.has_names = !chart.x.categories.isEmpty();
  scene.y.has_names = y_has_names;
  write_y_ticks(frame, y_ticks);
  write_x_ticks(frame, x_ticks, upright, x_height);
  if (!x_heading.isEmpty()) {
    frame.write(x_heading,
                {plot.left(), plot.bottom() + kGap + x_height + 2, frame.free.right() - plot.left(), heading_height},
                Qt::AlignHCenter | Qt::AlignVCenter, TextRole::heading, scene.theme.muted_text);
  }
}

void add_markers(const Chart& chart, Scene& scene) {
  for (std::size_t m = 0; m < chart.markers.size(); ++m) {
    const ChartMarker& marker = chart.markers[m];
    const ChartAxis& axis = marker.is_vertical ? chart.x : chart.y;
    const AxisMap& map = marker.is_vertical ? scene.x.map : scene.y.map;
    const double to = marker.to.value_or(marker.from);
    if (!can_place(axis, marker.from) || !can_place(axis, to)) continue;
    double low = std::max(std::min(marker.from, to), map.range.low);
    double high = std::min(std::max(marker.from, to), map.range.high);
    if (low > high) continue;  // outside of what is shown
    low = map.place(low);
    high = map.place(high);
    const double begin = std::min(low, high);
    const double size = std::fabs(high - low);
    const QRectF box = marker.is_vertical ? QRectF(begin, scene.plot.top(), size, scene.plot.height())
                                          : QRectF(scene.plot.left(), begin, scene.plot.width(), size);
    scene.markers.push_back({box, marker.is_vertical, marker.to.has_value(), static_cast<int>(m)});
  }
}

}  // namespace

QFont font_of(const Scene& scene, TextRole role) {
  QFont font = scene.font;
  const int size = font.pixelSize();
  if (role == TextRole::title) {
    font.setBold(true);
    font.setPixelSize(size + 1);
  } else if (role != TextRole::legend && role != TextRole::empty) {
    font.setPixelSize(std::max(8, size - 1));
  }
  return font;
}

Scene layout(const Chart& chart, const QSizeF& size, const Theme& theme, const QFont& font) {
  Scene scene;
  scene.size = size;
  scene.theme = theme;
  scene.font = font;
  scene.font.setPixelSize(std::max(8, QFontInfo(font).pixelSize()));
  scene.missing = chart.missing + unplaced(chart);
  for (const ChartSeries& series : chart.series) {
    scene.looks.push_back({series.color.value_or(theme.series_color(series.style)), series_shape(series.style),
                           series.form, series.is_dashed, series.has_marks});
  }

  Frame frame{chart, scene, QRectF({0, 0}, size).adjusted(kMargin, kMargin, -kMargin, -kMargin),
              data_range(chart, true), data_range(chart, false)};
  if (frame.free.width() < kLeastPlot || frame.free.height() < kLeastPlot) return scene;
  add_title(frame);

  if (!frame.is_empty()) add_legend(frame);
  add_notes(frame);
  if (frame.is_empty()) {
    add_empty_text(frame);
    return scene;
  }
  add_axes(frame);
  if (scene.plot.isEmpty()) return scene;
  add_markers(chart, scene);
  add_series(chart, scene);
  add_labels(chart, scene);
  return scene;
}

}  // namespace assay::gui
