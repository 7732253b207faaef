#pragma once
// Small charts as SVG text for a page that holds its own styles (html_report.cpp). Pure: the same values give the same
// text. Every label is escaped here.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::results {

/// `text` safe inside HTML and in attributes: & < > " ' as entities, ill-formed UTF-8 and control characters replaced.
std::string html_escaped(std::string_view text);

/// A share with its interval, 0 to 1.
struct IntervalRow {
  std::string label;
  double value = 0;
  std::optional<std::array<double, 2>> ci95;
};
/// A line a row: the interval as a bar, the value as a dot, on an axis from 0 to 100 %.
std::string interval_chart(const std::vector<IntervalRow>& rows);

/// Shares of a whole, one bar a row; parts in the order of `part_names`.
struct StackedRow {
  std::string label;
  std::vector<double> parts;
};
std::string stacked_chart(const std::vector<StackedRow>& rows, const std::vector<std::string>& part_names);

/// How many of `values` fall where, in 24 bins: of equal width, or of equal ratio where the largest is over 50 times
/// the smallest and none is 0. Empty text for no values.
std::string histogram(const std::vector<double>& values, std::string_view unit);

/// Horizontal bars from 0.
struct BarRow {
  std::string label;
  double value = 0;
};
std::string bar_chart(const std::vector<BarRow>& rows, std::string_view unit);

/// A value over time, drawn as one line a series.
struct LineSeries {
  std::string label;
  std::vector<std::array<double, 2>> points;  ///< (seconds, value), by time
};
std::string line_chart(const std::vector<LineSeries>& series, std::string_view unit);

}  // namespace assay::results
