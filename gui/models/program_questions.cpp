#include "gui/models/program_questions.h"

#include <QTimer>

namespace assay::gui {

namespace {
constexpr int kAnswerLimitMs = 60'000;
constexpr qsizetype kMostSaidCharacters = 500;
}  // namespace

ProgramQuestions::ProgramQuestions(QString program, QObject* parent) : QObject(parent), program_(std::move(program)) {}

ProgramQuestions::~ProgramQuestions() {
  for (QProcess* process : findChildren<QProcess*>()) {
    process->disconnect(this);
    process->kill();
  }
}

QPointer<QProcess> ProgramQuestions::ask(const QStringList& words, Use use) {
  auto* process = new QProcess(this);
  process->setStandardInputFile(QProcess::nullDevice());
  ++n_asked_;
  const auto finish = [this, process, words, use = std::move(use)](bool has_started) {
    --n_asked_;
    process->deleteLater();
    if (has_started && process->exitStatus() == QProcess::NormalExit && process->exitCode() == 0) {
      return use(process->readAllStandardOutput());
    }
    const QString said = QString::fromUtf8(process->readAllStandardError()).trimmed().section('\n', -1);
    use(environment_error("assay ", words.value(0).toStdString(), ": ",
                          (said.isEmpty() ? process->errorString() : said).left(kMostSaidCharacters).toStdString()));
  };
  connect(process, &QProcess::finished, this, [finish] { finish(true); });
  connect(process, &QProcess::errorOccurred, this, [finish](QProcess::ProcessError error) {
    if (error == QProcess::FailedToStart) finish(false);
  });
  QTimer::singleShot(kAnswerLimitMs, process, &QProcess::kill);
  process->start(program_, words);
  return process;
}

void ProgramQuestions::drop(const QPointer<QProcess>& question) {
  if (question == nullptr || question->state() == QProcess::NotRunning) return;
  question->disconnect(this);
  connect(question, &QProcess::finished, question, &QObject::deleteLater);
  question->kill();
  --n_asked_;
}

}  // namespace assay::gui
