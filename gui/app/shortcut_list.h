#pragma once
// Every action of the menus, and every action and button of a page, with its keys.

#include <QString>

class QMenuBar;
class QWidget;

namespace assay::gui {

/// An HTML table: a line an action, "Ctrl+O  Open databases", by menu; then what is on the page (none: null).
QString shortcut_list(const QMenuBar& menus, const QWidget* page);

}  // namespace assay::gui
