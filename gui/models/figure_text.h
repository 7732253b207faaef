#pragma once
// Figures and texts as the window's tables and tooltips show them. A figure that is not known is a dash.

#include <QString>
#include <optional>
#include <string_view>

#include "results/analysis/intervals.h"

namespace assay::gui {

/// What stands where a figure is not known. The reason goes into the tooltip.
QString unknown_text();

QString share_text(double ratio);        ///< "81.3 %"
QString points_text(double difference);  ///< "+2.1": a difference of shares, in points of 100
QString number_text(double value);       ///< three significant places at least: "0.00123", "12.3", "12,345"
QString signed_text(double value);       ///< number_text() with its sign
QString ratio_text(double ratio);        ///< "1.034×"
QString usd_text(double usd);            ///< "$0.00123", "$1.20"
QString joules_text(double joules);      ///< "0.213 J", "14.4 kJ"
QString p_text(double p);                ///< "0.0312", "<0.0001": never 0
QString bytes_per_s_text(double rate);   ///< "3.35 TB/s"
QString flop_per_s_text(double rate);    ///< "989 TFLOP/s"

using FigureText = QString (*)(double);
/// A figure, or a dash.
QString figure_or_dash(const std::optional<double>& value, FigureText text);
/// "+0.1 to +3.4", "at least 1.2" for an interval without an upper end, or a dash.
QString interval_text(const std::optional<results::Interval>& interval, FigureText text);

/// "1 run", "3 runs".
QString counted(qint64 n, const QString& thing);

/// SQL's text literal.
QString sql_text(const QString& text);

}  // namespace assay::gui
