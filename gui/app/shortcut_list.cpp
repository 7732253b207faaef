#include "gui/app/shortcut_list.h"

#include <QMenu>
#include <QMenuBar>
#include <QStringList>

namespace assay::gui {

namespace {

QString plain(QString text) { return text.remove('&').remove(QChar(0x2026)).toHtmlEscaped(); }

/// A heading and a row an action that has keys; nothing if none has. No row comes twice.
QString section(const QString& title, const QList<QAction*>& actions) {
  QStringList rows;
  for (const QAction* action : actions) {
    if (action->shortcut().isEmpty()) continue;
    const QString row =
        QString("<tr><td>%1</td><td>%2</td></tr>")
            .arg(action->shortcut().toString(QKeySequence::NativeText).toHtmlEscaped(), plain(action->text()));
    if (!rows.contains(row)) rows << row;  // each chart of a page has its own
  }
  if (rows.isEmpty()) return {};
  return QString("<tr><th colspan=2 align=left>%1</th></tr>").arg(plain(title)) + rows.join(QString());
}

}  // namespace

QString shortcut_list(const QMenuBar& menus, const QWidget* page) {
  QString sections;
  for (const QAction* menu : menus.actions()) {
    if (menu->menu() != nullptr) sections += section(menu->text(), menu->menu()->actions());
  }
  if (page != nullptr) sections += section(QObject::tr("On this page"), page->findChildren<QAction*>());
  return "<table cellpadding=2>" + sections + "</table>";
}

}  // namespace assay::gui
