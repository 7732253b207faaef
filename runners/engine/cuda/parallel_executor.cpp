// A model on several GPUs: a rank executor on each, launched by a thread of its own. Contract in cuda_executor.h.

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/collective/collective_timer.h"
#include "kernels/collective/peer_group.cuh"
#include "kernels/collective/rank_threads.h"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/cuda/rank_executor.h"
#include "runners/engine/host.h"

namespace assay::runners {

namespace {

using kernels::addresses_of;
using kernels::PeerGroup;

class ParallelExecutor final : public Executor {
 public:
  explicit ParallelExecutor(PeerGroup group) : group_(std::move(group)), threads_(group_) {}

  Result<> start(const Model& model, const ParallelOptions& parallel, const ExecutorOptions& options,
                 const LoadOptions& load);

  int n_pages() const override { return ranks_.front()->n_pages(); }
  int max_in_flight() const override { return ranks_.front()->max_in_flight(); }
  Result<> submit(const Pass& pass) override;
  Result<PassResult> collect() override;
  Result<> copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) override;
  std::int64_t page_bytes() const override;
  Result<SavedPages> save_pages(std::span<const std::int32_t> pages) override;
  Result<> load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) override;
  Result<> keep_hidden(int row, int slot) override;
  Result<MtpResult> run_mtp(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) override;
  Result<std::optional<LinkReport>> link_report() const override;

 private:
  Result<> hold_links_back(double gb_per_s);
  Result<> share_buffers();
  template <class Work>
  Result<> one_by_one(const Work& work);

  PeerGroup group_;
  // What every rank has, [rank].
  std::array<std::vector<DeviceBuffer<float>>, 2> parts_;
  std::vector<DeviceBuffer<float>> x_, logits_;
  // Only where links are held back.
  std::optional<LinkReport> report_;  // without sizes, which the first rank's meter has
  kernels::LinkPace pace_;
  std::vector<DeviceBuffer<kernels::LinkMeter>> meters_;
  std::vector<std::unique_ptr<RankExecutor>> ranks_;
  kernels::RankThreads threads_;
};

/// Calls work(executor) for each rank on this thread, which is quick enough for what launches little.
template <class Work>
Result<> ParallelExecutor::one_by_one(const Work& work) {
  for (int rank = 0; rank < group_.n_ranks(); ++rank) {
    ASSAY_TRY(group_.use_device(rank));
    ASSAY_TRY(work(*ranks_[static_cast<std::size_t>(rank)]));
  }
  return group_.use_device(0);
}

Result<> ParallelExecutor::start(const Model& model, const ParallelOptions& parallel, const ExecutorOptions& options,
                                 const LoadOptions& load) {
  const int n_ranks = group_.n_ranks();
  if (parallel.link_gb_per_s > 0) ASSAY_TRY(hold_links_back(parallel.link_gb_per_s));
  ExecutorOptions own_options = options;
  own_options.kv_memory_bytes = options.kv_memory_bytes / n_ranks;
  ranks_.resize(static_cast<std::size_t>(n_ranks));
  const auto upload = [&](int rank) -> Result<> {
    LoadOptions own_load = load;
    own_load.n_threads = std::max(1, load.n_threads.value_or(available_processors()) / n_ranks);
    if (rank != 0) own_load.on_progress = {};
    ASSAY_ASSIGN(DeviceModel uploaded, upload_model(model, own_load, options.speculate, {parallel, rank}));
    ranks_[static_cast<std::size_t>(rank)] = make_rank_executor(std::move(uploaded), own_options, model.config);
    return {};
  };
  ASSAY_TRY(threads_.run(upload));
  ASSAY_TRY(share_buffers());
  int n_pages = 0;
  ASSAY_TRY(one_by_one([&](const RankExecutor& rank) -> Result<> {
    ASSAY_ASSIGN(const int fitting, rank.fitting_pages());
    n_pages = n_pages == 0 ? fitting : std::min(n_pages, fitting);
    return {};
  }));
  return one_by_one([&](RankExecutor& rank) { return rank.make_cache(n_pages); });
}

Result<> ParallelExecutor::hold_links_back(double gb_per_s) {
  ASSAY_ASSIGN(const kernels::PaceCalibration calibration, kernels::calibrate_pace(group_, threads_, 1e9 * gb_per_s));
  pace_ = calibration.pace;
  ASSAY_ASSIGN(meters_, group_.allocate<kernels::LinkMeter>(1));
  for (const auto& meter : meters_) ASSAY_TRY(meter.fill_bytes(0));
  LinkReport& report = report_.emplace();
  report.link_gb_per_s = gb_per_s;
  report.calibrated_gb_per_s = 1e-9 * calibration.bytes_per_s;
  report.spread_ratio = calibration.spread_ratio;
  report.n_blocks = calibration.pace.n_blocks;
  report.short_pieces = calibration.pace.short_pieces;
  for (const kernels::PaceReading& reading : calibration.readings) {
    std::string operation(to_string(reading.operation));
    if (reading.form) operation += *reading.form == kernels::AllReduceForm::one_shot ? " one_shot" : " two_shot";
    report.trials.push_back(
        {std::move(operation), reading.n_bytes, reading.n_blocks, reading.short_pieces, 1e-9 * reading.bytes_per_s});
  }
  return {};
}

Result<std::optional<LinkReport>> ParallelExecutor::link_report() const {
  std::optional<LinkReport> report = report_;
  if (!report) return report;
  ASSAY_ASSIGN(const std::vector<kernels::LinkMeter> meter, meters_.front().download());
  for (int c = 0; c < kernels::LinkMeter::kClasses; ++c) {
    const auto at = static_cast<std::size_t>(c);
    if (meter[0].n[at] == 0) continue;
    report->sizes.push_back({std::int64_t{1} << c, static_cast<std::int64_t>(meter[0].n[at]),
                             static_cast<double>(meter[0].bytes[at]), 1e-3 * static_cast<double>(meter[0].ns[at])});
  }
  return report;
}

Result<> ParallelExecutor::share_buffers() {
  const ForwardLimits limits = ranks_.front()->limits();
  const DeviceSizes& sizes = ranks_.front()->sizes();
  const auto values = [](int rows, int width) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
  };
  RankBuffers shared;
  for (std::size_t turn = 0; turn < parts_.size(); ++turn) {
    ASSAY_ASSIGN(parts_[turn], group_.allocate<float>(values(limits.rows(), sizes.hidden)));
    shared.parts[turn] = addresses_of(parts_[turn]);
  }
  ASSAY_ASSIGN(x_, group_.allocate<float>(values(limits.rows(), sizes.hidden)));
  ASSAY_ASSIGN(logits_, group_.allocate<float>(values(limits.logits_rows, sizes.vocab_rows)));
  shared.x = addresses_of(x_);
  shared.logits = addresses_of(logits_);
  return threads_.run([&](int rank) {
    RankBuffers own = shared;
    own.links = &group_.links(rank);
    own.pace = pace_;
    if (report_) own.pace.meter = meters_[static_cast<std::size_t>(rank)].data();
    return ranks_[static_cast<std::size_t>(rank)]->make_buffers(own);
  });
}

Result<> ParallelExecutor::submit(const Pass& pass) {
  ASSAY_TRY(one_by_one([&](RankExecutor& rank) { return rank.make_room(pass); }));
  return threads_.run([&](int rank) { return ranks_[static_cast<std::size_t>(rank)]->submit(pass); });
}

Result<PassResult> ParallelExecutor::collect() {
  std::vector<PassResult> results;
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    Result<PassResult> result = ranks_[rank]->collect();
    if (!result) {
      group_.fail(static_cast<int>(rank));  // or the others' kernels wait for it
      return result.error();
    }
    results.push_back(std::move(*result));
  }
  ASSAY_TRY(group_.check());
  PassResult& told = results.front();
  for (const PassResult& other : results) {
    const bool agrees = std::equal(told.drawn.begin(), told.drawn.end(), other.drawn.begin(), other.drawn.end(),
                                   [](const DrawnToken& a, const DrawnToken& b) { return a.token == b.token; });
    if (!agrees) return environment_error("the GPUs drew different tokens from the same logits: one of them is faulty");
  }
  return {std::move(told)};
}

Result<> ParallelExecutor::copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) {
  return one_by_one([&](RankExecutor& rank) { return rank.copy_pages(pages); });
}

std::int64_t ParallelExecutor::page_bytes() const {
  std::int64_t n_bytes = 0;
  for (const auto& rank : ranks_) n_bytes += rank->page_bytes();
  return n_bytes;
}

/// Each rank's part of all pages, one behind the other.
Result<SavedPages> ParallelExecutor::save_pages(std::span<const std::int32_t> pages) {
  SavedPages saved(pages.size() * static_cast<std::size_t>(page_bytes()));
  std::byte* to = saved.bytes().data();
  ASSAY_TRY(one_by_one([&](RankExecutor& rank) -> Result<> {
    ASSAY_ASSIGN(const SavedPages part, rank.save_pages(pages));
    to = std::copy(part.bytes().begin(), part.bytes().end(), to);
    return {};
  }));
  return saved;
}

Result<> ParallelExecutor::load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) {
  return one_by_one([&](RankExecutor& rank) {
    const std::size_t n_bytes = pages.size() * static_cast<std::size_t>(rank.page_bytes());
    const auto part = saved.first(n_bytes);
    saved = saved.subspan(n_bytes);
    return rank.load_pages(part, pages);
  });
}

Result<> ParallelExecutor::keep_hidden(int row, int slot) {
  return one_by_one([&](RankExecutor& rank) { return rank.keep_hidden(row, slot); });
}

Result<MtpResult> ParallelExecutor::run_mtp(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) {
  ASSAY_TRY(one_by_one([&](RankExecutor& rank) { return rank.make_mtp_room(role, spans); }));
  std::vector<MtpResult> results(ranks_.size());
  const auto run = [&](int rank) -> Result<> {
    const auto r = static_cast<std::size_t>(rank);
    ASSAY_ASSIGN(results[r], ranks_[r]->run_mtp(role, spans, output));
    return {};
  };
  ASSAY_TRY(threads_.run(run));
  ASSAY_TRY(group_.check());
  return {std::move(results.front())};
}

}  // namespace

Result<std::unique_ptr<Executor>> create_parallel_executor(const Model& model, std::span<const int> ordinals,
                                                           const ParallelOptions& parallel,
                                                           const ExecutorOptions& options, const LoadOptions& load) {
  ASSAY_TRY(check_parallel_model(model.config, parallel));
  if (ordinals.size() != static_cast<std::size_t>(parallel.n_ranks())) {
    return bad_input(ordinals.size(), " GPUs for a model spread over ", parallel.n_ranks());
  }
  ASSAY_ASSIGN(PeerGroup group, PeerGroup::create(ordinals));
  auto executor = std::make_unique<ParallelExecutor>(std::move(group));
  ASSAY_TRY(executor->start(model, parallel, options, load));
  return std::unique_ptr<Executor>(std::move(executor));
}

}  // namespace assay::runners
