#include "gui/views/theme.h"

namespace assay::gui {

namespace {

Theme make_light() {
  Theme theme;
  theme.window = QColor("#f6f7f9");
  theme.panel = QColor("#ffffff");
  theme.text = QColor("#1b1f24");
  theme.muted_text = QColor("#57606a");
  theme.line = QColor("#c9d1d9");
  theme.grid = QColor("#e6e9ed");
  theme.accent = QColor("#0a5fb4");
  theme.selection = QColor("#d6e7f8");
  theme.series = {QColor("#0072b2"), QColor("#d55e00"), QColor("#007a5a"), QColor("#b5588d"),
                  QColor("#8a6d00"), QColor("#2e8fc4"), QColor("#1b1f24"), QColor("#7a4fb5")};
  theme.better = QColor("#0067a3");
  theme.worse = QColor("#ab4400");
  theme.undecided = QColor("#5a636d");
  return theme;
}

Theme make_dark() {
  Theme theme;
  theme.is_dark = true;
  theme.window = QColor("#15181d");
  theme.panel = QColor("#1d2127");
  theme.text = QColor("#e8eaed");
  theme.muted_text = QColor("#9aa4af");
  theme.line = QColor("#3b434d");
  theme.grid = QColor("#2a3038");
  theme.accent = QColor("#62b0f2");
  theme.selection = QColor("#1e3850");
  theme.series = {QColor("#4aa8e0"), QColor("#f08a3c"), QColor("#2fc097"), QColor("#e08fbe"),
                  QColor("#e6c543"), QColor("#8fd0f5"), QColor("#e8eaed"), QColor("#b796ea")};
  theme.better = QColor("#4aa8e0");
  theme.worse = QColor("#f08a3c");
  theme.undecided = QColor("#9aa4af");
  return theme;
}

}  // namespace

Shape series_shape(int index) {
  static constexpr Shape kShapes[] = {
      Shape::circle, Shape::square, Shape::triangle, Shape::diamond, Shape::inverted_triangle,
      Shape::plus,   Shape::star,   Shape::cross};
  return kShapes[static_cast<std::size_t>(index) % std::size(kShapes)];
}

QColor outcome_color(const Theme& theme, results::Verdict verdict) {
  switch (verdict) {
    case results::Verdict::correct:
      return theme.series[0];
    case results::Verdict::incorrect:
      return theme.series[1];
    case results::Verdict::no_answer:
      return theme.series[4];
    case results::Verdict::truncated:
      return theme.series[3];
    case results::Verdict::error:
      return theme.series[6];
  }
  return theme.undecided;
}

QChar outcome_letter(results::Verdict verdict) {
  switch (verdict) {
    case results::Verdict::correct:
      return 'C';
    case results::Verdict::incorrect:
      return 'I';
    case results::Verdict::no_answer:
      return 'N';
    case results::Verdict::truncated:
      return 'T';
    case results::Verdict::error:
      return 'E';
  }
  return '?';
}

const Theme& light_theme() {
  static const Theme theme = make_light();
  return theme;
}

const Theme& dark_theme() {
  static const Theme theme = make_dark();
  return theme;
}

const Theme& theme_of(const QPalette& palette) {
  return palette.color(QPalette::Window).lightness() < 128 ? dark_theme() : light_theme();
}

QPalette palette_of(const Theme& theme) {
  QPalette palette;
  palette.setColor(QPalette::Window, theme.window);
  palette.setColor(QPalette::Base, theme.panel);
  palette.setColor(QPalette::AlternateBase, theme.window);
  palette.setColor(QPalette::Button, theme.panel);
  palette.setColor(QPalette::ToolTipBase, theme.panel);
  palette.setColor(QPalette::WindowText, theme.text);
  palette.setColor(QPalette::Text, theme.text);
  palette.setColor(QPalette::ButtonText, theme.text);
  palette.setColor(QPalette::ToolTipText, theme.text);
  palette.setColor(QPalette::PlaceholderText, theme.muted_text);
  palette.setColor(QPalette::Highlight, theme.selection);
  palette.setColor(QPalette::HighlightedText, theme.text);
  palette.setColor(QPalette::Link, theme.accent);
  palette.setColor(QPalette::LinkVisited, theme.accent);
  palette.setColor(QPalette::Light, theme.panel);
  palette.setColor(QPalette::Midlight, theme.grid);
  palette.setColor(QPalette::Mid, theme.line);
  palette.setColor(QPalette::Dark, theme.line);
  palette.setColor(QPalette::Shadow, theme.line);
  for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    palette.setColor(QPalette::Disabled, role, theme.muted_text);
  }
  return palette;
}

}  // namespace assay::gui
