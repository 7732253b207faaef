#include "runners/api/endpoint_client.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>

#include "harness/base/log.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "runners/api/refusal.h"

namespace assay::runners::api {

namespace {

constexpr double kGraceMs = 500;  // for a connection to end in order behind a reply that is whole
constexpr int kMostAdaptations = 4;
constexpr int kLongestPollMs = 1000;
constexpr std::size_t kLeastKeyInText = 16;  // a shorter key could be a word of the reply

SteadyTime after(SteadyTime time, double ms) {
  return time + std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double, std::milli>(ms));
}

AttemptFailure timed_out(std::string reason, Next next) {
  AttemptFailure failure;
  failure.reason = std::move(reason);
  failure.next = next;
  return failure;
}

std::string seconds_text(double ms) { return to_text(std::round(ms) / 1000) + " s"; }

}  // namespace

struct EndpointClient::Job {
  Ticket ticket = 0;
  Request request;
  EventSink on_event;
  EndSink on_end;
  SteadyTime submitted_at;
  std::optional<SteadyTime> first_sent_at;
  SteadyTime due_at;  ///< of the next attempt
  int n_attempts = 0;
  int n_adaptations = 0;
  bool has_told = false;  ///< text went to on_event
  Dialect dialect;        ///< of the last attempt
  std::string last_failure;
  std::unique_ptr<Attempt> attempt;  ///< in flight
};

EndpointClient::EndpointClient(ClientOptions options)
    : options_(std::move(options)),
      multi_(start_curl() ? curl_multi_init() : nullptr),
      limit_(static_cast<double>(options_.max_in_flight)) {
  ASSAY_ASSERT(multi_ != nullptr, "libcurl was started by the first contact");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options_.max_in_flight));
  thread_ = std::jthread([this] { work(); });
}

EndpointClient::~EndpointClient() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

Ticket EndpointClient::submit(Request request, EventSink on_event, EndSink on_end) {
  auto job = std::make_unique<Job>();
  job->request = std::move(request);
  job->on_event = std::move(on_event);
  job->on_end = std::move(on_end);
  job->submitted_at = std::chrono::steady_clock::now();
  job->due_at = job->submitted_at;
  Ticket ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    ticket = job->ticket = next_ticket_++;
    submitted_.push_back(std::move(job));
  }
  curl_multi_wakeup(multi_.get());
  return ticket;
}

void EndpointClient::cancel(Ticket ticket) {
  {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(ticket);
  }
  curl_multi_wakeup(multi_.get());
}

std::int64_t EndpointClient::n_in_flight() const {
  const std::lock_guard lock(mutex_);
  return n_in_flight_;
}

void EndpointClient::work() {
  while (true) {
    take_submitted();
    bool is_closing = false;
    {
      const std::lock_guard lock(mutex_);
      is_closing = is_closing_ && submitted_.empty();
    }
    if (is_closing) {
      while (!jobs_.empty()) end_cancelled(*jobs_.begin()->second);
      while (!queue_.empty()) end_cancelled(*queue_.begin()->second);
      return;
    }
    start_due(std::chrono::steady_clock::now());
    int n_running = 0;
    curl_multi_perform(multi_.get(), &n_running);
    finish_transfers();
    end_overdue(std::chrono::steady_clock::now());
    const int poll_ms = wait_ms(std::chrono::steady_clock::now());
    if (poll_ms > 0) curl_multi_poll(multi_.get(), nullptr, 0, poll_ms, nullptr);
  }
}

void EndpointClient::take_submitted() {
  std::vector<std::unique_ptr<Job>> submitted;
  std::vector<Ticket> cancelled;
  {
    const std::lock_guard lock(mutex_);
    submitted.swap(submitted_);
    cancelled.swap(cancelled_);
  }
  for (std::unique_ptr<Job>& job : submitted) queue_.emplace(job->ticket, std::move(job));
  for (const Ticket ticket : cancelled) {
    for (Jobs* jobs : {&jobs_, &queue_}) {
      const auto at = jobs->find(ticket);
      if (at == jobs->end()) continue;
      end_cancelled(*at->second);
      break;
    }
  }
}

void EndpointClient::start_due(SteadyTime now) {
  if (now < paused_until_) return;
  const auto most = static_cast<std::int64_t>(std::max(1.0, limit_));
  for (const auto& [ticket, job] : jobs_) {
    if (n_in_flight_ >= most) return;
    if (!job->attempt && job->due_at <= now) start(*job, now);
  }
  while (n_in_flight_ < most && !queue_.empty()) {
    const auto begun = jobs_.insert(queue_.extract(queue_.begin()));
    start(*begun.position->second, now);
  }
}

void EndpointClient::start(Job& job, SteadyTime now) {
  if (!job.first_sent_at) job.first_sent_at = now;
  ++job.n_attempts;
  job.dialect = dialect_;
  Attempt::TextSink on_text;
  if (job.on_event) {
    on_text = [&job](SteadyTime at, std::string text) {
      job.has_told = true;
      job.on_event({.time = at, .n_new_tokens = 0, .text = std::move(text)});
    };
  }
  const Json body = request_body(job.request, options_.connection.endpoint.model, dialect_);
  job.attempt =
      std::make_unique<Attempt>(options_.connection, request_path(job.request), to_json_text(body), std::move(on_text));
  curl_multi_add_handle(multi_.get(), job.attempt->handle());
  const std::lock_guard lock(mutex_);
  ++n_in_flight_;
}

void EndpointClient::finish_transfers() {
  int n_left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &n_left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto of_handle = [&](const auto& entry) {
      return entry.second->attempt && entry.second->attempt->handle() == message->easy_handle;
    };
    const auto at = std::find_if(jobs_.begin(), jobs_.end(), of_handle);
    ASSAY_ASSERT(at != jobs_.end(), "every handle belongs to an attempt in flight");
    end_attempt(*at->second, code, {});
  }
}

void EndpointClient::end_overdue(SteadyTime now) {
  std::vector<Job*> overdue;
  for (const auto& [ticket, job] : jobs_) {
    const bool is_late = now >= after(*job->first_sent_at, options_.total_timeout_ms);
    const bool is_idle = job->attempt && now >= after(job->attempt->alive_at(), options_.idle_timeout_ms);
    const bool has_ended =
        job->attempt && job->attempt->reply().has_ended() && now >= after(job->attempt->alive_at(), kGraceMs);
    if (is_late || is_idle || has_ended) overdue.push_back(job.get());
  }
  for (Job* job : overdue) {
    const bool is_late = now >= after(*job->first_sent_at, options_.total_timeout_ms);
    AttemptFailure failure =
        is_late ? timed_out("no whole reply within " + seconds_text(options_.total_timeout_ms), Next::give_up)
                : timed_out("nothing came for " + seconds_text(options_.idle_timeout_ms), Next::retry);
    if (is_late && !job->last_failure.empty()) failure.reason += "; before: " + job->last_failure;
    if (job->attempt) {
      end_attempt(*job, CURLE_OPERATION_TIMEDOUT, failure);
    } else {
      end_failed(*job, failure);
    }
  }
}

/// `imposed`: why the client itself ends it, unless the reply is whole by now.
void EndpointClient::end_attempt(Job& job, CURLcode code, const std::optional<AttemptFailure>& imposed) {
  const SteadyTime now = std::chrono::steady_clock::now();
  curl_multi_remove_handle(multi_.get(), job.attempt->handle());
  {
    const std::lock_guard lock(mutex_);
    --n_in_flight_;
  }
  if (job.attempt->was_answered()) last_answer_at_ = now;
  std::optional<AttemptFailure> failure = job.attempt->outcome(code, has_served_, std::time(nullptr));
  if (!failure) {
    has_served_ = true;
    limit_ = std::min(static_cast<double>(options_.max_in_flight), limit_ + 1 / limit_);
    end(job, completion_of(job), {});
    return;
  }
  if (imposed) failure = imposed;
  note_load(job, *failure, now);
  if (const auto stops_run = reason_to_stop(job, *failure)) {
    Completion completion;
    completion.failure = stops_run->message;
    end(job, std::move(completion), stops_run);
    return;
  }
  if (!try_again(job, *failure, now)) end_failed(job, *failure);
}

/// False if the request has failed for good. An attempt that goes on in another dialect does not count.
bool EndpointClient::try_again(Job& job, const AttemptFailure& failure, SteadyTime now) {
  const bool has_other_words = job.n_adaptations < kMostAdaptations && adapt(job);
  job.last_failure = failure.reason;
  if (has_other_words) {
    ++job.n_adaptations;
    --job.n_attempts;
    job.due_at = now;
    job.attempt.reset();
    return true;
  }
  if (failure.next != Next::retry || job.has_told || job.n_attempts >= options_.retry.most_attempts) return false;
  if (failure.asked_wait_ms.value_or(0) > options_.retry.most_asked_ms) return false;
  job.due_at = after(now, retry_wait_ms(options_.retry, job.request.key, job.n_attempts, failure.asked_wait_ms));
  job.attempt.reset();
  log_detail("request ", quoted_excerpt(job.request.id), ", sample ", job.request.sample, ": attempt ", job.n_attempts,
             " failed: ", failure.reason);
  return true;
}

/// True if the endpoint refused a word that the dialect can now do without, or could by another request's refusal.
bool EndpointClient::adapt(const Job& job) {
  const long status = job.attempt->status();
  if (status != 400 && status != 422) return false;
  const std::string& body = job.attempt->error_body();
  const auto change = [&](bool Dialect::*word, bool to, const char* name, const char* says) {
    if (job.dialect.*word == to || !names_parameter(body, name)) return;
    if (dialect_.*word != to) log_note("endpoint ", options_.connection.endpoint.host, " ", says);
    dialect_.*word = to;
  };
  change(&Dialect::has_max_completion_tokens, true, "max_completion_tokens",
         "takes max_completion_tokens in place of max_tokens");
  change(&Dialect::has_stream_options, false, "stream_options",
         "takes no stream_options; token counts may stay unknown");
  change(&Dialect::has_seed, false, "seed", "takes no seed; its replies can't be drawn again");
  return dialect_ != job.dialect;
}

/// Slows down where the endpoint limits its rate: half as many requests at a time, once for the requests of one rate.
void EndpointClient::note_load(const Job& job, const AttemptFailure& failure, SteadyTime now) {
  if (!failure.is_rate_limit) return;
  if (job.attempt->started_at() >= limit_cut_at_) {
    limit_ = std::max(1.0, limit_ / 2);
    limit_cut_at_ = now;
  }
  if (failure.asked_wait_ms && *failure.asked_wait_ms <= options_.retry.most_asked_ms) {
    paused_until_ = std::max(paused_until_, after(now, *failure.asked_wait_ms));
  }
}

std::optional<Error> EndpointClient::reason_to_stop(const Job& job, const AttemptFailure& failure) const {
  const std::string& url = options_.connection.endpoint.base_url;
  if (failure.next == Next::stop) return environment_error("endpoint ", url, ": ", failure.reason);
  const bool was_last = job.n_attempts >= options_.retry.most_attempts;
  const bool is_gone = !last_answer_at_ || *last_answer_at_ < *job.first_sent_at;
  if (failure.could_not_connect && was_last && is_gone) {
    return environment_error("endpoint ", url, " is gone: after ", job.n_attempts, " attempts ", failure.reason);
  }
  const long status = job.attempt->status();
  if (status != 400 && status != 422) return {};
  for (const char* word : {"temperature", "top_p", "top_k", "min_p"}) {
    if (!names_parameter(job.attempt->error_body(), word)) continue;
    return bad_input("endpoint ", url, " refuses ", word, " as it was asked for: ", failure.reason);
  }
  return {};
}

/// What an attempt's reply says, with times that count from submit().
Completion EndpointClient::completion_of(const Job& job) const {
  const ReplyReader& reply = job.attempt->reply();
  Completion completion = reply.completion(job.request, options_.connection.endpoint.model);
  if (job.request.raw_prompt) completion.prompt_sha256 = sha256_hex(*job.request.raw_prompt);
  if (options_.connection.api_key.size() >= kLeastKeyInText) {
    completion.text = without_key(std::move(completion.text), options_.connection);
  }
  for (Json& value : completion.details) {
    if (value.is_string()) value = without_key(value.get<std::string>(), options_.connection);
  }
  if (job.n_attempts > 1) {
    completion.details["n_attempts"] = job.n_attempts;
    completion.details["last_failure"] = job.last_failure;
  }
  Timings& times = completion.timings;
  const auto since_submit = [&](SteadyTime at) { return ms_between(job.submitted_at, at); };
  if (const auto at = reply.first_text_at()) times.first_token_ms = since_submit(*at);
  if (const auto at = reply.finished_at()) times.finished_ms = since_submit(*at);
  times.ttft_ms = times.first_token_ms;
  times.e2e_ms = times.finished_ms;
  times.itl_ms_mean = reply.mean_event_gap_ms();
  return completion;
}

void EndpointClient::end_failed(Job& job, const AttemptFailure& failure) {
  Completion completion;
  completion.failure =
      job.n_attempts > 1 ? "after " + std::to_string(job.n_attempts) + " attempts: " + failure.reason : failure.reason;
  if (failure.asked_wait_ms.value_or(0) > options_.retry.most_asked_ms) {
    completion.failure += "; it asks to wait " + seconds_text(*failure.asked_wait_ms) + ", longer than " +
                          seconds_text(options_.retry.most_asked_ms);
  }
  end(job, std::move(completion), {});
}

void EndpointClient::end_cancelled(Job& job) {
  Completion completion;
  if (job.attempt) {
    curl_multi_remove_handle(multi_.get(), job.attempt->handle());
    completion = completion_of(job);
    const std::lock_guard lock(mutex_);
    --n_in_flight_;
  }
  completion.finish_reason = FinishReason::cancelled;
  end(job, std::move(completion), {});
}

/// The one place where a request ends.
void EndpointClient::end(Job& job, Completion completion, std::optional<Error> stops_run) {
  completion.id = job.request.id;
  completion.sample = job.request.sample;
  completion.timings.queued_ms = 0;
  if (job.first_sent_at) completion.timings.started_ms = ms_between(job.submitted_at, *job.first_sent_at);
  const EndSink on_end = std::move(job.on_end);
  const Ticket ticket = job.ticket;
  if (jobs_.erase(ticket) == 0) queue_.erase(ticket);
  on_end(std::move(completion), std::move(stops_run));
}

/// Until something is due. Transfers and other threads end the wait earlier.
int EndpointClient::wait_ms(SteadyTime now) const {
  SteadyTime next = after(now, kLongestPollMs);
  const bool has_room = n_in_flight_ < static_cast<std::int64_t>(std::max(1.0, limit_));
  for (const auto& [ticket, job] : jobs_) {
    next = std::min(next, after(*job->first_sent_at, options_.total_timeout_ms));
    if (job->attempt) {
      next = std::min(next, after(job->attempt->alive_at(), options_.idle_timeout_ms));
      if (job->attempt->reply().has_ended()) next = std::min(next, after(job->attempt->alive_at(), kGraceMs));
    } else if (has_room) {
      next = std::min(next, std::max(job->due_at, paused_until_));
    }
  }
  if (has_room && !queue_.empty()) next = std::min(next, std::max(now, paused_until_));
  return static_cast<int>(std::ceil(std::max(0.0, ms_between(now, next))));
}

}  // namespace assay::runners::api
