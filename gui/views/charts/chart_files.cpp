#include "gui/views/charts/chart_files.h"

#include <QBuffer>
#include <QFileInfo>
#include <QPainter>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>
#include <algorithm>

#include "gui/models/plain_text.h"
#include "gui/views/charts/paint.h"

namespace assay::gui {

namespace {

constexpr int kPixelsPerInch = 96;  // what a pixel of a scene is on paper
constexpr int kPdfDotsPerInch = 1200;

QString file_title(const Chart& chart) { return visible_text(chart.title.isEmpty() ? "Chart" : chart.title, 200); }

void write_svg(QBuffer& buffer, const Chart& chart, const Scene& scene) {
  QSvgGenerator generator;
  generator.setOutputDevice(&buffer);
  generator.setSize(scene.size.toSize());
  generator.setViewBox(QRectF({0, 0}, scene.size));
  generator.setResolution(kPixelsPerInch);
  generator.setTitle(file_title(chart).toHtmlEscaped());
  generator.setDescription(visible_text(chart.note, 1000).toHtmlEscaped());
  QPainter painter(&generator);
  paint(painter, scene);
}

void write_pdf(QBuffer& buffer, const Chart& chart, const Scene& scene) {
  QPdfWriter writer(&buffer);
  writer.setPageSize(QPageSize(scene.size * 72.0 / kPixelsPerInch, QPageSize::Point, {}, QPageSize::ExactMatch));
  writer.setPageMargins(QMarginsF());
  writer.setResolution(kPdfDotsPerInch);
  writer.setTitle(file_title(chart));
  writer.setCreator("Assay");
  QPainter painter(&writer);
  painter.scale(static_cast<double>(kPdfDotsPerInch) / kPixelsPerInch,
                static_cast<double>(kPdfDotsPerInch) / kPixelsPerInch);
  paint(painter, scene);
}

}  // namespace

Result<ChartFormat> chart_format_of(const QString& path) {
  const QString ending = QFileInfo(path).suffix().toLower();
  if (ending == "png") return ChartFormat::png;
  if (ending == "svg") return ChartFormat::svg;
  if (ending == "pdf") return ChartFormat::pdf;
  if (ending == "csv") return ChartFormat::csv;
  return bad_input(path.toStdString(), ": a chart's file ends in .png, .svg, .pdf or .csv");
}

QImage chart_image(const Chart& chart, const ChartFileOptions& options) {
  const double scale = std::clamp(options.scale, 0.1, 16.0);
  QImage image((options.size * scale).toSize().expandedTo({1, 1}), QImage::Format_ARGB32_Premultiplied);
  image.fill(options.theme.panel);
  QPainter painter(&image);
  painter.scale(scale, scale);
  paint(painter, layout(chart, options.size, options.theme, options.font));
  painter.end();
  image.setDevicePixelRatio(scale);
  return image;
}

Result<QByteArray> chart_bytes(const Chart& chart, ChartFormat format, const ChartFileOptions& options) {
  if (format == ChartFormat::csv) return chart_csv(chart).toUtf8();
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  if (format == ChartFormat::png) {
    QImage image = chart_image(chart, options);
    image.setText("Title", file_title(chart));
    if (!image.save(&buffer, "PNG")) return environment_error("the chart can't be written as PNG");
    return bytes;
  }
  const Scene scene = layout(chart, options.size, options.theme, options.font);
  format == ChartFormat::svg ? write_svg(buffer, chart, scene) : write_pdf(buffer, chart, scene);
  if (bytes.isEmpty()) return environment_error("the chart can't be written");
  return bytes;
}

Result<> save_bytes(const QByteArray& bytes, const QString& path) {
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit()) {
    return environment_error(path.toStdString(), ": ", file.errorString().toStdString());
  }
  return {};
}

Result<> save_chart(const Chart& chart, const QString& path, const ChartFileOptions& options) {
  ASSAY_ASSIGN(const ChartFormat format, chart_format_of(path));
  ASSAY_ASSIGN(const QByteArray bytes, chart_bytes(chart, format, options));
  return save_bytes(bytes, path);
}

}  // namespace assay::gui
