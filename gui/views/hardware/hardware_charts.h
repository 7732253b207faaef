#pragma once
// The charts of the page of hardware: one figure of each run, a series a device. What was not measured is hollow and
// says so beside its mark. Pure.

#include "gui/models/hardware.h"
#include "gui/views/charts/chart.h"

namespace assay::gui {

enum class HardwareFigure { accuracy, output_tokens_per_s, ttft_ms, itl_ms, e2e_ms, joules_per_output_token };

Chart hardware_chart(const HardwareAnswer& answer, HardwareFigure figure);

}  // namespace assay::gui
