#pragma once
// What the parts of the page of items have in common.

#include <QLabel>
#include <QTableView>

#include "gui/models/chosen_runs.h"
#include "gui/views/page.h"
#include "results/facts.h"

namespace assay::gui {

/// A part of the page: draws the navigator's state, and what the user does with it is a new state.
class ItemsPane : public QWidget {
  Q_OBJECT

 public:
  /// Draws the state now. `chosen` are the runs that the page is about.
  void refresh(const ChosenRuns& chosen);
  virtual bool is_busy() const = 0;

 protected:
  ItemsPane(const PageContext& context, QWidget* parent);
  virtual void show_state(const ChosenRuns& chosen) = 0;

  const Workspace& workspace() const { return context_.workspace; }
  const ViewState& state() const { return context_.navigator.state(); }
  QString setting(const QString& key) const { return state().settings.value(key); }
  /// No step of its own; an empty value is the default. While the state is being drawn widgets change, not the user's
  /// mind: nothing then.
  void set(const QString& key, const QString& value);
  void go(ViewState next);
  void replace(ViewState next);
  /// Looks at a sample of a run, which is chosen from then on.
  void go_to_sample(const QString& run_id, const results::SampleKey& key);

  bool is_drawing() const { return is_drawing_; }

 private:
  PageContext context_;
  bool is_drawing_ = false;
};

/// A table over a model whose text is others'; `widths` of the first columns in characters.
QTableView* make_items_table(const QString& name, QAbstractItemModel* model, const QList<int>& widths);
/// A quiet line that says how much is shown.
QLabel* make_items_status();
/// Controls beside each other, the rest below; what can grow does.
void lay_out_pane(QWidget* pane, std::initializer_list<QWidget*> controls, std::initializer_list<QWidget*> below);

}  // namespace assay::gui
