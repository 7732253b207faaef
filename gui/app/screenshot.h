#pragma once
// A page as a picture, without a display.

#include <QString>

#include "gui/app/main_window.h"

namespace assay::gui {

/// Waits until the window's page has read everything, and writes it to `file` as PNG (through a temporary file that
/// then takes its name). Error{environment} if the page isn't ready within a minute, or the file can't be written.
Result<> save_screenshot(MainWindow& window, const QString& file);

}  // namespace assay::gui
