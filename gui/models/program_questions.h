#pragma once
// Questions to the program `assay`: short calls whose JSON is read.

#include <QByteArray>
#include <QObject>
#include <QPointer>
#include <QProcess>
#include <QStringList>
#include <functional>

#include "harness/base/result.h"

namespace assay::gui {

/// Asks side by side; each answer comes once, by a call of `use`. Those that are under way end with this object,
/// unanswered. Belongs to a thread with an event loop.
class ProgramQuestions : public QObject {
  Q_OBJECT

 public:
  using Use = std::function<void(Result<QByteArray>)>;

  /// `program` is the path of `assay`.
  explicit ProgramQuestions(QString program, QObject* parent = nullptr);
  ~ProgramQuestions() override;

  /// Standard output of the call, or Error{environment} with the last line that it said. Calls over a minute are ended.
  /// The pointer ends the call early: then it is never answered.
  QPointer<QProcess> ask(const QStringList& words, Use use);
  void drop(const QPointer<QProcess>& question);
  bool is_asking() const { return n_asked_ > 0; }

 private:
  QString program_;
  int n_asked_ = 0;
};

}  // namespace assay::gui
