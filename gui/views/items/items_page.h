#pragma once
// The page of items: outcomes of items × runs, all samples, a search in all replies; beside them the replies
// themselves.

#include "gui/models/latest_job.h"
#include "gui/models/outcome_matrix.h"
#include "gui/models/transcript.h"
#include "gui/models/word_diff.h"
#include "gui/views/page.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QSpinBox;
class QTableView;
class QTabWidget;

namespace assay::gui {

class ReplyView;
class SamplesIndex;
class TranscriptPane;
class TranscriptSearch;

/// Shows the state's runs (the newest two, if none is chosen) on its suite, item and sample: the baseline's reply, and
/// beside it that of the run in setting "items.run". Further settings: "items.tab", "items.differ", "items.reasoning",
/// "items.diff", "items.filter", "items.verdict", "items.all", "items.sort".
class ItemsPage : public Page {
  Q_OBJECT

 public:
  ItemsPage(const PageContext& context, QWidget* parent);
  ~ItemsPage() override;

  QString name() const override { return "items"; }
  QString title() const override { return tr("Items"); }
  void refresh() override;
  bool is_busy() const override;
  QString as_csv() const override;
  QString as_sql() const override;

 private:
  QWidget* make_outcomes();
  QWidget* make_samples();
  QWidget* make_search();
  QWidget* make_replies();
  QTableView* make_table(const QString& name, QAbstractItemModel* model, const QList<int>& widths);

  QString setting(const QString& key) const;
  void set(const QString& key, const QString& value);
  void step_item(int by);
  void take_cell(const QModelIndex& index);
  void go_to_sample(const QString& run_id, const results::SampleKey& key);

  void read_matrix();
  void show_matrix();
  void ask_samples();
  void read_replies();
  void show_replies();
  std::vector<TranscriptRequest> wanted_replies() const;

  PageContext context_;
  ChosenRuns chosen_;
  QString matrix_question_;
  OutcomeModel* outcomes_ = nullptr;
  SamplesIndex* samples_ = nullptr;
  TranscriptSearch* search_ = nullptr;
  QTabWidget* tabs_ = nullptr;
  QTableView* outcome_table_ = nullptr;
  QTableView* sample_table_ = nullptr;
  QTableView* hit_table_ = nullptr;
  QComboBox* suite_ = nullptr;
  QCheckBox* only_differing_ = nullptr;
  QLabel* outcome_status_ = nullptr;
  QLineEdit* sample_filter_ = nullptr;
  QComboBox* sample_verdict_ = nullptr;
  QCheckBox* all_runs_ = nullptr;
  QLabel* sample_status_ = nullptr;
  QLineEdit* words_ = nullptr;
  QCheckBox* chosen_only_ = nullptr;
  QLabel* search_status_ = nullptr;
  QLabel* item_title_ = nullptr;
  QSpinBox* sample_number_ = nullptr;
  QCheckBox* mark_differences_ = nullptr;
  ReplyView* question_ = nullptr;
  QList<TranscriptPane*> panes_;
  LatestJob matrix_job_;
  LatestJob reply_job_;
  std::vector<TranscriptRequest> asked_replies_;
  std::vector<Transcript> replies_;
  WordDiff diff_;
  QString shown_replies_;
  bool is_refreshing_ = false;
};

}  // namespace assay::gui
