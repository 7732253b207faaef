#include "harness/serve/generation.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace assay::serve {

struct Generation::Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Update> updates;
  std::vector<bool> has_tokens;  // by choice; the runner's thread alone

  void push(Update update) {
    const std::lock_guard lock(mutex);
    updates.push_back(std::move(update));
    changed.notify_one();
  }
};

Generation::Generation(runners::LiveRunner& runner, std::vector<runners::Request> requests,
                       const OnFirstToken& on_first_token, const OnFinished& on_finished)
    : runner_(runner), queue_(std::make_shared<Queue>()) {
  queue_->has_tokens.resize(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    runners::LiveSink sink;
    sink.on_event = [queue = queue_, i, on_first_token](const runners::StreamEvent& event) {
      if (!queue->has_tokens[i]) on_first_token();
      queue->has_tokens[i] = true;
      queue->push({i, event, {}});
    };
    sink.on_finished = [queue = queue_, i, on_finished](runners::Completion done) {
      on_finished(done);
      queue->push({i, {}, std::move(done)});
    };
    tickets_.push_back(runner_.submit(std::move(requests[i]), std::move(sink)));
  }
}

Generation::~Generation() { cancel_all(); }

std::optional<Update> Generation::next(std::chrono::milliseconds wait) {
  std::unique_lock lock(queue_->mutex);
  if (!queue_->changed.wait_for(lock, wait, [&] { return !queue_->updates.empty(); })) return std::nullopt;
  Update update = std::move(queue_->updates.front());
  queue_->updates.pop_front();
  return update;
}

void Generation::cancel_all() {
  for (const runners::Ticket ticket : tickets_) runner_.cancel(ticket);
}

}  // namespace assay::serve
