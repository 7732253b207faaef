#pragma once
// A run that the user puts together, as the words of `assay run`.

#include <QString>
#include <QStringList>
#include <optional>

#include "harness/base/result.h"

namespace assay::gui {

/// What is chosen; none and empty leave it to `assay run`.
struct RunChoices {
  QString program = "assay";  ///< the command line program, with its path if it isn't on the search path
  QString model;              ///< REF
  QStringList suites;
  std::optional<int> samples, limit;
  std::optional<int> seed;
  QString protocol;
  QString device;
  std::optional<double> temperature, top_p;
  std::optional<int> max_output_tokens;
  QString hardware;
  std::optional<double> price_usd_per_gpu_hour;
  QString name;
  QStringList tags;  ///< K=V
  QString database;
  QString resume;  ///< the id of an unfinished run: then nothing but it and the database is said

  bool operator==(const RunChoices&) const = default;
};

/// The words behind the program's name. Error{bad_input} names the field that is missing or wrong.
Result<QStringList> run_words(const RunChoices& choices);
/// The words of `assay plan` for the same run on `choices.hardware`. Output lengths are taken from the run `lengths_of`
/// of the database `lengths_database`, unless it is empty. Error{bad_input} as run_words().
Result<QStringList> plan_words(const RunChoices& choices, const QString& lengths_of, const QString& lengths_database);
/// Program and words as one line for a shell.
QString shell_line(const QString& program, const QStringList& words);
/// A word as a shell takes it: quoted where it must be.
QString shell_word(const QString& word);

/// The program `assay`: beside this one, else on the search path; empty if it is nowhere.
QString find_assay_program();

}  // namespace assay::gui
