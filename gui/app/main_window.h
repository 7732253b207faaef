#pragma once
// The window: the list of pages, the page shown, what is chosen, menus. It shows the navigator's state and nothing
// else.

#include <QMainWindow>
#include <QPointer>
#include <QSettings>
#include <memory>

#include "gui/models/navigator.h"
#include "gui/models/workspace.h"
#include "gui/views/pages.h"

class QLabel;
class QListWidget;
class QStackedWidget;

namespace assay::gui {

class MessageBar;
class NewRunDialog;
class RememberedMenus;
class SelectionBar;

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  /// `settings` keeps recent files, saved views, theme and the window's size; it outlives the window.
  MainWindow(ViewState state, QSettings& settings, QWidget* parent = nullptr);
  ~MainWindow() override;

  Navigator& navigator() { return navigator_; }
  Workspace& workspace() { return workspace_; }
  /// True while runs or the page's own figures are still being read.
  bool is_busy() const;
  /// The page shown.
  Page* page() const;
  /// How much is open, and how far runs are that are being written now.
  QString status_text() const;

 protected:
  void changeEvent(QEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dragMoveEvent(QDragMoveEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void make_actions();
  void make_file_menu();
  void make_edit_menu();
  void make_view_menu();
  void make_help_menu();
  void refresh();
  /// The run that could be gone on with: the only chosen one, if it is unfinished and nobody works on it.
  const LocatedRun* unfinished_choice() const;
  void show_new_run();
  void show_message(const QString& text);
  void go_to_page(const QString& name);
  void open_databases(const QStringList& paths);
  void ask_for_databases();
  void open_link();
  void go_to_link(const QString& link);
  void save_picture();
  void set_theme(const QString& name);
  void show_shortcuts();

  QSettings& settings_;
  Workspace workspace_;
  Navigator navigator_;
  std::vector<Page*> pages_;
  QListWidget* page_list_ = nullptr;
  QStackedWidget* stack_ = nullptr;
  SelectionBar* selection_bar_ = nullptr;
  MessageBar* message_bar_ = nullptr;
  QLabel* status_ = nullptr;
  RememberedMenus* remembered_ = nullptr;
  QAction *undo_ = nullptr, *redo_ = nullptr, *go_on_ = nullptr;
  QPointer<NewRunDialog> new_run_;  ///< deletes itself when it is closed
  bool is_refreshing_ = false;
};

/// Makes the palette of the whole application that of "light", "dark" or "system".
void apply_theme(const QString& name);

}  // namespace assay::gui
