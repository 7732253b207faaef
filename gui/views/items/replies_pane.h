#pragma once
// The question, and what two runs replied to it.

#include "gui/models/latest_job.h"
#include "gui/models/transcript.h"
#include "gui/models/word_diff.h"
#include "gui/views/items/items_pane.h"

class QCheckBox;
class QSpinBox;

namespace assay::gui {

class ReplyView;
class TranscriptPane;

/// Shows the replies that it is asked for beside each other. Settings: "items.reasoning" unfolds the reasoning,
/// "items.diff" marks where the answers differ; the state's sample is the one shown, its words are marked.
class RepliesPane : public ItemsPane {
  Q_OBJECT

 public:
  RepliesPane(const PageContext& context, QWidget* parent);

  bool is_busy() const override { return job_.is_running(); }
  /// At most two. The same request again is no work.
  void read(const std::vector<TranscriptRequest>& wanted);
  /// Shows or hides the reasoning of both replies.
  void toggle_reasoning();

 protected:
  void show_state(const ChosenRuns& chosen) override;

 private:
  void show_replies();
  void show_question();

  QLabel* title_;
  QSpinBox* sample_;
  QCheckBox* mark_differences_;
  ReplyView* question_;
  QList<TranscriptPane*> panes_;
  LatestJob job_;
  std::vector<TranscriptRequest> asked_;
  std::vector<Transcript> replies_;
  WordDiff diff_;
  QString shown_;
};

}  // namespace assay::gui
