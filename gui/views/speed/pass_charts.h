#pragma once
// Charts of timelines of passes. Pure.

#include "gui/models/pass_timeline.h"
#include "gui/views/charts/chart.h"

namespace assay::gui {

/// What of a pass is shown: all of it, one layer, or what lies outside of all layers.
struct PassStretch {
  enum class Kind { whole, layer, outside } kind = Kind::whole;
  int layer = 0;

  bool operator==(const PassStretch&) const = default;
  bool holds(const LayerOperation& operation) const;
};
/// "", "12", "outside", and back; the whole pass for other words.
QString stretch_text(const PassStretch& stretch);
PassStretch parse_stretch(const QString& text);
/// Layers that some timeline has, in order.
std::vector<int> layers_of(const std::vector<const PassTimeline*>& timelines);

/// A strip a run on one axis of time: a box an operation of a layer, and below it, hollow, the same at its limits.
/// Stretches of a pass begin at 0.
Chart pass_strip_chart(const std::vector<const PassTimeline*>& timelines, const PassStretch& stretch);
/// Operations summed over all layers: a bar a run, with a mark at its limit.
Chart operations_chart(const std::vector<const PassTimeline*>& timelines);
/// What each layer takes: a line a run.
Chart layer_times_chart(const std::vector<const PassTimeline*>& timelines);

}  // namespace assay::gui
