#include "gui/app/main_window.h"

#include <QApplication>
#include <QClipboard>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QInputDialog>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QSaveFile>
#include <QStackedWidget>
#include <QStatusBar>
#include <QStyle>
#include <QVBoxLayout>

#include "gui/app/message_bar.h"
#include "gui/app/new_run_dialog.h"
#include "gui/app/remembered_menus.h"
#include "gui/app/selection_bar.h"
#include "gui/app/shortcut_list.h"
#include "gui/models/figure_text.h"
#include "gui/models/run_columns.h"
#include "gui/views/theme.h"

namespace assay::gui {

namespace {

/// Keeps an action in the window, with what is needed to find and press it.
QAction* add_action(QMenu* menu, const QString& text, const QKeySequence& keys, const QObject* owner,
                    std::function<void()> act) {
  QAction* action = menu->addAction(text, keys, owner, std::move(act));
  action->setShortcutContext(Qt::WindowShortcut);
  return action;
}

QStringList local_files(const QDropEvent& event) {
  QStringList paths;
  for (const QUrl& url : event.mimeData()->urls()) {
    if (url.isLocalFile()) paths.append(url.toLocalFile());
  }
  return paths;
}

/// A file is opened where it lies, even where the desktop proposes to move it.
void accept_as_copy(QDropEvent& event) {
  event.setDropAction(Qt::CopyAction);
  event.accept();
}

QWidget* make_empty_page(std::function<void()> open) {
  auto* page = new QWidget;
  auto* title = new QLabel(QObject::tr("No results database is open"));
  QFont large = title->font();
  large.setPointSizeF(large.pointSizeF() * 1.5);
  title->setFont(large);
  auto* text =
      new QLabel(QObject::tr("Open one (Ctrl+O) or drop its file onto this window. One is made by\n\n"
                             "    assay run --model reference --suite smoke --db results.db"));
  text->setTextFormat(Qt::PlainText);
  text->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  auto* button = new QPushButton(QObject::tr("&Open a database…"));
  QObject::connect(button, &QPushButton::clicked, page, std::move(open));
  auto* layout = new QVBoxLayout(page);
  layout->addStretch(2);
  for (QWidget* widget : std::initializer_list<QWidget*>{title, text, button}) {
    layout->addWidget(widget, 0, Qt::AlignHCenter);
    layout->addSpacing(12);
  }
  layout->addStretch(3);
  return page;
}

QString absolute_path(const QString& path) { return QDir::cleanPath(QFileInfo(path).absoluteFilePath()); }

}  // namespace

void apply_theme(const QString& name) {
  // The palette that the platform began with is the system's choice.
  static const bool system_is_dark = QApplication::palette().color(QPalette::Window).lightness() < 128;
  const bool is_dark = name == "dark" || (name != "light" && system_is_dark);
  QApplication::setPalette(palette_of(is_dark ? dark_theme() : light_theme()));
}

MainWindow::MainWindow(ViewState state, QSettings& settings, QWidget* parent)
    : QMainWindow(parent), settings_(settings), navigator_(std::move(state)) {
  setAcceptDrops(true);
  setMinimumSize(320, 240);  // a page may be cut off, but the size is the user's choice

  page_list_ = new QListWidget;
  page_list_->setObjectName("pages");
  page_list_->setAccessibleName(tr("Pages"));
  page_list_->setFrameShape(QFrame::NoFrame);
  page_list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);

  stack_ = new QStackedWidget;
  stack_->addWidget(make_empty_page([this] { ask_for_databases(); }));
  pages_ = make_pages(PageContext{workspace_, navigator_}, stack_);
  for (Page* page : pages_) {
    stack_->addWidget(page);
    auto* entry = new QListWidgetItem(page->title(), page_list_);
    entry->setSizeHint(QSize(0, fontMetrics().height() + 14));
    entry->setData(Qt::UserRole, page->name());
  }
  page_list_->setFixedWidth(fontMetrics().averageCharWidth() * 20);
  auto* side = new QWidget;
  side->setAutoFillBackground(true);
  side->setBackgroundRole(QPalette::Base);
  auto* side_layout = new QVBoxLayout(side);
  side_layout->setContentsMargins(8, 8, 8, 8);
  side_layout->addWidget(page_list_);

  selection_bar_ = new SelectionBar(workspace_, navigator_);
  message_bar_ = new MessageBar;

  auto* right = new QWidget;
  auto* right_layout = new QVBoxLayout(right);
  right_layout->setContentsMargins(12, 8, 12, 8);
  right_layout->setSpacing(8);
  right_layout->addWidget(message_bar_);
  right_layout->addWidget(selection_bar_);
  right_layout->addWidget(stack_, 1);
  auto* whole = new QWidget;
  auto* layout = new QHBoxLayout(whole);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(side);
  layout->addWidget(right, 1);
  setCentralWidget(whole);
  // Wherever on the window a file is dropped it is opened: a field would take its name for words.
  for (QLineEdit* field : findChildren<QLineEdit*>()) field->setAcceptDrops(false);

  status_ = new QLabel;
  status_->setTextFormat(Qt::PlainText);
  status_->setIndent(6);
  statusBar()->addWidget(status_, 1);

  remembered_ = new RememberedMenus(settings_, this);
  connect(remembered_, &RememberedMenus::database_chosen, this,
          [this](const QString& path) { open_databases({path}); });
  connect(remembered_, &RememberedMenus::view_chosen, this, &MainWindow::go_to_link);
  make_actions();
  connect(page_list_, &QListWidget::currentItemChanged, this, [this](QListWidgetItem* item) {
    if (item != nullptr && !is_refreshing_) go_to_page(item->data(Qt::UserRole).toString());
  });
  connect(&navigator_, &Navigator::changed, this, &MainWindow::refresh);
  connect(&workspace_, &Workspace::runs_changed, this, &MainWindow::refresh);
  connect(&workspace_, &Workspace::reading_changed, this, &MainWindow::refresh);
  connect(&workspace_, &Workspace::failed, this, [this](const QString& path, const QString& message) {
    show_message(message);
    remembered_->forget_database(path);
    ViewState left = navigator_.state();
    left.databases.removeAll(path);
    navigator_.replace(std::move(left));
  });
  remembered_->remember_databases(navigator_.state().databases);
  refresh();
}

MainWindow::~MainWindow() {
  // Pages use the workspace and the navigator, so they go first; and nothing is refreshed any more.
  navigator_.disconnect(this);
  workspace_.disconnect(this);
  delete new_run_;
  delete takeCentralWidget();
}

bool MainWindow::is_busy() const { return workspace_.is_reading() || (page() != nullptr && page()->is_busy()); }

Page* MainWindow::page() const { return qobject_cast<Page*>(stack_->currentWidget()); }

void MainWindow::refresh() {
  if (is_refreshing_) return;
  is_refreshing_ = true;
  const ViewState& state = navigator_.state();
  workspace_.set_databases(state.databases);

  QWidget* shown = stack_->widget(0);
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    if (pages_[i]->name() != state.page) continue;
    page_list_->setCurrentRow(static_cast<int>(i));
    if (!state.databases.isEmpty()) shown = pages_[i];
  }
  stack_->setCurrentWidget(shown);
  selection_bar_->setVisible(!state.databases.isEmpty());
  selection_bar_->refresh();
  undo_->setEnabled(navigator_.can_undo());
  redo_->setEnabled(navigator_.can_redo());
  go_on_->setEnabled(unfinished_choice() != nullptr);
  status_->setText(status_text());
  setWindowTitle(page() != nullptr ? page()->title() : QString());
  is_refreshing_ = false;
  if (page() != nullptr) page()->refresh();
}

QString MainWindow::status_text() const {
  const Runs& runs = *workspace_.runs();
  if (workspace_.is_reading() && runs.empty()) return tr("Reading…");
  const ViewState& state = navigator_.state();
  QString text = counted(std::ssize(runs), "run") + " in " + counted(state.databases.size(), "database") +
                 tr(", %1 chosen").arg(state.runs.size());
  for (const LocatedRun& located : runs) {
    if (!located.run.is_active) continue;
    text += tr("   ·   %1: %2 of %3 samples")
                .arg(located.title, shown_count(n_stored(located.run)), shown_count(n_planned(located.run)));
    if (const auto left_s = seconds_left(located.run)) text += tr(", %1 left").arg(shown_duration(*left_s));
  }
  return text;
}

const LocatedRun* MainWindow::unfinished_choice() const {
  const QStringList& runs = navigator_.state().runs;
  const LocatedRun* located = runs.size() == 1 ? workspace_.find(runs.first()) : nullptr;
  const bool is_unfinished = located != nullptr && !located->run.is_active &&
                             located->run.state != results::RunState::finished && !located->run.suites.empty();
  return is_unfinished ? located : nullptr;
}

void MainWindow::show_new_run() {
  if (new_run_ == nullptr) new_run_ = new NewRunDialog(workspace_, navigator_, find_assay_program(), this);
  new_run_->show();
  new_run_->raise();
}

void MainWindow::show_message(const QString& text) { message_bar_->show_message(text); }

void MainWindow::go_to_page(const QString& name) {
  ViewState state = navigator_.state();
  state.page = name;
  navigator_.go(std::move(state));
}

void MainWindow::open_databases(const QStringList& paths) {
  message_bar_->hide();  // what was said of others is over
  ViewState state = navigator_.state();
  QStringList wholes;
  for (const QString& path : paths) wholes << absolute_path(path);
  for (const QString& whole : wholes) {
    if (!state.databases.contains(whole)) state.databases.append(whole);
  }
  remembered_->remember_databases(wholes);
  navigator_.go(std::move(state));
}

void MainWindow::ask_for_databases() {
  const QStringList paths = QFileDialog::getOpenFileNames(this, tr("Open results databases"), {},
                                                          tr("Results databases (*.db *.sqlite);;All files (*)"));
  if (!paths.isEmpty()) open_databases(paths);
}

void MainWindow::open_link() {
  const QString clipboard = QApplication::clipboard()->text();
  bool is_given = false;
  const QString link = QInputDialog::getText(this, tr("Open a link"), tr("Link (assay://…):"), QLineEdit::Normal,
                                             clipboard.startsWith("assay://") ? clipboard : QString(), &is_given);
  if (is_given) go_to_link(link.trimmed());
}

void MainWindow::go_to_link(const QString& link) {
  Result<ViewState> state = parse_link(link);
  if (!state) return show_message(QString::fromStdString(state.error().message));
  if (state->databases.isEmpty()) state->databases = navigator_.state().databases;
  message_bar_->hide();
  navigator_.go(std::move(*state));
}

void MainWindow::save_picture() {
  const QString path = QFileDialog::getSaveFileName(this, tr("Save a picture of the page"), "assay.png", "PNG (*.png)");
  if (path.isEmpty()) return;
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly) || !grab().save(&file, "PNG") || !file.commit()) {
    show_message(tr("Can't write %1: %2").arg(path, file.errorString()));
  }
}

void MainWindow::set_theme(const QString& name) {
  settings_.setValue("theme", name);
  apply_theme(name);
}

void MainWindow::show_shortcuts() {
  QMessageBox box(this);
  box.setWindowTitle(tr("Keyboard shortcuts"));
  box.setTextFormat(Qt::RichText);  // of our own words
  box.setText(shortcut_list(*menuBar(), page()));
  box.exec();
}

void MainWindow::make_actions() {
  make_file_menu();
  make_edit_menu();
  make_view_menu();
  make_help_menu();
}

void MainWindow::make_file_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&File"));
  add_action(menu, tr("&Open databases…"), QKeySequence::Open, this, [this] { ask_for_databases(); });
  menu->addMenu(remembered_->databases());
  add_action(menu, tr("Open a &link…"), QKeySequence("Ctrl+L"), this, [this] { open_link(); });
  add_action(menu, tr("&Close all databases"), QKeySequence("Ctrl+Shift+W"), this, [this] {
    ViewState state = navigator_.state();
    state.databases.clear();
    state.runs.clear();
    state.baseline.clear();
    navigator_.go(std::move(state));
  });
  menu->addSeparator();
  add_action(menu, tr("&New run…"), QKeySequence::New, this, [this] { show_new_run(); });
  go_on_ = add_action(menu, tr("&Go on with the chosen run…"), QKeySequence("Ctrl+Shift+N"), this, [this] {
    const LocatedRun* run = unfinished_choice();
    if (run == nullptr) return;
    show_new_run();
    new_run_->go_on_with(*run);
  });
  menu->addSeparator();
  add_action(menu, tr("Save a &picture of the window…"), QKeySequence("Ctrl+Shift+P"), this,
             [this] { save_picture(); });
  menu->addSeparator();
  add_action(menu, tr("&Quit"), QKeySequence("Ctrl+Q"), this, [this] { close(); });
}

void MainWindow::make_edit_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Edit"));
  undo_ = add_action(menu, tr("&Undo: the view before"), QKeySequence("Ctrl+Z"), this, [this] { navigator_.undo(); });
  redo_ =
      add_action(menu, tr("&Redo: the view after"), QKeySequence("Ctrl+Shift+Z"), this, [this] { navigator_.redo(); });
  menu->addSeparator();
  const auto copy = [this](const QString& text, const QString& what) {
    if (text.isEmpty()) return show_message(tr("This page has no %1 to copy.").arg(what));
    QApplication::clipboard()->setText(text);
    statusBar()->showMessage(tr("Copied: %1").arg(what), 4000);
  };
  add_action(menu, tr("&Copy the table as CSV"), QKeySequence("Ctrl+Shift+C"), this,
             [this, copy] { copy(page() != nullptr ? page()->as_csv() : QString(), tr("table")); });
  add_action(menu, tr("Copy the &SQL of the table"), QKeySequence("Ctrl+Shift+S"), this,
             [this, copy] { copy(page() != nullptr ? page()->as_sql() : QString(), tr("SQL")); });
  add_action(menu, tr("Copy a &link to this view"), QKeySequence("Ctrl+Shift+L"), this,
             [this, copy] { copy(to_link(navigator_.state()), tr("link")); });
  add_action(menu, tr("Copy the co&mmand that opens this view"), QKeySequence("Ctrl+Shift+M"), this,
             [this, copy] { copy(to_command(navigator_.state()), tr("command")); });
}

void MainWindow::make_view_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&View"));
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    add_action(menu, pages_[i]->title(), QKeySequence(QString("Ctrl+%1").arg(i + 1)), this,
               [this, name = pages_[i]->name()] { go_to_page(name); });
  }
  menu->addSeparator();
  add_action(menu, tr("&Save this view…"), QKeySequence("Ctrl+D"), this,
             [this] { remembered_->save_view(to_link(navigator_.state())); });
  menu->addMenu(remembered_->views());
  menu->addSeparator();
  add_action(menu, tr("&Light"), QKeySequence("Ctrl+Alt+L"), this, [this] { set_theme("light"); });
  add_action(menu, tr("&Dark"), QKeySequence("Ctrl+Alt+D"), this, [this] { set_theme("dark"); });
  add_action(menu, tr("As the s&ystem"), QKeySequence("Ctrl+Alt+Y"), this, [this] { set_theme("system"); });
  menu->addSeparator();
  add_action(menu, tr("To the list of &pages"), QKeySequence("F6"), this, [this] { page_list_->setFocus(); });
}

void MainWindow::make_help_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Help"));
  add_action(menu, tr("&Keyboard shortcuts"), QKeySequence("F1"), this, [this] { show_shortcuts(); });
}

void MainWindow::changeEvent(QEvent* event) {
  QMainWindow::changeEvent(event);
  // Chips have colours of their own.
  if (event->type() == QEvent::PaletteChange && selection_bar_ != nullptr) selection_bar_->refresh();
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (new_run_ != nullptr && !new_run_->close()) return event->ignore();
  settings_.setValue("geometry", saveGeometry());
  QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (!local_files(*event).isEmpty()) accept_as_copy(*event);
}

void MainWindow::dragMoveEvent(QDragMoveEvent* event) {
  if (!local_files(*event).isEmpty()) accept_as_copy(*event);
}

void MainWindow::dropEvent(QDropEvent* event) {
  accept_as_copy(*event);
  open_databases(local_files(*event));
}

}  // namespace assay::gui
