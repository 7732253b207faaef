#pragma once
// The stages of layout(): each adds its part to the scene. Used by scene*.cpp alone.

#include <QFontMetricsF>

#include "gui/views/charts/scene.h"

namespace assay::gui {

/// Areas, lines, bars, marks and whiskers; what can't be placed joins scene.missing. Needs the axes' maps.
void add_series(const Chart& chart, Scene& scene);
/// The names beside marks and markers, where there is room: no two overlap, none covers a mark.
void add_labels(const Chart& chart, Scene& scene);
/// What can't be drawn and why, one sentence for each series and reason.
QStringList unplaced(const Chart& chart);

}  // namespace assay::gui
