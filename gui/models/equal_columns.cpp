#include "gui/models/equal_columns.h"

#include <algorithm>

namespace assay::gui {

EqualColumns::EqualColumns(Cell cell, QObject* parent) : QObject(parent), cell_(std::move(cell)) {
  turn_.setSingleShot(true);
  connect(&turn_, &QTimer::timeout, this, &EqualColumns::look_on);
}

void EqualColumns::look(int n_rows, bool figures_alone) {
  if (figures_alone && turn_.isActive()) {
    must_look_again_ = true;
    return;
  }
  must_look_again_ = false;
  n_rows_ = n_rows;
  next_row_ = 1;
  candidates_.clear();
  kept_.clear();
  for (int c = 0; c < kRunColumns && n_rows >= 2; ++c) {
    const auto column = static_cast<RunColumn>(c);
    if (figures_alone && !facts_of(column).needs_figures) {
      if (std::find(columns_.begin(), columns_.end(), column) != columns_.end()) kept_.push_back(column);
      continue;
    }
    const RunCell first = cell_(0, column);
    if (!first.is_coming) candidates_.emplace_back(column, first.text);
  }
  turn_.start(0);
}

void EqualColumns::look_on() {
  const int end = std::min(n_rows_, next_row_ + kRowsATurn);
  for (; next_row_ < end && !candidates_.empty(); ++next_row_) {
    std::erase_if(candidates_, [this](const auto& candidate) {
      const RunCell cell = cell_(next_row_, candidate.first);
      return cell.is_coming || cell.text != candidate.second;
    });
  }
  if (next_row_ < n_rows_ && !candidates_.empty()) return turn_.start(0);
  std::vector<RunColumn> columns = kept_;
  for (const auto& [column, text] : candidates_) columns.push_back(column);
  std::sort(columns.begin(), columns.end());
  if (must_look_again_) {
    columns_ = std::move(columns);
    return look(n_rows_, true);
  }
  const bool is_other = columns != columns_;
  columns_ = std::move(columns);
  if (is_other) emit changed();
}

}  // namespace assay::gui
