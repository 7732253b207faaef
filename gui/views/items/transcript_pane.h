#pragma once
// One run's reply to an item.

#include <QFrame>

#include "gui/models/transcript.h"
#include "gui/views/items/reply_view.h"

class QLabel;
class QToolButton;

namespace assay::gui {

class TimingStrip;

/// Verdict, extracted and expected answer, times, and the reply with its reasoning folded.
class TranscriptPane : public QFrame {
  Q_OBJECT

 public:
  explicit TranscriptPane(QWidget* parent = nullptr);

  /// `differences` are in the answer; `words` are those that were searched for; the reasoning is shown if `unfolded`.
  void show_transcript(const Transcript& transcript, const std::vector<TextSpan>& differences, const QString& words,
                       bool unfolded);
  const ReplyView& reply() const { return *reply_; }
  QString verdict_text() const;

 signals:
  void fold_toggled(bool unfolded);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void show_verdict();
  void show_facts();

  Transcript transcript_;
  QLabel* title_ = nullptr;
  QLabel* verdict_ = nullptr;
  QLabel* extracted_ = nullptr;
  QLabel* facts_ = nullptr;
  TimingStrip* timing_ = nullptr;
  QToolButton* fold_ = nullptr;
  ReplyView* reply_ = nullptr;
};

/// Time to the first token and the rest as lengths of one bar; a sentence where they are not known.
class TimingStrip : public QWidget {
  Q_OBJECT

 public:
  using QWidget::QWidget;
  void set_sample(const std::optional<results::SampleFacts>& sample);
  QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  struct Part {
    QString name;
    double ms;
    int style;
  };
  std::vector<Part> parts_;
  QString text_;
};

}  // namespace assay::gui
