#pragma once
// Work off the window's thread. Reading a database there would freeze the window.

#include <QObject>
#include <QThreadPool>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>

namespace assay::gui {

/// The newest of a row of requests: starting one asks the one before to stop and drops its result, so that what arrives
/// is always the answer to the last question. Belongs to a thread with an event loop, where `done` is called; after the
/// destructor neither `done` nor signals come any more.
class LatestJob : public QObject {
  Q_OBJECT

 public:
  explicit LatestJob(QObject* parent = nullptr) : QObject(parent), link_(std::make_shared<Link>()) {
    link_->receiver = this;
  }
  ~LatestJob() override {
    blockSignals(true);  // whoever listens may be half gone
    cancel();
    const std::lock_guard lock(link_->mutex);
    link_->receiver = nullptr;
  }

  /// Calls `work` on a thread of the global pool, then `done` here with what it returned, unless another start() or
  /// cancel() came between. `work` must own all that it uses, and should return soon once its token asks it to stop.
  template <class Work, class Done>
  void start(Work work, Done done) {
    cancel();
    stop_ = std::stop_source();
    is_running_ = true;
    emit running_changed(true);
    QThreadPool::globalInstance()->start([link = link_, token = stop_.get_token(), number = number_,
                                          work = std::move(work), done = std::move(done)]() mutable {
      if (token.stop_requested()) return;
      auto result = std::make_shared<decltype(work(token))>(work(token));
      const std::lock_guard lock(link->mutex);
      if (link->receiver == nullptr || token.stop_requested()) return;
      LatestJob* receiver = link->receiver;
      QMetaObject::invokeMethod(
          receiver,
          [receiver, number, result, done = std::move(done)]() mutable {
            if (number != receiver->number_) return;
            receiver->is_running_ = false;
            done(std::move(*result));
            emit receiver->running_changed(false);
          },
          Qt::QueuedConnection);
    });
  }

  /// Drops what is under way.
  void cancel() {
    ++number_;
    stop_.request_stop();
    if (std::exchange(is_running_, false)) emit running_changed(false);
  }

  bool is_running() const { return is_running_; }

 signals:
  void running_changed(bool is_running);

 private:
  /// Outlives the job's owner while a thread still works for it.
  struct Link {
    std::mutex mutex;
    LatestJob* receiver = nullptr;
  };
  std::shared_ptr<Link> link_;
  std::stop_source stop_;
  std::uint64_t number_ = 0;
  bool is_running_ = false;
};

}  // namespace assay::gui
