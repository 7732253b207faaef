#include "gui/app/shortcut_list.h"

#include <QAbstractButton>
#include <QAbstractSpinBox>
#include <QAction>
#include <QApplication>
#include <QLineEdit>
#include <QMainWindow>
#include <QMenu>
#include <QMenuBar>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTest>
#include <algorithm>
#include <map>
#include <vector>

#include "gui/app/main_window.h"
#include "gui/app/test_runs.h"
#include "gui/test_waiting.h"

namespace assay::gui {

namespace {

/// What a press of keys sets off, counted in place of being done.
class Keys {
 public:
  explicit Keys(const MainWindow& window) {
    for (QAction* action : window.findChildren<QAction*>()) {
      if (action->shortcut().isEmpty() || owner_of(*action) == nullptr) continue;
      action->setEnabled(true);  // nothing is to be undone yet
      QObject::disconnect(action, &QAction::triggered, nullptr, nullptr);
      QObject::connect(action, &QAction::triggered, [this, action] { ++n_done_[action->shortcut()]; });
      const bool is_for_all = action->shortcutContext() == Qt::WindowShortcut;
      add({action->shortcut(), action->text(), is_for_all ? nullptr : owner_of(*action)});
    }
    for (QAbstractButton* button : window.findChildren<QAbstractButton*>()) {
      if (button->shortcut().isEmpty() || !button->isVisible()) continue;
      button->setEnabled(true);  // all samples are in sight already
      QObject::disconnect(button, nullptr, nullptr, nullptr);
      QObject::connect(button, &QAbstractButton::pressed, [this, button] { ++n_done_[button->shortcut()]; });
      buttons_.push_back(button);
      add({button->shortcut(), button->text(), nullptr});
    }
  }

  struct Key {
    QKeySequence keys;
    QString text;
    QWidget* owner;  ///< a table or chart whose own it is; none if it is the page's or the window's
  };
  const std::vector<Key>& all() const { return all_; }

  /// How many actions and buttons the keys set off with the keyboard at `focus`.
  int press(const QKeySequence& keys, QWidget* focus) {
    n_done_.clear();
    focus->setFocus();
    const QKeyCombination pressed = keys[0];
    QTest::keyClick(focus, pressed.key(), pressed.keyboardModifiers());
    // What was opened or is still down would take the next keys.
    if (QWidget* opened = QApplication::activePopupWidget()) opened->close();
    REQUIRE(wait_until([&] {
      return std::none_of(buttons_.begin(), buttons_.end(),
                          [](const QAbstractButton* button) { return button->isDown(); });
    }));
    int n_all = 0;
    for (const auto& [done, n] : n_done_) n_all += done == keys ? n : 1000 * n;  // others must stay as they are
    return n_all;
  }

 private:
  /// What is seen of the widgets that an action belongs to, else a menu of the menu bar.
  static QWidget* owner_of(const QAction& action) {
    QWidget* menu = nullptr;
    for (QObject* object : action.associatedObjects()) {
      auto* widget = qobject_cast<QWidget*>(object);
      if (widget == nullptr) continue;
      if (widget->isVisible()) return widget;
      if (qobject_cast<QMenuBar*>(widget->parentWidget()) != nullptr) menu = widget;
    }
    return menu;
  }
  void add(const Key& key) {
    const bool is_known = std::any_of(all_.begin(), all_.end(), [&](const Key& known) {
      return known.keys == key.keys && known.text == key.text;  // each chart of a page has its own
    });
    if (!is_known) all_.push_back(key);
  }

  std::vector<Key> all_;
  std::vector<QAbstractButton*> buttons_;
  std::map<QKeySequence, int> n_done_;
};

/// A field of text undoes and copies its own letters.
bool is_for_the_field(const QKeySequence& keys, const QWidget& focus) {
  const bool is_field = qobject_cast<const QLineEdit*>(&focus) != nullptr ||
                        qobject_cast<const QPlainTextEdit*>(&focus) != nullptr ||
                        qobject_cast<const QAbstractSpinBox*>(&focus) != nullptr;
  const std::initializer_list<QKeySequence::StandardKey> of_fields = {QKeySequence::Undo, QKeySequence::Redo,
                                                                      QKeySequence::Copy};
  return is_field && std::any_of(of_fields.begin(), of_fields.end(), [&](QKeySequence::StandardKey key) {
           return QKeySequence::keyBindings(key).contains(keys);
         });
}

/// Where the keyboard can go on a page.
std::vector<QWidget*> places_of(const QWidget& page) {
  std::vector<QWidget*> places;
  for (QWidget* widget : page.findChildren<QWidget*>()) {
    const bool is_place = (widget->focusPolicy() & Qt::TabFocus) != 0 && widget->isVisible() && widget->isEnabled();
    if (is_place) places.push_back(widget);
  }
  return places;
}

}  // namespace

TEST_CASE("shortcut_list: the menus' keys and those of the page, each once, as text") {
  QMainWindow window;
  window.menuBar()->addMenu("&File")->addAction("&Open <b>…", QKeySequence("Ctrl+O"), &window, [] {});
  QWidget page;
  for (int i = 0; i < 2; ++i) {
    auto* copy = new QAction("&Copy data", &page);
    copy->setShortcut(QKeySequence::Copy);
  }
  auto* button = new QPushButton("Hide &equal <i>", &page);
  auto* hidden = new QPushButton("Not &seen", &page);
  hidden->hide();
  const QString list = shortcut_list(*window.menuBar(), &page);
  CHECK(list.contains("<td>Ctrl+O</td><td>Open &lt;b&gt;</td>"));
  CHECK(list.contains("On this page"));
  CHECK(list.count("Copy data") == 1);
  CHECK(list.contains("<td>" + button->shortcut().toString(QKeySequence::NativeText) +
                      "</td><td>Hide equal &lt;i&gt;</td>"));
  CHECK_FALSE(list.contains("Not seen"));  // its key does nothing
  CHECK_FALSE(shortcut_list(*window.menuBar(), nullptr).contains("On this page"));
}

TEST_CASE("shortcut_list: every key that does something is listed, and does it wherever the keyboard is on a page") {
  for (const QString& name : page_names()) {
    TestRuns fixture;
    ViewState state = fixture.state();
    state.page = name;
    MainWindow window(state, fixture.settings);
    window.show();
    QApplication::setActiveWindow(&window);
    REQUIRE(wait_until([&] { return !window.is_busy(); }));
    const QString list = shortcut_list(*window.menuBar(), window.page());
    const std::vector<QWidget*> places = places_of(*window.page());
    CHECK(places.size() >= 2);
    Keys keys(window);
    CHECK(keys.all().size() > 20);
    CHECK(list.count("<td>") == 2 * static_cast<qsizetype>(keys.all().size()));
    for (const Keys::Key& key : keys.all()) {
      INFO(name.toStdString() << ": " << key.keys.toString().toStdString() << " " << key.text.toStdString());
      CHECK(list.contains("<td>" + key.keys.toString(QKeySequence::NativeText) + "</td><td>" +
                          QString(key.text).remove('&').remove(QChar(0x2026)) + "</td>"));
      if (key.owner != nullptr) CHECK(QKeySequence::keyBindings(QKeySequence::Copy).contains(key.keys));
      for (QWidget* place : key.owner != nullptr ? std::vector<QWidget*>{key.owner} : places) {
        INFO(place->metaObject()->className() << " " << place->accessibleName().toStdString());
        if (!is_for_the_field(key.keys, *place)) CHECK(keys.press(key.keys, place) == 1);
      }
    }
  }
}

}  // namespace assay::gui
