#include "gui/models/run_command.h"

#include <QCoreApplication>
#include <QFileInfo>
#include <QRegularExpression>
#include <QStandardPaths>

namespace assay::gui {

namespace {

void add(QStringList& words, const QString& option, const QString& value) {
  if (!value.isEmpty()) words << option << value;
}
void add(QStringList& words, const QString& option, const std::optional<int>& value) {
  if (value) words << option << QString::number(*value);
}
void add(QStringList& words, const QString& option, const std::optional<double>& value) {
  if (value) words << option << QString::number(*value, 'g', 17);
}

Result<> check_words(const RunChoices& choices) {
  if (choices.model.isEmpty()) return bad_input("no model: give a folder, a GGUF file or a registered name");
  if (choices.suites.isEmpty()) return bad_input("no suite is chosen");
  if (choices.database.isEmpty()) return bad_input("no results database: give the file that the run is stored in");
  for (const QString& suite : choices.suites) {
    // `--suite` takes a list, so a comma would cut a folder's name in two.
    if (suite.contains(',')) return bad_input("suite \"", suite.toStdString(), "\" must not contain a comma");
  }
  for (const QString& tag : choices.tags) {
    if (tag.indexOf('=') < 1) return bad_input("tag \"", tag.toStdString(), "\" must be NAME=VALUE");
  }
  return {};
}

}  // namespace

Result<QStringList> plan_words(const RunChoices& choices, const QString& lengths_of, const QString& lengths_database) {
  ASSAY_TRY(check_words(choices));
  QStringList words = {"plan",       "--json",        "--model", choices.model, "--suite", choices.suites.join(','),
                       "--hardware", choices.hardware};
  add(words, "--samples", choices.samples);
  add(words, "--limit", choices.limit);
  add(words, "--protocol", choices.protocol);
  add(words, "--max-output-tokens", choices.max_output_tokens);
  add(words, "--price-usd-per-gpu-hour", choices.price_usd_per_gpu_hour);
  add(words, "--lengths-from", lengths_of);
  add(words, "--db", lengths_of.isEmpty() ? QString() : lengths_database);
  return words;
}

Result<QStringList> run_words(const RunChoices& choices) {
  if (!choices.resume.isEmpty()) {
    if (choices.database.isEmpty()) return bad_input("no results database: give the file that the run is stored in");
    return QStringList{"run", "--resume", choices.resume, "--db", choices.database};
  }
  ASSAY_TRY(check_words(choices));
  QStringList words = {"run", "--model", choices.model, "--suite", choices.suites.join(',')};
  add(words, "--samples", choices.samples);
  add(words, "--limit", choices.limit);
  add(words, "--seed", choices.seed);
  add(words, "--protocol", choices.protocol);
  add(words, "--device", choices.device);
  add(words, "--temperature", choices.temperature);
  add(words, "--top-p", choices.top_p);
  add(words, "--max-output-tokens", choices.max_output_tokens);
  add(words, "--hardware", choices.hardware);
  add(words, "--price-usd-per-gpu-hour", choices.price_usd_per_gpu_hour);
  add(words, "--name", choices.name);
  for (const QString& tag : choices.tags) words << "--tag" << tag;
  words << "--db" << choices.database;
  return words;
}

QString shell_word(const QString& word) {
  static const QRegularExpression safe("^[A-Za-z0-9_@%+=:,./-]+$");
  if (safe.match(word).hasMatch()) return word;
  QString inside = word;
  inside.replace("'", "'\\''");
  return "'" + inside + "'";
}

QString shell_line(const QString& program, const QStringList& words) {
  QStringList line = {shell_word(program)};
  for (const QString& word : words) line << shell_word(word);
  return line.join(' ');
}

QString find_assay_program() {
  const QFileInfo beside(QCoreApplication::applicationDirPath() + "/assay");
  return beside.isExecutable() ? beside.absoluteFilePath() : QStandardPaths::findExecutable("assay");
}

}  // namespace assay::gui
