#pragma once
// Where the user is: the ViewState, and the ones before and after it.

#include <QObject>
#include <vector>

#include "gui/models/view_state.h"

namespace assay::gui {

/// The window's one ViewState with its history. Pages read state() and listen to changed(); they call go().
class Navigator : public QObject {
  Q_OBJECT

 public:
  explicit Navigator(ViewState state = {}, QObject* parent = nullptr);

  const ViewState& state() const { return states_[current_]; }
  /// Goes to a state; what could be redone is forgotten. The state that holds now is no step.
  void go(ViewState state);
  /// Changes the state without a step of its own: what is typed letter by letter, a database that was opened.
  void replace(ViewState state);
  bool can_undo() const { return current_ > 0; }
  bool can_redo() const { return current_ + 1 < states_.size(); }
  void undo();
  void redo();

 signals:
  void changed();

 private:
  std::vector<ViewState> states_;  ///< at most kMaxSteps
  std::size_t current_ = 0;
};

}  // namespace assay::gui
