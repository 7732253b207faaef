#include "runners/engine/cuda/page_mover.h"

#include <algorithm>
#include <cstring>

#include "runners/engine/host.h"

namespace assay::runners {

namespace {

using kernels::check;

constexpr std::size_t kBufferBytes = std::size_t{16} << 20;
// One thread copies some 5 GB/s, less into memory that is touched for the first time; the bus carries 55.
constexpr int kCopyThreads = 6;
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;  // a thread's at a time
constexpr const char* kWhat = "cache pages to or from the host";

}  // namespace

std::size_t PageMover::pieces_per_turn() const { return std::max<std::size_t>(1, kBufferBytes / piece_bytes_); }

Result<> PageMover::make_buffers() {
  if (pool_ != nullptr) return {};
  for (Buffer& buffer : buffers_) {
    ASSAY_ASSIGN(buffer.copied, kernels::create_event());
    ASSAY_ASSIGN(buffer.memory, allocate_pinned(pieces_per_turn() * piece_bytes_));
  }
  pool_ = std::make_unique<kernels::ThreadPool>(std::min(kCopyThreads, available_processors()));
  return {};
}

void PageMover::copy(std::byte* to, const std::byte* from, std::size_t n_bytes) {
  const auto n_tasks = static_cast<int>((n_bytes + kCopyBytes - 1) / kCopyBytes);
  pool_->for_each(n_tasks, [&](int task, float*) {
    const std::size_t first = static_cast<std::size_t>(task) * kCopyBytes;
    std::memcpy(to + first, from + first, std::min(kCopyBytes, n_bytes - first));
  });
}

Result<SavedPages> PageMover::save(std::span<std::byte* const> pieces, cudaStream_t stream) {
  ASSAY_TRY(make_buffers());
  SavedPages saved(pieces.size() * piece_bytes_);
  const std::size_t n_turn = pieces_per_turn();
  const auto empty = [&](std::size_t first) -> Result<> {
    const Buffer& buffer = buffers_[first / n_turn % 2];
    ASSAY_TRY(check(cudaEventSynchronize(buffer.copied.get()), kWhat));
    copy(saved.bytes().data() + first * piece_bytes_, buffer.memory.get(),
         std::min(n_turn, pieces.size() - first) * piece_bytes_);
    return {};
  };
  for (std::size_t first = 0; first < pieces.size(); first += n_turn) {
    const Buffer& buffer = buffers_[first / n_turn % 2];
    for (std::size_t i = first; i < std::min(first + n_turn, pieces.size()); ++i) {
      ASSAY_TRY(check(cudaMemcpyAsync(buffer.memory.get() + (i - first) * piece_bytes_, pieces[i], piece_bytes_,
                                      cudaMemcpyDeviceToHost, stream),
                      kWhat));
    }
    ASSAY_TRY(check(cudaEventRecord(buffer.copied.get(), stream), kWhat));
    if (first > 0) ASSAY_TRY(empty(first - n_turn));
  }
  if (!pieces.empty()) ASSAY_TRY(empty((pieces.size() - 1) / n_turn * n_turn));
  return saved;
}

Result<> PageMover::load(std::span<const std::byte> saved, std::span<std::byte* const> pieces, cudaStream_t stream) {
  ASSAY_TRY(make_buffers());
  const std::size_t n_turn = pieces_per_turn();
  for (std::size_t first = 0; first < pieces.size(); first += n_turn) {
    const Buffer& buffer = buffers_[first / n_turn % 2];
    const std::size_t n = std::min(n_turn, pieces.size() - first);
    ASSAY_TRY(check(cudaEventSynchronize(buffer.copied.get()), kWhat));
    copy(buffer.memory.get(), saved.data() + first * piece_bytes_, n * piece_bytes_);
    for (std::size_t i = 0; i < n; ++i) {
      ASSAY_TRY(check(cudaMemcpyAsync(pieces[first + i], buffer.memory.get() + i * piece_bytes_, piece_bytes_,
                                      cudaMemcpyHostToDevice, stream),
                      kWhat));
    }
    ASSAY_TRY(check(cudaEventRecord(buffer.copied.get(), stream), kWhat));
  }
  return {};
}

}  // namespace assay::runners
