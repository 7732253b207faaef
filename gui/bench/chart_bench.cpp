// Times charts as a window draws them: places first, then paint, in 1200 x 800 pixels; and a heat map that is scrolled.

#include <QApplication>
#include <QImage>
#include <QPainter>
#include <QScrollBar>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>

#include "gui/views/charts/heat_map.h"
#include "gui/views/charts/hit_grid.h"
#include "gui/views/charts/paint.h"

using namespace assay::gui;

namespace {

constexpr int kRounds = 9;

double ms_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

Chart cloud(int n, SeriesForm form) {
  std::mt19937 random(1);
  std::normal_distribution<> normal;
  Chart chart;
  chart.series.resize(2);
  for (int i = 0; i < n; ++i) {
    ChartSeries& series = chart.series[static_cast<std::size_t>(i % 2)];
    series.points.push_back({.x = form == SeriesForm::marks ? normal(random) : i, .y = normal(random)});
  }
  for (ChartSeries& series : chart.series) series.form = form;
  return chart;
}

void time_chart(const char* name, int n, SeriesForm form) {
  const Chart chart = cloud(n, form);
  QImage image(1200, 800, QImage::Format_ARGB32_Premultiplied);
  std::vector<double> layout_ms, grid_ms, paint_ms;
  for (int round = 0; round < kRounds; ++round) {
    Scene scene;
    HitGrid grid;
    layout_ms.push_back(ms_of([&] { scene = layout(chart, {1200, 800}, light_theme(), QApplication::font()); }));
    grid_ms.push_back(ms_of([&] { grid = HitGrid(scene); }));
    paint_ms.push_back(ms_of([&] {
      QPainter painter(&image);
      paint(painter, scene);
    }));
  }
  std::printf("%-6s %9d points  layout %7.2f ms  hit grid %6.2f ms  paint %7.2f ms\n", name, n, median(layout_ms),
              median(grid_ms), median(paint_ms));
}

struct Outcomes : HeatMapSource {
  int n_rows() const override { return 10'000; }
  int n_columns() const override { return 20; }
  QString row_name(int row) const override { return QString("aime-2024-%1").arg(row); }
  QString column_name(int column) const override { return QString("run-%1").arg(column); }
  std::optional<HeatCell> cell(int row, int column) const override {
    return HeatCell{static_cast<assay::results::Verdict>((row + column) % 5), (row % 5) / 4.0, 4};
  }
  QString tooltip(int, int) const override { return {}; }
};

void time_heat_map() {
  const Outcomes outcomes;
  HeatMap map;
  map.resize(1200, 800);
  map.set_source(&outcomes);
  map.show();
  QImage image(map.viewport()->size(), QImage::Format_ARGB32_Premultiplied);
  std::vector<double> frame_ms;
  for (int frame = 0; frame < 200; ++frame) {
    map.verticalScrollBar()->setValue(frame * 977);
    frame_ms.push_back(ms_of([&] { map.viewport()->render(&image); }));
  }
  std::sort(frame_ms.begin(), frame_ms.end());
  std::printf("heat map 10,000 x 20, a scrolled frame: p50 %.2f ms, p99 %.2f ms\n", frame_ms[100], frame_ms[197]);
}

}  // namespace

int main(int argc, char** argv) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  const QApplication application(argc, argv);
  for (const int n : {1'000, 10'000, 50'000, 100'000, 1'000'000}) time_chart("marks", n, SeriesForm::marks);
  for (const int n : {1'000, 100'000, 1'000'000}) time_chart("line", n, SeriesForm::line);
  time_chart("steps", 100'000, SeriesForm::steps);
  time_heat_map();
}
