#pragma once
// Widgets that paint their parts themselves (marks, cells) and let screen readers find each of them.

#include <QAccessible>
#include <QRect>
#include <QString>

class QWidget;

namespace assay::gui {

/// What a painted widget tells of its parts. A screen reader sees the widget with a child per part, made when asked
/// for. A widget that implements this calls install_parts_accessibility() in its constructor.
class PaintedParts {
 public:
  virtual ~PaintedParts() = default;

  virtual QWidget& canvas() = 0;  ///< which the boxes are relative to
  virtual int n_parts() const = 0;
  virtual QString part_name(int part) const = 0;
  virtual QRect part_box(int part) const = 0;
  virtual int part_at(const QPoint& at) const = 0;  ///< -1: none there
  virtual int current_part() const = 0;             ///< where the keys are; -1: nowhere
  virtual void choose_part(int part) = 0;
  virtual QAccessible::Role widget_role() const = 0;
  virtual QAccessible::Role part_role() const = 0;
  /// Said of the whole: title, note, what is missing.
  virtual QString description() const = 0;
};

/// Makes the widgets with PaintedParts known to Qt's accessibility; calling it again does nothing.
void install_parts_accessibility();
/// Tells screen readers that the keys went to another part.
void announce_part(QWidget& widget, int part);

}  // namespace assay::gui
