#include "gui/models/view_state.h"

#include <QUrl>

#include "gui/models/run_command.h"
#include "harness/base/result.h"

namespace assay::gui {

namespace {

constexpr auto kScheme = "assay";
constexpr qsizetype kMaxLinkLength = 1 << 20;

using Pairs = QList<QPair<QString, QString>>;

void add_text(Pairs& pairs, const QString& key, const QString& value) {
  if (!value.isEmpty()) pairs.append({key, value});
}
void add_texts(Pairs& pairs, const QString& key, const QStringList& values) {
  for (const QString& value : values) pairs.append({key, value});
}

/// A query's key or value.
QString encoded(const QString& text) { return QString::fromLatin1(QUrl::toPercentEncoding(text)); }
QString decoded(const QString& text) { return QUrl::fromPercentEncoding(text.toUtf8()); }

std::string quoted(const QString& text) { return "\"" + text.left(60).toStdString() + "\""; }

Result<> take(ViewState& state, const QString& key, const QString& value) {
  if (key == "db") {
    state.databases.append(value);
  } else if (key == "run") {
    state.runs.append(value);
  } else if (key == "baseline") {
    state.baseline = value;
  } else if (key == "suite") {
    state.suite = value;
  } else if (key == "item") {
    state.item = value;
  } else if (key == "sample") {
    bool is_number = false;
    state.sample = value.toInt(&is_number);
    if (!is_number || state.sample < 0)
      return bad_input("link: sample is ", quoted(value), ", must be a number from 0");
  } else if (key == "search") {
    state.search = value;
  } else if (key == "sort") {
    state.sort_descending = value.startsWith('-');
    state.sort_column = state.sort_descending ? value.mid(1) : value;
  } else if (key.startsWith("only.") && key.size() > 5) {
    state.facets[key.mid(5)].append(value);
  } else if (key.startsWith("set.") && key.size() > 4) {
    state.settings[key.mid(4)] = value;
  } else {
    return bad_input("link: unknown key ", quoted(key));
  }
  return {};
}

}  // namespace

const QStringList& page_names() {
  static const QStringList names = {"runs", "compare", "items", "speed", "hardware", "cost"};
  return names;
}

QString baseline_of(const ViewState& state) {
  if (!state.baseline.isEmpty()) return state.baseline;
  return state.runs.isEmpty() ? QString() : state.runs.first();
}

QString to_link(const ViewState& state) {
  Pairs pairs;
  add_texts(pairs, "db", state.databases);
  add_texts(pairs, "run", state.runs);
  add_text(pairs, "baseline", state.baseline);
  add_text(pairs, "suite", state.suite);
  add_text(pairs, "item", state.item);
  if (state.sample != 0) add_text(pairs, "sample", QString::number(state.sample));
  add_text(pairs, "search", state.search);
  if (!state.sort_column.isEmpty()) add_text(pairs, "sort", (state.sort_descending ? "-" : "") + state.sort_column);
  for (auto it = state.facets.begin(); it != state.facets.end(); ++it) add_texts(pairs, "only." + it.key(), it.value());
  for (auto it = state.settings.begin(); it != state.settings.end(); ++it)
    add_text(pairs, "set." + it.key(), it.value());

  QStringList parts;
  for (const auto& [key, value] : pairs) parts.append(encoded(key) + "=" + encoded(value));
  return QString(kScheme) + "://" + state.page + (parts.isEmpty() ? "" : "?" + parts.join('&'));
}

Result<ViewState> parse_link(const QString& link) {
  if (link.size() > kMaxLinkLength) return bad_input("link: longer than ", kMaxLinkLength, " characters");
  const QString start = QString(kScheme) + "://";
  if (!link.startsWith(start)) return bad_input("link: ", quoted(link), " must begin with ", start.toStdString());
  const QString rest = link.mid(start.size());
  const qsizetype question_mark = rest.indexOf('?');
  ViewState state;
  state.page = rest.left(question_mark);
  while (state.page.endsWith('/')) state.page.chop(1);  // as browsers and desktops write it
  if (!page_names().contains(state.page)) {
    return bad_input("link: unknown page ", quoted(state.page), "; there are ", page_names().join(", ").toStdString());
  }
  if (question_mark < 0) return state;
  for (const QString& part : rest.mid(question_mark + 1).split('&', Qt::SkipEmptyParts)) {
    const qsizetype equals = part.indexOf('=');
    if (equals < 0) return bad_input("link: ", quoted(part), " must be key=value");
    ASSAY_TRY(take(state, decoded(part.left(equals)), decoded(part.mid(equals + 1))));
  }
  return state;
}

QString to_command(const ViewState& state) {
  ViewState shown = state;
  shown.databases.clear();
  QStringList words;
  if (!state.databases.isEmpty()) words << "--db" << state.databases;
  return shell_line("assay-gui", words << to_link(shown));
}

}  // namespace assay::gui
