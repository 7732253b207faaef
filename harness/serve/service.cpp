#include "harness/serve/service.h"

#include <chrono>
#include <random>
#include <utility>

#include "harness/base/text.h"

namespace assay::serve {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kChatPath = "/v1/chat/completions", kCompletionPath = "/v1/completions",
                           kModelsPath = "/v1/models", kHealthPath = "/health", kMetricsPath = "/metrics";
constexpr std::chrono::milliseconds kLook(100);  // how often a client that waits is looked after

HttpAnswer error_answer(int status, std::string_view message) {
  HttpAnswer answer{status, "application/json", to_json_text(error_reply(status, message))};
  if (status == 429 || status == 503) answer.headers.emplace_back("Retry-After", "1");
  if (status == 401) answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

HttpAnswer json_answer(const Json& document) { return {200, "application/json", to_json_text(document)}; }

std::uint64_t random_number() {
  std::random_device device;  // of its own: any thread may ask
  return (std::uint64_t{device()} << 32) | device();
}

std::string reply_id(ApiForm form) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id = form == ApiForm::chat ? "chatcmpl-" : "cmpl-";
  for (std::uint64_t part : {random_number(), random_number()}) {
    for (int i = 0; i < 16; ++i, part >>= 4) id += kDigits[part & 15];
  }
  return id;
}

std::int64_t unix_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// In the same time wherever they differ.
bool equal_secrets(std::string_view given, std::string_view right) {
  unsigned difference = given.size() != right.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(right[i % right.size()]);
  }
  return difference == 0;
}

bool is_json_type(std::string_view content_type) {
  const std::string word = to_lower_ascii(trim(content_type.substr(0, content_type.find(';'))));
  return word == "application/json";
}

/// An echoed prompt's tokens stand before the output's, whose text is then further behind. With the choice's last
/// delta.
void put_prompt_first(std::string_view prompt, const std::vector<ToldToken>& prompt_tokens,
                      std::vector<ToldToken>& tokens) {
  for (ToldToken& token : tokens) token.text_offset += count_code_points(prompt);
  tokens.insert(tokens.begin(), prompt_tokens.begin(), prompt_tokens.end());
}

}  // namespace

Service::Service(runners::LiveRunner& runner, ServiceOptions options)
    : runner_(runner), options_(std::move(options)), started_s_(unix_s()) {
  runners::Request probe;
  probe.messages = {{runners::Role::user, "?"}};
  thinks_ = runner_.reply_opening(probe).find("<think>") != std::string::npos;
}

HttpHandlers Service::handlers() {
  HttpHandlers handlers;
  handlers.judge_head = [this](const HttpRequest& http) {
    HttpAnswer judged = judge_head(http);
    if (judged.status != 200) metrics_.add_answer(judged.status);
    return judged;
  };
  handlers.answer = [this](const HttpRequest& http) {
    HttpAnswer given = answer(http);
    metrics_.add_answer(given.status);
    return given;
  };
  handlers.error_body = [this](int status, std::string_view why) {
    metrics_.add_answer(status);
    return to_json_text(error_reply(status, why));
  };
  return handlers;
}

HttpAnswer Service::judge_head(const HttpRequest& http) const {
  const bool posts = http.path == kChatPath || http.path == kCompletionPath;
  const bool gets = http.path == kHealthPath || http.path == kMetricsPath || http.path == kModelsPath ||
                    http.path.starts_with(std::string(kModelsPath) + "/");
  if (!posts && !gets) return error_answer(404, "there is nothing at " + shown(http.path));
  if (!options_.api_key.empty() && http.path != kHealthPath) {
    constexpr std::string_view kBearer = "Bearer ";
    const std::string_view given = http.authorization;
    if (!given.starts_with(kBearer) || !equal_secrets(trim(given.substr(kBearer.size())), options_.api_key)) {
      return error_answer(401, "the API key is missing or wrong; send it as \"Authorization: Bearer KEY\"");
    }
  }
  if (http.method != (posts ? "POST" : "GET")) {
    HttpAnswer wrong = error_answer(405, http.path + " takes " + (posts ? "POST" : "GET"));
    wrong.headers.emplace_back("Allow", posts ? "POST" : "GET");
    return wrong;
  }
  // What a page of another site can make a browser send without asking is never JSON.
  if (posts && !is_json_type(http.content_type)) {
    return error_answer(415, "the Content-Type must be application/json, is " + quoted_excerpt(http.content_type));
  }
  return {};
}

HttpAnswer Service::answer(const HttpRequest& http) {
  if (http.path == kHealthPath) return health();
  if (http.path == kMetricsPath) {
    return {200, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics_.text(runner_.link_report())};
  }
  if (http.path == kModelsPath) return list_models();
  if (http.path == kChatPath) return generate(ApiForm::chat, http);
  if (http.path == kCompletionPath) return generate(ApiForm::completion, http);
  const std::string name = http.path.substr(kModelsPath.size() + 1);
  if (!is_served(name)) return error_answer(404, "the model " + quoted_excerpt(name) + " is not served here");
  return json_answer(model_json());
}

Json Service::model_json() const {
  const runners::ModelFacts facts = runner_.model_facts();
  return {{"id", options_.model},
          {"object", "model"},
          {"created", started_s_},
          {"owned_by", "assay"},
          {"max_model_len", facts.details.value("max_position_embeddings", Json())}};
}

HttpAnswer Service::list_models() const {
  return json_answer({{"object", "list"}, {"data", Json::array({model_json()})}});
}

/// A device that failed can't even serve this.
bool Service::is_broken() const {
  runners::Request least;
  least.raw_prompt = "a";
  least.sampling.max_output_tokens = 1;
  const auto checked = runner_.check(least);
  return !checked && checked.error().kind == ErrorKind::environment;
}

HttpAnswer Service::health() const {
  if (draining_) return error_answer(503, "the server is stopping");
  if (is_broken()) return error_answer(503, "the device has failed");
  return json_answer({{"status", "ok"}});
}

bool Service::is_served(std::string_view model) const {
  return model.empty() || model == options_.model || model == options_.reference;
}

/// True if so many more samples may run and wait; they are counted as unfinished from here on.
bool Service::reserve(std::size_t n_samples) {
  std::size_t n = n_unfinished_;
  while (n + n_samples <= options_.max_samples) {
    if (n_unfinished_.compare_exchange_weak(n, n + n_samples)) return true;
  }
  return false;
}

HttpAnswer Service::generate(ApiForm form, const HttpRequest& http) {
  Result<ApiRequest> parsed = parse_api_request(form, http.body);
  if (!parsed) return error_answer(400, parsed.error().message);
  if (!is_served(parsed->model)) {
    return error_answer(404, "the model " + quoted_excerpt(parsed->model) + " is not served here; " +
                                 quoted_excerpt(options_.model) + " is");
  }
  if (draining_) return error_answer(503, "the server is stopping");
  for (std::size_t i = 0; i < parsed->prompt_tokens.size(); ++i) {
    std::string bytes;
    for (const std::int32_t id : parsed->prompt_tokens[i]) bytes += runner_.token_bytes(id);
    parsed->prompts[i] = to_valid_utf8(bytes);
  }
  const std::size_t n_samples = parsed->n_choices();
  if (n_samples > options_.max_samples) {
    return error_answer(400, "this server takes " + std::to_string(options_.max_samples) + " choices at most");
  }
  ApiRequest single = *parsed;  // prompts are checked before they are copied for every choice
  single.n = 1;
  for (const runners::Request& request : choice_requests(single, 0, "prompt")) {
    const auto checked = runner_.check(request);
    if (checked) continue;
    const bool is_ours = checked.error().kind == ErrorKind::environment && is_broken();
    return error_answer(is_ours ? 503 : 400, checked.error().message);
  }
  if (!reserve(n_samples)) return error_answer(429, "too many requests are waiting; try again later");
  for (std::size_t i = 0; i < n_samples; ++i) metrics_.add_sample_started();

  const Clock::time_point start = Clock::now();
  const auto generation = std::make_shared<Generation>(  // shared with the function that writes a stream
      runner_, choice_requests(*parsed, parsed->seed.value_or(random_number()), "prompt"),
      [this, start] { metrics_.add_first_token(seconds_since(start)); },
      [this, start](const runners::Completion& done) {
        const bool cancelled = done.finish_reason == runners::FinishReason::cancelled;
        metrics_.add_sample_finished(done.n_prompt_tokens, done.n_cached_prompt_tokens, done.n_output_tokens, cancelled,
                                     seconds_since(start));
        --n_unfinished_;
      });
  ReplyFacts facts{reply_id(form), form, options_.model, unix_s(),
                   [this](std::int32_t id) { return runner_.token_bytes(id); }};
  if (!parsed->stream) return answer_whole(*parsed, facts, *generation, http);
  return answer_stream(std::move(*parsed), std::move(facts), generation, http);
}

/// Follows every choice to its end, and hands out what is new. Ends early, with everything cancelled, when the client
/// is gone (`on_delta` says so, or the connection), the server stops, or a sample fails.
Service::Outcome Service::follow(const ApiRequest& request, Generation& generation, const HttpRequest& http,
                                 const OnDelta& on_delta) {
  Outcome outcome;
  std::vector<ChoiceReply> choices(request.n_choices(), ChoiceReply(request, thinks_));
  const auto end = [&](Outcome::Kind kind, std::string why) {
    generation.cancel_all();
    outcome.kind = kind;
    outcome.why = std::move(why);
    return outcome;
  };
  Clock::time_point looked = Clock::now();
  for (std::size_t n_finished = 0; n_finished < choices.size();) {
    const std::optional<Update> update = generation.next(kLook);
    if (!update || Clock::now() - looked > kLook) {
      looked = Clock::now();
      if (http.client_is_gone()) return end(Outcome::Kind::client_gone, "the client has left");
      if (cutting_) generation.cancel_all();
    }
    if (!update) continue;
    ChoiceReply& choice = choices[update->choice];
    ReplyDelta delta;
    if (update->event) {
      delta = choice.push(*update->event);
      if (delta.finish_reason == "stop") generation.cancel(update->choice);
    }
    if (const auto& done = update->completion) {
      ++n_finished;
      if (!done->failure.empty()) return end(Outcome::Kind::failed, done->failure);
      if (done->finish_reason == runners::FinishReason::cancelled && !choice.stopped()) {
        ++n_cut_;
        return end(Outcome::Kind::cut, "the server is stopping");
      }
      delta = choice.finish(*done);
      if (request.scores_prompt()) {
        const std::string& prompt = request.prompts[update->choice / static_cast<std::size_t>(request.n)];
        delta.prompt_tokens =
            prompt_tokens_told(*done, prompt, [this](std::int32_t id) { return runner_.token_bytes(id); });
      }
      if (update->choice % static_cast<std::size_t>(request.n) == 0) {
        outcome.usage.prompt_tokens += done->n_prompt_tokens;
        outcome.usage.cached_tokens += std::max<std::int64_t>(done->n_cached_prompt_tokens, 0);
      }
      outcome.usage.completion_tokens += choice.n_output_tokens();
    }
    if (!delta.empty() && !on_delta(update->choice, delta)) {
      return end(Outcome::Kind::client_gone, "the client has left");
    }
  }
  return outcome;
}

HttpAnswer Service::answer_whole(const ApiRequest& request, const ReplyFacts& facts, Generation& generation,
                                 const HttpRequest& http) {
  std::vector<ReplyDelta> choices(request.n_choices());
  if (request.echo) {
    for (std::size_t i = 0; i < choices.size(); ++i) {
      choices[i].content = request.prompts[i / static_cast<std::size_t>(request.n)];
    }
  }
  const Outcome outcome = follow(request, generation, http, [&](std::size_t i, const ReplyDelta& delta) {
    choices[i].reasoning += delta.reasoning;
    choices[i].content += delta.content;
    std::vector<ToldToken>& tokens = choices[i].tokens;
    tokens.insert(tokens.end(), delta.tokens.begin(), delta.tokens.end());
    if (!delta.prompt_tokens.empty())
      put_prompt_first(request.prompts[i / static_cast<std::size_t>(request.n)], delta.prompt_tokens, tokens);
    if (!delta.finish_reason.empty()) choices[i].finish_reason = delta.finish_reason;
    return true;
  });
  constexpr int kClientClosedRequest = 499;  // nobody reads it; the metrics tell of it
  switch (outcome.kind) {
    case Outcome::Kind::client_gone:
      return error_answer(kClientClosedRequest, outcome.why);
    case Outcome::Kind::cut:
      return error_answer(503, outcome.why);
    case Outcome::Kind::failed:
      return error_answer(500, outcome.why);
    case Outcome::Kind::whole:
      break;
  }
  return json_answer(whole_reply(facts, choices, outcome.usage));
}

HttpAnswer Service::answer_stream(ApiRequest request, ReplyFacts facts, std::shared_ptr<Generation> generation,
                                  const HttpRequest& http) {
  HttpAnswer answer{200, "text/event-stream", ""};
  answer.headers.emplace_back("Cache-Control", "no-cache");
  answer.write_body = [this, request = std::move(request), facts = std::move(facts), generation,
                       http](const BodyWriter& write) {
    std::vector<bool> begun(request.n_choices(), false);
    const auto send = [&](std::size_t i, const ReplyDelta& delta) {
      Json chunk = reply_chunk(facts, i, delta, !begun[i]);
      if (request.include_usage) chunk["usage"] = nullptr;
      begun[i] = true;
      return write(server_sent_event(chunk));
    };
    for (std::size_t i = 0; request.echo && i < begun.size(); ++i) {
      ReplyDelta echoed;
      echoed.content = request.prompts[i / static_cast<std::size_t>(request.n)];
      if (!send(i, echoed)) return false;
    }
    const Outcome outcome = follow(request, *generation, http, send);
    if (outcome.kind == Outcome::Kind::client_gone) return false;
    if (outcome.kind != Outcome::Kind::whole) {
      const int status = outcome.kind == Outcome::Kind::cut ? 503 : 500;
      return write(server_sent_event(error_reply(status, outcome.why)));
    }
    if (request.include_usage && !write(server_sent_event(usage_chunk(facts, outcome.usage)))) return false;
    return write("data: [DONE]\n\n");
  };
  return answer;
}

void Service::cut_all() { cutting_ = true; }

}  // namespace assay::serve
