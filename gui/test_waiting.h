#pragma once
// Waiting in the dashboard's tests.

#include <QCoreApplication>
#include <QElapsedTimer>

namespace assay::gui {

/// Lets the application work until `condition` holds; false if it doesn't within `limit_ms`.
template <class Condition>
bool wait_until(Condition condition, qint64 limit_ms = 20'000) {
  QElapsedTimer timer;
  timer.start();
  while (!condition() && timer.elapsed() < limit_ms) QCoreApplication::processEvents(QEventLoop::AllEvents, 10);
  return condition();
}

}  // namespace assay::gui
