#pragma once
// Every action of the menus with its keys.

#include <QString>

class QMenuBar;

namespace assay::gui {

/// A line an action, "Ctrl+O  Open databases", by menu.
QString shortcut_list(const QMenuBar& menus);

}  // namespace assay::gui
