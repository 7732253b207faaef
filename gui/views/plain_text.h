#pragma once
// Text of others made safe to draw: what is invisible or changes the order of letters is shown.

#include <QString>

namespace assay::gui {

/// `text` cut to `max_chars` with "…"; control characters as their pictures (␀ to ␡), bidirectional overrides and
/// other invisible format characters as "⟨U+202E⟩". Line ends stay if `keeps_lines`, else they become "⏎"; a tab is a
/// space.
QString visible_text(const QString& text, qsizetype max_chars = 400, bool keeps_lines = false);

/// For QToolTip and other places that guess whether a text is HTML: never taken for it, lines kept.
QString tooltip_html(const QString& text);

}  // namespace assay::gui
