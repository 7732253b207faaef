#include "runners/engine/native_live_runner.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "runners/engine/native_engine.h"
#include "runners/formats/tokenizer/streaming_decoder.h"

namespace assay::runners {

namespace {

using Clock = std::chrono::steady_clock;

/// A request on its way to the engine's thread.
struct Arrival {
  Ticket ticket;
  Request request;
  Result<Prepared> prepared;
  LiveSink sink;
  Clock::time_point submitted;
};

/// A request that the scheduler has.
struct Running {
  Request request;
  Prepared prepared;
  LiveSink sink;
  StreamingDecoder decoder;
  std::string text;
};

/// What `arrivals_`, `cancelled_`, `broken_` and `links_` hold may be touched by any thread that holds the mutex;
/// `running_` and the scheduler are the engine thread's. No sink is called with the mutex held.
class NativeLiveRunner final : public LiveRunner {
 public:
  explicit NativeLiveRunner(std::unique_ptr<NativeEngine> engine)
      : engine_(std::move(engine)), thread_([this](std::stop_token stop) { work(stop); }) {}

  ModelFacts model_facts() const override { return engine_->model_facts(); }
  DeviceFacts device_facts() const override { return engine_->device_facts(); }
  std::string token_bytes(std::int32_t id) const override { return std::string(engine_->tokenizer().token_bytes(id)); }

  std::optional<LinkReport> link_report() const override {
    const std::lock_guard lock(mutex_);
    return links_;
  }

  std::string reply_opening(const Request& request) const override {
    const Result<Prepared> prepared = engine_->prepare(request);
    return prepared ? prepared->prefill : "";
  }

  Result<> check(const Request& request) const override {
    {
      const std::lock_guard lock(mutex_);
      if (broken_) return *broken_;
    }
    ASSAY_TRY(engine_->prepare_checked(request));
    return {};
  }

  Ticket submit(Request request, LiveSink sink) override {
    const Clock::time_point submitted = Clock::now();
    Result<Prepared> prepared = engine_->prepare(request);  // here, where it holds nobody else up
    const std::lock_guard lock(mutex_);
    const Ticket ticket = ++last_ticket_;
    arrivals_.push_back({ticket, std::move(request), std::move(prepared), std::move(sink), submitted});
    wake_.notify_one();
    return ticket;
  }

  void cancel(Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(ticket);
    wake_.notify_one();
  }

 private:
  void work(std::stop_token stop);
  void note_links();
  void take_in(Arrival arrival);
  void tell(const NewTokens& news);
  void finish(TokenOutput output);
  void fail_all(const Error& error);

  std::unique_ptr<NativeEngine> engine_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Arrival> arrivals_;
  std::vector<Ticket> cancelled_;
  std::optional<LinkReport> links_;
  std::optional<Error> broken_;  // the device failed: nothing can be served any more
  Ticket last_ticket_ = 0;
  std::map<Ticket, Running> running_;
  std::jthread thread_;  // last: it ends before the rest goes
};

void NativeLiveRunner::work(std::stop_token stop) {
  Scheduler& scheduler = engine_->scheduler();
  const OutputSink sink{[this](const NewTokens& news) { tell(news); },
                        [this](TokenOutput output) -> Result<> {
                          finish(std::move(output));
                          return {};
                        }};
  bool stopping = false;
  while (!stopping || scheduler.has_work()) {
    std::vector<Arrival> arrivals;
    std::vector<Ticket> cancelled;
    if (!scheduler.has_work()) note_links();
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop, [&] { return !arrivals_.empty() || !cancelled_.empty() || scheduler.has_work(); });
      arrivals.swap(arrivals_);
      cancelled.swap(cancelled_);
    }
    for (Arrival& arrival : arrivals) take_in(std::move(arrival));
    if (stop.stop_requested() && !stopping) {
      stopping = true;
      for (const auto& [ticket, running] : running_) cancelled.push_back(ticket);
    }
    Result<> done;
    for (const Ticket ticket : cancelled) {
      if (done && running_.contains(ticket)) done = scheduler.cancel(ticket, sink);
    }
    if (done && scheduler.has_work()) done = scheduler.step(sink);
    if (!done) fail_all(done.error());
  }
}

/// While no pass is under way. A device that fails here says so with the next request.
void NativeLiveRunner::note_links() {
  Result<std::optional<LinkReport>> report = engine_->scheduler().link_report();
  if (!report || !*report) return;
  const std::lock_guard lock(mutex_);
  links_ = std::move(*report);
}

void NativeLiveRunner::take_in(Arrival arrival) {
  std::optional<Error> broken;
  {
    const std::lock_guard lock(mutex_);
    broken = broken_;
  }
  if (!broken && !arrival.prepared) broken = arrival.prepared.error();
  if (!broken) {
    if (const auto checked = engine_->scheduler().check(arrival.prepared->request); !checked) broken = checked.error();
  }
  if (broken) {
    Completion failed;
    failed.id = arrival.request.id;
    failed.sample = arrival.request.sample;
    failed.failure = broken->message;
    return arrival.sink.on_finished(std::move(failed));
  }
  engine_->scheduler().submit(arrival.ticket, arrival.prepared->request, arrival.submitted);
  running_.emplace(arrival.ticket, Running{std::move(arrival.request),
                                           std::move(*arrival.prepared),
                                           std::move(arrival.sink),
                                           StreamingDecoder(engine_->tokenizer()),
                                           {}});
}

void NativeLiveRunner::tell(const NewTokens& news) {
  Running& running = running_.at(news.request);
  StreamEvent event{Clock::now(), news.n_new, {}};
  for (std::size_t i = 0; i < news.tokens.size(); ++i) {
    StreamToken& token = event.tokens.emplace_back();
    token.id = news.tokens[i];
    token.text = running.decoder.push(token.id);  // none for an id that a padded vocabulary has no token for
    if (!news.logprobs.empty()) token.logprobs = news.logprobs[i];
    event.text += token.text;
  }
  running.text += event.text;
  if (running.sink.on_event) running.sink.on_event(event);
}

void NativeLiveRunner::finish(TokenOutput output) {
  const auto found = running_.find(output.request);
  Running running = std::move(found->second);
  running_.erase(found);
  const std::string rest = running.decoder.finish();
  running.text += rest;
  if (!rest.empty() && running.sink.on_event) running.sink.on_event({Clock::now(), 0, rest});
  running.sink.on_finished(
      engine_->complete(running.request, running.prepared, std::move(output), std::move(running.text)));
}

/// A device that failed stays so; numbers that are none (bad_input) may be one request's.
void NativeLiveRunner::fail_all(const Error& error) {
  engine_->scheduler().forget_everything();
  if (error.kind == ErrorKind::environment) {
    const std::lock_guard lock(mutex_);
    broken_ = error;
  }
  while (!running_.empty()) {
    TokenOutput output;
    output.request = running_.begin()->first;
    output.failure = error.message;
    finish(std::move(output));
  }
}

}  // namespace

Result<std::unique_ptr<LiveRunner>> open_native_live_runner(const NativeOptions& options) {
  ASSAY_ASSIGN(std::unique_ptr<NativeEngine> engine, NativeEngine::open(options, Workload::live));
  return std::unique_ptr<LiveRunner>(std::make_unique<NativeLiveRunner>(std::move(engine)));
}

}  // namespace assay::runners
