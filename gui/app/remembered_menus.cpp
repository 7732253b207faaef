#include "gui/app/remembered_menus.h"

#include <QInputDialog>
#include <QMenu>

namespace assay::gui {

namespace {

constexpr int kMostDatabases = 10;

/// A menu takes & for the mark of a key.
QString menu_text(QString text) { return text.replace("&", "&&"); }

}  // namespace

RememberedMenus::RememberedMenus(QSettings& settings, QWidget* window)
    : QObject(window),
      settings_(settings),
      window_(window),
      databases_(new QMenu(tr("Open &recent"), window)),
      views_(new QMenu(tr("Saved &views"), window)) {
  connect(databases_, &QMenu::aboutToShow, this, &RememberedMenus::fill_databases);
  connect(views_, &QMenu::aboutToShow, this, &RememberedMenus::fill_views);
}

void RememberedMenus::remember_databases(const QStringList& paths) {
  if (paths.isEmpty()) return;
  QStringList recent = settings_.value("recent").toStringList();
  for (const QString& path : paths) {
    recent.removeAll(path);
    recent.prepend(path);
  }
  settings_.setValue("recent", QStringList(recent.mid(0, kMostDatabases)));
}

void RememberedMenus::forget_database(const QString& path) {
  QStringList recent = settings_.value("recent").toStringList();
  recent.removeAll(path);
  settings_.setValue("recent", recent);
}

void RememberedMenus::save_view(const QString& link) {
  bool is_given = false;
  const QString name =
      QInputDialog::getText(window_, tr("Save this view"), tr("Name:"), QLineEdit::Normal, {}, &is_given).trimmed();
  if (!is_given || name.isEmpty()) return;
  QVariantMap views = settings_.value("views").toMap();
  views[name] = link;
  settings_.setValue("views", views);
}

void RememberedMenus::fill_databases() {
  databases_->clear();
  for (const QString& path : settings_.value("recent").toStringList()) {
    databases_->addAction(menu_text(path), this, [this, path] { emit database_chosen(path); });
  }
  if (databases_->isEmpty()) databases_->addAction(tr("None yet"))->setEnabled(false);
}

void RememberedMenus::fill_views() {
  views_->clear();
  const QVariantMap views = settings_.value("views").toMap();
  for (auto it = views.begin(); it != views.end(); ++it) {
    views_->addAction(menu_text(it.key()), this, [this, link = it.value().toString()] { emit view_chosen(link); });
  }
  if (views.isEmpty()) {
    views_->addAction(tr("None yet: save one with Ctrl+D"))->setEnabled(false);
    return;
  }
  QMenu* forget = views_->addMenu(tr("&Forget"));
  for (auto it = views.begin(); it != views.end(); ++it) {
    forget->addAction(menu_text(it.key()), this, [this, name = it.key()] {
      QVariantMap left = settings_.value("views").toMap();
      left.remove(name);
      settings_.setValue("views", left);
    });
  }
}

}  // namespace assay::gui
