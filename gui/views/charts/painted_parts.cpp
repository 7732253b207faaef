#include "gui/views/charts/painted_parts.h"

#include <QAccessibleWidget>
#include <QPointer>
#include <QWidget>
#include <QWindow>
#include <map>

namespace assay::gui {

namespace {

// Nothing while the widget is being destroyed: then it is no longer one with parts.
PaintedParts* parts_of(QObject* object) { return dynamic_cast<PaintedParts*>(object); }

class PartAccessible : public QAccessibleInterface, public QAccessibleActionInterface {
 public:
  PartAccessible(QWidget* widget, int part) : widget_(widget), part_(part) {}

  bool isValid() const override {
    const PaintedParts* parts = parts_of(widget_);
    return parts != nullptr && part_ < parts->n_parts();
  }
  QObject* object() const override { return nullptr; }
  QWindow* window() const override { return widget_ ? widget_->window()->windowHandle() : nullptr; }
  QAccessibleInterface* parent() const override { return QAccessible::queryAccessibleInterface(widget_); }
  QAccessibleInterface* child(int) const override { return nullptr; }
  QAccessibleInterface* childAt(int, int) const override { return nullptr; }
  int childCount() const override { return 0; }
  int indexOfChild(const QAccessibleInterface*) const override { return -1; }
  int part() const { return part_; }

  QString text(QAccessible::Text kind) const override {
    return isValid() && kind == QAccessible::Name ? parts_of(widget_)->part_name(part_) : QString();
  }
  void setText(QAccessible::Text, const QString&) override {}
  QRect rect() const override {
    if (!isValid()) return {};
    PaintedParts* parts = parts_of(widget_);
    const QRect box = parts->part_box(part_);
    return QRect(parts->canvas().mapToGlobal(box.topLeft()), box.size());
  }
  QAccessible::Role role() const override { return isValid() ? parts_of(widget_)->part_role() : QAccessible::NoRole; }
  QAccessible::State state() const override {
    QAccessible::State state;
    if (!isValid()) {
      state.invalid = true;
      return state;
    }
    PaintedParts* parts = parts_of(widget_);
    state.focusable = true;
    state.selectable = true;
    state.focused = widget_->hasFocus() && parts->current_part() == part_;
    state.selected = parts->current_part() == part_;
    state.offscreen = !parts->canvas().rect().intersects(parts->part_box(part_));
    return state;
  }
  void* interface_cast(QAccessible::InterfaceType type) override {
    return type == QAccessible::ActionInterface ? static_cast<QAccessibleActionInterface*>(this) : nullptr;
  }
  QStringList actionNames() const override { return {pressAction()}; }
  void doAction(const QString& name) override {
    if (name == pressAction() && isValid()) parts_of(widget_)->choose_part(part_);
  }
  QStringList keyBindingsForAction(const QString&) const override { return {"Return"}; }

 private:
  QPointer<QWidget> widget_;
  int part_;
};

class PartsAccessible : public QAccessibleWidget {
 public:
  explicit PartsAccessible(QWidget* widget) : QAccessibleWidget(widget, parts_of(widget)->widget_role()) {}
  ~PartsAccessible() override {
    for (const auto& [part, id] : children_) QAccessible::deleteAccessibleInterface(id);
  }

  int childCount() const override {
    const PaintedParts* parts = parts_of(widget());
    return parts != nullptr ? parts->n_parts() : 0;
  }
  QAccessibleInterface* child(int index) const override {
    if (index < 0 || index >= childCount()) return nullptr;
    const auto known = children_.find(index);
    if (known != children_.end()) return QAccessible::accessibleInterface(known->second);
    auto* made = new PartAccessible(widget(), index);  // Qt's cache owns it until it is deleted by its id
    children_[index] = QAccessible::registerAccessibleInterface(made);
    return made;
  }
  int indexOfChild(const QAccessibleInterface* child) const override {
    const auto* part = dynamic_cast<const PartAccessible*>(child);
    return part != nullptr ? part->part() : -1;
  }
  QAccessibleInterface* childAt(int x, int y) const override {
    PaintedParts* parts = parts_of(widget());
    return parts != nullptr ? child(parts->part_at(parts->canvas().mapFromGlobal(QPoint(x, y)))) : nullptr;
  }
  QAccessibleInterface* focusChild() const override {
    const PaintedParts* parts = parts_of(widget());
    return parts != nullptr ? child(parts->current_part()) : nullptr;
  }
  QString text(QAccessible::Text kind) const override {
    const QString own = QAccessibleWidget::text(kind);
    const PaintedParts* parts = parts_of(widget());
    return kind == QAccessible::Description && own.isEmpty() && parts != nullptr ? parts->description() : own;
  }

 private:
  mutable std::map<int, QAccessible::Id> children_;
};

QAccessibleInterface* make_parts(const QString&, QObject* object) {
  auto* widget = qobject_cast<QWidget*>(object);
  return widget != nullptr && parts_of(widget) != nullptr ? new PartsAccessible(widget) : nullptr;
}

}  // namespace

void install_parts_accessibility() {
  static const bool is_installed = [] {
    QAccessible::installFactory(make_parts);
    return true;
  }();
  Q_UNUSED(is_installed)
}

void announce_part(QWidget& widget, int part) {
  QAccessibleEvent event(&widget, QAccessible::Focus);
  event.setChild(part);
  QAccessible::updateAccessibility(&event);
}

}  // namespace assay::gui
