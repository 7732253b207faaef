#include "gui/views/items/replies_pane.h"

#include <QCheckBox>
#include <QSpinBox>
#include <QSplitter>
#include <QVBoxLayout>

#include "gui/models/plain_text.h"
#include "gui/views/items/transcript_pane.h"

namespace assay::gui {

namespace {
constexpr int kQuestionLines = 6;
}

RepliesPane::RepliesPane(const PageContext& context, QWidget* parent) : ItemsPane(context, parent) {
  title_ = new QLabel;
  title_->setTextFormat(Qt::PlainText);
  QFont bold = title_->font();
  bold.setBold(true);
  title_->setFont(bold);
  sample_ = new QSpinBox;
  sample_->setObjectName("sample");
  sample_->setPrefix(tr("Sample "));
  sample_->setAccessibleName(tr("Sample"));
  sample_->setMaximum(1'000'000);
  connect(sample_, &QSpinBox::valueChanged, this, [this](int sample) {
    ViewState next = state();
    next.sample = sample;
    replace(std::move(next));
  });
  mark_differences_ = new QCheckBox(tr("Mar&k where the answers differ"));
  mark_differences_->setObjectName("mark_differences");
  connect(mark_differences_, &QCheckBox::toggled, this, [this](bool on) { set("items.diff", on ? "1" : ""); });
  question_ = new ReplyView;
  question_->setAccessibleName(tr("The question"));
  question_->setFixedHeight(fontMetrics().lineSpacing() * kQuestionLines + 12);

  auto* head = new QHBoxLayout;
  head->addWidget(title_, 1);
  head->addWidget(mark_differences_);
  head->addWidget(sample_);
  auto* sides = new QSplitter;
  sides->setChildrenCollapsible(false);
  for (const char* name : {"left_reply", "right_reply"}) {
    panes_ << new TranscriptPane;
    panes_.back()->setObjectName(name);
    sides->addWidget(panes_.back());
    connect(panes_.back(), &TranscriptPane::fold_toggled, this,
            [this](bool unfolded) { set("items.reasoning", unfolded ? "1" : ""); });
  }
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  layout->addLayout(head);
  layout->addWidget(question_);
  layout->addWidget(sides, 1);
}

void RepliesPane::show_state(const ChosenRuns&) {
  mark_differences_->setChecked(setting("items.diff") == "1");
  sample_->setValue(state().sample);
  show_replies();
}

void RepliesPane::read(const std::vector<TranscriptRequest>& wanted) {
  if (wanted == asked_) return;
  asked_ = wanted;
  struct Read {
    std::vector<Transcript> replies;
    WordDiff diff;
  };
  job_.start(
      [wanted](std::stop_token stop) {
        Read read{read_transcripts(wanted, std::move(stop)), {}};
        if (read.replies.size() == 2) read.diff = word_diff(read.replies[0].answer, read.replies[1].answer);
        return read;
      },
      [this](Read read) {
        replies_ = std::move(read.replies);
        diff_ = std::move(read.diff);
        shown_.clear();
        show_replies();
      });
}

void RepliesPane::toggle_reasoning() { set("items.reasoning", setting("items.reasoning") == "1" ? "" : "1"); }

void RepliesPane::show_replies() {
  // What is shown already stays as it is scrolled.
  const QString key =
      QStringList{setting("items.diff"), setting("items.reasoning"), state().search, QString::number(replies_.size())}
          .join('\n');
  if (key == shown_) return;
  shown_ = key;
  const bool marks = setting("items.diff") == "1" && replies_.size() == 2;
  const bool unfolded = setting("items.reasoning") == "1";
  panes_[0]->setVisible(!replies_.empty());
  panes_[1]->setVisible(replies_.size() > 1);
  for (std::size_t side = 0; side < replies_.size() && side < 2; ++side) {
    const auto& spans = side == 0 ? diff_.left : diff_.right;
    panes_[static_cast<int>(side)]->show_transcript(replies_[side], marks ? spans : std::vector<TextSpan>(),
                                                    state().search, unfolded);
  }
  mark_differences_->setEnabled(replies_.size() == 2);
  mark_differences_->setToolTip(diff_.is_exact ? tr("Words that the other answer lacks")
                                               : tr("Too different to compare word by word: all but the common "
                                                    "beginning and end is marked"));
  show_question();
}

void RepliesPane::show_question() {
  const Transcript* first = replies_.empty() ? nullptr : &replies_.front();
  if (first != nullptr && !first->item && replies_.size() > 1) first = &replies_.back();
  const bool has_prompt = first != nullptr && first->item && first->item->prompt;
  question_->set_reply(has_prompt ? QString::fromStdString(*first->item->prompt) : QString(), {});
  question_->setPlaceholderText(first == nullptr ? tr("Choose an item on the left.")
                                : first->item
                                    ? tr("The question is not stored: its authors ask that it be spread nowhere.")
                                    : tr("The run did not ask this item."));
  const QString title =
      first == nullptr ? QString() : visible_text(first->request.suite + " · " + first->request.item, 120);
  title_->setText(title);
  title_->setToolTip(tooltip_html(title));  // where there is no room for all of it
}

}  // namespace assay::gui
