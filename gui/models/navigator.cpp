#include "gui/models/navigator.h"

namespace assay::gui {

namespace {
constexpr std::size_t kMaxSteps = 200;
}

Navigator::Navigator(ViewState state, QObject* parent) : QObject(parent), states_{std::move(state)} {}

void Navigator::go(ViewState state) {
  if (state == states_[current_]) return;
  states_.resize(current_ + 1);
  states_.push_back(std::move(state));
  if (states_.size() > kMaxSteps) states_.erase(states_.begin());
  current_ = states_.size() - 1;
  emit changed();
}

void Navigator::replace(ViewState state) {
  if (state == states_[current_]) return;
  states_[current_] = std::move(state);
  emit changed();
}

void Navigator::undo() {
  if (!can_undo()) return;
  --current_;
  emit changed();
}

void Navigator::redo() {
  if (!can_redo()) return;
  ++current_;
  emit changed();
}

}  // namespace assay::gui
