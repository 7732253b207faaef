#pragma once
// What the user's settings remember, as menus: the databases opened last, and views saved under a name.

#include <QObject>
#include <QSettings>

class QMenu;

namespace assay::gui {

/// Fills its menus anew each time they are shown, since another window may have changed the settings.
class RememberedMenus : public QObject {
  Q_OBJECT

 public:
  /// `settings` outlives this.
  RememberedMenus(QSettings& settings, QWidget* window);

  QMenu* databases() { return databases_; }
  QMenu* views() { return views_; }

  void remember_databases(const QStringList& paths);
  void forget_database(const QString& path);
  /// Asks for a name, and saves the link of a view under it.
  void save_view(const QString& link);

 signals:
  void database_chosen(const QString& path);
  void view_chosen(const QString& link);

 private:
  void fill_databases();
  void fill_views();

  QSettings& settings_;
  QWidget* window_;
  QMenu* databases_;  ///< both belong to the window
  QMenu* views_;
};

}  // namespace assay::gui
