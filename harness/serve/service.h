#pragma once
// What is served: a live runner behind the paths of OpenAI's API, with /health and /metrics. Knows no sockets.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>

#include "harness/serve/api_reply.h"
#include "harness/serve/generation.h"
#include "harness/serve/http_server.h"
#include "harness/serve/metrics.h"
#include "runners/live_runner.h"

namespace assay::serve {

struct ServiceOptions {
  std::string model;        ///< the name that is listed
  std::string reference;    ///< another one that requests may give: REF as the user wrote it
  std::string api_key;      ///< empty: none is asked for
  std::size_t max_samples;  ///< that run and wait; what is more is answered 429
};

/// Any thread. The runner must outlive it, and have finished every sample before it goes.
class Service {
 public:
  Service(runners::LiveRunner& runner, ServiceOptions options);

  HttpHandlers handlers();

  /// From now on new requests are answered 503.
  void drain() { draining_ = true; }
  /// Ends every reply under way: as an error, since it is not whole.
  void cut_all();
  std::size_t n_unfinished() const { return n_unfinished_; }
  /// Replies that cut_all() ended.
  std::size_t n_cut() const { return n_cut_; }

 private:
  /// How a request's generation ended.
  struct Outcome {
    enum class Kind { whole, client_gone, cut, failed } kind = Kind::whole;
    std::string why;
    Usage usage;
  };
  using OnDelta = std::function<bool(std::size_t choice, const ReplyDelta&)>;

  HttpAnswer judge_head(const HttpRequest& http) const;
  HttpAnswer answer(const HttpRequest& http);
  HttpAnswer list_models() const;
  HttpAnswer health() const;
  HttpAnswer generate(ApiForm form, const HttpRequest& http);
  HttpAnswer answer_whole(const ApiRequest& request, const ReplyFacts& facts, Generation& generation,
                          const HttpRequest& http);
  HttpAnswer answer_stream(ApiRequest request, ReplyFacts facts, std::shared_ptr<Generation> generation,
                           const HttpRequest& http);
  Outcome follow(const ApiRequest& request, Generation& generation, const HttpRequest& http, const OnDelta& on_delta);
  bool reserve(std::size_t n_samples);
  bool is_served(std::string_view model) const;
  Json model_json() const;
  bool is_broken() const;

  runners::LiveRunner& runner_;
  ServiceOptions options_;
  bool thinks_ = false;  ///< the model's template opens a reply's thoughts
  std::int64_t started_s_;
  Metrics metrics_;
  std::atomic<bool> draining_ = false, cutting_ = false;
  std::atomic<std::size_t> n_unfinished_ = 0, n_cut_ = 0;
};

}  // namespace assay::serve
