#pragma once
// A cell of the table of runs.

#include "gui/views/plain_delegate.h"

namespace assay::gui {

/// The value, and below it how it differs from the baseline, with a sign for better or worse.
class RunCellDelegate : public PlainDelegate {
  Q_OBJECT

 public:
  using PlainDelegate::PlainDelegate;
  void set_has_differences(bool has_differences) { has_differences_ = has_differences; }
  /// The height of every row.
  int row_height(const QFontMetrics& metrics) const;

  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 private:
  bool has_differences_ = false;
};

}  // namespace assay::gui
