#include "gui/views/charts/axis.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"

using namespace assay::gui;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

QStringList texts_of(const std::vector<AxisTick>& ticks) {
  QStringList texts;
  for (const AxisTick& tick : ticks) {
    if (!tick.text.isEmpty()) texts << tick.text;
  }
  return texts;
}

Chart chart_of(std::initializer_list<ChartPoint> points, SeriesForm form = SeriesForm::marks) {
  Chart chart;
  chart.series.push_back({.name = "one", .form = form, .points = points});
  return chart;
}

}  // namespace

TEST_CASE("ticks_of: round values within the range, written alike", "[charts]") {
  const ChartAxis axis{.title = "t"};
  CHECK(texts_of(ticks_of(axis, {0, 10}, 5)) == QStringList{"0", "2", "4", "6", "8", "10"});
  CHECK(texts_of(ticks_of(axis, {0.13, 0.61}, 5)) == QStringList{"0.2", "0.3", "0.4", "0.5", "0.6"});
  CHECK(texts_of(ticks_of(axis, {-1, 1}, 4)) == QStringList{"−1.0", "−0.5", "0.0", "0.5", "1.0"});
  CHECK(texts_of(ticks_of(axis, {0, 25000}, 5)) == QStringList{"0", "5,000", "10,000", "15,000", "20,000", "25,000"});
  CHECK(texts_of(ticks_of(axis, {0, 3.2e6}, 4)) == QStringList{"0", "1M", "2M", "3M"});
  CHECK(texts_of(ticks_of(axis, {0, 2.5e9}, 3)) == QStringList{"0", "1G", "2G"});
}

TEST_CASE("ticks_of: counts have whole ticks, however narrow the range", "[charts]") {
  const ChartAxis count{.title = "Requests", .is_count = true};
  CHECK(texts_of(ticks_of(count, {0.9, 2.1}, 8)) == QStringList{"1", "2"});
  const ChartAxis log{.title = "Requests", .scale = AxisScale::log, .is_count = true};
  CHECK(texts_of(ticks_of(log, {0.96, 2.07}, 8)) == QStringList{"1", "2"});
}

TEST_CASE("ticks_of: shares are percent and have no ticks outside of 0 to 100", "[charts]") {
  const ChartAxis share{.title = "Accuracy", .is_share = true};
  CHECK(texts_of(ticks_of(share, {-0.02, 1.02}, 5)) == QStringList{"0%", "20%", "40%", "60%", "80%", "100%"});
  CHECK(texts_of(ticks_of(share, {0.91, 0.93}, 4)) == QStringList{"91.0%", "91.5%", "92.0%", "92.5%", "93.0%"});
}

TEST_CASE("ticks_of: a logarithmic axis has decades, then 2 and 5 where there is room, and minor ticks", "[charts]") {
  const ChartAxis log{.title = "TTFT", .scale = AxisScale::log};
  CHECK(texts_of(ticks_of(log, {1, 1000}, 5)) == QStringList{"1", "10", "100", "1,000"});
  CHECK(texts_of(ticks_of(log, {10, 100}, 6)) == QStringList{"10", "20", "50", "100"});
  CHECK(texts_of(ticks_of(log, {1e-3, 1e9}, 4)).size() <= 5);
  CHECK(texts_of(ticks_of(log, {4e-5, 2e-3}, 8)) ==
        QStringList{"0.00005", "0.0001", "0.0002", "0.0005", "0.001", "0.002"});
  CHECK(texts_of(ticks_of(log, {72, 490}, 8)) == QStringList{"100", "200", "300", "400"});
  CHECK(texts_of(ticks_of(log, {300, 400}, 4)) == QStringList{"300", "350", "400"});
  const std::vector<AxisTick> ticks = ticks_of(log, {1, 1000}, 5);
  CHECK(ticks.size() == 28);  // 1 to 9 of three decades, and 1,000
  CHECK(ticks[1].is_minor);
  CHECK_THAT(ticks[1].value, WithinRel(2.0, 1e-12));
}

TEST_CASE("ticks_of: any range gives few ticks that lie in it", "[charts]") {
  const double low = GENERATE(-1e300, -7.3, 0.0, 1e-300, 1e15);
  const double size = GENERATE(1e-9, 0.7, 3.0, 1e18, 1e300);
  const AxisRange range{low, low + std::max(size, std::fabs(low) * 1e-9)};
  const std::vector<AxisTick> ticks = ticks_of(ChartAxis{}, range, 6);
  CHECK(ticks.size() <= 9);
  for (const AxisTick& tick : ticks) {
    CHECK(std::isfinite(tick.value));
    CHECK(tick.value >= range.low - (range.high - range.low) * 1e-6);
    CHECK(tick.value <= range.high + (range.high - range.low) * 1e-6);
  }
}

TEST_CASE("can_place: neither NaN nor infinity, and nothing up to 0 on a logarithmic axis", "[charts]") {
  const ChartAxis linear, log{.scale = AxisScale::log};
  CHECK(can_place(linear, -1));
  CHECK(can_place(log, 1e-12));
  CHECK_FALSE(can_place(log, 0));
  CHECK_FALSE(can_place(log, -1));
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e301}) {
    CHECK_FALSE(can_place(linear, value));
    CHECK_FALSE(can_place(log, value));
  }
}

TEST_CASE("data_range: holds points and the ends of intervals, not what can't be placed", "[charts]") {
  Chart chart = chart_of({{1, 5}, {3, 2}, {100, std::nan("")}});
  chart.series[0].points[0].y_interval = assay::results::Interval{4, 9};
  chart.series[0].points[1].y_interval = assay::results::Interval{-HUGE_VAL, 2.5};
  const AxisRange y = data_range(chart, false).value();
  CHECK(y.low == 2);
  CHECK(y.high == 9);
  CHECK(data_range(chart, true)->high == 3);  // the point without y is not drawn
  CHECK_FALSE(data_range(Chart{}, true));
}

TEST_CASE("data_range: bars begin at 0 and stacks add up, below and above 0 apart", "[charts]") {
  Chart chart = chart_of({{0, 2}, {1, -1}}, SeriesForm::bars);
  chart.series.push_back({.name = "two", .form = SeriesForm::bars, .is_stacked = true, .points = {{0, 3}, {1, -4}}});
  const AxisRange y = data_range(chart, false).value();
  CHECK(y.low == -5);
  CHECK(y.high == 5);
  const auto spans = bar_spans(chart);
  CHECK(spans[1][0].low == 2);
  CHECK(spans[1][0].high == 5);
  CHECK(spans[1][1].low == -1);
  CHECK(spans[1][1].high == -5);
}

TEST_CASE("shown_range: has room, a width even for one value, and obeys what the axis asks for", "[charts]") {
  const auto range_of = [](const Chart& chart) { return shown_range(chart, false, data_range(chart, false)); };
  Chart chart = chart_of({{0, 10}, {1, 20}});
  CHECK_THAT(range_of(chart).low, WithinAbs(9.5, 1e-9));
  CHECK_THAT(range_of(chart).high, WithinAbs(20.5, 1e-9));
  chart.y.begins_at_zero = true;
  CHECK(range_of(chart).low == 0);
  chart.y.high = 40;
  CHECK(range_of(chart).high == 40);
  const AxisRange one = range_of(chart_of({{0, 7}}));
  CHECK(one.low < 7);
  CHECK(one.high > 7);
  Chart log = chart_of({{0, 7}});
  log.y.scale = AxisScale::log;
  CHECK(range_of(log).low > 0);
  Chart share = chart_of({{0, 1}, {1, 0.2}});
  share.y.is_share = true;
  CHECK(range_of(share).high <= 1.02 + 1e-9);
}

TEST_CASE("AxisMap: places and values are each other's inverse", "[charts]") {
  const AxisMap linear{AxisScale::linear, {10, 20}, 100, 300};
  CHECK(linear.place(15) == 200);
  CHECK(linear.value(200) == 15);
  const AxisMap log{AxisScale::log, {1, 100}, 300, 100};
  CHECK_THAT(log.place(10), WithinAbs(200, 1e-9));
  CHECK_THAT(log.value(200), WithinRel(10.0, 1e-9));
}

TEST_CASE("axis_value: units, percent, names, and a dash for what is no number", "[charts]") {
  CHECK(axis_heading({.title = "Output speed", .unit = "tokens/s"}) == "Output speed (tokens/s)");
  CHECK(axis_value({.unit = "tokens/s"}, 1234.6) == "1,235 tokens/s");
  CHECK(axis_value({.unit = "ms"}, 12.345) == "12.35 ms");
  CHECK(axis_value({.is_share = true}, 0.4567) == "45.7%");
  CHECK(axis_value({.categories = {"a", "b"}}, 1) == "b");
  CHECK(axis_value({}, std::nan("")) == "—");
}
