#pragma once
// Search in all replies.

#include "gui/views/items/items_pane.h"

class QCheckBox;
class QLineEdit;

namespace assay::gui {

class TranscriptSearch;

/// Hits of the state's words in the replies of all open databases; setting "items.chosen_only" asks the chosen runs
/// alone. It searches while it is in sight; its index grows whenever the page is shown.
class SearchPane : public ItemsPane {
  Q_OBJECT

 public:
  SearchPane(const PageContext& context, QWidget* parent);
  bool is_busy() const override;
  /// To the field for the words.
  void focus_words();

 protected:
  void show_state(const ChosenRuns& chosen) override;

 private:
  TranscriptSearch* search_;
  QTableView* hits_;
  QLineEdit* words_;
  QCheckBox* chosen_only_;
  QLabel* status_;
};

}  // namespace assay::gui
