#include "gui/models/latest_job.h"

#include <QCoreApplication>
#include <QThread>
#include <atomic>

#include "gui/test_waiting.h"
#include "tests/support/catch.h"

namespace assay::gui {

TEST_CASE("latest job: the answer to the last question arrives, on the thread that asked") {
  LatestJob job;
  std::atomic<bool> has_begun = false, was_stopped = false;
  std::vector<int> answers;
  job.start(
      [&](std::stop_token stop) {
        has_begun = true;
        while (!stop.stop_requested()) QThread::msleep(1);
        was_stopped = true;
        return 1;
      },
      [&](int answer) { answers.push_back(answer); });
  CHECK(job.is_running());
  REQUIRE(wait_until([&] { return has_begun.load(); }));  // one that has not begun is dropped in another place
  job.start([](std::stop_token) { return 2; },
            [&](int answer) {
              CHECK(QThread::currentThread() == QCoreApplication::instance()->thread());
              answers.push_back(answer);
            });
  REQUIRE(wait_until([&] { return !job.is_running(); }));
  CHECK(answers == std::vector{2});
  QThreadPool::globalInstance()->waitForDone();
  QCoreApplication::processEvents();
  CHECK(answers == std::vector{2});
}

TEST_CASE("latest job: nothing arrives after its end") {
  std::atomic<bool> goes_on = false;
  bool has_arrived = false;
  {
    LatestJob job;
    job.start(
        [&](std::stop_token) {
          while (!goes_on) QThread::msleep(1);
          return 0;
        },
        [&](int) { has_arrived = true; });
  }
  goes_on = true;
  QThreadPool::globalInstance()->waitForDone();
  QCoreApplication::processEvents();
  CHECK_FALSE(has_arrived);
}

}  // namespace assay::gui
