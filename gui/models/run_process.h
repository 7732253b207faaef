#pragma once
// `assay run` as a child process that can be paused, gone on with and stopped.

#include <QObject>
#include <QProcess>
#include <QStringList>

namespace assay::gui {

/// Runs one `assay run` at a time. Pausing lets it save what has finished and end (exit code 4); the same call given
/// again goes on with it, so a pause is no part of any measured time. The child ends with this object, saving as well.
class RunProcess : public QObject {
  Q_OBJECT

 public:
  enum class State { idle, running, pausing, stopping, paused, stopped, finished, failed };

  explicit RunProcess(QObject* parent = nullptr);
  ~RunProcess() override;

  /// Starts it, or goes on with it after a pause, when the words are the same.
  void start(const QString& program, const QStringList& words);
  /// Asks it to save and end, to go on with it.
  void pause();
  /// Asks it to save and end for good; given again while it saves, ends it at once, without what isn't stored yet.
  void stop();

  State state() const { return state_; }
  bool is_alive() const { return state_ == State::running || state_ == State::pausing || state_ == State::stopping; }
  /// The last lines that it wrote to standard error, at most kMaxLines, each cut at kMaxLineLength characters.
  const QStringList& lines() const { return lines_; }
  int exit_code() const { return exit_code_; }

  static constexpr int kMaxLines = 500;
  static constexpr int kMaxLineLength = 2000;

 signals:
  void changed();

 private:
  void take_lines();
  void become(State state);

  QProcess process_;
  State state_ = State::idle;
  QStringList lines_;
  QByteArray rest_;  ///< of a line that has no end yet
  int exit_code_ = 0;
};

}  // namespace assay::gui
