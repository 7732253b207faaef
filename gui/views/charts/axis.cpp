#include "gui/views/charts/axis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "gui/models/plain_text.h"
#include "harness/base/text.h"

namespace assay::gui {

namespace {

constexpr double kMostMagnitude = 1e300;
constexpr double kAxisRoom = 0.05;   // of the range, left free at both ends
constexpr double kLabelRoom = 0.18;  // and behind lying bars, for their names

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// 1, 2 or 5 times a power of ten, at least `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

int places_of(double step) { return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 12); }

QString with_groups(const std::string& digits) {
  std::string text = digits;
  const std::size_t begin = text[0] == '-' ? 1 : 0;
  const std::size_t end = std::min(text.find('.'), text.size());
  for (std::size_t at = end; at > begin + 3; at -= 3) text.insert(at - 3, ",");
  return QString::fromStdString(text).replace('-', QChar(0x2212));
}

// A tick's text; all ticks of an axis share the places behind the point and the unit's prefix.
QString tick_text(const ChartAxis& axis, double value, double step, double largest) {
  if (std::fabs(value) < step * 1e-6) value = 0;
  if (axis.is_share) return with_groups(to_fixed(value * 100, places_of(step * 100))) + "%";
  if (largest >= 1e15 || step < 1e-6) return QString::number(value, 'g', 4);
  struct Prefix {
    double size;
    const char* letter;
  };
  for (const Prefix& prefix : {Prefix{1e12, "T"}, Prefix{1e9, "G"}, Prefix{1e6, "M"}}) {
    if (largest < prefix.size) continue;
    if (value == 0) return "0";
    return with_groups(to_fixed(value / prefix.size, places_of(step / prefix.size))) + prefix.letter;
  }
  return with_groups(to_fixed(value, places_of(step)));
}

std::vector<AxisTick> linear_ticks(const ChartAxis& axis, const AxisRange& range, int most) {
  std::vector<AxisTick> ticks;
  const double first_value = axis.is_share ? std::max(range.low, 0.0) : range.low;
  const double last_value = axis.is_share ? std::min(range.high, 1.0) : range.high;
  if (first_value >= last_value) return ticks;
  const double least_step = axis.is_count ? 1 : 0;
  const double step = round_step(std::max(least_step, (last_value - first_value) / std::max(1, most)));
  const double slack = step * 1e-6;
  const double largest = std::max(std::fabs(range.low), std::fabs(range.high));
  const double first = std::ceil((first_value - slack) / step);
  for (int i = 0; i <= most + 2; ++i) {
    const double value = (first + i) * step;
    if (value > last_value + slack) break;
    ticks.push_back({value, tick_text(axis, value, step, largest), false});
  }
  return ticks;
}

std::vector<AxisTick> log_ticks(const ChartAxis& axis, const AxisRange& range, int most) {
  const double decades = std::log10(range.high / range.low);
  if (decades < 1) return linear_ticks(axis, range, std::max(2, most));
  const int first = static_cast<int>(std::floor(std::log10(range.low)));
  const int last = static_cast<int>(std::ceil(std::log10(range.high)));
  const int every = std::max(1, static_cast<int>(std::ceil(decades / std::max(1, most))));
  const bool labels_2_and_5 = decades * 3 <= most;
  std::vector<AxisTick> ticks;
  for (int exponent = first; exponent <= last; ++exponent) {
    for (int factor = 1; factor <= 9; ++factor) {
      const double value = factor * std::pow(10.0, exponent);
      if (value < range.low * (1 - 1e-9) || value > range.high * (1 + 1e-9)) continue;
      const bool is_major =
          factor == 1 ? (exponent - first) % every == 0 : labels_2_and_5 && (factor == 2 || factor == 5);
      if (!is_major && every > 1) continue;
      const bool is_plain = exponent >= -5 && exponent < 6;
      const QString text = is_plain || axis.is_share ? tick_text(axis, value, std::pow(10.0, exponent), value)
                                                     : QString::number(value, 'g', 3);
      ticks.push_back({value, is_major ? text : QString(), !is_major});
    }
  }
  return ticks;
}

void take_interval(const ChartAxis& axis, const std::optional<results::Interval>& interval, Extent& extent) {
  if (!interval) return;
  for (const double end : *interval) {
    if (can_place(axis, end)) extent.take(end);
  }
}

bool has_bar_labels(const Chart& chart) {
  return std::any_of(chart.series.begin(), chart.series.end(), [](const ChartSeries& series) {
    return series.form == SeriesForm::bars && std::any_of(series.points.begin(), series.points.end(),
                                                          [](const ChartPoint& p) { return !p.label.isEmpty(); });
  });
}

AxisRange with_room(const ChartAxis& axis, AxisRange range) {
  if (axis.scale == AxisScale::log) {
    if (range.high / range.low < 1 + 1e-9) return {range.low / 2, range.high * 2};
    const double room = std::pow(range.high / range.low, kAxisRoom);
    return {range.low / room, range.high * room};
  }
  const double size = std::max(std::fabs(range.low), std::fabs(range.high));
  if (range.high - range.low <= size * 1e-9) {
    const double room = axis.is_share ? 0.05 : size > 0 ? size * 0.1 : 1;
    range = {range.low - room, range.high + room};
  }
  const bool low_is_zero = range.low == 0;
  const bool high_is_zero = range.high == 0;
  const double room = (range.high - range.low) * kAxisRoom;
  if (!low_is_zero || !axis.begins_at_zero) range.low -= room;
  if (!high_is_zero || !axis.begins_at_zero) range.high += room;
  if (!axis.is_share) return range;
  // A share has no values outside 0 to 1; a mark on the edge keeps a little room.
  const double edge = std::min(0.02, room);
  return {std::max(range.low, low_is_zero && axis.begins_at_zero ? 0 : -edge), std::min(range.high, 1 + edge)};
}

}  // namespace

bool can_place(const ChartAxis& axis, double value) {
  if (!std::isfinite(value) || std::fabs(value) > kMostMagnitude) return false;
  return axis.scale == AxisScale::linear || !axis.categories.isEmpty() || value >= 1 / kMostMagnitude;
}

bool has_lying_bars(const Chart& chart) { return !chart.y.categories.isEmpty() && chart.x.categories.isEmpty(); }

std::vector<std::vector<AxisRange>> bar_spans(const Chart& chart) {
  const bool lies = has_lying_bars(chart);
  const ChartAxis& axis = lies ? chart.x : chart.y;
  std::map<double, AxisRange> stacks;  // by place: the sums of negative and of positive values so far
  std::vector<std::vector<AxisRange>> spans(chart.series.size());
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const ChartSeries& series = chart.series[s];
    if (series.form != SeriesForm::bars) continue;
    for (const ChartPoint& point : series.points) {
      const double value = lies ? point.x : point.y;
      const double at = lies ? point.y : point.x;
      if (!can_place(axis, value) || !std::isfinite(at)) {
        const double nothing = std::numeric_limits<double>::quiet_NaN();
        spans[s].push_back({nothing, nothing});
        continue;
      }
      AxisRange& stack = stacks.try_emplace(at, AxisRange{0, 0}).first->second;
      if (!series.is_stacked) stack = {0, 0};
      double& end = value < 0 ? stack.low : stack.high;
      spans[s].push_back({end, end + value});
      end += value;
    }
  }
  return spans;
}

std::optional<AxisRange> data_range(const Chart& chart, bool is_x) {
  const ChartAxis& axis = is_x ? chart.x : chart.y;
  const ChartAxis& other = is_x ? chart.y : chart.x;
  const bool holds_bar_values = is_x == has_lying_bars(chart);
  Extent extent;
  bool has_bars = false;
  const std::vector<std::vector<AxisRange>> spans = bar_spans(chart);
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const ChartSeries& series = chart.series[s];
    const bool is_bar_value = series.form == SeriesForm::bars && holds_bar_values;
    const bool is_band = series.form == SeriesForm::band || series.form == SeriesForm::step_band;
    has_bars |= is_bar_value;
    for (std::size_t p = 0; p < series.points.size(); ++p) {
      const ChartPoint& point = series.points[p];
      const double value = is_x ? point.x : point.y;
      if (!can_place(other, is_x ? point.y : point.x) && !is_band) continue;
      if (is_bar_value) {
        if (std::isfinite(spans[s][p].high)) extent.take(spans[s][p].high);
      } else if (can_place(axis, value) && !(is_band && !is_x)) {
        extent.take(value);
      } else if (!is_band) {
        continue;
      }
      take_interval(axis, is_x ? point.x_interval : point.y_interval, extent);
    }
  }
  if (extent.low > extent.high) return std::nullopt;
  if ((has_bars || axis.begins_at_zero) && axis.scale == AxisScale::linear) extent.take(0);
  return AxisRange{extent.low, extent.high};
}

AxisRange shown_range(const Chart& chart, bool is_x, const std::optional<AxisRange>& data) {
  const ChartAxis& axis = is_x ? chart.x : chart.y;
  if (!axis.categories.isEmpty()) return {-0.5, static_cast<double>(axis.categories.size()) - 0.5};
  const bool is_log = axis.scale == AxisScale::log;
  AxisRange range = is_log ? AxisRange{1, 10} : AxisRange{0, 1};
  if (data) {
    ChartAxis with_zero = axis;
    for (const ChartSeries& series : chart.series) {
      with_zero.begins_at_zero |= series.form == SeriesForm::bars && is_x == has_lying_bars(chart);
    }
    range = with_room(with_zero, *data);
    if (is_x && !is_log && has_lying_bars(chart) && has_bar_labels(chart))
      range.high += kLabelRoom * (range.high - range.low);
  }
  if (axis.low && can_place(axis, *axis.low)) range.low = *axis.low;
  if (axis.high && can_place(axis, *axis.high)) range.high = *axis.high;
  if (range.low < range.high) return range;
  return is_log ? AxisRange{range.low, range.low * 10} : AxisRange{range.low, range.low + 1};
}

double AxisMap::place(double value) const {
  const double share = scale == AxisScale::log ? std::log(value / range.low) / std::log(range.high / range.low)
                                               : (value - range.low) / (range.high - range.low);
  return from + share * (to - from);
}

double AxisMap::value(double place) const {
  const double share = (place - from) / (to - from);
  return scale == AxisScale::log ? range.low * std::pow(range.high / range.low, share)
                                 : range.low + share * (range.high - range.low);
}

std::vector<AxisTick> ticks_of(const ChartAxis& axis, const AxisRange& range, int most) {
  if (axis.categories.isEmpty()) {
    return axis.scale == AxisScale::log ? log_ticks(axis, range, most) : linear_ticks(axis, range, most);
  }
  std::vector<AxisTick> ticks;
  for (qsizetype i = 0; i < axis.categories.size(); ++i) {
    ticks.push_back({static_cast<double>(i), visible_text(axis.categories[i], 120), false});
  }
  return ticks;
}

QString axis_heading(const ChartAxis& axis) {
  const QString title = visible_text(axis.title, 120);
  if (axis.unit.isEmpty()) return title;
  const QString unit = visible_text(axis.unit, 40);
  return title.isEmpty() ? unit : QString("%1 (%2)").arg(title, unit);
}

QString axis_value(const ChartAxis& axis, double value) {
  if (!std::isfinite(value)) return QString(QChar(0x2014));
  const auto place = static_cast<qsizetype>(std::lround(std::clamp(value, -1.0, 1e9)));
  if (!axis.categories.isEmpty())
    return place >= 0 && place < axis.categories.size() ? visible_text(axis.categories[place], 120)
                                                        : QString::number(value);
  if (axis.is_share) return QString("%1%").arg(with_groups(to_fixed(value * 100, 1)));
  const double size = std::fabs(value);
  const int places = size >= 1000 || value == std::floor(value) ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
  const QString number = size != 0 && (size < 1e-3 || size >= 1e15) ? QString::number(value, 'g', 4)
                                                                    : with_groups(to_fixed(value, places));
  return axis.unit.isEmpty() ? number : number + ' ' + visible_text(axis.unit, 40);
}

}  // namespace assay::gui
