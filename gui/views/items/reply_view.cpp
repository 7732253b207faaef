#include "gui/views/items/reply_view.h"

#include <QScrollBar>
#include <QToolButton>
#include <algorithm>

#include "gui/models/plain_text.h"
#include "gui/models/run_columns.h"
#include "gui/views/theme.h"

namespace assay::gui {

namespace {

/// More marks than anybody looks at would slow every key press.
constexpr std::size_t kMostReplyMarks = 2000;

}  // namespace

ReplyView::ReplyView(QWidget* parent) : QPlainTextEdit(parent) {
  setReadOnly(true);
  setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  setUndoRedoEnabled(false);
  setLineWrapMode(QPlainTextEdit::WidgetWidth);
  setTabChangesFocus(true);
  setFrameShape(QFrame::NoFrame);
  more_ = new QToolButton(this);
  more_->setObjectName("more");
  more_->setAccessibleName(tr("Show more of the text"));
  more_->hide();
  connect(more_, &QToolButton::clicked, this, &ReplyView::show_more);
}

void ReplyView::set_reply(const QString& text, std::vector<ReplyMark> marks) {
  text_ = text;
  marks_ = std::move(marks);
  if (marks_.size() > kMostReplyMarks) marks_.resize(kMostReplyMarks);
  places_.clear();
  n_shown_ = 0;
  line_length_ = 0;
  clear();
  append_part(kFirstCharacters);
  show_marks();
  for (const ReplyMarkKind kind : {ReplyMarkKind::found, ReplyMarkKind::answer}) {
    const auto mark = std::find_if(marks_.begin(), marks_.end(), [&](const ReplyMark& each) {
      return each.kind == kind && places_.contains(each.span.begin);
    });
    if (mark == marks_.end()) continue;
    QTextCursor cursor(document());
    cursor.setPosition(places_.value(mark->span.begin));
    setTextCursor(cursor);
    return centerCursor();
  }
  moveCursor(QTextCursor::Start);
}

void ReplyView::show_more() {
  append_part(kMoreCharacters);
  show_marks();
}

void ReplyView::append_part(qsizetype n_characters) {
  qsizetype end = std::min(n_shown_ + n_characters, text_.size());
  if (end < text_.size() && text_[end].isLowSurrogate()) --end;
  // The text is made visible piece by piece between the ends of marks, so that it is known where each has come to lie.
  std::vector<qsizetype> borders = {end};
  for (const ReplyMark& mark : marks_) {
    for (const qsizetype border : {mark.span.begin, mark.span.end}) {
      if (border >= n_shown_ && border < end) borders.push_back(border);
    }
  }
  std::sort(borders.begin(), borders.end());
  QString shown;
  const int before = std::max(0, document()->characterCount() - 1);
  for (const qsizetype border : borders) {
    for (const QChar c : visible_text(text_.mid(n_shown_, border - n_shown_), border - n_shown_ + 1, true)) {
      if (c == '\n') {
        line_length_ = 0;
      } else if (++line_length_ > kLongestLine && !c.isLowSurrogate()) {
        shown += QString(QChar(0x2936)) + '\n';
        line_length_ = 1;
      }
      shown += c;
    }
    places_[border] = before + static_cast<int>(shown.size());
    n_shown_ = border;
  }
  QTextCursor cursor(document());
  cursor.movePosition(QTextCursor::End);
  cursor.insertText(shown);
  more_->setText(tr("Show more (%1 of %2 characters shown)").arg(shown_count(n_shown_), shown_count(text_.size())));
  more_->setVisible(n_shown_ < text_.size());
  place_button();
}

void ReplyView::show_marks() {
  const Theme& theme = theme_of(palette());
  QList<QTextEdit::ExtraSelection> selections;
  for (const ReplyMark& mark : marks_) {
    if (!places_.contains(mark.span.begin) || !places_.contains(mark.span.end)) continue;
    QTextEdit::ExtraSelection selection;
    selection.cursor = QTextCursor(document());
    selection.cursor.setPosition(places_.value(mark.span.begin));
    selection.cursor.setPosition(places_.value(mark.span.end), QTextCursor::KeepAnchor);
    QTextCharFormat& format = selection.format;
    if (mark.kind == ReplyMarkKind::difference) {
      format.setUnderlineStyle(QTextCharFormat::SingleUnderline);
      format.setUnderlineColor(theme.worse);
      QColor tint = theme.worse;
      tint.setAlphaF(0.14F);
      format.setBackground(tint);
    } else if (mark.kind == ReplyMarkKind::answer) {
      format.setBackground(theme.selection);
      format.setFontWeight(QFont::Bold);
    } else {
      format.setUnderlineStyle(QTextCharFormat::DashUnderline);
      QColor tint = theme.series_color(4);
      tint.setAlphaF(0.3F);
      format.setBackground(tint);
    }
    selections << selection;
  }
  setExtraSelections(selections);
}

void ReplyView::place_button() {
  more_->adjustSize();
  more_->move(viewport()->width() - more_->width() - 8, viewport()->height() - more_->height() - 8);
}

void ReplyView::resizeEvent(QResizeEvent* event) {
  QPlainTextEdit::resizeEvent(event);
  place_button();
}

void ReplyView::changeEvent(QEvent* event) {
  QPlainTextEdit::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && more_ != nullptr) show_marks();
}

}  // namespace assay::gui
