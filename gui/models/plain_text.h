#pragma once
// Text of others made safe to draw, and to open in a spreadsheet: what is invisible or changes the order of letters is
// shown, what looks like a tag or a formula is text.

#include <QString>
#include <string_view>

namespace assay::gui {

/// `text` cut to `max_chars` with "…"; control characters as their pictures (␀ to ␡), bidirectional overrides and
/// other invisible format characters as "⟨U+202E⟩". Line ends stay if `keeps_lines`, else they become "⏎"; a tab is a
/// space.
QString visible_text(const QString& text, qsizetype max_chars = 400, bool keeps_lines = false);

/// The same for text as databases hold it: UTF-8, what is ill-formed replaced.
QString visible_text(std::string_view text, qsizetype max_chars = 300);
inline QString visible_text(const char* text, qsizetype max_chars = 300) {
  return visible_text(std::string_view(text), max_chars);
}

/// For QToolTip and other places that guess whether a text is HTML: never taken for it, lines kept.
QString tooltip_html(const QString& text);

/// A cell of a CSV file (RFC 4180): quoted where it must be; what a spreadsheet would take for a formula gets a quote
/// mark in front.
QString csv_cell(const QString& text);

}  // namespace assay::gui
