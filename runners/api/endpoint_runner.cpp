#include "runners/api/endpoint_runner.h"

#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "harness/base/log.h"
#include "harness/base/text.h"

namespace assay::runners {

namespace {

using api::ClientOptions;
using api::ServerFacts;

ModelFacts endpoint_model_facts(const ClientOptions& options, const ServerFacts& server) {
  ModelFacts facts;
  facts.name = options.connection.endpoint.model;
  facts.reference = options.connection.endpoint.reference;
  if (!server.listed.empty()) facts.details["listed"] = server.listed;
  return facts;
}

DeviceFacts endpoint_device_facts(const ClientOptions& options, const ServerFacts& server) {
  const api::Endpoint& endpoint = options.connection.endpoint;
  DeviceFacts facts;
  facts.kind = "remote";
  facts.name = endpoint.host;
  facts.details = {{"host", endpoint.host},
                   {"base_url", endpoint.base_url},
                   {"server", server.server.empty() ? Json() : Json(server.server)},
                   {"is_loopback", endpoint.is_loopback},
                   {"max_in_flight", options.max_in_flight},
                   {"hardware", Json()},
                   {"reason", "an endpoint does not say what it runs on, nor what that draws"}};
  return facts;
}

/// What check() finds doubtful, once for all requests.
void warn_of_unsure_words(const std::vector<Request>& requests, const std::string& host) {
  std::set<std::string> said;
  const auto warn = [&](const std::string& text) {
    if (said.insert(text).second) log_warning(text);
  };
  for (const Request& request : requests) {
    if (!request.reply_opening.empty()) {
      warn("an endpoint can't be told to open its replies with " + quoted_excerpt(request.reply_opening) + "; " +
           shown(host) + "'s own template decides");
    }
    if (request.sampling.top_k != 0) warn("--top-k: an endpoint may leave it out without a word");
    if (request.sampling.min_p != 0) warn("--min-p: an endpoint may leave it out without a word");
  }
}

/// Completions on their way from the client's thread to the one that called run().
class Inbox {
 public:
  struct Ended {
    Completion completion;
    std::optional<Error> stops_run;
  };

  void add(Ended ended) {
    const std::lock_guard lock(mutex_);
    ended_.push_back(std::move(ended));
    has_some_.notify_one();
  }

  /// The next one; none once a stop is requested.
  std::optional<Ended> next(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!has_some_.wait(lock, stop, [&] { return !ended_.empty(); })) return {};
    Ended ended = std::move(ended_.front());
    ended_.pop_front();
    return ended;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any has_some_;
  std::deque<Ended> ended_;
};

/// From times since submit() to times since run() began.
void count_from(double submitted_ms, Timings& times) {
  for (auto* moment : {&times.queued_ms, &times.started_ms, &times.first_token_ms, &times.finished_ms}) {
    if (*moment) **moment += submitted_ms;
  }
}

class EndpointRunner final : public Runner {
 public:
  EndpointRunner(ClientOptions options, ServerFacts server)
      : options_(std::move(options)), server_(std::move(server)) {}

  ModelFacts model_facts() const override { return endpoint_model_facts(options_, server_); }
  DeviceFacts device_facts() const override { return endpoint_device_facts(options_, server_); }

  Result<> check(const std::vector<Request>& requests) override {
    for (const Request& request : requests) ASSAY_TRY(api::check_request(request));
    warn_of_unsure_words(requests, options_.connection.endpoint.host);
    return {};
  }

  Result<> run(const std::vector<Request>& requests, const CompletionSink& on_completion,
               const ProgressSink& on_progress, std::stop_token stop) override {
    const auto began_at = std::chrono::steady_clock::now();
    Inbox inbox;
    api::EndpointClient client(options_);  // ends before the inbox, and so do its calls
    std::size_t n_submitted = 0;
    const auto submit_next = [&] {
      if (n_submitted == requests.size()) return;
      const double submitted_ms =
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began_at).count();
      client.submit(requests[n_submitted++], {},
                    [&inbox, submitted_ms](Completion completion, std::optional<Error> stops_run) {
                      count_from(submitted_ms, completion.timings);
                      inbox.add({std::move(completion), std::move(stops_run)});
                    });
    };
    for (std::int64_t i = 0; i < options_.max_in_flight; ++i) submit_next();

    Progress progress;
    while (progress.n_finished < static_cast<std::int64_t>(requests.size())) {
      std::optional<Inbox::Ended> ended = inbox.next(stop);
      if (!ended) return interrupted("stopped after ", progress.n_finished, " replies");
      if (ended->stops_run) return *ended->stops_run;
      submit_next();
      progress.n_finished += 1;
      progress.n_prompt_tokens += std::max<std::int64_t>(0, ended->completion.n_prompt_tokens);
      progress.n_output_tokens += std::max<std::int64_t>(0, ended->completion.n_output_tokens);
      progress.n_running = client.n_in_flight();
      ASSAY_TRY(on_completion(std::move(ended->completion)));
      if (on_progress) on_progress(progress);
    }
    return {};
  }

 private:
  const ClientOptions options_;
  const ServerFacts server_;
};

class LiveEndpointRunner final : public LiveRunner {
 public:
  LiveEndpointRunner(ClientOptions options, ServerFacts server)
      : server_(std::move(server)), client_(std::move(options)) {}

  ModelFacts model_facts() const override { return endpoint_model_facts(client_.options(), server_); }
  DeviceFacts device_facts() const override { return endpoint_device_facts(client_.options(), server_); }
  Result<> check(const Request& request) const override { return api::check_request(request); }

  Ticket submit(Request request, LiveSink sink) override {
    return client_.submit(std::move(request), std::move(sink.on_event),
                          [on_finished = std::move(sink.on_finished)](Completion completion, std::optional<Error>) {
                            on_finished(std::move(completion));
                          });
  }
  void cancel(Ticket ticket) override { client_.cancel(ticket); }

 private:
  const ServerFacts server_;
  api::EndpointClient client_;
};

/// Makes room for a connection to each request that may be under way.
Result<> allow_connections(std::int64_t n) {
  constexpr std::int64_t kOtherFiles = 100;
  const auto needed = static_cast<rlim_t>(n + kOtherFiles);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= needed) return {};
  files.rlim_cur = std::min(needed, files.rlim_max);
  if (files.rlim_cur >= needed && ::setrlimit(RLIMIT_NOFILE, &files) == 0) return {};
  return environment_error("--max-batch ", n, ": this process may open ", static_cast<std::int64_t>(files.rlim_max),
                           " files, and each request under way takes one; ask for fewer, or raise \"ulimit -n\"");
}

Result<ServerFacts> first_contact(const ClientOptions& options) {
  ASSAY_TRY(allow_connections(options.max_in_flight));
  return api::probe(options.connection);
}

}  // namespace

Result<std::unique_ptr<Runner>> open_endpoint_runner(EndpointOptions options) {
  ASSAY_ASSIGN(ServerFacts server, first_contact(options));
  return std::unique_ptr<Runner>(std::make_unique<EndpointRunner>(std::move(options), std::move(server)));
}

Result<std::unique_ptr<LiveRunner>> open_live_endpoint_runner(EndpointOptions options) {
  ASSAY_ASSIGN(ServerFacts server, first_contact(options));
  return std::unique_ptr<LiveRunner>(std::make_unique<LiveEndpointRunner>(std::move(options), std::move(server)));
}

}  // namespace assay::runners
