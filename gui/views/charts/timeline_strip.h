#pragma once
// Where the time of one sample went: queue, prefill, decode, as stretches of one bar.

#include <QWidget>
#include <vector>

#include "gui/views/charts/painted_parts.h"

namespace assay::gui {

/// A stretch of time. Begins and ends are counted from the same moment; a stretch that ends before it begins or is not
/// finite is left out.
struct TimelineStretch {
  QString name;
  double begin_ms = 0, end_ms = 0;
  int style = 0;    ///< of the theme's series
  QString tooltip;  ///< plain text; name and time if empty
};

/// One line high. Arrow keys go from stretch to stretch, each shows its tooltip when the pointer rests on it; a name is
/// written where it has room. Without stretches it says why.
class TimelineStrip : public QWidget, public PaintedParts {
  Q_OBJECT

 public:
  explicit TimelineStrip(QWidget* parent = nullptr);

  /// `total_ms` is the whole time shown; 0: to the end of the last stretch. Strips of several samples share it to be
  /// compared.
  void set_stretches(std::vector<TimelineStretch> stretches, double total_ms = 0, const QString& empty_text = {});
  /// Where a stretch lies; at least two pixels wide.
  QRectF stretch_box(int stretch) const;
  double total_ms() const { return total_ms_; }

  QWidget& canvas() override { return *this; }
  int n_parts() const override { return static_cast<int>(stretches_.size()); }
  QString part_name(int part) const override;
  QRect part_box(int part) const override { return stretch_box(part).toAlignedRect(); }
  int part_at(const QPoint& at) const override;
  int current_part() const override { return current_; }
  void choose_part(int part) override;
  QAccessible::Role widget_role() const override { return QAccessible::Chart; }
  QAccessible::Role part_role() const override { return QAccessible::ListItem; }
  QString description() const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;

 private:
  std::vector<TimelineStretch> stretches_;
  double total_ms_ = 0;
  QString empty_text_;
  int current_ = -1;
};

/// "350 ms", "12.4 s", "3 min 5 s"; "—" for what is not known.
QString duration_text(double ms);

}  // namespace assay::gui
