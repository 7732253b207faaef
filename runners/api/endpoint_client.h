#pragma once
// The core of both endpoint runners: requests in, each ends exactly once. One thread owns all connections and performs
// them through libcurl's multi interface; it also waits, asks again and gives up.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/result.h"
#include "runners/api/attempt.h"
#include "runners/api/request_body.h"
#include "runners/api/retry.h"
#include "runners/live_runner.h"
#include "runners/runner.h"

namespace assay::runners::api {

struct ClientOptions {
  Connection connection;
  std::int64_t max_in_flight = 16;
  RetryPolicy retry;
  double idle_timeout_ms = 300'000;     ///< without a sign of life, an attempt is given up
  double total_timeout_ms = 7'200'000;  ///< of a request from its first attempt on, all attempts and waits included
};

/// What is known of the server from the first contact.
struct ServerFacts {
  std::string server;               ///< its "Server" header
  std::optional<bool> lists_model;  ///< whether its list of models has the model; none: it gives no list
  Json listed = Json::object();     ///< what the list says of the model
};

/// Asks the endpoint for its list of models. Error{environment}, one line, if it can't be reached or refuses the key;
/// an endpoint without such a list is fine.
Result<ServerFacts> probe(const Connection& connection);

class EndpointClient {
 public:
  using EventSink = std::function<void(const StreamEvent&)>;
  /// `stops_run` is there where no further request could succeed; the completion then holds the same as its failure.
  using EndSink = std::function<void(Completion completion, std::optional<Error> stops_run)>;

  explicit EndpointClient(ClientOptions options);
  /// Cancels what has not ended; returns when it has.
  ~EndpointClient();

  /// Any thread. Sinks are called on the client's thread and must return soon; `on_end` is called once. An attempt
  /// whose text went to `on_event` is not made again when it fails, since text can't be taken back.
  Ticket submit(Request request, EventSink on_event, EndSink on_end);
  void cancel(Ticket ticket);

  std::int64_t n_in_flight() const;
  const ClientOptions& options() const { return options_; }

 private:
  struct Job;
  using Jobs = std::map<Ticket, std::unique_ptr<Job>>;

  void work();
  void take_submitted();
  void start_due(SteadyTime now);
  void start(Job& job, SteadyTime now);
  void finish_transfers();
  void end_overdue(SteadyTime now);
  void end_attempt(Job& job, CURLcode code, const std::optional<AttemptFailure>& imposed);
  bool try_again(Job& job, const AttemptFailure& failure, SteadyTime now);
  bool adapt(const Job& job);
  void note_load(const Job& job, const AttemptFailure& failure, SteadyTime now);
  std::optional<Error> reason_to_stop(const Job& job, const AttemptFailure& failure) const;
  void end(Job& job, Completion completion, std::optional<Error> stops_run);
  void end_failed(Job& job, const AttemptFailure& failure);
  void end_cancelled(Job& job);
  Completion completion_of(const Job& job) const;
  int wait_ms(SteadyTime now) const;

  const ClientOptions options_;
  CurlMulti multi_;

  mutable std::mutex mutex_;  ///< guards what other threads reach
  Ticket next_ticket_ = 1;
  std::vector<std::unique_ptr<Job>> submitted_;
  std::vector<Ticket> cancelled_;
  bool is_closing_ = false;
  std::int64_t n_in_flight_ = 0;

  // Of the client's thread alone.
  Jobs queue_;  ///< not begun, in order of submission
  Jobs jobs_;   ///< begun: in flight, or waiting for their next attempt
  Dialect dialect_;
  double limit_;  ///< requests in flight at most; less than asked for where the endpoint limits its rate
  SteadyTime limit_cut_at_{}, paused_until_{};
  std::optional<SteadyTime> last_answer_at_;
  bool has_served_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace assay::runners::api
