#pragma once
// The samples of one request under way in a runner: a queue between the runner's thread and the one that answers.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "runners/live_runner.h"

namespace assay::serve {

/// Something new of a sample: an event, or its end.
struct Update {
  std::size_t choice = 0;
  std::optional<runners::StreamEvent> event;
  std::optional<runners::Completion> completion;
};

class Generation {
 public:
  /// Told on the runner's thread of every sample's end, after which nothing more of it happens.
  using OnFinished = std::function<void(const runners::Completion&)>;
  using OnFirstToken = std::function<void()>;

  /// Submits all requests. The runner must outlive this; what is told must outlive the samples.
  Generation(runners::LiveRunner& runner, std::vector<runners::Request> requests, const OnFirstToken& on_first_token,
             const OnFinished& on_finished);
  /// Cancels what has not finished, and does not wait for it.
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  /// The next update; nothing if none comes within `wait`.
  std::optional<Update> next(std::chrono::milliseconds wait);
  void cancel(std::size_t choice) { runner_.cancel(tickets_[choice]); }
  void cancel_all();

 private:
  struct Queue;
  runners::LiveRunner& runner_;
  std::shared_ptr<Queue> queue_;  // the runner's sinks hold it, too, and may outlive the request
  std::vector<runners::Ticket> tickets_;
};

}  // namespace assay::serve
