#include "gui/views/runs/run_cell_delegate.h"

#include <QApplication>
#include <QPainter>
#include <algorithm>

#include "gui/models/runs_table.h"
#include "gui/views/theme.h"

namespace assay::gui {

namespace {

constexpr int kRunCellPadding = 6;
constexpr int kProgressHeight = 3;

/// Better and worse have a sign beside their colour.
QString finding_sign(results::Finding finding) {
  if (finding == results::Finding::better) return QString(QChar(0x25B2)) + " ";
  if (finding == results::Finding::worse) return QString(QChar(0x25BC)) + " ";
  return {};
}

QColor finding_color(results::Finding finding, const Theme& theme) {
  if (finding == results::Finding::better) return theme.better;
  if (finding == results::Finding::worse) return theme.worse;
  return theme.muted_text;
}

QFont small_font(QFont font) {
  font.setPointSizeF(font.pointSizeF() * 0.88);
  return font;
}

}  // namespace

int RunCellDelegate::row_height(const QFontMetrics& metrics) const {
  return has_differences_ ? metrics.height() * 2 + 6 : metrics.height() + 10;
}

void RunCellDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QStyleOptionViewItem cell = option;
  initStyleOption(&cell, index);
  const Theme& theme = theme_of(cell.palette);
  const QString text = cell.text;
  cell.text.clear();
  QApplication::style()->drawControl(QStyle::CE_ItemViewItem, &cell, painter, cell.widget);

  painter->save();
  const QRect inside = cell.rect.adjusted(kRunCellPadding, 0, -kRunCellPadding, 0);
  const bool is_missing = !index.data(RunsTable::SortRole).isValid();
  const bool is_baseline = index.data(RunsTable::BaselineRole).toBool();
  QString shown = text;
  const bool is_metric = facts_of(static_cast<RunColumn>(index.column())).needs_figures;
  // Not measured here: a hollow mark, as in the charts.
  if (is_metric && !is_missing && index.data(RunsTable::HollowRole).toBool())
    shown.prepend(QString(QChar(0x25CB)) + " ");
  QFont font = cell.font;
  font.setBold(is_baseline && index.column() == static_cast<int>(RunColumn::name));
  painter->setFont(font);
  painter->setPen(is_missing ? theme.muted_text : theme.text);
  const auto alignment = Qt::Alignment(cell.displayAlignment);
  const QFontMetrics metrics(font);
  QRect first = inside;
  if (has_differences_) first.setHeight(inside.height() / 2 + 1);
  const auto vertical = has_differences_ ? Qt::AlignBottom : Qt::AlignVCenter;
  painter->drawText(first, static_cast<int>((alignment & Qt::AlignHorizontal_Mask) | vertical) | Qt::TextSingleLine,
                    metrics.elidedText(shown, Qt::ElideRight, first.width()));
  if (const QVariant progress = index.data(RunsTable::ProgressRole); progress.isValid()) {
    QRect bar(inside.left(), cell.rect.bottom() - kProgressHeight, inside.width(), kProgressHeight);
    painter->fillRect(bar, theme.line);
    bar.setWidth(static_cast<int>(bar.width() * std::clamp(progress.toDouble(), 0.0, 1.0)));
    painter->fillRect(bar, theme.accent);
  }
  if (has_differences_) {
    QRect second = inside;
    second.setTop(first.bottom() + 1);
    const QString difference = index.data(RunsTable::DifferenceRole).toString();
    const auto finding = static_cast<results::Finding>(index.data(RunsTable::FindingRole).toInt());
    const QFont small = small_font(cell.font);
    painter->setFont(small);
    painter->setPen(finding_color(finding, theme));
    QString line = finding_sign(finding) + difference;
    if (is_baseline && index.column() == static_cast<int>(RunColumn::name)) line = tr("baseline");
    painter->drawText(second,
                      static_cast<int>((alignment & Qt::AlignHorizontal_Mask) | Qt::AlignTop) | Qt::TextSingleLine,
                      QFontMetrics(small).elidedText(line, Qt::ElideRight, second.width()));
  }
  painter->restore();
}

}  // namespace assay::gui
