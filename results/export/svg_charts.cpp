#include "results/export/svg_charts.h"

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"

namespace assay::results {

namespace {

constexpr double kWidth = 720;
constexpr double kLabelWidth = 210;
constexpr double kPlotWidth = kWidth - kLabelWidth - 70;  // room for the value at the right
constexpr double kRowHeight = 26;
constexpr std::size_t kSeriesColours = 5;

std::string px(double value) { return to_fixed(value, 1); }

/// Three significant digits, thousands as k and millions as M.
std::string short_number(double value) {
  const auto three_digits = [](double v) { return to_fixed(v, v >= 100 ? 0 : v >= 10 ? 1 : 2); };
  if (value > 0 && value < 0.1) return to_fixed(value, 3);
  if (value >= 1e6) return three_digits(value / 1e6) + "M";
  if (value >= 1e4) return three_digits(value / 1e3) + "k";
  return three_digits(value);
}

std::string label(std::string_view text) {
  constexpr std::size_t kLongest = 27;
  return html_escaped(shown(text, kLongest));
}

std::string text_at(double x, double y, std::string_view style, std::string_view escaped) {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" class=\"" + std::string(style) + "\">" + std::string(escaped) +
         "</text>";
}

std::string rectangle(double x, double y, double width, double height, std::string_view style,
                      std::string_view escaped_title) {
  return "<rect x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(std::max(width, 0.5)) + "\" height=\"" +
         px(height) + "\" class=\"" + std::string(style) + "\"><title>" + std::string(escaped_title) +
         "</title></rect>";
}

std::string line_from(double x1, double y1, double x2, double y2, std::string_view style) {
  return "<line x1=\"" + px(x1) + "\" y1=\"" + px(y1) + "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) + "\" class=\"" +
         std::string(style) + "\"/>";
}

std::string drawing(double height, std::string_view description, const std::string& content) {
  return "<svg viewBox=\"0 0 " + px(kWidth) + " " + px(height) + "\" role=\"img\" aria-label=\"" +
         html_escaped(description) + "\">" + content + "</svg>\n";
}

/// Vertical lines at 0, 25, … 100 % with their labels below.
std::string percent_axis(double bottom) {
  std::string svg;
  for (int percent = 0; percent <= 100; percent += 25) {
    const double x = kLabelWidth + kPlotWidth * percent / 100;
    svg += line_from(x, 4, x, bottom, "grid") + text_at(x, bottom + 14, "tick middle", std::to_string(percent) + " %");
  }
  return svg;
}

std::string colour_class(std::size_t series) { return "s" + std::to_string(series % kSeriesColours); }

/// A step of 1, 2 or 5 times a power of ten that cuts `span` into about four.
double nice_step(double span) {
  const double rough = span > 0 ? span / 4 : 1;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : to_valid_utf8(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
          escaped += "\xEF\xBF\xBD";
        } else {
          escaped += c;
        }
    }
  }
  return escaped;
}

std::string interval_chart(const std::vector<IntervalRow>& rows) {
  const double bottom = 8 + kRowHeight * static_cast<double>(rows.size());
  std::string svg = percent_axis(bottom);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const IntervalRow& row = rows[i];
    const double y = 8 + kRowHeight * (static_cast<double>(i) + 0.5);
    const auto x_of = [](double share) { return kLabelWidth + kPlotWidth * std::clamp(share, 0.0, 1.0); };
    svg += text_at(kLabelWidth - 10, y + 4, "label end", label(row.label));
    std::string title = to_fixed(100 * row.value, 1) + " %";
    if (row.ci95) {
      title +=
          ", 95 % interval " + to_fixed(100 * (*row.ci95)[0], 1) + " to " + to_fixed(100 * (*row.ci95)[1], 1) + " %";
      svg += rectangle(x_of((*row.ci95)[0]), y - 4, x_of((*row.ci95)[1]) - x_of((*row.ci95)[0]), 8, "interval", title);
    }
    svg += "<circle cx=\"" + px(x_of(row.value)) + "\" cy=\"" + px(y) + "\" r=\"5\" class=\"dot\"><title>" + title +
           "</title></circle>" + text_at(kWidth - 4, y + 4, "value end", to_fixed(100 * row.value, 1) + " %");
  }
  return drawing(bottom + 22, "Accuracy with 95 % intervals", svg);
}

std::string stacked_chart(const std::vector<StackedRow>& rows, const std::vector<std::string>& part_names) {
  const double bottom = 8 + kRowHeight * static_cast<double>(rows.size());
  std::string svg = percent_axis(bottom);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = 8 + kRowHeight * static_cast<double>(i);
    svg += text_at(kLabelWidth - 10, y + kRowHeight / 2 + 4, "label end", label(rows[i].label));
    double x = kLabelWidth;
    for (std::size_t part = 0; part < rows[i].parts.size() && part < part_names.size(); ++part) {
      const double share = rows[i].parts[part];
      if (share <= 0) continue;
      const std::string what = part_names[part] + " " + to_fixed(100 * share, 1) + " %";
      svg += rectangle(x, y + 5, kPlotWidth * share, kRowHeight - 10, "o" + std::to_string(part), html_escaped(what));
      if (share > 0.12) svg += text_at(x + 6, y + kRowHeight / 2 + 4, "on", to_fixed(100 * share, 0) + " %");
      x += kPlotWidth * share;
    }
  }
  double x = kLabelWidth;
  for (std::size_t part = 0; part < part_names.size(); ++part) {
    svg += rectangle(x, bottom + 24, 11, 11, "o" + std::to_string(part), html_escaped(part_names[part])) +
           text_at(x + 16, bottom + 34, "tick", html_escaped(part_names[part]));
    x += 30 + 7.5 * static_cast<double>(part_names[part].size());
  }
  return drawing(bottom + 42, "Outcomes of the samples", svg);
}

std::string histogram(const std::vector<double>& values, std::string_view unit) {
  constexpr std::size_t kBins = 24;
  constexpr double kHeight = 150;
  constexpr double kLeft = 46;
  constexpr double kRight = kWidth - 14;
  constexpr double kLeastRatioForLog = 50, kMostRatioForLog = 1e5;
  if (values.empty()) return "";
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const bool is_log = *low > 0 && *high / *low > kLeastRatioForLog && *high / *low < kMostRatioForLog;
  const double from = is_log ? std::log(*low) : *low;
  const double to = is_log ? std::log(*high) : *high;
  const double width = to > from ? (to - from) / kBins : 1;
  const auto edge = [&](double bin) { return is_log ? std::exp(from + bin * width) : from + bin * width; };
  std::array<std::size_t, kBins> counts{};
  for (const double value : values) {
    const double at = ((is_log ? std::log(value) : value) - from) / width;
    ++counts[std::min(static_cast<std::size_t>(std::max(at, 0.0)), kBins - 1)];
  }
  const auto most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
  const double bin_px = (kRight - kLeft) / kBins;
  std::string svg = line_from(kLeft, kHeight, kRight, kHeight, "axis") +
                    text_at(kLeft - 6, 16, "tick end", to_text(static_cast<std::int64_t>(most))) +
                    text_at(kLeft - 6, kHeight, "tick end", "0");
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    if (counts[bin] == 0) continue;
    const auto at = static_cast<double>(bin);
    const double height = (kHeight - 12) * static_cast<double>(counts[bin]) / most;
    svg += rectangle(kLeft + at * bin_px + 1, kHeight - height, bin_px - 2, height, "s0",
                     html_escaped(short_number(edge(at)) + " to " + short_number(edge(at + 1)) + " " +
                                  std::string(unit) + ": " + std::to_string(counts[bin])));
  }
  for (int part = 0; part <= 4; ++part) {
    const double bin = kBins * part / 4.0;
    svg += text_at(kLeft + bin * bin_px, kHeight + 16,
                   part == 0   ? "tick"
                   : part == 4 ? "tick end"
                               : "tick middle",
                   short_number(edge(bin)));
  }
  svg += text_at((kLeft + kRight) / 2, kHeight + 32, "tick middle",
                 html_escaped(std::string(unit) + (is_log ? ", logarithmic" : "")));
  return drawing(kHeight + 38, "Distribution in " + std::string(unit), svg);
}

std::string bar_chart(const std::vector<BarRow>& rows, std::string_view unit) {
  double most = 0;
  for (const BarRow& row : rows) most = std::max(most, row.value);
  const double bottom = 8 + kRowHeight * static_cast<double>(rows.size());
  std::string svg = line_from(kLabelWidth, 4, kLabelWidth, bottom, "axis");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = 8 + kRowHeight * static_cast<double>(i);
    const std::string value = short_number(rows[i].value);
    svg += text_at(kLabelWidth - 10, y + kRowHeight / 2 + 4, "label end", label(rows[i].label)) +
           rectangle(kLabelWidth, y + 5, most > 0 ? kPlotWidth * rows[i].value / most : 0, kRowHeight - 10, "s0",
                     html_escaped(value + " " + std::string(unit))) +
           text_at(kWidth - 4, y + kRowHeight / 2 + 4, "value end", value);
  }
  return drawing(bottom + 6, unit, svg);
}

std::string line_chart(const std::vector<LineSeries>& series, std::string_view unit) {
  constexpr double kHeight = 180;
  constexpr double kLeft = 50;
  constexpr double kRight = kWidth - 14;
  double last_s = 0;
  double most = 0;
  for (const LineSeries& one : series) {
    for (const auto& [time_s, value] : one.points) {
      last_s = std::max(last_s, time_s);
      most = std::max(most, value);
    }
  }
  const double step = nice_step(most);
  const double top = std::max(step, std::ceil(most / step) * step);
  const auto x_of = [&](double s) { return kLeft + (last_s > 0 ? (kRight - kLeft) * s / last_s : 0); };
  const auto y_of = [&](double value) { return kHeight - (kHeight - 10) * value / top; };
  std::string svg;
  for (double value = 0; value <= top * 1.001; value += step) {
    svg += line_from(kLeft, y_of(value), kRight, y_of(value), "grid") +
           text_at(kLeft - 6, y_of(value) + 4, "tick end", short_number(value));
  }
  for (std::size_t i = 0; i < series.size(); ++i) {
    std::string points;
    for (const auto& [time_s, value] : series[i].points) points += px(x_of(time_s)) + "," + px(y_of(value)) + " ";
    svg += "<polyline points=\"" + points + "\" class=\"line " + colour_class(i) + "\"><title>" +
           html_escaped(series[i].label) + "</title></polyline>";
  }
  for (int part = 0; part <= 4; ++part) {
    const double time_s = last_s * part / 4;
    svg += text_at(x_of(time_s), kHeight + 16,
                   part == 0   ? "tick"
                   : part == 4 ? "tick end"
                               : "tick middle",
                   short_number(time_s) + " s");
  }
  svg += text_at((kLeft + kRight) / 2, kHeight + 32, "tick middle", html_escaped(unit));
  return drawing(kHeight + 38, std::string(unit) + " over time", svg);
}

}  // namespace assay::results
