#include "gui/app/screenshot.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QPixmap>
#include <QSaveFile>

namespace assay::gui {

namespace {

constexpr int kLimitMs = 60'000;
/// A page that has read one thing may go on to read the next, and lays itself out behind it: only rest for so long, and
/// for so many rounds of events, is an end. (On a busy machine time alone may pass within one round.)
constexpr int kRestMs = 150, kRestRounds = 8;

bool wait_for_rest(const MainWindow& window) {
  QElapsedTimer total, rest;
  total.start();
  rest.start();
  int n_rounds = 0;
  while (total.elapsed() < kLimitMs) {
    QCoreApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
    QCoreApplication::processEvents(QEventLoop::AllEvents, 20);
    ++n_rounds;
    if (window.is_busy()) {
      rest.restart();
      n_rounds = 0;
    }
    if (rest.elapsed() >= kRestMs && n_rounds >= kRestRounds) return true;
  }
  return false;
}

}  // namespace

Result<> save_screenshot(MainWindow& window, const QString& file) {
  window.show();
  if (!wait_for_rest(window))
    return environment_error("--screenshot: the page isn't ready after ", kLimitMs / 1000, " s");
  const QPixmap picture = window.grab();
  QSaveFile out(file);
  if (!out.open(QIODevice::WriteOnly) || !picture.save(&out, "PNG") || !out.commit()) {
    return environment_error("can't write ", file.toStdString(), ": ", out.errorString().toStdString());
  }
  return {};
}

}  // namespace assay::gui
