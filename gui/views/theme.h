#pragma once
// Colours and shapes. Colour is never the only sign: each series has a shape, each outcome a letter.

#include <QColor>
#include <QPalette>
#include <QString>
#include <vector>

#include "results/facts.h"

namespace assay::gui {

/// What marks are drawn as; `none` draws no mark.
enum class Shape { circle, square, triangle, diamond, cross, plus, star, inverted_triangle, none };

struct Theme {
  bool is_dark = false;
  QColor window, panel, text, muted_text, line, grid, accent, selection;
  /// Eight colours that people with any common colour blindness tell apart (after Okabe and Ito, 2008, with their
  /// lightness fitted to the background). Series n has series[n % 8] and the shape of series_shape(n).
  std::vector<QColor> series;
  QColor better, worse, undecided;  ///< blue, orange, grey: never green and red

  QColor series_color(int index) const { return series[static_cast<std::size_t>(index) % series.size()]; }
};

Shape series_shape(int index);

/// The outcome's colour, and the one letter that stands for it: C, I, N, T, E.
QColor outcome_color(const Theme& theme, results::Verdict verdict);
QChar outcome_letter(results::Verdict verdict);

const Theme& light_theme();
const Theme& dark_theme();
/// The theme that belongs to a widget's palette, so that a page needs to be told nothing: it listens to PaletteChange.
const Theme& theme_of(const QPalette& palette);
/// The whole application's palette for a theme.
QPalette palette_of(const Theme& theme);

}  // namespace assay::gui
