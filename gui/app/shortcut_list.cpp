#include "gui/app/shortcut_list.h"

#include <QAbstractButton>
#include <QMenu>
#include <QMenuBar>
#include <QStringList>

namespace assay::gui {

namespace {

QString plain(QString text) { return text.remove('&').remove(QChar(0x2026)).toHtmlEscaped(); }

/// What keys do, as rows; none without keys. No row comes twice.
class Rows {
 public:
  void add(const QKeySequence& keys, const QString& text) {
    if (keys.isEmpty()) return;
    const QString row = QString("<tr><td>%1</td><td>%2</td></tr>")
                            .arg(keys.toString(QKeySequence::NativeText).toHtmlEscaped(), plain(text));
    if (!rows_.contains(row)) rows_ << row;  // each chart of a page has its own
  }
  /// With a heading; nothing if there are none.
  QString section(const QString& title) const {
    if (rows_.isEmpty()) return {};
    return QString("<tr><th colspan=2 align=left>%1</th></tr>").arg(plain(title)) + rows_.join(QString());
  }

 private:
  QStringList rows_;
};

}  // namespace

QString shortcut_list(const QMenuBar& menus, const QWidget* page) {
  QString sections;
  for (const QAction* menu : menus.actions()) {
    if (menu->menu() == nullptr) continue;
    Rows rows;
    for (const QAction* action : menu->menu()->actions()) rows.add(action->shortcut(), action->text());
    sections += rows.section(menu->text());
  }
  if (page != nullptr) {
    Rows rows;
    for (const QAction* action : page->findChildren<QAction*>()) rows.add(action->shortcut(), action->text());
    for (const QAbstractButton* button : page->findChildren<QAbstractButton*>()) {
      if (button->isVisibleTo(page)) rows.add(button->shortcut(), button->text());
    }
    sections += rows.section(QObject::tr("On this page"));
  }
  return "<table cellpadding=2>" + sections + "</table>";
}

}  // namespace assay::gui
