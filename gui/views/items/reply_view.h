#pragma once
// A long plain text in parts, with marks.

#include <QMap>
#include <QPlainTextEdit>

#include "gui/models/word_diff.h"

class QToolButton;

namespace assay::gui {

/// What a stretch of text is marked as; each is also underlined or framed in its own way.
enum class ReplyMarkKind { answer, difference, found };

struct ReplyMark {
  TextSpan span;
  ReplyMarkKind kind;
};

/// Shows the first part of a text and a button for more: a reply of megabytes on one line stays smooth. What it shows
/// is the text itself, with control characters made visible; the line ends that it adds to very long lines are marked
/// ⤶.
class ReplyView : public QPlainTextEdit {
  Q_OBJECT

 public:
  static constexpr qsizetype kFirstCharacters = 60'000;
  static constexpr qsizetype kMoreCharacters = 200'000;
  static constexpr qsizetype kLongestLine = 4'000;

  explicit ReplyView(QWidget* parent = nullptr);

  /// `marks` count in characters of `text`. The first mark of a kind that is shown is scrolled to.
  void set_reply(const QString& text, std::vector<ReplyMark> marks);
  qsizetype n_shown() const { return n_shown_; }
  void show_more();

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void append_part(qsizetype n_characters);
  void show_marks();
  void place_button();

  QString text_;
  std::vector<ReplyMark> marks_;
  QMap<qsizetype, int> places_;  ///< ends of marks that are shown: character of `text_` to the document's
  qsizetype line_length_ = 0;
  qsizetype n_shown_ = 0;
  QToolButton* more_ = nullptr;
};

}  // namespace assay::gui
