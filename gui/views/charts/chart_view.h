#pragma once
// A chart in a window.

#include <QWidget>
#include <memory>

#include "gui/views/charts/chart.h"
#include "gui/views/charts/painted_parts.h"
#include "gui/views/charts/scene.h"
#include "harness/base/result.h"

namespace assay::gui {

struct Tip;

/// Shows one Chart. The pointer and the arrow keys (Home, End, Page) go from mark to mark in reading order and show its
/// tooltip; a click or Space pins it, Escape lets go; Enter or a double click chooses the mark. A menu (also the menu
/// key) copies data and picture and saves PNG, SVG, PDF and CSV. Screen readers find a child per mark.
class ChartView : public QWidget, public PaintedParts {
  Q_OBJECT

 public:
  explicit ChartView(QWidget* parent = nullptr);
  ~ChartView() override;

  /// A mark that is current or pinned stays so if the new chart has it at the same series and place in it.
  void set_chart(Chart chart);
  const Chart& chart() const;
  /// Fixes its height at this much. It gets more where names and notes would take room from what is drawn, and less
  /// where there is nothing to draw.
  void set_height(int height);

  /// As it is drawn now.
  const Scene& scene() const;
  /// The mark that the keys or the pointer are at, an index in scene().marks; -1: none.
  int current_mark() const;
  void set_current_mark(int mark);
  bool is_pinned() const;
  /// Saves what is shown, in the format that the path's ending says.
  Result<> save(const QString& path) const;

  QWidget& canvas() override { return *this; }
  int n_parts() const override;
  QString part_name(int part) const override;
  QRect part_box(int part) const override;
  int part_at(const QPoint& at) const override;
  int current_part() const override { return current_mark(); }
  void choose_part(int part) override;
  QAccessible::Role widget_role() const override { return QAccessible::Chart; }
  QAccessible::Role part_role() const override { return QAccessible::ListItem; }
  QString description() const override;
  QSize sizeHint() const override { return {560, 340}; }

 signals:
  void chosen(const QString& key);  ///< a mark with a key

 protected:
  bool event(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;

 private:
  struct State;
  void add_actions();
  void save_as(const QString& ending);
  void copy_data() const;
  void copy_picture() const;
  void forget_scene();
  void fit_height();
  void paint_hover(QPainter& painter) const;
  Tip current_tip() const;
  void pin(bool pinned);

  std::unique_ptr<State> state_;
};

}  // namespace assay::gui
