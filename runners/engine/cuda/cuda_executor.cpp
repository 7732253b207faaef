#include "runners/engine/cuda/cuda_executor.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "harness/base/log.h"
#include "kernels/attention/copy_pages.cuh"
#include "kernels/device/handles.cuh"
#include "runners/engine/cuda/cuda_forward.h"
#include "runners/engine/cuda/staged_inputs.h"

namespace assay::runners {

namespace {

using kernels::check;
using kernels::DecodeGrain;
using kernels::DecodeItem;
using kernels::Event;
using kernels::GraphExec;
using kernels::SampleRow;

constexpr std::size_t kMaxInFlight = 2;
constexpr int kMinLogitsRows = 64;
// Left for what the driver allocates by itself later: graphs, local memory of kernels.
constexpr std::int64_t kReservedBytes = std::int64_t{768} << 20;

/// Row counts that graphs are made for: a pass is filled up to the next one with rows that nobody reads.
int graph_rows(int n) {
  const int unit = n <= 8 ? 1 : n <= 64 ? 8 : n <= 256 ? 16 : n <= 1024 ? 32 : 128;
  return (n + unit - 1) / unit * unit;
}

/// Items that decode attention can be given at most: spans where rows are many, chunks where they are few
/// (choose_decode_grain).
int most_decode_items(int rows, int kv_heads, int n_keys, int n_multiprocessors) {
  const int spans = (n_keys + kernels::kDecodeSpanTokens - 1) / kernels::kDecodeSpanTokens;
  constexpr int kChunks = kernels::kDecodeSpanTokens / kernels::kDecodeChunkTokens;
  const int spans_in_chunks = 4 * n_multiprocessors / kv_heads + 1;
  return std::max(rows * spans, kChunks * std::min(spans_in_chunks, rows * spans)) + rows;
}

int multiprocessors() {
  int device = 0, n = 0;
  static_cast<void>(cudaGetDevice(&device));
  static_cast<void>(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, device));
  return n;
}

SampleRow sample_row(const Draw& d, int logits_row) {
  SampleRow how;
  how.temperature = static_cast<float>(d.sampling.temperature);
  how.top_p = d.sampling.top_p;
  how.top_k = static_cast<std::int32_t>(std::min<std::int64_t>(d.sampling.top_k, std::numeric_limits<std::int32_t>::max()));
  how.min_p = d.sampling.min_p;
  how.key = d.key;
  how.position = d.position;
  how.logits_row = static_cast<std::uint32_t>(logits_row);
  return how;
}

/// What a pass under way will be collected as.
struct UnderWay {
  Event begin, end;
  PinnedMemory tokens;  // int32, one a draw
  std::size_t n_tokens_room = 0;
  std::size_t n_drawn = 0;
  PassResult result;  // what had to be read at once
};

class CudaExecutor final : public Executor {
 public:
  CudaExecutor(DeviceModel model, const ExecutorOptions& options, const ModelConfig& config)
      : model_(std::move(model)),
        options_(options),
        context_tokens_(config.max_position_embeddings),
        n_multiprocessors_(multiprocessors()) {}

  Result<> start();

  int n_pages() const override { return n_pages_; }
  int max_in_flight() const override { return static_cast<int>(kMaxInFlight); }
  Result<> submit(const Pass& pass) override;
  Result<PassResult> collect() override;
  Result<> copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) override;
  Result<> keep_hidden(int, int) override { return no_mtp(); }
  Result<MtpResult> run_mtp(PositionRole, std::span<const MtpSpan>, MtpOutput) override { return no_mtp(); }

 private:
  static Error no_mtp() { return bad_input("the model has no MTP module"); }

  Result<> submit_generated(const Pass& pass, UnderWay& under_way);
  Result<> submit_prompt(const Pass& pass, UnderWay& under_way);
  Result<> run_for_states(const PassRows& rows, const Pass& pass, PassResult& result);
  Result<> take_logprobs(std::span<const Draw> draws, const SampleRow* how, const std::int32_t* tokens,
                         std::vector<DrawnToken>& drawn);
  Result<> sample(const SampleRow* how, int n, std::int32_t* tokens);
  Result<> reserve_prompt_inputs(const Pass& pass);
  std::int32_t spare_page() const { return n_pages_; }

  DeviceModel model_;
  ExecutorOptions options_;
  std::int64_t context_tokens_;
  int n_multiprocessors_;
  int n_pages_ = 0;
  std::optional<CudaForward> forward_;
  kernels::Stream stream_;
  DeviceBuffer<Bf16> cache_;  // [planes][n_pages + 1]: the last page takes what rows of no sequence write
  StagedInputs generated_inputs_, prompt_inputs_, page_inputs_;
  DeviceBuffer<std::int32_t> generated_tokens_, prompt_tokens_;
  std::map<int, std::optional<GraphExec>> graphs_;  // by rows; none: launched once, to be captured next time
  std::array<UnderWay, kMaxInFlight> under_way_;
  std::size_t n_submitted_ = 0, n_collected_ = 0;
  Event pages_read_;  // copy_pages' input has left the host
  Event last_end_;    // of the pass collected last
  bool has_last_end_ = false;
};

Result<> CudaExecutor::start() {
  ASSAY_ASSIGN(stream_, kernels::create_stream());
  ASSAY_ASSIGN(last_end_, kernels::create_event());
  ASSAY_ASSIGN(pages_read_, kernels::create_event());
  for (UnderWay& u : under_way_) {
    ASSAY_ASSIGN(u.begin, kernels::create_event());
    ASSAY_ASSIGN(u.end, kernels::create_event());
  }
  const int generated_rows = graph_rows(options_.max_batch * (options_.speculate ? 2 : 1));
  ForwardLimits limits;
  limits.rows = std::max(generated_rows, options_.prefill_chunk_tokens);
  limits.logits_rows = std::max(generated_rows, kMinLogitsRows);
  limits.decode_items = most_decode_items(generated_rows, model_.sizes.kv_heads, static_cast<int>(context_tokens_),
                                          n_multiprocessors_);
  ASSAY_ASSIGN(CudaForward forward, CudaForward::create(model_, limits));
  forward_.emplace(std::move(forward));
  const auto rows = static_cast<std::size_t>(generated_rows);
  constexpr std::size_t kAlignment = 16, kArrays = 6;
  ASSAY_ASSIGN(generated_inputs_,
               StagedInputs::create(rows * (3 * sizeof(int) + sizeof(SampleRow) + sizeof(std::int32_t)) +
                                    static_cast<std::size_t>(limits.decode_items) * sizeof(DecodeItem) +
                                    kArrays * kAlignment + sizeof(std::int32_t)));
  ASSAY_ASSIGN(generated_tokens_, DeviceBuffer<std::int32_t>::create(rows));

  const std::int64_t page_bytes = std::int64_t{model_.n_cache_planes()} * model_.page_elements() * std::int64_t{sizeof(Bf16)};
  std::size_t free_bytes = 0, total_bytes = 0;
  ASSAY_TRY(check(cudaMemGetInfo(&free_bytes, &total_bytes), "device memory"));
  const std::int64_t room = static_cast<std::int64_t>(free_bytes) - kReservedBytes;
  ASSAY_ASSIGN(n_pages_, count_pages(options_, room, context_tokens_, page_bytes));
  const auto n = static_cast<std::size_t>(n_pages_) + 1;
  Result<DeviceBuffer<Bf16>> cache = DeviceBuffer<Bf16>::create(
      n * static_cast<std::size_t>(model_.n_cache_planes()) * static_cast<std::size_t>(model_.page_elements()));
  if (!cache) {
    return environment_error("the KV cache of ", n_pages_, " pages takes ", (n_pages_ + 1) * page_bytes >> 20,
                             " MiB, the GPU has ", room >> 20, " MiB left beside the weights; give a smaller --kv-memory");
  }
  cache_ = std::move(*cache);
  forward_->use_cache(cache_.data(), n_pages_ + 1);
  log_note("GPU memory: weights ", model_.weight_bytes >> 20, " MiB, KV cache ",
           (n_pages_ + 1) * page_bytes >> 20, " MiB (", std::int64_t{n_pages_} * kPageTokens, " tokens) of ",
           total_bytes >> 20, " MiB");
  return {};
}

Result<> CudaExecutor::submit(const Pass& pass) {
  UnderWay& under_way = under_way_[n_submitted_ % kMaxInFlight];
  under_way.result = {};
  under_way.n_drawn = pass.draws.size();
  if (under_way.n_tokens_room < pass.draws.size()) {
    under_way.n_tokens_room = std::max<std::size_t>(256, 2 * pass.draws.size());
    ASSAY_ASSIGN(under_way.tokens, allocate_pinned(under_way.n_tokens_room * sizeof(std::int32_t)));
  }
  if (pass.role == PositionRole::generated) {
    ASSAY_TRY(submit_generated(pass, under_way));
  } else {
    ASSAY_TRY(submit_prompt(pass, under_way));
  }
  const std::int32_t* tokens =
      pass.role == PositionRole::generated ? generated_tokens_.data() : prompt_tokens_.data();
  if (!pass.draws.empty()) {
    ASSAY_TRY(check(cudaMemcpyAsync(under_way.tokens.get(), tokens, pass.draws.size() * sizeof(std::int32_t),
                                    cudaMemcpyDeviceToHost, stream_.get()),
                    "drawn tokens"));
  }
  ASSAY_TRY(check(cudaEventRecord(under_way.end.get(), stream_.get()), "event"));
  ++n_submitted_;
  return {};
}

/// One row of logits, one draw and one row of attention for each position. Filled up to a graph's number of rows.
Result<> CudaExecutor::submit_generated(const Pass& pass, UnderWay& under_way) {
  const int n_rows = count_rows(pass.spans), n_filled = graph_rows(n_rows);
  const auto filled = static_cast<std::size_t>(n_filled);
  generated_inputs_.begin();
  const auto ids = generated_inputs_.add<int>(filled);
  const auto positions = generated_inputs_.add<int>(filled);
  const auto slots = generated_inputs_.add<int>(filled);
  const auto how = generated_inputs_.add<SampleRow>(filled);
  std::vector<kernels::DecodeRow> decode_rows;
  std::size_t row = 0;
  for (const TokenSpan& span : pass.spans) {
    for (int i = 0; i < span.n_rows(); ++i, ++row) {
      const int position = span.first_position + i;
      ids.host[row] = span.tokens[static_cast<std::size_t>(i)];
      positions.host[row] = position;
      slots.host[row] = span.pages[static_cast<std::size_t>(position / kPageTokens)] * kPageTokens + position % kPageTokens;
      decode_rows.push_back({position + 1, span.pages});
    }
  }
  const std::int32_t spare[] = {spare_page()};
  for (; row < filled; ++row) {
    ids.host[row] = 0;
    positions.host[row] = 0;
    slots.host[row] = spare_page() * kPageTokens;
    decode_rows.push_back({1, spare});
  }
  for (std::size_t i = 0; i < filled; ++i) {
    how.host[i] = {};
    how.host[i].logits_row = static_cast<std::uint32_t>(i);
  }
  for (const Draw& d : pass.draws) how.host[static_cast<std::size_t>(d.row)] = sample_row(d, d.row);
  const DecodeGrain grain = kernels::choose_decode_grain(decode_rows, model_.sizes.kv_heads, n_multiprocessors_);
  const kernels::DecodePlan plan = kernels::plan_decode(decode_rows, grain);
  const auto first_item = generated_inputs_.add(std::span(plan.first_item));
  const auto items = generated_inputs_.add(std::span(plan.items));
  const PassRows rows{n_filled,         ids.device,   generated_tokens_.data(),
                      positions.device, slots.device, DecodeRows{items.device, first_item.device}};
  ASSAY_TRY(check(cudaEventRecord(under_way.begin.get(), stream_.get()), "event"));
  ASSAY_TRY(generated_inputs_.upload(stream_.get()));
  if (pass.wants_states) return run_for_states(rows, pass, under_way.result);

  const auto launch = [&]() -> Result<> {
    ASSAY_TRY(forward_->run(rows, stream_.get()));
    ASSAY_TRY(forward_->final_norm(nullptr, n_filled, stream_.get()));
    ASSAY_TRY(forward_->head(0, n_filled, stream_.get()));
    return sample(how.device, n_filled, generated_tokens_.data());
  };
  // What has not been launched before may have to be loaded, which a capture does not allow.
  const auto [graph, is_new] = graphs_.try_emplace(n_filled);
  if (is_new) {
    ASSAY_TRY(launch());
  } else {
    if (!graph->second) {
      ASSAY_ASSIGN(graph->second, kernels::capture_graph(stream_, launch));
    }
    ASSAY_TRY(check(cudaGraphLaunch(graph->second->get(), stream_.get()), "graph"));
  }
  return take_logprobs(pass.draws, how.host.data(), generated_tokens_.data(), under_way.result.drawn);
}

/// Room for the pass's inputs and tokens, which depends on the number of sequences, pages and samples.
Result<> CudaExecutor::reserve_prompt_inputs(const Pass& pass) {
  std::size_t n_pages = 0;
  for (const TokenSpan& span : pass.spans) n_pages += static_cast<std::size_t>(pages_for(span.end_position()));
  const auto n_rows = static_cast<std::size_t>(count_rows(pass.spans));
  const std::size_t n_tiles = n_rows / kernels::kPrefillTileRows + pass.spans.size();
  const std::size_t n_bytes = 128 + n_rows * 4 * sizeof(int) + n_tiles * sizeof(kernels::PrefillTile) +
                              n_pages * sizeof(std::int32_t) + pass.draws.size() * sizeof(SampleRow);
  if (n_bytes > prompt_inputs_.capacity_bytes()) {
    ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "prompt"));
    ASSAY_ASSIGN(prompt_inputs_, StagedInputs::create(2 * n_bytes));
  }
  if (pass.draws.size() > prompt_tokens_.size()) {
    ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "prompt"));
    ASSAY_ASSIGN(prompt_tokens_, DeviceBuffer<std::int32_t>::create(2 * pass.draws.size()));
  }
  return {};
}

Result<> CudaExecutor::submit_prompt(const Pass& pass, UnderWay& under_way) {
  ASSAY_TRY(reserve_prompt_inputs(pass));
  const int n_rows = count_rows(pass.spans);
  prompt_inputs_.begin();
  const auto ids = prompt_inputs_.add<int>(static_cast<std::size_t>(n_rows));
  const auto positions = prompt_inputs_.add<int>(static_cast<std::size_t>(n_rows));
  const auto slots = prompt_inputs_.add<int>(static_cast<std::size_t>(n_rows));
  std::vector<kernels::PrefillSpan> prefill_spans;
  std::vector<std::int32_t> pages;
  int row = 0;
  for (const TokenSpan& span : pass.spans) {
    prefill_spans.push_back({row, span.n_rows(), span.first_position, static_cast<std::int32_t>(pages.size())});
    pages.insert(pages.end(), span.pages.begin(), span.pages.begin() + pages_for(span.end_position()));
    for (int i = 0; i < span.n_rows(); ++i, ++row) {
      const auto at = static_cast<std::size_t>(row);
      const int position = span.first_position + i;
      ids.host[at] = span.tokens[static_cast<std::size_t>(i)];
      positions.host[at] = position;
      slots.host[at] = span.pages[static_cast<std::size_t>(position / kPageTokens)] * kPageTokens + position % kPageTokens;
    }
  }
  const std::vector<kernels::PrefillTile> tiles = kernels::plan_prefill(prefill_spans);
  const auto device_tiles = prompt_inputs_.add(std::span(tiles));
  const auto device_pages = prompt_inputs_.add(std::span<const std::int32_t>(pages));
  // Draws of a row share its logits. Rows are multiplied with the head a buffer of logits at a time.
  std::vector<int> logits_rows;
  std::vector<SampleRow> how;
  std::vector<std::size_t> first_draw;  // of each part
  const int part_rows = forward_->limits().logits_rows;
  for (const Draw& d : pass.draws) {
    if (logits_rows.empty() || logits_rows.back() != d.row) {
      if (static_cast<int>(logits_rows.size()) % part_rows == 0) first_draw.push_back(how.size());
      logits_rows.push_back(d.row);
    }
    how.push_back(sample_row(d, (static_cast<int>(logits_rows.size()) - 1) % part_rows));
  }
  first_draw.push_back(how.size());
  const auto device_rows = prompt_inputs_.add(std::span<const int>(logits_rows));
  const auto device_how = prompt_inputs_.add(std::span<const SampleRow>(how));
  const PassRows rows{n_rows,           ids.device,   generated_tokens_.data(),
                      positions.device, slots.device, PromptRows{device_tiles.device, static_cast<int>(tiles.size()),
                                                                 device_pages.device}};
  ASSAY_TRY(check(cudaEventRecord(under_way.begin.get(), stream_.get()), "event"));
  ASSAY_TRY(prompt_inputs_.upload(stream_.get()));
  if (pass.wants_states) return run_for_states(rows, pass, under_way.result);

  ASSAY_TRY(forward_->run(rows, stream_.get()));
  const auto n_logits_rows = static_cast<int>(logits_rows.size());
  ASSAY_TRY(forward_->final_norm(device_rows.device, n_logits_rows, stream_.get()));
  for (std::size_t part = 0; part + 1 < first_draw.size(); ++part) {
    const int first = static_cast<int>(part) * part_rows;
    const std::size_t from = first_draw[part], n = first_draw[part + 1] - from;
    ASSAY_TRY(forward_->head(first, std::min(part_rows, n_logits_rows - first), stream_.get()));
    ASSAY_TRY(sample(device_how.device + from, static_cast<int>(n), prompt_tokens_.data() + from));
    ASSAY_TRY(take_logprobs(pass.draws.subspan(from, n), how.data() + from, prompt_tokens_.data() + from,
                            under_way.result.drawn));
  }
  return {};
}

/// Everything of every row, copied as soon as it is there.
Result<> CudaExecutor::run_for_states(const PassRows& rows, const Pass& pass, PassResult& result) {
  const auto hidden = static_cast<std::size_t>(model_.sizes.hidden);
  const int n_rows = count_rows(pass.spans);
  const std::size_t n = static_cast<std::size_t>(n_rows) * hidden;
  const auto copy = [&](void* to, const void* from, std::size_t n_bytes) -> Result<> {
    ASSAY_TRY(check(cudaMemcpyAsync(to, from, n_bytes, cudaMemcpyDeviceToHost, stream_.get()), "states"));
    return check(cudaStreamSynchronize(stream_.get()), "states");
  };
  std::vector<float> x(n);
  const auto show_layer = [&](int layer) -> Result<> {
    if (!pass.observe) return {};
    ASSAY_TRY(copy(x.data(), forward_->x(), n * sizeof(float)));
    pass.observe(layer, x);
    return {};
  };
  ASSAY_TRY(forward_->run(rows, stream_.get(), show_layer));
  ASSAY_TRY(forward_->final_norm(nullptr, n_rows, stream_.get()));
  std::vector<Bf16> rounded(n);
  ASSAY_TRY(copy(rounded.data(), forward_->hidden(), n * sizeof(Bf16)));
  for (const Bf16 value : rounded) result.hidden.push_back(__bfloat162float(value));

  const auto vocab = static_cast<std::size_t>(model_.sizes.vocab);
  const auto stride = static_cast<std::size_t>(model_.sizes.vocab_rows);
  const int part_rows = forward_->limits().logits_rows;
  std::vector<float> logits;
  for (int first = 0; first < n_rows; first += part_rows) {
    const int n_part = std::min(part_rows, n_rows - first);
    ASSAY_TRY(forward_->head(first, n_part, stream_.get()));
    logits.resize(static_cast<std::size_t>(n_part) * stride);
    ASSAY_TRY(copy(logits.data(), forward_->logits(), logits.size() * sizeof(float)));
    for (std::size_t row = 0; row < static_cast<std::size_t>(n_part); ++row) {
      const auto from = logits.begin() + static_cast<std::ptrdiff_t>(row * stride);
      result.logits.insert(result.logits.end(), from, from + static_cast<std::ptrdiff_t>(vocab));
    }
  }
  return {};
}

/// Log-probabilities are made here of the logits that are on the device now; waits for them if any are asked for.
Result<> CudaExecutor::take_logprobs(std::span<const Draw> draws, const SampleRow* how, const std::int32_t* tokens,
                                     std::vector<DrawnToken>& drawn) {
  const std::size_t first = drawn.size();
  drawn.resize(first + draws.size());
  if (std::none_of(draws.begin(), draws.end(), [](const Draw& d) { return d.n_logprobs > 0; })) return {};
  std::vector<float> logits(static_cast<std::size_t>(model_.sizes.vocab));
  for (std::size_t i = 0; i < draws.size(); ++i) {
    if (draws[i].n_logprobs == 0) continue;
    const float* row = forward_->logits() + std::size_t{how[i].logits_row} * static_cast<std::size_t>(model_.sizes.vocab_rows);
    std::int32_t token = 0;
    ASSAY_TRY(check(cudaMemcpyAsync(&token, tokens + i, sizeof token, cudaMemcpyDeviceToHost, stream_.get()), "tokens"));
    ASSAY_TRY(check(cudaMemcpyAsync(logits.data(), row, logits.size() * sizeof(float), cudaMemcpyDeviceToHost,
                                    stream_.get()),
                    "logits"));
    ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "logits"));
    if (token >= 0) drawn[first + i].logprobs = logprobs_of(logits, token, draws[i].n_logprobs);
  }
  return {};
}

Result<> CudaExecutor::sample(const SampleRow* how, int n, std::int32_t* tokens) {
  return kernels::sample_rows(
      {forward_->logits(), model_.sizes.vocab_rows, n, model_.sizes.vocab, how, tokens}, stream_.get());
}

Result<PassResult> CudaExecutor::collect() {
  UnderWay& under_way = under_way_[n_collected_ % kMaxInFlight];
  ++n_collected_;
  ASSAY_TRY(check(cudaEventSynchronize(under_way.end.get()), "a pass on the GPU"));
  PassResult result = std::exchange(under_way.result, {});
  result.drawn.resize(under_way.n_drawn);
  const auto* tokens = reinterpret_cast<const std::int32_t*>(under_way.tokens.get());
  for (std::size_t i = 0; i < under_way.n_drawn; ++i) result.drawn[i].token = tokens[i];
  ASSAY_ASSIGN(result.device_ms, kernels::elapsed_ms(under_way.begin, under_way.end));
  if (has_last_end_) {
    ASSAY_ASSIGN(result.idle_ms, kernels::elapsed_ms(last_end_, under_way.begin));
  }
  std::swap(last_end_, under_way.end);
  has_last_end_ = true;
  return result;
}

Result<> CudaExecutor::copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) {
  constexpr std::size_t kMostPairs = 4096;
  if (page_inputs_.capacity_bytes() == 0) {
    ASSAY_ASSIGN(page_inputs_, StagedInputs::create(kMostPairs * sizeof(kernels::PagePair)));
  }
  for (std::size_t first = 0; first < pages.size(); first += kMostPairs) {
    // The copy before the last may still be reading what is written now.
    ASSAY_TRY(check(cudaEventSynchronize(pages_read_.get()), "pages"));
    const auto part = pages.subspan(first, std::min(kMostPairs, pages.size() - first));
    page_inputs_.begin();
    const auto pairs = page_inputs_.add<kernels::PagePair>(part.size());
    for (std::size_t i = 0; i < part.size(); ++i) pairs.host[i] = {part[i].first, part[i].second};
    ASSAY_TRY(page_inputs_.upload(stream_.get()));
    ASSAY_TRY(check(cudaEventRecord(pages_read_.get(), stream_.get()), "event"));
    ASSAY_TRY(kernels::copy_pages({cache_.data(), model_.n_cache_planes(), n_pages_ + 1, model_.page_elements(),
                                   pairs.device, static_cast<int>(part.size())},
                                  stream_.get()));
  }
  return {};
}

}  // namespace

Result<CudaDevice> open_cuda_device(int ordinal) {
  ASSAY_ASSIGN(const kernels::DeviceFacts facts, kernels::open_device(ordinal));
  return CudaDevice{facts.ordinal,
                    facts.name,
                    facts.compute_capability,
                    facts.n_multiprocessors,
                    static_cast<std::int64_t>(facts.memory_bytes),
                    static_cast<std::int64_t>(facts.free_memory_bytes),
                    facts.driver_version,
                    facts.runtime_version};
}

Result<std::unique_ptr<Executor>> create_cuda_executor(const Model& model, const ExecutorOptions& options,
                                                       const LoadOptions& load) {
  ASSAY_ASSIGN(DeviceModel uploaded, upload_model(model, load));
  auto executor = std::make_unique<CudaExecutor>(std::move(uploaded), options, model.config);
  ASSAY_TRY(executor->start());
  return std::unique_ptr<Executor>(std::move(executor));
}

}  // namespace assay::runners
