#pragma once
// A queue between threads that holds at most so many elements.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace assay::run {

/// First in, first out. Every function may be called from any thread.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Waits for room. False, and nothing is added, once the queue is closed.
  bool push(T element) {
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [&] { return closed_ || elements_.size() < capacity_; });
    if (closed_) return false;
    elements_.push_back(std::move(element));
    has_element_.notify_one();
    return true;
  }

  /// Waits for an element. Nothing once the queue is closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    has_element_.wait(lock, [&] { return closed_ || !elements_.empty(); });
    if (elements_.empty()) return std::nullopt;
    std::optional<T> element(std::move(elements_.front()));
    elements_.pop_front();
    has_room_.notify_one();
    return element;
  }

  /// Waits for an element, then gives all that are there. Empty once the queue is closed and empty.
  std::vector<T> pop_all() {
    std::unique_lock lock(mutex_);
    has_element_.wait(lock, [&] { return closed_ || !elements_.empty(); });
    std::vector<T> elements(std::make_move_iterator(elements_.begin()), std::make_move_iterator(elements_.end()));
    elements_.clear();
    has_room_.notify_all();
    return elements;
  }

  /// No more elements will be pushed; what is queued can still be popped.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    has_room_.notify_all();
    has_element_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable has_room_;
  std::condition_variable has_element_;
  std::deque<T> elements_;
  bool closed_ = false;
};

}  // namespace assay::run
