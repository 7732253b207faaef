// The themes' colours against what they are drawn on. Formulas: WCAG 2.2, "relative luminance" and "contrast ratio".

#include <cmath>

#include "gui/views/theme.h"
#include "tests/support/catch.h"

using namespace assay::gui;

namespace {

double linear(double value) { return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4); }

double luminance(const QColor& color) {
  return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

double contrast(const QColor& a, const QColor& b) {
  const auto [low, high] = std::minmax({luminance(a), luminance(b)});
  return (high + 0.05) / (low + 0.05);
}

}  // namespace

TEST_CASE("themes: series stand out from the panel and texts can be read on it", "[charts]") {
  const Theme& theme = GENERATE(from_range(std::vector{light_theme(), dark_theme()}));
  CHECK_THAT(contrast(Qt::white, Qt::black), Catch::Matchers::WithinAbs(21, 1e-6));
  for (const QColor& color : theme.series) {
    CAPTURE(theme.is_dark, color.name().toStdString());
    CHECK(contrast(color, theme.panel) >= 3);  // WCAG 1.4.11: what is needed to understand graphics
  }
  // Every colour of texts on every ground that rows of tables have: even and odd ones, chosen ones.
  for (const QColor& ground : {theme.panel, theme.window, theme.selection}) {
    CHECK(contrast(theme.text, ground) >= 7);
    for (const QColor& color : {theme.muted_text, theme.accent, theme.better, theme.worse, theme.undecided}) {
      CAPTURE(theme.is_dark, color.name().toStdString(), ground.name().toStdString());
      CHECK(contrast(color, ground) >= 4.5);  // WCAG 1.4.3
    }
  }
}
