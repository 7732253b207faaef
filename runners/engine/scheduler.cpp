#include "runners/engine/scheduler.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "harness/base/assert.h"
#include "runners/engine/forward.h"
#include "runners/engine/kv_cache.h"

namespace assay::runners {

namespace {

using Clock = std::chrono::steady_clock;
using kernels::NoiseKey;

/// A prompt and the samples that wait to start from it.
struct Prompt {
  std::vector<std::int32_t> tokens;
  std::deque<std::size_t> waiting;  // requests
  std::vector<std::int32_t> pages;
  int n_prefilled = 0;
  std::vector<float> last_logits;  // of its last position
  std::vector<float> last_hidden;  // likewise, for the MTP module
  double started_ms = 0;
  double prefill_ms = 0;
  bool used = false;  // a sample has started: later ones find the prompt in the cache

  int size() const { return static_cast<int>(tokens.size()); }
  bool ready() const { return n_prefilled == size(); }
};

/// A hidden state of the main model that the MTP module has still to be run on.
struct MtpPair {
  int position;
  std::int32_t next_token;
  std::vector<float> hidden;
};

/// A sample that is being generated.
struct Sequence {
  std::size_t request = 0;
  std::vector<std::int32_t> tokens;  // prompt and output; the last one has no cache row yet
  int n_prompt = 0;
  int max_total = 0;  // tokens at which it ends
  std::vector<std::int32_t> pages;
  int n_promised_pages = 0;
  std::optional<std::int32_t> draft;
  std::vector<MtpPair> pairs;
  TokenOutput output;
  bool finished = false;

  int size() const { return static_cast<int>(tokens.size()); }
};

TokenLogprobs logprobs_of(std::span<const float> logits, std::int32_t token, int n_top) {
  const double total = kernels::log_sum_exp(logits);
  TokenLogprobs out{static_cast<double>(logits[static_cast<std::size_t>(token)]) - total, {}};
  std::vector<std::int32_t> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  const auto n = std::min<std::size_t>(static_cast<std::size_t>(n_top), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(), [&](auto a, auto b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  });
  for (std::size_t i = 0; i < n; ++i) {
    out.top.emplace_back(order[i], static_cast<double>(logits[static_cast<std::size_t>(order[i])]) - total);
  }
  return out;
}

}  // namespace

class Scheduler::Work {
 public:
  Work(const Model& model, const Compute& compute, SchedulerOptions options, KvCache cache)
      : model_(model),
        compute_(compute),
        options_(std::move(options)),
        cache_(std::move(cache)),
        forward_(model, cache_, compute),
        vocab_(static_cast<std::size_t>(model.config.vocab_size)),
        hidden_(static_cast<std::size_t>(model.config.hidden_size)) {
    compute_.pool.reserve_scratch(kernels::sampling_scratch_floats(vocab_));
  }

  Result<> check(const TokenRequest& request) const;
  Result<> run(std::span<const TokenRequest> requests, const std::function<Result<>(TokenOutput)>& on_output,
               const ProgressSink& on_progress, std::stop_token stop);

 private:
  // Every step of run(), in this order.
  void plan(std::span<const TokenRequest> requests);
  void start_samples();
  bool admit_prompts();
  Result<> prefill();
  Result<> decode();
  Result<> draft();
  Result<> hand_over_finished(const std::function<Result<>(TokenOutput)>& on_output);

  int max_total(const TokenRequest& request) const;
  void start_sample(Prompt& prompt);
  void commit(Sequence& sequence, std::span<const float> logits, float* scratch);
  void ensure_pages(Sequence& sequence, int n_tokens);
  bool is_end(std::int32_t token) const;
  double now_ms() const { return std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }
  void release_all();

  const Model& model_;
  Compute compute_;
  SchedulerOptions options_;
  KvCache cache_;
  Forward forward_;
  std::size_t vocab_, hidden_;

  std::span<const TokenRequest> requests_;
  std::deque<Prompt> queued_;  // not begun
  std::deque<Prompt> active_;  // in prefill, or with samples that wait to start
  std::vector<Sequence> running_;
  int n_promised_pages_ = 0;
  std::int64_t n_finished_output_tokens_ = 0;
  Progress progress_;
  Clock::time_point start_;
  std::vector<float> logits_;
};

int Scheduler::Work::max_total(const TokenRequest& request) const {
  const std::int64_t context = model_.config.max_position_embeddings;
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  const std::int64_t wanted = request.max_output_tokens > 0 ? request.max_output_tokens : context;
  return static_cast<int>(std::min(context, n_prompt + std::min(wanted, context)));
}

Result<> Scheduler::Work::check(const TokenRequest& request) const {
  if (request.prompt.empty()) return bad_input("the prompt has no tokens");
  for (const std::int32_t token : request.prompt) {
    if (token < 0 || static_cast<std::size_t>(token) >= vocab_) {
      return bad_input("the prompt has token ", token, "; the model's ids are 0 to ", vocab_ - 1);
    }
  }
  if (static_cast<std::int64_t>(request.prompt.size()) >= model_.config.max_position_embeddings) {
    return bad_input("the prompt has ", request.prompt.size(), " tokens, the model's context ",
                     model_.config.max_position_embeddings);
  }
  const int n_pages = pages_for(static_cast<std::int64_t>(request.prompt.size())) + pages_for(max_total(request));
  if (n_pages > cache_.n_pages()) {
    return environment_error("a sample of up to ", max_total(request), " tokens needs ", n_pages,
                             " pages of KV cache, there are ", cache_.n_pages(),
                             "; give a larger --kv-memory or a smaller --max-output-tokens");
  }
  return {};
}

Result<> Scheduler::Work::run(std::span<const TokenRequest> requests,
                              const std::function<Result<>(TokenOutput)>& on_output, const ProgressSink& on_progress,
                              std::stop_token stop) {
  for (const TokenRequest& request : requests) ASSAY_TRY(check(request));
  release_all();
  plan(requests);
  while (!queued_.empty() || !active_.empty() || !running_.empty()) {
    if (stop.stop_requested())
      return interrupted("stopped with ", progress_.n_finished, " of ", requests.size(), " samples");
    start_samples();
    // Filling the batch comes first: decoding costs little more for many sequences than for few.
    if (static_cast<int>(running_.size()) < options_.max_batch && admit_prompts()) {
      ASSAY_TRY(prefill());
    } else {
      ASSAY_TRY(decode());
      if (options_.speculate) ASSAY_TRY(draft());
    }
    ASSAY_TRY(hand_over_finished(on_output));
    progress_.n_running = static_cast<std::int64_t>(running_.size());
    if (on_progress) on_progress(progress_);
  }
  return {};
}

/// Groups the requests by prompt, longest prompts first.
void Scheduler::Work::plan(std::span<const TokenRequest> requests) {
  requests_ = requests;
  progress_ = {};
  start_ = Clock::now();
  std::map<std::span<const std::int32_t>, std::size_t, decltype([](auto a, auto b) {
             return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
           })>
      place;
  std::vector<Prompt> prompts;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto [found, fresh] = place.try_emplace(requests[i].prompt, prompts.size());
    if (fresh) prompts.emplace_back().tokens = requests[i].prompt;
    prompts[found->second].waiting.push_back(i);
  }
  std::stable_sort(prompts.begin(), prompts.end(),
                   [](const Prompt& a, const Prompt& b) { return a.size() > b.size(); });
  for (Prompt& prompt : prompts) queued_.push_back(std::move(prompt));
}

/// Starts samples of prefilled prompts while there is room for them in batch and cache.
void Scheduler::Work::start_samples() {
  const std::size_t n_before = running_.size();
  std::vector<const Prompt*> prompts;  // of the new samples
  const auto room_for_one = [&](const Prompt& prompt) {
    return static_cast<int>(running_.size()) < options_.max_batch &&
           n_promised_pages_ + pages_for(max_total(requests_[prompt.waiting.front()])) <= cache_.n_pages();
  };
  for (Prompt& prompt : active_) {
    while (prompt.ready() && !prompt.waiting.empty() && room_for_one(prompt)) {
      start_sample(prompt);
      prompts.push_back(&prompt);
    }
    if (prompt.ready() && !prompt.waiting.empty()) break;  // longest first: no shorter one takes its place
  }
  compute_.pool.for_each(static_cast<int>(prompts.size()), [&](int which, float* scratch) {
    const Prompt& prompt = *prompts[static_cast<std::size_t>(which)];
    Sequence& s = running_[n_before + static_cast<std::size_t>(which)];
    commit(s, prompt.last_logits, scratch);
    if (options_.speculate && !s.finished) s.pairs.push_back({s.n_prompt - 1, s.tokens.back(), prompt.last_hidden});
  });
  std::erase_if(active_, [&](const Prompt& prompt) {
    if (!prompt.waiting.empty()) return false;
    for (const std::int32_t page : prompt.pages) cache_.release(page);
    n_promised_pages_ -= static_cast<int>(prompt.pages.size());
    return true;
  });
}

/// A sample shares the prompt's pages up to the one that holds its last position; that one is written to (the MTP
/// module's row of the last prompt position is the sample's own), so it is copied.
void Scheduler::Work::start_sample(Prompt& prompt) {
  const std::size_t request = prompt.waiting.front();
  prompt.waiting.pop_front();
  Sequence s;
  s.request = request;
  s.tokens = prompt.tokens;
  s.n_prompt = prompt.size();
  s.max_total = max_total(requests_[request]);
  s.n_promised_pages = pages_for(s.max_total);
  n_promised_pages_ += s.n_promised_pages;
  const std::size_t n_shared = static_cast<std::size_t>((prompt.size() - 1) / kPageTokens);
  for (std::size_t i = 0; i < prompt.pages.size(); ++i) {
    if (i < n_shared) {
      cache_.share(prompt.pages[i]);
      s.pages.push_back(prompt.pages[i]);
    } else {
      s.pages.push_back(cache_.allocate());
      cache_.copy(prompt.pages[i], s.pages.back());
    }
  }
  s.output.request = request;
  s.output.n_cached_prompt_tokens = prompt.used ? prompt.size() : 0;
  s.output.timings.queued_ms = 0;
  s.output.timings.started_ms = prompt.used ? now_ms() : prompt.started_ms;
  s.output.timings.prefill_device_ms = prompt.used ? 0 : prompt.prefill_ms;
  s.output.timings.decode_device_ms = 0;
  prompt.used = true;
  running_.push_back(std::move(s));
}

/// Brings prompts into prefill while the cache has room for them and a sample of each. True if any position waits.
bool Scheduler::Work::admit_prompts() {
  int n_waiting = 0, n_samples = static_cast<int>(running_.size());
  for (const Prompt& prompt : active_) {
    n_waiting += prompt.size() - prompt.n_prefilled;
    n_samples += static_cast<int>(prompt.waiting.size());
  }
  while (!queued_.empty() && n_waiting < options_.prefill_chunk_tokens && n_samples < options_.max_batch) {
    Prompt& prompt = queued_.front();
    const int n_pages = pages_for(prompt.size());
    const int n_sample_pages = pages_for(max_total(requests_[prompt.waiting.front()]));
    // Each active prompt keeps room for its first sample; what is promised is never taken back.
    int n_kept = n_pages + n_sample_pages;
    for (const Prompt& other : active_) {
      if (!other.waiting.empty()) n_kept += pages_for(max_total(requests_[other.waiting.front()]));
    }
    if (n_promised_pages_ + n_kept > cache_.n_pages()) break;
    n_promised_pages_ += n_pages;
    for (int i = 0; i < n_pages; ++i) prompt.pages.push_back(cache_.allocate());
    n_waiting += prompt.size();
    n_samples += static_cast<int>(prompt.waiting.size());
    active_.push_back(std::move(prompt));
    queued_.pop_front();
  }
  return n_waiting > 0;
}

/// One pass over the next prompt positions, of as many prompts as fit the chunk.
Result<> Scheduler::Work::prefill() {
  std::vector<TokenSpan> spans;
  std::vector<Prompt*> prompts;
  int budget = options_.prefill_chunk_tokens;
  const double begin_ms = now_ms();
  for (Prompt& prompt : active_) {
    const int n = std::min(budget, prompt.size() - prompt.n_prefilled);
    if (n == 0) continue;
    if (prompt.n_prefilled == 0) prompt.started_ms = begin_ms;
    spans.push_back(
        {prompt.pages, prompt.n_prefilled,
         std::span(prompt.tokens).subspan(static_cast<std::size_t>(prompt.n_prefilled), static_cast<std::size_t>(n))});
    prompts.push_back(&prompt);
    budget -= n;
  }
  ASSAY_ASSIGN(const std::span<const float> hidden, forward_.run(spans, PositionRole::prompt));

  if (options_.speculate) {
    // The MTP module's rows of prompt positions whose next token is a prompt token too.
    std::vector<TokenSpan> pairs;
    std::vector<float> pair_hidden;
    std::size_t row = 0;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const auto first = static_cast<std::size_t>(spans[i].first_position), n = spans[i].tokens.size();
      const std::size_t n_pairs = std::min(n, prompts[i]->tokens.size() - 1 - first);
      if (n_pairs > 0) {
        pairs.push_back(
            {spans[i].pages, spans[i].first_position, std::span(prompts[i]->tokens).subspan(first + 1, n_pairs)});
        pair_hidden.insert(pair_hidden.end(), hidden.begin() + static_cast<std::ptrdiff_t>(row * hidden_),
                           hidden.begin() + static_cast<std::ptrdiff_t>((row + n_pairs) * hidden_));
      }
      row += n;
    }
    if (!pairs.empty()) ASSAY_TRY(forward_.run_mtp(pairs, PositionRole::prompt, pair_hidden.data()));
  }

  std::size_t row = 0;
  std::vector<Prompt*> ready;
  std::vector<float> last;  // hidden states of their last positions
  for (std::size_t i = 0; i < spans.size(); ++i) {
    Prompt& prompt = *prompts[i];
    row += spans[i].tokens.size();
    prompt.n_prefilled += spans[i].n_rows();
    if (!prompt.ready()) continue;
    prompt.last_hidden.assign(hidden.data() + (row - 1) * hidden_, hidden.data() + row * hidden_);
    last.insert(last.end(), prompt.last_hidden.begin(), prompt.last_hidden.end());
    ready.push_back(&prompt);
  }
  logits_.resize(ready.size() * vocab_);
  forward_.logits(last.data(), static_cast<int>(ready.size()), logits_.data());
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const float* logits = logits_.data() + i * vocab_;
    ready[i]->last_logits.assign(logits, logits + vocab_);
  }
  const double spent_ms = now_ms() - begin_ms;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    prompts[i]->prefill_ms += spent_ms * static_cast<double>(spans[i].tokens.size()) / static_cast<double>(row);
    progress_.n_prompt_tokens += spans[i].n_rows();
  }
  return {};
}

/// One pass of the main model: every running sequence's last token, and its draft where it has one.
Result<> Scheduler::Work::decode() {
  std::vector<Sequence*> live;
  for (Sequence& s : running_) {
    if (!s.finished) live.push_back(&s);
  }
  if (live.empty()) return {};
  const double begin_ms = now_ms();
  std::vector<TokenSpan> spans;
  std::vector<std::vector<std::int32_t>> tokens(live.size());
  for (std::size_t i = 0; i < live.size(); ++i) {
    Sequence& s = *live[i];
    tokens[i].push_back(s.tokens.back());
    if (s.draft && s.size() + 1 < s.max_total) tokens[i].push_back(*s.draft);
    ensure_pages(s, s.size() - 1 + static_cast<int>(tokens[i].size()));
    spans.push_back({s.pages, s.size() - 1, tokens[i]});
  }
  ASSAY_ASSIGN(const std::span<const float> hidden, forward_.run(spans, PositionRole::generated));
  const int n_rows = count_rows(spans);
  logits_.resize(static_cast<std::size_t>(n_rows) * vocab_);
  forward_.logits(hidden.data(), n_rows, logits_.data());

  std::vector<std::size_t> first_row(live.size());
  for (std::size_t i = 1; i < spans.size(); ++i) first_row[i] = first_row[i - 1] + tokens[i - 1].size();
  compute_.pool.for_each(static_cast<int>(live.size()), [&](int which, float* scratch) {
    const auto i = static_cast<std::size_t>(which);
    Sequence& s = *live[i];
    for (std::size_t k = 0; k < tokens[i].size() && !s.finished; ++k) {
      // A draft's row counts only if the draft is the token that was drawn before it.
      if (k > 0) {
        ++s.output.n_drafted_tokens;
        if (tokens[i][k] != s.tokens.back()) break;
        ++s.output.n_accepted_tokens;
      }
      const std::size_t row = first_row[i] + k;
      commit(s, std::span(logits_).subspan(row * vocab_, vocab_), scratch);
      if (!options_.speculate || s.finished) continue;
      const float* h = hidden.data() + row * hidden_;
      s.pairs.push_back({s.size() - 2, s.tokens.back(), std::vector<float>(h, h + hidden_)});
    }
  });
  const double spent_ms = now_ms() - begin_ms;
  for (Sequence* s : live) {
    *s->output.timings.decode_device_ms += spent_ms / static_cast<double>(live.size());
    s->draft.reset();
  }
  return {};
}

/// Draws the next token of a sequence from a row of logits, adds it, and ends the sequence if it is time.
void Scheduler::Work::commit(Sequence& s, std::span<const float> logits, float* scratch) {
  const TokenRequest& request = requests_[s.request];
  const auto drawn = kernels::sample_token(compute_.ops, logits, request.sampling, request.key,
                                           static_cast<std::uint32_t>(s.size()), scratch);
  Timings& timings = s.output.timings;
  timings.finished_ms = now_ms();
  if (!timings.first_token_ms) timings.first_token_ms = timings.finished_ms;
  if (!drawn) {
    s.output.failure = drawn.error().message;
    s.finished = true;
    return;
  }
  if (request.n_logprobs > 0) s.output.logprobs.push_back(logprobs_of(logits, *drawn, request.n_logprobs));
  ++s.output.n_output_tokens;
  s.tokens.push_back(*drawn);
  if (is_end(*drawn)) {
    s.output.finish_reason = FinishReason::eos;
    s.finished = true;
  } else if (s.size() == s.max_total) {
    const bool asked = request.max_output_tokens > 0 && s.output.n_output_tokens == request.max_output_tokens;
    s.output.finish_reason = asked ? FinishReason::length : FinishReason::context;
    s.finished = true;
  }
}

/// Runs the MTP module on what the main model has just settled; each sequence's last pair drafts its next token.
Result<> Scheduler::Work::draft() {
  std::vector<TokenSpan> spans;
  std::vector<std::vector<std::int32_t>> tokens;
  std::vector<float> main_hidden;
  std::vector<Sequence*> sequences;
  tokens.reserve(running_.size());
  for (Sequence& s : running_) {
    if (s.finished || s.pairs.empty()) continue;
    tokens.emplace_back();
    for (const MtpPair& pair : s.pairs) {
      tokens.back().push_back(pair.next_token);
      main_hidden.insert(main_hidden.end(), pair.hidden.begin(), pair.hidden.end());
    }
    spans.push_back({s.pages, s.pairs.front().position, tokens.back()});
    sequences.push_back(&s);
  }
  if (spans.empty()) return {};
  const double begin_ms = now_ms();
  ASSAY_ASSIGN(const std::span<const float> hidden,
               forward_.run_mtp(spans, PositionRole::generated, main_hidden.data()));
  std::vector<float> last;
  std::size_t row = 0;
  for (const TokenSpan& span : spans) {
    row += span.tokens.size();
    last.insert(last.end(), hidden.begin() + static_cast<std::ptrdiff_t>((row - 1) * hidden_),
                hidden.begin() + static_cast<std::ptrdiff_t>(row * hidden_));
  }
  logits_.resize(spans.size() * vocab_);
  forward_.logits(last.data(), static_cast<int>(spans.size()), logits_.data());
  const double share_ms = (now_ms() - begin_ms) / static_cast<double>(sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    sequences[i]->draft = kernels::argmax(compute_.ops, std::span(logits_).subspan(i * vocab_, vocab_));
    sequences[i]->pairs.clear();
    *sequences[i]->output.timings.decode_device_ms += share_ms;
  }
  return {};
}

Result<> Scheduler::Work::hand_over_finished(const std::function<Result<>(TokenOutput)>& on_output) {
  progress_.n_output_tokens = 0;
  for (Sequence& s : running_) {
    if (!s.finished) continue;
    for (const std::int32_t page : s.pages) cache_.release(page);
    s.pages.clear();
    n_promised_pages_ -= s.n_promised_pages;
    TokenOutput& out = s.output;
    out.tokens.assign(s.tokens.begin() + s.n_prompt, s.tokens.end());
    if (!out.tokens.empty() && out.finish_reason == FinishReason::eos && out.failure.empty()) out.tokens.pop_back();
    Timings& t = out.timings;
    t.ttft_ms = *t.first_token_ms - *t.started_ms;
    t.e2e_ms = *t.finished_ms - *t.started_ms;
    if (out.n_output_tokens > 1) {
      t.itl_ms_mean = (*t.finished_ms - *t.first_token_ms) / static_cast<double>(out.n_output_tokens - 1);
    }
    ++progress_.n_finished;
    n_finished_output_tokens_ += out.n_output_tokens;
    ASSAY_TRY(on_output(std::move(out)));
  }
  std::erase_if(running_, [](const Sequence& s) { return s.finished; });
  progress_.n_output_tokens = n_finished_output_tokens_;
  for (const Sequence& s : running_) progress_.n_output_tokens += s.output.n_output_tokens;
  return {};
}

void Scheduler::Work::ensure_pages(Sequence& s, int n_tokens) {
  while (static_cast<int>(s.pages.size()) < pages_for(n_tokens)) s.pages.push_back(cache_.allocate());
}

bool Scheduler::Work::is_end(std::int32_t token) const {
  return std::find(options_.end_tokens.begin(), options_.end_tokens.end(), token) != options_.end_tokens.end();
}

/// Forgets what an interrupted run left behind.
void Scheduler::Work::release_all() {
  for (const Sequence& s : running_) {
    for (const std::int32_t page : s.pages) cache_.release(page);
  }
  for (const Prompt& prompt : active_) {
    for (const std::int32_t page : prompt.pages) cache_.release(page);
  }
  running_.clear();
  active_.clear();
  queued_.clear();
  n_promised_pages_ = 0;
  n_finished_output_tokens_ = 0;
}

Scheduler::Scheduler(std::unique_ptr<Work> work) : work_(std::move(work)) {}
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler::~Scheduler() = default;

Result<Scheduler> Scheduler::create(const Model& model, const Compute& compute, const SchedulerOptions& options) {
  if (options.speculate && !model.mtp)
    return bad_input("speculation needs a model with an MTP module; this one has none");
  const std::size_t page_bytes = KvCache::page_bytes(model.n_cache_layers(), model.cache_row_width());
  // More pages than a full batch of full contexts, with their prompts, can never be used.
  const std::int64_t most = 2 * std::int64_t{options.max_batch} * pages_for(model.config.max_position_embeddings);
  const auto n_pages =
      static_cast<int>(std::min(most, options.kv_memory_bytes / static_cast<std::int64_t>(page_bytes)));
  if (n_pages < 2) {
    return environment_error("the KV cache needs at least ", 2 * page_bytes, " bytes, ", options.kv_memory_bytes,
                             " are given");
  }
  ASSAY_ASSIGN(KvCache cache, KvCache::create(n_pages, model.n_cache_layers(), model.cache_row_width()));
  return Scheduler(std::make_unique<Work>(model, compute, options, std::move(cache)));
}

Result<> Scheduler::check(const TokenRequest& request) const { return work_->check(request); }

Result<> Scheduler::run(std::span<const TokenRequest> requests, const std::function<Result<>(TokenOutput)>& on_output,
                        const ProgressSink& on_progress, std::stop_token stop) {
  return work_->run(requests, on_output, on_progress, stop);
}

}  // namespace assay::runners
