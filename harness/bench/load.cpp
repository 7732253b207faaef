#include "harness/bench/load.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>

namespace assay::bench {

namespace {

using Moment = LoadTime::Moment;
using Milliseconds = std::chrono::duration<double, std::milli>;

/// Rounded up, so that it is not too early when it has come.
Moment after(Moment start, double ms) { return start + std::chrono::ceil<Moment::duration>(Milliseconds(ms)); }

/// An endpoint's events need not say how many tokens they have, nor the last one that it was the last.
void settle_tokens(RequestRecord& record) {
  double n_told = 0;
  for (const OutputEvent& event : record.events) n_told += event.n_tokens;
  if (record.events.empty() || n_told > 0) return;
  for (OutputEvent& event : record.events) {
    event.n_tokens = static_cast<double>(record.n_output_tokens) / static_cast<double>(record.events.size());
  }
}

/// One load under way. The runner's threads write records of requests that have not ended, each request's calls
/// following each other; the owner's thread writes all else.
class Load {
 public:
  Load(runners::LiveRunner& runner, const LoadPlan& plan, LoadTime& time, std::stop_token stop)
      : runner_(runner), plan_(plan), time_(time), stop_(std::move(stop)) {}

  Result<> prepare();
  LoadResult run();

 private:
  void make_next() {
    if (next_index_ + static_cast<std::int64_t>(ready_.size()) >= plan_.max_requests) return;
    ready_.push_back(plan_.make_request(next_index_ + static_cast<std::int64_t>(ready_.size())));
  }
  double now_ms() { return Milliseconds(time_.now() - start_).count(); }
  void send(double intended_ms);
  void take_finished();
  std::optional<double> next_due_ms() const;
  void finish(RequestRecord& record, runners::Completion completion);

  runners::LiveRunner& runner_;
  const LoadPlan& plan_;
  LoadTime& time_;
  std::stop_token stop_;
  Moment start_;
  std::vector<double> schedule_;        ///< of an open loop
  std::deque<double> free_since_ms_;    ///< users of a closed loop that wait for nothing
  std::deque<runners::Request> ready_;  ///< made, not sent
  std::deque<RequestRecord> records_;   ///< a deque: those under way stay where they are
  std::vector<runners::Ticket> tickets_;
  std::int64_t next_index_ = 0;
  std::size_t n_under_way_ = 0;
  double sending_ends_ms_ = 0;
  std::mutex mutex_;                 ///< guards what follows
  std::vector<double> finished_ms_;  ///< of requests that have ended since the owner looked
};

Result<> Load::prepare() {
  sending_ends_ms_ = plan_.duration_ms;
  std::size_t n_ready = 1;
  if (plan_.arrivals.is_open()) {
    ASSAY_ASSIGN(schedule_, arrival_times_ms(plan_.arrivals, plan_.duration_ms));
    if (static_cast<std::int64_t>(schedule_.size()) > plan_.max_requests) {
      schedule_.resize(static_cast<std::size_t>(plan_.max_requests));
    }
    n_ready = schedule_.size();
  } else {
    n_ready = static_cast<std::size_t>(plan_.arrivals.concurrency);
    free_since_ms_.assign(n_ready, 0.0);
  }
  while (ready_.size() < n_ready && static_cast<std::int64_t>(ready_.size()) < plan_.max_requests) make_next();
  return runner_.check(ready_.front());
}

void Load::finish(RequestRecord& record, runners::Completion completion) {
  const double at_ms = now_ms();
  record.finished_ms = at_ms;
  record.n_prompt_tokens = completion.n_prompt_tokens;
  record.n_output_tokens = completion.n_output_tokens;
  if (completion.n_cached_prompt_tokens >= 0) record.n_cached_prompt_tokens = completion.n_cached_prompt_tokens;
  record.failure = std::move(completion.failure);
  if (record.failure.empty() && completion.finish_reason == runners::FinishReason::cancelled) {
    record.failure = "cancelled";
  }
  if (record.failure.empty() && completion.finish_reason == runners::FinishReason::timeout) record.failure = "timeout";
  settle_tokens(record);
  {
    const std::lock_guard lock(mutex_);
    finished_ms_.push_back(at_ms);
  }
  time_.wake();
}

void Load::send(double intended_ms) {
  runners::Request request = std::move(ready_.front());
  ready_.pop_front();
  RequestRecord& record = records_.emplace_back();
  record.index = next_index_++;
  record.intended_ms = intended_ms;
  record.events.reserve(
      static_cast<std::size_t>(std::clamp<std::int64_t>(request.sampling.max_output_tokens, 16, 4096)));
  ++n_under_way_;
  runners::LiveSink sink;
  // A deque's elements stay where they are while others are added at its end; looking one up there would race with
  // that.
  sink.on_event = [this, &record](const runners::StreamEvent& event) {
    if (event.n_new_tokens == 0 && event.text.empty()) return;  // an opening, a role: no output
    record.events.push_back({Milliseconds(event.time - start_).count(), static_cast<double>(event.n_new_tokens)});
  };
  sink.on_finished = [this, &record](runners::Completion completion) { finish(record, std::move(completion)); };
  record.sent_ms = now_ms();
  tickets_.push_back(runner_.submit(std::move(request), std::move(sink)));
}

void Load::take_finished() {
  std::vector<double> finished_ms;
  {
    const std::lock_guard lock(mutex_);
    finished_ms.swap(finished_ms_);
  }
  n_under_way_ -= finished_ms.size();
  if (plan_.arrivals.is_open()) return;
  free_since_ms_.insert(free_since_ms_.end(), finished_ms.begin(), finished_ms.end());
}

/// When the next request is to be sent; none if none is, or none yet.
std::optional<double> Load::next_due_ms() const {
  if (ready_.empty()) return {};
  if (!plan_.arrivals.is_open()) {
    if (free_since_ms_.empty() || free_since_ms_.front() >= sending_ends_ms_) return {};
    return free_since_ms_.front();
  }
  return schedule_[static_cast<std::size_t>(next_index_)];
}

LoadResult Load::run() {
  start_ = time_.now();
  LoadResult result;
  bool is_given_up = false;
  const std::stop_callback wake_at_stop(stop_, [this] { time_.wake(); });
  while (true) {
    take_finished();
    const double at_ms = now_ms();
    if (stop_.stop_requested() && !result.was_stopped) {
      result.was_stopped = true;
      sending_ends_ms_ = std::min(sending_ends_ms_, at_ms);
      ready_.clear();
      for (const runners::Ticket ticket : tickets_) runner_.cancel(ticket);
    }
    const std::optional<double> due_ms = next_due_ms();
    if (due_ms && *due_ms <= at_ms) {
      send(*due_ms);
      if (!plan_.arrivals.is_open()) {
        free_since_ms_.pop_front();
        make_next();
      }
      continue;
    }
    const bool may_send = due_ms.has_value();
    if (!may_send && n_under_way_ == 0) break;
    const double give_up_ms = sending_ends_ms_ + plan_.drain_ms;
    if (!is_given_up && at_ms >= give_up_ms) {
      is_given_up = true;
      for (const runners::Ticket ticket : tickets_) runner_.cancel(ticket);
    }
    constexpr double kLookAgainMs = 1000;
    const double next_look_ms = is_given_up ? at_ms + kLookAgainMs : give_up_ms;
    time_.wait_until(after(start_, may_send ? std::min(*due_ms, next_look_ms) : next_look_ms));
  }
  const bool was_cut = static_cast<std::int64_t>(records_.size()) == plan_.max_requests;
  result.duration_ms = was_cut ? std::min(sending_ends_ms_, records_.back().intended_ms) : sending_ends_ms_;
  result.records.assign(std::make_move_iterator(records_.begin()), std::make_move_iterator(records_.end()));
  for (const RequestRecord& record : result.records) result.end_ms = std::max(result.end_ms, record.finished_ms);
  return result;
}

}  // namespace

Result<LoadResult> generate_load(runners::LiveRunner& runner, const LoadPlan& plan, LoadTime& time,
                                 std::stop_token stop) {
  Load load(runner, plan, time, std::move(stop));
  ASSAY_TRY(load.prepare());
  return load.run();
}

}  // namespace assay::bench
