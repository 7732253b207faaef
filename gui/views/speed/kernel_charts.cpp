// Kernels and collectives below what their device gives at most.
#include <algorithm>
#include <set>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/views/speed/speed_charts.h"

namespace assay::gui {

namespace {

constexpr double kTeraFlop = 1e12;
constexpr double kBytesPerMib = 1 << 20;
constexpr double kRoofMargin = 4;  // so far beyond the outermost kernel a ceiling is drawn

struct Intensities {
  double low = 1, high = 1;  // operations a byte of the kernels
};

/// The kernels of the device whose ceilings are drawn.
ChartSeries kernel_series(const std::vector<KernelPoint>& points, const QString& device, Intensities& of,
                          QStringList& missing) {
  ChartSeries kernels;
  kernels.name = "benchmarks";
  for (const KernelPoint& from : points) {
    if (!from.bytes_per_s || !from.flop_per_s || !(*from.bytes_per_s > 0) || !(*from.flop_per_s > 0)) {
      missing.append(from.name + ": counts " + (from.bytes_per_s ? "no operations" : "no bytes"));
      continue;
    }
    if (from.device != device) {
      missing.append(from.name + ": of " + from.device + "; choose its ceilings above");
      continue;
    }
    ChartPoint& point = kernels.points.emplace_back();
    point.x = *from.flop_per_s / *from.bytes_per_s;
    point.y = *from.flop_per_s / kTeraFlop;
    point.label = from.name;
    point.is_hollow = from.provenance != "measured";
    point.tooltip = from.run + ": " + from.name + "\n" + flop_per_s_text(*from.flop_per_s) + ", " +
                    bytes_per_s_text(*from.bytes_per_s) + "\nprovenance: " + visible_text(from.provenance) + "\n" +
                    from.conditions;
    of.low = kernels.points.size() == 1 ? point.x : std::min(of.low, point.x);
    of.high = kernels.points.size() == 1 ? point.x : std::max(of.high, point.x);
  }
  return kernels;
}

/// Bandwidth's slope, then the flat of the operations. What was measured is drawn through, what is published dashed.
void add_roof(const DeviceCeilings& ceilings, bool is_measured, const Intensities& of, Chart& chart) {
  const QString name = is_measured ? "measured ceiling (BF16)" : "published ceiling (BF16)";
  if (!ceilings.memory_bytes_per_s || !ceilings.bf16_flop_per_s) {
    chart.missing.append(name + ": " + (ceilings.memory_bytes_per_s ? "no BF16 rate" : "no bandwidth") +
                         " is known of " + ceilings.title);
    return;
  }
  const double bandwidth = *ceilings.memory_bytes_per_s, peak = *ceilings.bf16_flop_per_s, ridge = peak / bandwidth;
  ChartSeries& roof = chart.series.emplace_back();
  roof.name = name;
  roof.form = SeriesForm::line;
  roof.style = is_measured ? 1 : 6;
  roof.is_dashed = !is_measured;
  for (const double x : {std::min(of.low, ridge) / kRoofMargin, ridge, std::max(of.high, ridge) * kRoofMargin}) {
    ChartPoint& point = roof.points.emplace_back();
    point.x = x;
    point.y = std::min(bandwidth * x, peak) / kTeraFlop;
    point.is_hollow = !is_measured;
    point.tooltip = ceilings.title + ": " + bytes_per_s_text(bandwidth) + ", " + flop_per_s_text(peak) + " (BF16)\n" +
                    ceilings.basis;
  }
}

Chart collective_chart(const QString& title) {
  Chart chart;
  chart.title = title;
  chart.x.title = "Size";
  chart.x.unit = "MiB";
  chart.y.title = "Speed of a link, one way";
  chart.y.unit = "GB/s";
  chart.x.scale = AxisScale::log;
  chart.y.begins_at_zero = true;
  return chart;
}

void add_curve(const results::CollectiveCurve& curve, const QString& owner, bool names_owner, Chart& chart) {
  ChartSeries& series = chart.series.emplace_back();
  series.name = (names_owner ? owner + ", " : QString()) + visible_text(curve.by, 20) +
                (curve.link_gb_per_s ? ", held to " + number_text(*curve.link_gb_per_s) + " GB/s" : QString());
  series.form = SeriesForm::line;
  series.style = static_cast<int>(chart.series.size()) - 1;
  series.is_dashed = curve.provenance != "measured";
  for (const results::CollectiveSize& size : curve.sizes) {
    ChartPoint& point = series.points.emplace_back();
    point.x = static_cast<double>(size.bytes) / kBytesPerMib;
    point.y = size.bus_gb_per_s.median;
    if (size.bus_gb_per_s.n > 1) point.y_interval = results::Interval{size.bus_gb_per_s.min, size.bus_gb_per_s.max};
    point.is_hollow = curve.provenance != "measured";
    point.tooltip = owner + "\n" + chart.title + ", " + series.name + "\n" +
                    number_text(static_cast<double>(size.bytes)) + " bytes: " + number_text(size.time_us.median) +
                    " µs, " + number_text(size.bus_gb_per_s.median) + " GB/s one way (median of " +
                    counted(size.bus_gb_per_s.n, "repeat") + ", " + number_text(size.bus_gb_per_s.min) + " to " +
                    number_text(size.bus_gb_per_s.max) + ")\nprovenance: " + visible_text(curve.provenance);
  }
}

}  // namespace

Chart roofline_chart(const std::vector<KernelPoint>& points, const KernelCeilings& ceilings) {
  Chart chart;
  const QString device = ceilings.device();
  chart.title = "Kernels below the ceilings" + (device.isEmpty() ? QString() : " of " + device);
  chart.x.title = "Operations a byte";
  chart.x.unit = "FLOP/B";
  chart.y.title = "Operations a second";
  chart.y.unit = "TFLOP/s";
  chart.x.scale = chart.y.scale = AxisScale::log;
  chart.empty_text =
      "No imported benchmark counts both bytes and operations. \"assay import --format google-benchmark\" "
      "brings in what assay-kernel-bench writes.";
  Intensities intensities;
  ChartSeries kernels = kernel_series(points, device, intensities, chart.missing);
  if (kernels.points.empty()) return chart;
  if (ceilings.published) add_roof(*ceilings.published, false, intensities, chart);
  if (ceilings.measured) add_roof(*ceilings.measured, true, intensities, chart);
  if (device.isEmpty()) chart.missing.append("ceiling: no profile of the device is known; choose one above");
  chart.series.push_back(std::move(kernels));
  return chart;
}

std::vector<Chart> collectives_charts(const SpeedAnswer& answer) {
  const auto curves = collective_curves(answer);
  std::set<QString> owners;
  for (const auto& [owner, curve] : curves) owners.insert(owner);
  std::vector<Chart> charts;
  for (const auto& [owner, curve] : curves) {
    const QString title = visible_text(curve.operation, 40) + ", " + counted(curve.n_ranks, "GPU");
    auto at = std::find_if(charts.begin(), charts.end(), [&](const Chart& chart) { return chart.title == title; });
    if (at == charts.end()) at = charts.insert(charts.end(), collective_chart(title));
    add_curve(curve, owner, owners.size() > 1, *at);
  }
  return charts;
}

}  // namespace assay::gui
