#pragma once
// A chart as a file.

#include <QByteArray>
#include <QFont>
#include <QImage>
#include <QSizeF>

#include "gui/views/charts/chart.h"
#include "harness/base/result.h"

namespace assay::gui {

enum class ChartFormat { png, svg, pdf, csv };

/// By the ending of `path`: .png, .svg, .pdf, .csv in any case. Error{bad_input} names these for any other.
Result<ChartFormat> chart_format_of(const QString& path);

/// How a chart is drawn for a file: as large as on the screen, and what PNG multiplies that with.
struct ChartFileOptions {
  QSizeF size{800, 480};
  double scale = 2;
  const Theme& theme = light_theme();
  QFont font;
};

QImage chart_image(const Chart& chart, const ChartFileOptions& options);
/// The file's bytes.
Result<QByteArray> chart_bytes(const Chart& chart, ChartFormat format, const ChartFileOptions& options);
/// Writes the file in the format that its ending says. An existing file is replaced only when all is written; else
/// Error{environment} with the path and the system's reason.
Result<> save_chart(const Chart& chart, const QString& path, const ChartFileOptions& options);
/// The same for any bytes.
Result<> save_bytes(const QByteArray& bytes, const QString& path);

}  // namespace assay::gui
