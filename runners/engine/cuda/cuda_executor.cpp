#include "runners/engine/cuda/cuda_executor.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "harness/base/log.h"
#include "kernels/attention/copy_pages.cuh"
#include "kernels/device/handles.cuh"
#include "kernels/sampling/sample_rows.cuh"
#include "runners/engine/cuda/cuda_forward.h"
#include "runners/engine/cuda/page_mover.h"
#include "runners/engine/cuda/pass_plan.h"
#include "runners/engine/cuda/rank_executor.h"
#include "runners/engine/cuda/staged_inputs.h"

namespace assay::runners {

namespace {

using kernels::check;
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
  how.top_k =
      static_cast<std::int32_t>(std::min<std::int64_t>(d.sampling.top_k, std::numeric_limits<std::int32_t>::max()));
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

class CudaExecutor final : public RankExecutor {
 public:
  CudaExecutor(DeviceModel model, const ExecutorOptions& options, const ModelConfig& config)
      : model_(std::move(model)),
        options_(options),
        shape_{model_.sizes, config.max_position_embeddings, multiprocessors()},
        mover_(static_cast<std::size_t>(model_.sizes.page_elements()) * sizeof(Bf16)) {}

  ForwardLimits limits() const override;
  const DeviceSizes& sizes() const override { return model_.sizes; }
  Result<> make_buffers(const RankBuffers& ranks) override;
  Result<int> fitting_pages() const override;
  Result<> make_cache(int n_pages) override;
  Result<> make_room(const Pass& pass) override;
  Result<> make_mtp_room(PositionRole role, std::span<const MtpSpan> spans) override;

  int n_pages() const override { return n_pages_; }
  int max_in_flight() const override { return static_cast<int>(kMaxInFlight); }
  OperationMarks* marks() override { return &marks_; }
  Result<> submit(const Pass& pass) override;
  Result<PassResult> collect() override;
  Result<> copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) override;
  std::int64_t page_bytes() const override;
  Result<SavedPages> save_pages(std::span<const std::int32_t> pages) override;
  Result<> load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) override;
  Result<> keep_hidden(int row, int slot) override;
  Result<MtpResult> run_mtp(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) override;

 private:
  /// By rows; none: launched once, to be captured next time.
  using Graphs = std::map<int, std::optional<GraphExec>>;

  Result<> submit_generated(const Pass& pass, UnderWay& under_way);
  Result<> submit_prompt(const Pass& pass, UnderWay& under_way);
  Result<> run_for_states(const PassRows& rows, const Pass& pass, PassResult& result);
  Result<> take_logprobs(std::span<const Draw> draws, const SampleRow* how, const std::int32_t* tokens,
                         std::vector<DrawnToken>& drawn);
  Result<> sample(const SampleRow* how, int n, std::int32_t* tokens);
  Result<> reserve(StagedInputs& inputs, std::size_t n_bytes);
  Result<> reserve_prompt_inputs(std::span<const TokenSpan> spans, std::size_t n_draws);
  /// Every rank of a group has all results; the first tells them.
  bool reports() const { return model_.shard.rank == 0; }
  std::vector<std::byte*> planes_of(std::span<const std::int32_t> pages);
  template <class Launch>
  Result<> launch_as_graph(Graphs& graphs, int n_rows, const Launch& launch);
  Result<> to_host(void* to, const void* from, std::size_t n_bytes);
  Result<> append_logits(int n_rows, std::vector<float>& logits);
  Result<double> idle_before(const Event& begin, Event& end);
  std::int32_t spare_page() const { return n_pages_; }

  DeviceModel model_;
  ExecutorOptions options_;
  PlanShape shape_;
  OperationMarks marks_;
  int n_pages_ = 0;
  std::optional<CudaForward> forward_;
  kernels::Stream stream_;
  DeviceBuffer<Bf16> cache_;  // [planes][n_pages + 1]: the last page takes what rows of no sequence write
  StagedInputs generated_inputs_, prompt_inputs_, mtp_inputs_, page_inputs_;
  DeviceBuffer<std::int32_t> generated_tokens_, prompt_tokens_;
  DeviceBuffer<std::int32_t> drafts_;
  Graphs decode_graphs_;
  std::array<UnderWay, kMaxInFlight> under_way_;
  std::size_t n_submitted_ = 0, n_collected_ = 0;
  Event pages_read_;  // copy_pages' input has left the host
  PageMover mover_;
  Event mtp_begin_, mtp_end_;
  Event last_end_;  // of the pass collected last, or of the MTP module's run behind it
  bool has_last_end_ = false;
};

ForwardLimits CudaExecutor::limits() const {
  ForwardLimits limits;
  limits.generated_rows = graph_rows(options_.max_batch * (options_.speculate ? 2 : 1));
  limits.prompt_rows = options_.prefill_chunk_tokens;
  limits.prompt_keys = static_cast<int>(std::int64_t{options_.prefill_chunk_tokens} + shape_.context_tokens);
  limits.logits_rows = std::max(limits.generated_rows, kMinLogitsRows);
  limits.decode_items = most_decode_items(shape_, limits.generated_rows);
  limits.kept_states = options_.speculate ? options_.max_batch + 1 : 0;
  return limits;
}

Result<> CudaExecutor::make_buffers(const RankBuffers& ranks) {
  ASSAY_ASSIGN(stream_, kernels::create_stream());
  ASSAY_ASSIGN(last_end_, kernels::create_event());
  ASSAY_ASSIGN(pages_read_, kernels::create_event());
  ASSAY_ASSIGN(mtp_begin_, kernels::create_event());
  ASSAY_ASSIGN(mtp_end_, kernels::create_event());
  for (UnderWay& u : under_way_) {
    ASSAY_ASSIGN(u.begin, kernels::create_event());
    ASSAY_ASSIGN(u.end, kernels::create_event());
  }
  const ForwardLimits limits = this->limits();
  Result<CudaForward> forward = CudaForward::create(model_, marks_, limits, ranks);
  if (!forward) {
    return environment_error("the buffers for ", options_.max_batch, " sequences don't fit beside the weights (",
                             forward.error().message, "); give a smaller --max-batch");
  }
  forward_.emplace(std::move(*forward));
  const auto rows = static_cast<std::size_t>(limits.generated_rows);
  ASSAY_ASSIGN(generated_inputs_,
               StagedInputs::create(generated_bytes(shape_, limits.generated_rows) + rows * sizeof(SampleRow)));
  ASSAY_ASSIGN(generated_tokens_, DeviceBuffer<std::int32_t>::create(rows));
  ASSAY_ASSIGN(drafts_, DeviceBuffer<std::int32_t>::create(rows));

  return {};
}

std::int64_t CudaExecutor::page_bytes() const {
  return std::int64_t{model_.sizes.n_cache_planes()} * model_.sizes.page_elements() * std::int64_t{sizeof(Bf16)};
}

Result<int> CudaExecutor::fitting_pages() const {
  std::size_t free_bytes = 0, total_bytes = 0;
  ASSAY_TRY(check(cudaMemGetInfo(&free_bytes, &total_bytes), "device memory"));
  return count_pages(options_, static_cast<std::int64_t>(free_bytes) - kReservedBytes, shape_.context_tokens,
                     page_bytes());
}

Result<> CudaExecutor::make_cache(int n_pages) {
  n_pages_ = n_pages;
  const std::int64_t cache_bytes = (n_pages_ + 1) * page_bytes();
  std::size_t free_bytes = 0, total_bytes = 0;
  ASSAY_TRY(check(cudaMemGetInfo(&free_bytes, &total_bytes), "device memory"));
  Result<DeviceBuffer<Bf16>> cache = DeviceBuffer<Bf16>::create(static_cast<std::size_t>(cache_bytes) / sizeof(Bf16));
  if (!cache) {
    const std::int64_t room = static_cast<std::int64_t>(free_bytes) - kReservedBytes;
    return environment_error("the KV cache of ", n_pages_, " pages takes ", cache_bytes >> 20, " MiB, the GPU has ",
                             room >> 20, " MiB left beside the weights; give a smaller --kv-memory");
  }
  cache_ = std::move(*cache);
  forward_->use_cache({cache_.data(), n_pages_ + 1});
  if (!reports()) return {};
  const int n_ranks = model_.shard.n_ranks();
  log_note(n_ranks > 1 ? "memory of each of " + std::to_string(n_ranks) + " GPUs" : "GPU memory", ": weights ",
           model_.weight_bytes >> 20, " MiB, KV cache ", cache_bytes >> 20, " MiB (",
           std::int64_t{n_pages_} * kPageTokens, " tokens) of ", total_bytes >> 20, " MiB");
  return {};
}

/// Memory is made in here alone: while a rank waits for another on its device, the other must not wait for devices.
Result<> CudaExecutor::make_room(const Pass& pass) {
  UnderWay& under_way = under_way_[n_submitted_ % kMaxInFlight];
  if (under_way.n_tokens_room < pass.draws.size()) {
    under_way.n_tokens_room = std::max<std::size_t>(256, 2 * pass.draws.size());
    ASSAY_ASSIGN(under_way.tokens, allocate_pinned(under_way.n_tokens_room * sizeof(std::int32_t)));
  }
  if (pass.role == PositionRole::generated) return {};
  return reserve_prompt_inputs(pass.spans, pass.draws.size());
}

Result<> CudaExecutor::submit(const Pass& pass) {
  UnderWay& under_way = under_way_[n_submitted_ % kMaxInFlight];
  under_way.result = {};
  under_way.n_drawn = pass.draws.size();
  ASSAY_TRY(make_room(pass));
  if (pass.role == PositionRole::generated) {
    ASSAY_TRY(submit_generated(pass, under_way));
  } else {
    ASSAY_TRY(submit_prompt(pass, under_way));
  }
  const std::int32_t* tokens = pass.role == PositionRole::generated ? generated_tokens_.data() : prompt_tokens_.data();
  if (!pass.draws.empty()) {
    marks_.begin(Operation::outputs);
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
  const int n_filled = graph_rows(count_rows(pass.spans));
  generated_inputs_.begin();
  const auto how = generated_inputs_.add<SampleRow>(static_cast<std::size_t>(n_filled));
  for (std::size_t row = 0; row < how.host.size(); ++row) how.host[row] = sample_row({}, static_cast<int>(row));
  for (const Draw& d : pass.draws) how.host[static_cast<std::size_t>(d.row)] = sample_row(d, d.row);
  const PassRows rows = stage_generated(generated_inputs_, shape_, pass.spans, n_filled, spare_page());
  ASSAY_TRY(check(cudaEventRecord(under_way.begin.get(), stream_.get()), "event"));
  marks_.begin(Operation::inputs);
  ASSAY_TRY(generated_inputs_.upload(stream_.get()));
  if (pass.wants_states) return run_for_states(rows, pass, under_way.result);

  const auto launch = [&]() -> Result<> {
    ASSAY_TRY(forward_->run(rows, generated_tokens_.data(), stream_.get()));
    ASSAY_TRY(forward_->final_norm(nullptr, n_filled, stream_.get()));
    ASSAY_TRY(forward_->head(0, n_filled, stream_.get()));
    return sample(how.device, n_filled, generated_tokens_.data());
  };
  ASSAY_TRY(launch_as_graph(decode_graphs_, n_filled, launch));
  return take_logprobs(pass.draws, how.host.data(), generated_tokens_.data(), under_way.result.drawn);
}

/// Replays the graph of so many rows. What has not been launched before may have to be loaded, which a capture does not
/// allow: the first launch is a plain one, the second is captured.
template <class Launch>
Result<> CudaExecutor::launch_as_graph(Graphs& graphs, int n_rows, const Launch& launch) {
  if (marks_.are_heard()) {  // a graph's operations can't be told apart while it is captured
    graphs.erase(n_rows);
    return launch();
  }
  const auto [graph, is_new] = graphs.try_emplace(n_rows);
  if (is_new) return launch();
  if (!graph->second) {
    ASSAY_ASSIGN(graph->second, kernels::capture_graph(stream_, launch));
  }
  return check(cudaGraphLaunch(graph->second->get(), stream_.get()), "graph");
}

/// Room for inputs whose size is not known beforehand.
Result<> CudaExecutor::reserve(StagedInputs& inputs, std::size_t n_bytes) {
  if (n_bytes <= inputs.capacity_bytes()) return {};
  ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "inputs"));
  ASSAY_ASSIGN(inputs, StagedInputs::create(2 * n_bytes));
  return {};
}

/// Room for the pass's inputs and tokens, which depends on the number of sequences, pages and samples.
Result<> CudaExecutor::reserve_prompt_inputs(std::span<const TokenSpan> spans, std::size_t n_draws) {
  ASSAY_TRY(reserve(prompt_inputs_, prompt_bytes(spans) + n_draws * (sizeof(SampleRow) + sizeof(int))));
  if (n_draws > prompt_tokens_.size()) {
    ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "prompt"));
    ASSAY_ASSIGN(prompt_tokens_, DeviceBuffer<std::int32_t>::create(2 * n_draws));
  }
  return {};
}

Result<> CudaExecutor::submit_prompt(const Pass& pass, UnderWay& under_way) {
  prompt_inputs_.begin();
  const PassRows rows = stage_prompt(prompt_inputs_, shape_, pass.spans);
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
  const auto device_rows = prompt_inputs_.add(std::span(logits_rows));
  const auto device_how = prompt_inputs_.add(std::span(how));
  ASSAY_TRY(check(cudaEventRecord(under_way.begin.get(), stream_.get()), "event"));
  marks_.begin(Operation::inputs);
  ASSAY_TRY(prompt_inputs_.upload(stream_.get()));
  if (pass.wants_states) return run_for_states(rows, pass, under_way.result);

  ASSAY_TRY(forward_->run(rows, nullptr, stream_.get()));
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

/// A copy that is there when this returns, of what was launched before. Waits before it copies: into memory that isn't
/// pinned the driver would wait, and meanwhile hold up what another rank on this device still has to launch.
Result<> CudaExecutor::to_host(void* to, const void* from, std::size_t n_bytes) {
  ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "copy from the GPU"));
  ASSAY_TRY(check(cudaMemcpyAsync(to, from, n_bytes, cudaMemcpyDeviceToHost, stream_.get()), "copy from the GPU"));
  return check(cudaStreamSynchronize(stream_.get()), "copy from the GPU");
}

/// Logits of the first n_rows of the forward pass's hidden states, at the end of `logits`.
Result<> CudaExecutor::append_logits(int n_rows, std::vector<float>& logits) {
  const auto vocab = static_cast<std::ptrdiff_t>(model_.sizes.vocab),
             stride = static_cast<std::ptrdiff_t>(model_.sizes.vocab_rows);
  const int part_rows = forward_->limits().logits_rows;
  std::vector<float> part;
  for (int first = 0; first < n_rows; first += part_rows) {
    const int n_part = std::min(part_rows, n_rows - first);
    ASSAY_TRY(forward_->head(first, n_part, stream_.get()));
    if (!reports()) continue;
    part.resize(static_cast<std::size_t>(n_part * stride));
    ASSAY_TRY(to_host(part.data(), forward_->logits(), part.size() * sizeof(float)));
    for (auto row = part.begin(); row != part.end(); row += stride) logits.insert(logits.end(), row, row + vocab);
  }
  return {};
}

/// Everything of every row, copied as soon as it is there.
Result<> CudaExecutor::run_for_states(const PassRows& rows, const Pass& pass, PassResult& result) {
  const int n_rows = count_rows(pass.spans);
  const std::size_t n = static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(model_.sizes.hidden);
  std::vector<float> x(n);
  const auto show_layer = [&](int layer) -> Result<> {
    if (!pass.observe || !reports()) return {};
    ASSAY_TRY(to_host(x.data(), forward_->x(), n * sizeof(float)));
    pass.observe(layer, x);
    return {};
  };
  ASSAY_TRY(forward_->run(rows, generated_tokens_.data(), stream_.get(), show_layer));
  ASSAY_TRY(forward_->final_norm(nullptr, n_rows, stream_.get()));
  std::vector<Bf16> rounded(n);
  ASSAY_TRY(to_host(rounded.data(), forward_->hidden(), n * sizeof(Bf16)));
  for (const Bf16 value : rounded) result.hidden.push_back(__bfloat162float(value));
  return append_logits(n_rows, result.logits);
}

Result<> CudaExecutor::keep_hidden(int row, int slot) {
  const auto hidden = static_cast<std::ptrdiff_t>(model_.sizes.hidden);
  Bf16* states = forward_->states();
  return check(
      cudaMemcpyAsync(states + (forward_->limits().rows() + slot) * hidden, states + row * hidden,
                      static_cast<std::size_t>(hidden) * sizeof(Bf16), cudaMemcpyDeviceToDevice, stream_.get()),
      "hidden state");
}

Result<> CudaExecutor::make_mtp_room(PositionRole role, std::span<const MtpSpan> mtp_spans) {
  std::vector<TokenSpan> spans;
  for (const MtpSpan& s : mtp_spans) spans.push_back(s.span);
  const int n_rows = count_rows(spans);
  const std::size_t plan_bytes =
      role == PositionRole::generated ? generated_bytes(shape_, n_rows) : prompt_bytes(spans);
  return reserve(mtp_inputs_,
                 plan_bytes + static_cast<std::size_t>(n_rows) * sizeof(int) + spans.size() * sizeof(SampleRow));
}

Result<MtpResult> CudaExecutor::run_mtp(PositionRole role, std::span<const MtpSpan> mtp_spans, MtpOutput output) {
  std::vector<TokenSpan> spans;
  std::vector<int> states;
  std::vector<SampleRow> greedy;  // a draw from each span's last row
  for (const MtpSpan& s : mtp_spans) {
    const int first = s.source == MtpSpan::Source::kept ? forward_->limits().rows() + s.first_hidden : s.first_hidden;
    for (int i = 0; i < s.span.n_rows(); ++i) states.push_back(first + i);
    greedy.push_back(sample_row({}, static_cast<int>(states.size()) - 1));
    spans.push_back(s.span);
  }
  const int n_rows = static_cast<int>(states.size()), n_spans = static_cast<int>(spans.size());
  ASSAY_TRY(make_mtp_room(role, mtp_spans));
  mtp_inputs_.begin();
  const auto device_states = mtp_inputs_.add(std::span(states));
  const auto how = mtp_inputs_.add(std::span(greedy));
  const PassRows rows = role == PositionRole::generated
                            ? stage_generated(mtp_inputs_, shape_, spans, n_rows, spare_page())
                            : stage_prompt(mtp_inputs_, shape_, spans);
  ASSAY_TRY(check(cudaEventRecord(mtp_begin_.get(), stream_.get()), "event"));
  ASSAY_TRY(mtp_inputs_.upload(stream_.get()));
  ASSAY_TRY(forward_->run_mtp(rows, device_states.device, stream_.get()));
  MtpResult result;
  if (output == MtpOutput::logits) ASSAY_TRY(append_logits(n_rows, result.logits));
  if (output == MtpOutput::drafts) {
    ASSAY_TRY(forward_->head(0, n_rows, stream_.get()));
    ASSAY_TRY(sample(how.device, n_spans, drafts_.data()));
    result.drafts.resize(static_cast<std::size_t>(n_spans));
    ASSAY_TRY(to_host(result.drafts.data(), drafts_.data(), result.drafts.size() * sizeof(std::int32_t)));
    for (std::int32_t& draft : result.drafts) draft = std::max(draft, 0);  // a draft of no numbers is a wrong one
  }
  ASSAY_TRY(check(cudaEventRecord(mtp_end_.get(), stream_.get()), "event"));
  ASSAY_ASSIGN(result.device_ms, kernels::elapsed_ms(mtp_begin_, mtp_end_));
  ASSAY_ASSIGN(result.idle_ms, idle_before(mtp_begin_, mtp_end_));
  return result;
}

/// Log-probabilities are made here of the logits that are on the device now; waits for them if any are asked for.
Result<> CudaExecutor::take_logprobs(std::span<const Draw> draws, const SampleRow* how, const std::int32_t* tokens,
                                     std::vector<DrawnToken>& drawn) {
  const std::size_t first = drawn.size();
  drawn.resize(first + draws.size());
  if (!reports()) return {};
  if (std::none_of(draws.begin(), draws.end(), [](const Draw& d) { return d.wants_logprobs(); })) return {};
  ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "logits"));
  std::vector<float> logits(static_cast<std::size_t>(model_.sizes.vocab));
  for (std::size_t i = 0; i < draws.size(); ++i) {
    if (!draws[i].wants_logprobs()) continue;
    const float* row =
        forward_->logits() + std::size_t{how[i].logits_row} * static_cast<std::size_t>(model_.sizes.vocab_rows);
    std::int32_t token = 0;
    ASSAY_TRY(
        check(cudaMemcpyAsync(&token, tokens + i, sizeof token, cudaMemcpyDeviceToHost, stream_.get()), "tokens"));
    ASSAY_TRY(
        check(cudaMemcpyAsync(logits.data(), row, logits.size() * sizeof(float), cudaMemcpyDeviceToHost, stream_.get()),
              "logits"));
    ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "logits"));
    if (token < 0) continue;
    const std::int32_t told = draws[i].given >= 0 ? draws[i].given : token;
    drawn[first + i].logprobs = logprobs_of(logits, told, draws[i].n_logprobs);
  }
  return {};
}

Result<> CudaExecutor::sample(const SampleRow* how, int n, std::int32_t* tokens) {
  marks_.begin(Operation::sampling);
  return kernels::sample_rows({forward_->logits(), model_.sizes.vocab_rows, n, model_.sizes.vocab, how, tokens},
                              stream_.get());
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
  ASSAY_ASSIGN(result.idle_ms, idle_before(under_way.begin, under_way.end));
  return result;
}

/// Milliseconds from the end of the work before to `begin`; what ends with `end` is now the work before.
Result<double> CudaExecutor::idle_before(const Event& begin, Event& end) {
  double idle_ms = 0;
  if (has_last_end_) {
    ASSAY_ASSIGN(idle_ms, kernels::elapsed_ms(last_end_, begin));
  }
  std::swap(last_end_, end);
  has_last_end_ = true;
  return idle_ms;
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
    ASSAY_TRY(kernels::copy_pages({cache_.data(), model_.sizes.n_cache_planes(), n_pages_ + 1,
                                   model_.sizes.page_elements(), pairs.device, static_cast<int>(part.size())},
                                  stream_.get()));
  }
  return {};
}

Result<SavedPages> CudaExecutor::save_pages(std::span<const std::int32_t> pages) {
  return mover_.save(planes_of(pages), stream_.get());
}

Result<> CudaExecutor::load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) {
  return mover_.load(saved, planes_of(pages), stream_.get());
}

/// Each page's planes, which lie a whole cache apart from each other.
std::vector<std::byte*> CudaExecutor::planes_of(std::span<const std::int32_t> pages) {
  std::vector<std::byte*> planes;
  for (const std::int32_t page : pages) {
    for (std::ptrdiff_t plane = 0; plane < model_.sizes.n_cache_planes(); ++plane) {
      Bf16* first = cache_.data() + (plane * (n_pages_ + 1) + page) * model_.sizes.page_elements();
      planes.push_back(reinterpret_cast<std::byte*>(first));
    }
  }
  return planes;
}

}  // namespace

Result<CudaDevice> open_cuda_device(int ordinal, std::string_view path) {
  std::optional<kernels::CudaPath> asked;
  for (const kernels::CudaPath known : {kernels::CudaPath::hopper, kernels::CudaPath::portable}) {
    if (path == to_string(known)) asked = known;
  }
  if (!asked && path != "auto") return bad_input("--cuda-path must be auto, hopper or portable, is ", path);
  ASSAY_ASSIGN(const kernels::DeviceFacts facts, kernels::open_device(ordinal, asked));
  return CudaDevice{facts.ordinal,
                    facts.name,
                    facts.pci_bus_id,
                    facts.compute_capability,
                    std::string(to_string(facts.path)),
                    facts.n_multiprocessors,
                    static_cast<std::int64_t>(facts.memory_bytes),
                    static_cast<std::int64_t>(facts.free_memory_bytes),
                    facts.driver_version,
                    facts.runtime_version};
}

Result<std::vector<CudaDevice>> open_cuda_devices(std::span<const int> ordinals, std::string_view path) {
  // A kernel that waits for another rank must not keep that rank's kernels from being loaded. Read when CUDA starts.
  if (ordinals.size() > 1) setenv("CUDA_MODULE_LOADING", "EAGER", 1);
  std::vector<CudaDevice> devices(ordinals.size());
  for (std::size_t i = ordinals.size(); i-- > 0;) {  // the first one last, so that it is the thread's
    ASSAY_ASSIGN(devices[i], open_cuda_device(ordinals[i], path));
    const CudaDevice& last = devices.back();
    if (devices[i].compute_capability != last.compute_capability) {
      return environment_error("cuda:", devices[i].ordinal, " (", devices[i].name, ") and cuda:", last.ordinal, " (",
                               last.name, ") are of different kinds: a model is spread over equal GPUs");
    }
  }
  return devices;
}

Result<std::unique_ptr<Executor>> create_cuda_executor(const Model& model, const ExecutorOptions& options,
                                                       const LoadOptions& load) {
  ASSAY_ASSIGN(DeviceModel uploaded, upload_model(model, load, options.speculate));
  std::unique_ptr<RankExecutor> executor = make_rank_executor(std::move(uploaded), options, model.config);
  ASSAY_TRY(executor->make_buffers({}));
  ASSAY_ASSIGN(const int n_pages, executor->fitting_pages());
  ASSAY_TRY(executor->make_cache(n_pages));
  return std::unique_ptr<Executor>(std::move(executor));
}

std::unique_ptr<RankExecutor> make_rank_executor(DeviceModel model, const ExecutorOptions& options,
                                                 const ModelConfig& config) {
  return std::make_unique<CudaExecutor>(std::move(model), options, config);
}

}  // namespace assay::runners
