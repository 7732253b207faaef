#include "gui/views/items/transcript_pane.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/models/run_columns.h"
#include "gui/models/run_filter.h"
#include "gui/views/theme.h"

namespace assay::gui {

namespace {

QLabel* plain_label() {
  auto* label = new QLabel;
  label->setTextFormat(Qt::PlainText);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  label->setMinimumWidth(40);
  return label;
}

QString visible_or_dash(const std::optional<std::string>& text) {
  return text ? visible_text(QString::fromStdString(*text), 120) : unknown_text();
}

/// Where the words of a search stand in a text, the first few of each.
std::vector<ReplyMark> marks_of_words(const QString& text, const QString& words) {
  constexpr int kMostEach = 50;
  std::vector<ReplyMark> marks;
  for (QString word : words_of(words)) {
    word.remove('"').remove('*');
    if (word.isEmpty()) continue;
    qsizetype at = text.indexOf(word, 0, Qt::CaseInsensitive);
    for (int n = 0; n < kMostEach && at >= 0; ++n) {
      marks.push_back({{at, at + word.size()}, ReplyMarkKind::found});
      at = text.indexOf(word, at + word.size(), Qt::CaseInsensitive);
    }
  }
  return marks;
}

}  // namespace

TranscriptPane::TranscriptPane(QWidget* parent) : QFrame(parent) {
  setFrameShape(QFrame::StyledPanel);
  setBackgroundRole(QPalette::Base);
  setAutoFillBackground(true);
  title_ = plain_label();
  QFont bold = title_->font();
  bold.setBold(true);
  title_->setFont(bold);
  verdict_ = plain_label();
  verdict_->setObjectName("verdict");
  extracted_ = plain_label();
  extracted_->setObjectName("extracted");
  extracted_->setWordWrap(true);
  facts_ = plain_label();
  facts_->setForegroundRole(QPalette::PlaceholderText);
  facts_->setWordWrap(true);
  timing_ = new TimingStrip;
  fold_ = new QToolButton;
  fold_->setObjectName("fold");
  fold_->setCheckable(true);
  fold_->setAutoRaise(true);
  fold_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  connect(fold_, &QToolButton::clicked, this, &TranscriptPane::fold_toggled);
  reply_ = new ReplyView;
  reply_->setAccessibleName(tr("The reply"));

  auto* head = new QHBoxLayout;
  head->addWidget(title_, 1);
  head->addWidget(verdict_);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(10, 8, 10, 8);
  layout->setSpacing(6);
  layout->addLayout(head);
  layout->addWidget(extracted_);
  layout->addWidget(facts_);
  layout->addWidget(timing_);
  layout->addWidget(fold_, 0, Qt::AlignLeft);
  layout->addWidget(reply_, 1);
}

void TranscriptPane::show_transcript(const Transcript& transcript, const std::vector<TextSpan>& differences,
                                     const QString& words, bool unfolded) {
  transcript_ = transcript;
  const QString title = visible_text(transcript.request.run_title, 80);
  title_->setText(title);
  title_->setToolTip(tooltip_html(title));  // where there is no room for all of it
  setAccessibleName(tr("Reply of %1").arg(title));
  show_verdict();
  show_facts();
  timing_->set_sample(transcript.sample);

  const QString& reasoning = transcript.reasoning;
  fold_->setVisible(!reasoning.isEmpty());
  fold_->setChecked(unfolded);
  fold_->setArrowType(unfolded ? Qt::DownArrow : Qt::RightArrow);
  fold_->setText(
      tr("Reasoning, %1 characters%2")
          .arg(shown_count(reasoning.size()), transcript.has_reasoning_end ? QString() : tr(" (it has no end)")));

  const bool shows_reasoning = unfolded && !reasoning.isEmpty();
  const QString text = shows_reasoning ? reasoning + transcript.answer : transcript.answer;
  const qsizetype offset = shows_reasoning ? reasoning.size() : 0;
  std::vector<ReplyMark> marks;
  if (transcript.verdict && transcript.verdict->answer) {
    const QString answer = QString::fromStdString(*transcript.verdict->answer).trimmed();
    const qsizetype at = find_answer(transcript.answer, answer);
    if (at >= 0) marks.push_back({{at + offset, at + offset + answer.size()}, ReplyMarkKind::answer});
  }
  for (const TextSpan& span : differences) {
    marks.push_back({{span.begin + offset, span.end + offset}, ReplyMarkKind::difference});
  }
  for (const ReplyMark& mark : marks_of_words(text, words)) marks.push_back(mark);
  reply_->set_reply(text, std::move(marks));
  reply_->setPlaceholderText(
      !transcript.failure.isEmpty() ? visible_text(transcript.failure)
      : transcript.sample
          ? tr("The reply is empty%1.").arg(reasoning.isEmpty() ? QString() : tr(" after its reasoning"))
          : QString());
}

QString TranscriptPane::verdict_text() const { return verdict_->text(); }

void TranscriptPane::show_verdict() {
  if (!transcript_.verdict) {
    verdict_->clear();
    extracted_->clear();
    verdict_->setStyleSheet({});
    return;
  }
  const results::VerdictFacts& verdict = *transcript_.verdict;
  const Theme& theme = theme_of(palette());
  verdict_->setText(QString("%1  %2")
                        .arg(outcome_letter(verdict.verdict))
                        .arg(QString::fromStdString(to_string(verdict.verdict)).replace('_', ' ')));
  QColor tint = outcome_color(theme, verdict.verdict);
  verdict_->setStyleSheet(QString("#verdict { border: 1px solid %1; border-left: 6px solid %1; border-radius: 3px; "
                                  "padding: 1px 6px; color: %2; }")
                              .arg(tint.name(), theme.text.name()));
  const QString rule = visible_text(QString::fromStdString(verdict.rule), 60);
  QString text;
  if (!verdict.answer) {
    text = tr("Nothing extracted (rule %1); expected %2").arg(rule, visible_or_dash(verdict.expected));
  } else if (verdict.answer == verdict.expected) {
    text = tr("Extracted %1 by rule %2, as expected").arg(visible_or_dash(verdict.answer), rule);
  } else {
    text = tr("Extracted %1 by rule %2; expected %3")
               .arg(visible_or_dash(verdict.answer), rule, visible_or_dash(verdict.expected));
  }
  if (!verdict.sandboxed) text += tr("; graded without a sandbox");
  extracted_->setText(text);
  extracted_->setToolTip(tooltip_html(QString::fromStdString(to_json_text(verdict.detail, 2))));
}

void TranscriptPane::show_facts() {
  if (!transcript_.sample) return facts_->clear();
  const results::SampleFacts& sample = *transcript_.sample;
  QStringList parts;
  const auto count = [](const std::optional<std::int64_t>& n) { return n ? shown_count(*n) : unknown_text(); };
  parts << tr("%1 tokens out, %2 in").arg(count(sample.n_output_tokens), count(sample.n_prompt_tokens));
  parts
      << tr("ended by %1").arg(sample.finish_reason ? QString::fromStdString(*sample.finish_reason) : tr("a failure"));
  if (sample.failure) parts << visible_text(QString::fromStdString(*sample.failure), 200);
  if (sample.itl_ms_mean) parts << tr("%1 ms between tokens").arg(number_text(*sample.itl_ms_mean));
  if (transcript_.n_cut > 0) parts << tr("%1 characters at the end are not shown").arg(shown_count(transcript_.n_cut));
  facts_->setText(parts.join(" · "));
}

void TranscriptPane::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && verdict_ != nullptr) show_verdict();
}

void TimingStrip::set_sample(const std::optional<results::SampleFacts>& sample) {
  parts_.clear();
  if (sample && sample->ttft_ms && sample->e2e_ms && *sample->e2e_ms >= *sample->ttft_ms) {
    parts_.push_back({tr("first token"), *sample->ttft_ms, 4});
    parts_.push_back({tr("rest"), *sample->e2e_ms - *sample->ttft_ms, 0});
    QStringList lines, whole;
    for (const Part& part : parts_) lines << QString("%1 %2 ms").arg(part.name, number_text(part.ms));
    whole = lines;
    // Before the reply's own time: it waited for others, where work is done in turns.
    if (sample->started_ms && sample->queued_ms && *sample->started_ms > *sample->queued_ms) {
      const QString begun_s = number_text((*sample->started_ms - *sample->queued_ms) / 1000);
      lines << tr("begun at %1 s").arg(begun_s);
      whole << tr("begun %1 s after the first").arg(begun_s);
    }
    text_ = lines.join(", ");
    setAccessibleName(whole.join(", "));
  } else {
    text_ = sample ? tr("Times of this sample are not known") : QString();
    setAccessibleName(text_);
  }
  setToolTip(tooltip_html(accessibleName()));
  update();
}

QSize TimingStrip::sizeHint() const { return {100, fontMetrics().height() + 12}; }

void TimingStrip::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const Theme& theme = theme_of(palette());
  double total = 0;
  for (const Part& part : parts_) total += part.ms;
  double left = 0;
  for (const Part& part : parts_) {
    const double width = total > 0 ? this->width() * part.ms / total : 0;
    painter.fillRect(QRectF(left, 1, std::max(width - 1, 1.0), 6), theme.series_color(part.style));
    left += width;
  }
  painter.setPen(theme.muted_text);
  painter.drawText(QRect(0, 9, width(), fontMetrics().height()), static_cast<int>(Qt::AlignLeft | Qt::AlignVCenter),
                   fontMetrics().elidedText(text_, Qt::ElideRight, width()));
}

}  // namespace assay::gui
