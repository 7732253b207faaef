#include "runners/engine/cuda/upload.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "harness/base/file.h"

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

template <class T>
Result<DeviceBuffer<T>> Uploader::rows(int n_rows, int width, const std::function<void(int row, T* to)>& write_row) {
  ASSAY_ASSIGN(DeviceBuffer<T> data,
               DeviceBuffer<T>::create(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(width)));
  const std::size_t row_bytes = static_cast<std::size_t>(width) * sizeof(T);
  if (row_bytes > kStageBytes) return bad_input("a weight has ", width, " columns, too many to load");
  const int stage_rows = static_cast<int>(kStageBytes / row_bytes);
  const int task_rows = static_cast<int>(std::max<std::size_t>(1, kTaskBytes / row_bytes));
  for (int first = 0; first < n_rows; first += stage_rows) {
    const int n = std::min(stage_rows, n_rows - first);
    Stage& stage = stages_[static_cast<std::size_t>(next_stage_)];
    next_stage_ = 1 - next_stage_;
    ASSAY_TRY(check(cudaEventSynchronize(stage.copied.get()), "copy to the device"));
    auto* staged = reinterpret_cast<T*>(stage.memory.get());
    pool_->for_each((n + task_rows - 1) / task_rows, [&](int task, float*) {
      const int end = std::min(n, (task + 1) * task_rows);
      for (int row = task * task_rows; row < end; ++row) {
        write_row(first + row, staged + static_cast<std::ptrdiff_t>(row) * width);
      }
    });
    ASSAY_TRY(check(cudaMemcpyAsync(data.data() + static_cast<std::ptrdiff_t>(first) * width, staged,
                                    static_cast<std::size_t>(n) * row_bytes, cudaMemcpyHostToDevice, stream_.get()),
                    "copy to the device"));
    ASSAY_TRY(check(cudaEventRecord(stage.copied.get(), stream_.get()), "copy to the device"));
  }
  return data;
}

Result<DeviceMatrix> Uploader::matrix(int n_out, int n_in, const RowWriter& write_row) {
  DeviceMatrix m{{}, n_out, n_in};
  ASSAY_ASSIGN(m.data, rows<Bf16>(n_out, n_in, write_row));
  return m;
}

Result<DeviceBuffer<std::uint8_t>> Uploader::bytes(int n_out, int n_in, const ByteRowWriter& write_row) {
  return rows<std::uint8_t>(n_out, n_in, write_row);
}

Result<DeviceBuffer<std::byte>> Uploader::blocks(WeightType type, int n_in,
                                                 std::span<const kernels::DeviceRow> sources) {
  const auto group_bytes = static_cast<int>(kernels::device_row_group_bytes(type, n_in));
  const int n_groups = kernels::device_row_groups(static_cast<int>(sources.size()));
  return rows<std::byte>(n_groups, group_bytes, [&](int group, std::byte* to) {
    kernels::DeviceRow own[kernels::kDeviceRows];
    const auto first = static_cast<std::size_t>(group) * kernels::kDeviceRows;
    const std::size_t end = std::min(first + kernels::kDeviceRows, sources.size());
    for (std::size_t i = first; i < end; ++i) own[i - first] = sources[i];
    kernels::write_device_rows(type, n_in, own, to);
  });
}

void Uploader::read_ahead(std::span<const std::byte> mapped) const {
  constexpr std::size_t kPartBytes = std::size_t{4} << 20;
  pool_->for_each(static_cast<int>((mapped.size() + kPartBytes - 1) / kPartBytes), [&](int part, float*) {
    const auto rest = mapped.subspan(static_cast<std::size_t>(part) * kPartBytes);
    assay::read_ahead(rest.first(std::min(kPartBytes, rest.size())));
  });
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
