#include "runners/engine/cuda/upload.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace assay::runners {

namespace {

using kernels::check;
using kernels::WeightType;

constexpr std::size_t kStageBytes = std::size_t{64} << 20;
constexpr std::size_t kTaskBytes = std::size_t{1} << 20;  // rows that a thread writes at a time

}  // namespace

Result<PinnedMemory> allocate_pinned(std::size_t n_bytes) {
  void* memory = nullptr;
  ASSAY_TRY(check(cudaMallocHost(&memory, n_bytes), "pinned host memory"));
  return PinnedMemory(static_cast<std::byte*>(memory));
}

Result<Uploader> Uploader::create(int n_threads) {
  Uploader uploader(n_threads);
  ASSAY_ASSIGN(uploader.stream_, kernels::create_stream());
  for (Stage& stage : uploader.stages_) {
    ASSAY_ASSIGN(stage.memory, allocate_pinned(kStageBytes));
    ASSAY_ASSIGN(stage.copied, kernels::create_event());
  }
  return uploader;
}

Result<> Uploader::fill(std::byte* to, int n, std::size_t piece_bytes,
                        const std::function<void(int piece, std::byte* to)>& write) {
  const int stage_pieces = static_cast<int>(kStageBytes / piece_bytes);
  const int task_pieces = static_cast<int>(std::max<std::size_t>(1, kTaskBytes / piece_bytes));
  for (int first = 0; first < n; first += stage_pieces) {
    const int n_now = std::min(stage_pieces, n - first);
    Stage& stage = stages_[static_cast<std::size_t>(next_stage_)];
    next_stage_ = 1 - next_stage_;
    ASSAY_TRY(check(cudaEventSynchronize(stage.copied.get()), "copy to the device"));
    pool_->for_each((n_now + task_pieces - 1) / task_pieces, [&](int task, float*) {
      const int end = std::min(n_now, (task + 1) * task_pieces);
      for (int piece = task * task_pieces; piece < end; ++piece) {
        write(first + piece, stage.memory.get() + static_cast<std::size_t>(piece) * piece_bytes);
      }
    });
    ASSAY_TRY(
        check(cudaMemcpyAsync(to + static_cast<std::size_t>(first) * piece_bytes, stage.memory.get(),
                              static_cast<std::size_t>(n_now) * piece_bytes, cudaMemcpyHostToDevice, stream_.get()),
              "copy to the device"));
    ASSAY_TRY(check(cudaEventRecord(stage.copied.get(), stream_.get()), "copy to the device"));
  }
  return {};
}

Result<DeviceBuffer<Bf16>> Uploader::matrix(int n_out, int n_in, const RowWriter& write_row) {
  ASSAY_ASSIGN(DeviceBuffer<Bf16> data,
               DeviceBuffer<Bf16>::create(static_cast<std::size_t>(n_out) * static_cast<std::size_t>(n_in)));
  const std::size_t row_bytes = static_cast<std::size_t>(n_in) * sizeof(Bf16);
  if (row_bytes > kStageBytes) return bad_input("a weight has ", n_in, " columns, too many to load");
  ASSAY_TRY(fill(reinterpret_cast<std::byte*>(data.data()), n_out, row_bytes,
                 [&](int row, std::byte* to) { write_row(row, reinterpret_cast<Bf16*>(to)); }));
  return data;
}

Result<DeviceBuffer<std::byte>> Uploader::blocks(WeightType type, int n_in, std::span<const kernels::DeviceRow> rows) {
  const std::size_t group_bytes = kernels::device_row_group_bytes(type, n_in);
  if (group_bytes > kStageBytes) return bad_input("a weight has ", n_in, " columns, too many to load");
  const int n_groups = kernels::device_row_groups(static_cast<int>(rows.size()));
  ASSAY_ASSIGN(DeviceBuffer<std::byte> blocks,
               DeviceBuffer<std::byte>::create(static_cast<std::size_t>(n_groups) * group_bytes));
  ASSAY_TRY(fill(blocks.data(), n_groups, group_bytes, [&](int group, std::byte* to) {
    kernels::DeviceRow own[kernels::kDeviceRows];
    const auto first = static_cast<std::size_t>(group) * kernels::kDeviceRows;
    for (std::size_t i = first; i < std::min(first + kernels::kDeviceRows, rows.size()); ++i) own[i - first] = rows[i];
    kernels::write_device_rows(type, n_in, own, to);
  }));
  return blocks;
}

Result<> Uploader::finish() { return check(cudaStreamSynchronize(stream_.get()), "copy to the device"); }

void write_bf16_row(const kernels::WeightMatrix& w, int row, Bf16* to) {
  const auto n_in = static_cast<std::size_t>(w.n_in);
  if (w.type == WeightType::bf16) {
    std::memcpy(static_cast<void*>(to), static_cast<const Bf16*>(w.data) + static_cast<std::size_t>(row) * n_in,
                n_in * sizeof(Bf16));
    return;
  }
  std::vector<float> widened(n_in);
  kernels::weight_row(w, row, widened.data());
  for (std::size_t i = 0; i < n_in; ++i) to[i] = __float2bfloat16(widened[i]);
}

}  // namespace assay::runners
