#include "gui/models/run_process.h"

namespace assay::gui {

namespace {
constexpr int kSaveLimitMs = 10'000;
constexpr int kInterrupted = 4;  // the program's exit code after saving
}  // namespace

RunProcess::RunProcess(QObject* parent) : QObject(parent) {
  process_.setStandardInputFile(QProcess::nullDevice());
  process_.setStandardOutputFile(QProcess::nullDevice());
  connect(&process_, &QProcess::readyReadStandardError, this, &RunProcess::take_lines);
  connect(&process_, &QProcess::finished, this, [this](int exit_code, QProcess::ExitStatus status) {
    take_lines();
    exit_code_ = exit_code;
    if (state_ == State::stopping && exit_code != 0) return become(State::stopped);
    if (status == QProcess::CrashExit) return become(State::failed);
    become(exit_code == 0 ? State::finished : exit_code == kInterrupted ? State::paused : State::failed);
  });
  connect(&process_, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
    if (error != QProcess::FailedToStart) return;  // the others end with finished()
    lines_ << tr("can't start %1: %2").arg(process_.program(), process_.errorString());
    become(State::failed);
  });
}

RunProcess::~RunProcess() {
  process_.disconnect(this);
  if (process_.state() == QProcess::NotRunning) return;
  process_.terminate();
  process_.waitForFinished(kSaveLimitMs);
}

void RunProcess::start(const QString& program, const QStringList& words) {
  if (is_alive()) return;
  lines_.clear();
  rest_.clear();
  process_.start(program, words);
  become(State::running);
}

void RunProcess::pause() {
  if (state_ != State::running) return;
  process_.terminate();
  become(State::pausing);
}

void RunProcess::stop() {
  if (!is_alive()) return;
  if (state_ == State::stopping) return process_.kill();
  process_.terminate();
  become(State::stopping);
}

void RunProcess::take_lines() {
  rest_ += process_.readAllStandardError();
  qsizetype begin = 0;
  for (qsizetype end = rest_.indexOf('\n'); end >= 0; end = rest_.indexOf('\n', begin)) {
    lines_ << QString::fromUtf8(rest_.mid(begin, std::min<qsizetype>(end - begin, kMaxLineLength)));
    begin = end + 1;
  }
  rest_ = rest_.mid(begin).left(kMaxLineLength);
  while (lines_.size() > kMaxLines) lines_.removeFirst();
  emit changed();
}

void RunProcess::become(State state) {
  state_ = state;
  emit changed();
}

}  // namespace assay::gui
