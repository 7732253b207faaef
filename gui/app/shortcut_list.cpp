#include "gui/app/shortcut_list.h"

#include <QMenu>
#include <QMenuBar>
#include <QStringList>

namespace assay::gui {

namespace {

QString plain(QString text) { return text.remove('&').remove(QChar(0x2026)); }

}  // namespace

QString shortcut_list(const QMenuBar& menus) {
  QStringList lines;
  for (const QAction* menu : menus.actions()) {
    if (menu->menu() == nullptr) continue;
    if (!lines.isEmpty()) lines.append(QString());
    lines.append(plain(menu->text()));
    for (const QAction* action : menu->menu()->actions()) {
      if (action->shortcut().isEmpty()) continue;
      lines.append("    " + action->shortcut().toString(QKeySequence::NativeText).leftJustified(16) +
                   plain(action->text()));
    }
  }
  return lines.join('\n');
}

}  // namespace assay::gui
