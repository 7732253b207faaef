#include "gui/models/plain_text.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::gui {

namespace {

bool is_hidden_format(char32_t c) {
  return QChar::category(c) == QChar::Other_Format || QChar::category(c) == QChar::Other_Surrogate ||
         QChar::category(c) == QChar::Separator_Line || QChar::category(c) == QChar::Separator_Paragraph;
}

}  // namespace

QString visible_text(const QString& text, qsizetype max_chars, bool keeps_lines) {
  QString out;
  const qsizetype n_read = std::min(text.size(), max_chars);
  out.reserve(n_read + 8);
  for (qsizetype i = 0; i < n_read; ++i) {
    const QChar c = text[i];
    char32_t code = c.unicode();
    if (c.isHighSurrogate() && i + 1 < text.size() && text[i + 1].isLowSurrogate()) {
      code = QChar::surrogateToUcs4(c, text[++i]);
    }
    if (code == '\n' && keeps_lines) {
      out += '\n';
    } else if (code == '\n') {
      out += QChar(0x23ce);
    } else if (code == '\t') {
      out += ' ';
    } else if (code < 0x20) {
      out += QChar(static_cast<char16_t>(0x2400 + code));
    } else if (code == 0x7f) {
      out += QChar(0x2421);
    } else if ((code >= 0x80 && code < 0xa0) || is_hidden_format(code)) {
      out += QString::fromUtf8("⟨U+%1⟩").arg(static_cast<uint>(code), 4, 16, QChar('0')).toUpper();
    } else {
      out += QString::fromUcs4(&code, 1);
    }
  }
  if (text.size() > max_chars) out += QChar(0x2026);
  return out;
}

QString visible_text(std::string_view text, qsizetype max_chars) {
  // So many bytes hold more than max_chars characters, whatever they are.
  const auto n_bytes = std::min<std::size_t>(text.size(), static_cast<std::size_t>(max_chars) * 4 + 4);
  return visible_text(QString::fromUtf8(text.data(), static_cast<qsizetype>(n_bytes)), max_chars);
}

QString tooltip_html(const QString& text) {
  if (text.isEmpty()) return {};
  return QString("<p style='white-space:pre-wrap'>%1</p>").arg(visible_text(text, 4000, true).toHtmlEscaped());
}

QString csv_cell(const QString& text) {
  QString value = text;
  static const QString kBeginsFormula = "=+-@\t\r";
  if (!value.isEmpty() && kBeginsFormula.contains(value[0]) && !parse_number(value.toStdString())) value.prepend('\'');
  value.replace(QChar(0), QChar(0x2400));
  if (!value.contains(',') && !value.contains('"') && !value.contains('\r') && !value.contains('\n')) return value;
  return '"' + value.replace("\"", "\"\"") + '"';
}

}  // namespace assay::gui
