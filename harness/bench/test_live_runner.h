#pragma once
// What the tests of harness/bench share: a runner whose delays are known, in a time that the test moves.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/bench/load_time.h"
#include "runners/live_runner.h"

namespace assay::bench {

/// Time that jumps from one planned event to the next. Everything happens on the thread that waits.
class TestTime final : public LoadTime {
 public:
  Moment now() override { return now_; }
  void wait_until(Moment until) override {
    is_woken_ = false;
    while (!is_woken_ && !events_.empty() && events_.begin()->first <= until) {
      const auto next = events_.extract(events_.begin());
      now_ = std::max(now_, next.key());
      next.mapped()();
    }
    if (!is_woken_) now_ = std::max(now_, until) + oversleeps_;
  }
  void wake() override { is_woken_ = true; }

  void at(Moment moment, std::function<void()> act) { events_.emplace(moment, std::move(act)); }
  static Moment::duration ms(double value) {
    return std::chrono::duration_cast<Moment::duration>(std::chrono::duration<double, std::milli>(value));
  }
  Moment::duration oversleeps_{0};  ///< how late this client wakes up

 private:
  Moment now_{};
  std::multimap<Moment, std::function<void()>> events_;
  bool is_woken_ = false;
};

/// How a request is served: its delays from when it is begun.
struct Service {
  double first_token_ms = 10;
  double gap_ms = 1;
  int n_events = 4;
  int tokens_per_event = 1;
  std::string failure = {};
};

/// Serves `n_servers` requests at a time, in the order in which they were submitted; the rest wait.
class TestLiveRunner final : public runners::LiveRunner {
 public:
  using Serve = std::function<Service(std::int64_t n_submitted, double at_ms)>;
  TestLiveRunner(TestTime& time, int n_servers, Serve serve)
      : time_(time), serve_(std::move(serve)), n_free_(n_servers), start_(time.now()) {}

  runners::ModelFacts model_facts() const override { return {"test model", "test", "", "", Json::object()}; }
  runners::DeviceFacts device_facts() const override { return {"cpu", "test device", Json::object()}; }
  Result<> check(const runners::Request&) const override {
    return refuses ? Result<>(bad_input("too long")) : Result<>();
  }
  runners::Ticket submit(runners::Request request, runners::LiveSink sink) override {
    prompts.push_back(request.raw_prompt.value_or(""));
    const runners::Ticket ticket = prompts.size();
    waiting_.push_back({ticket, std::move(request), std::move(sink)});
    begin_next();
    return ticket;
  }
  void cancel(runners::Ticket ticket) override { cancelled_.insert(ticket); }

  std::vector<std::string> prompts;
  bool refuses = false;

 private:
  struct Waiting {
    runners::Ticket ticket;
    runners::Request request;
    runners::LiveSink sink;
  };
  void begin_next() {
    if (n_free_ == 0 || waiting_.empty()) return;
    --n_free_;
    Waiting next = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    const Service service = serve_(static_cast<std::int64_t>(next.ticket) - 1,
                                   std::chrono::duration<double, std::milli>(time_.now() - start_).count());
    const auto begun = time_.now();
    for (int i = 0; i < service.n_events && service.failure.empty(); ++i) {
      const auto at = begun + TestTime::ms(service.first_token_ms + service.gap_ms * i);
      time_.at(at, [at, sink = next.sink, service, ticket = next.ticket, this] {
        if (!cancelled_.contains(ticket)) sink.on_event({at, service.tokens_per_event, "word "});
      });
    }
    time_.at(begun + TestTime::ms(service.first_token_ms + service.gap_ms * (service.n_events - 1)),
             [this, service, next] {
               runners::Completion done;
               done.id = next.request.id;
               done.n_prompt_tokens = 20;
               done.n_output_tokens = service.n_events * service.tokens_per_event;
               done.failure = service.failure;
               if (cancelled_.contains(next.ticket)) done.finish_reason = runners::FinishReason::cancelled;
               ++n_free_;
               next.sink.on_finished(std::move(done));
               begin_next();
             });
  }

  TestTime& time_;
  Serve serve_;
  int n_free_;
  const LoadTime::Moment start_;
  std::vector<Waiting> waiting_;
  std::set<runners::Ticket> cancelled_;
};

}  // namespace assay::bench
