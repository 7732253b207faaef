#include "runners/engine/cuda/weight_upload.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <span>

#include "runners/engine/memory_fit.h"

namespace assay::runners {

namespace {

using kernels::is_quantized;
using kernels::WeightType;

/// The bytes of a weight that lies in memory as it does in its file; none for one that was repacked.
std::span<const std::byte> file_bytes_of(const WeightMatrix& w) {
  const auto element_bytes = [&]() -> std::size_t {
    switch (w.type) {
      case WeightType::f32:
        return 4;
      case WeightType::f16:
      case WeightType::bf16:
        return 2;
      case WeightType::f8_e4m3:
        return 1;
      default:
        return 0;
    }
  };
  return {static_cast<const std::byte*>(w.data),
          static_cast<std::size_t>(w.n_out) * static_cast<std::size_t>(w.n_in) * element_bytes()};
}

/// How a row is kept: in its quantised blocks, or in bfloat16.
WeightType kept_type(const RowSource& row) {
  return is_quantized(row.weight->type) ? row.weight->type : WeightType::bf16;
}
/// Ends of runs of rows that are kept alike; rows of zeros belong to the run before them.
std::vector<std::size_t> runs_of(const std::vector<RowSource>& rows) {
  std::vector<std::size_t> ends;
  const RowSource* first = nullptr;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].weight == nullptr) continue;
    if (first != nullptr && kept_type(*first) != kept_type(rows[i])) ends.push_back(i);
    first = &rows[i];
  }
  ends.push_back(rows.size());
  return ends;
}

}  // namespace

void append_scales(const Fp8Part& part, std::vector<float>& scales) {
  const auto blocks = [](int n) { return (n + kernels::kScaleBlock - 1) / kernels::kScaleBlock; };
  const int stride = blocks(part.weight->n_in), first_column = part.columns.first / kernels::kScaleBlock;
  const int first_row = part.rows.first / kernels::kScaleBlock;
  for (int row = first_row; row < first_row + blocks(part.rows.n); ++row) {
    const float* from = part.weight->block_scales + std::ptrdiff_t{row} * stride + first_column;
    scales.insert(scales.end(), from, from + blocks(part.columns.n));
  }
}

Result<DeviceMatrix> WeightUpload::matrix(int n_out, int n_in, const Uploader::RowWriter& write_row) {
  add_progress(n_out, n_in, sizeof(Bf16));
  return uploader_.matrix(n_out, n_in, write_row);
}

void WeightUpload::add_progress(int n_out, int n_in, std::size_t element_bytes) {
  const LoadProgress& on_progress = options_.on_progress;
  if (on_progress) on_progress({"upload", std::min(done_bytes_, own_bytes_), own_bytes_});
  done_bytes_ += static_cast<std::uint64_t>(n_out) * static_cast<std::uint64_t>(n_in) * element_bytes;
}

void WeightUpload::read_ahead(const std::vector<RowSource>& rows) const {
  std::set<const WeightMatrix*> asked;
  for (const RowSource& row : rows) {
    if (row.weight != nullptr && asked.insert(row.weight).second) uploader_.read_ahead(file_bytes_of(*row.weight));
  }
}

Result<DeviceBuffer<float>> WeightUpload::floats(const std::vector<float>& values) {
  done_bytes_ += values.size() * sizeof(float);
  return DeviceBuffer<float>::from(values);
}

Result<DeviceMatrix> WeightUpload::stacked(const std::vector<RowSource>& rows, int n_in, const Axis& columns) {
  const int n_to = columns.empty() ? n_in : static_cast<int>(columns.size());
  read_ahead(rows);
  return matrix(static_cast<int>(rows.size()), n_to, [&](int row, Bf16* to) {
    const RowSource& source = rows[static_cast<std::size_t>(row)];
    if (source.weight == nullptr) {
      std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(n_to) * sizeof(Bf16));
      return;
    }
    if (columns.empty()) return write_bf16_row(*source.weight, source.row, to);
    std::vector<Bf16> values(static_cast<std::size_t>(n_in));
    write_bf16_row(*source.weight, source.row, values.data());
    for (int i = 0; i < n_to; ++i) {
      const int from = columns[static_cast<std::size_t>(i)];
      to[i] = from < 0 ? __float2bfloat16(0.0f) : values[static_cast<std::size_t>(from)];
    }
  });
}

Result<DeviceMatrix> WeightUpload::placed(const WeightMatrix& w, const Axis& rows, const Axis& columns) {
  std::vector<RowSource> sources;
  append_rows(w, rows, sources);
  return stacked(sources, w.n_in, columns);
}

Result<DeviceWeight> WeightUpload::weight(const WeightMatrix& w, const Axis& rows, const Axis& columns) {
  if (stays_fp8(w, rows, columns)) {
    const std::vector<Fp8Part> own{{&w, *blocks_of(rows, w.n_out), *blocks_of(columns, w.n_in)}};
    return fp8({own});
  }
  return kept(w, rows, columns);
}

Result<DeviceWeight> WeightUpload::kept(const std::vector<RowSource>& rows, int n_in, const Axis& columns) {
  const bool any = std::any_of(rows.begin(), rows.end(), [](const RowSource& row) {
    return row.weight != nullptr && is_quantized(row.weight->type);
  });
  const bool keeps = options_.quantized == QuantizedWeights::blocks && keeps_blocks(config_, n_in);
  if (!any || !keeps || !is_whole(columns, n_in)) {
    ASSAY_ASSIGN(DeviceMatrix out, stacked(rows, n_in, columns));
    return DeviceWeight(std::move(out));
  }
  DeviceQuantizedMatrix out{{}, static_cast<int>(rows.size()), n_in};
  std::size_t first = 0;
  for (const std::size_t end : runs_of(rows)) {
    const std::vector<RowSource> own(rows.begin() + static_cast<std::ptrdiff_t>(first),
                                     rows.begin() + static_cast<std::ptrdiff_t>(end));
    const auto source = std::find_if(own.begin(), own.end(), [](const RowSource& r) { return r.weight != nullptr; });
    DeviceRows part{static_cast<int>(own.size()), kept_type(*source), {}, {}};
    if (part.type == WeightType::bf16) {
      ASSAY_ASSIGN(DeviceMatrix wide, stacked(own, n_in));
      part.data = std::move(wide.data);
    } else {
      add_progress(kernels::device_row_groups(part.n_rows),
                   static_cast<int>(kernels::device_row_group_bytes(part.type, n_in)), 1);
      ASSAY_ASSIGN(part.blocks, uploader_.blocks(part.type, n_in, own));
      max_quantized_elements_ = std::max(max_quantized_elements_, own.size() * static_cast<std::size_t>(n_in));
    }
    out.parts.push_back(std::move(part));
    first = end;
  }
  return DeviceWeight(std::move(out));
}

Result<DeviceWeight> WeightUpload::kept(const WeightMatrix& w, const Axis& rows, const Axis& columns) {
  std::vector<RowSource> sources;
  append_rows(w, rows, sources);
  return kept(sources, w.n_in, columns);
}

bool WeightUpload::stays_fp8(const WeightMatrix& w, const Axis& rows, const Axis& columns) const {
  const std::optional<Share> own_rows = blocks_of(rows, w.n_out), own_columns = blocks_of(columns, w.n_in);
  return options_.fp8 == Fp8Weights::blocks && w.type == WeightType::f8_e4m3 && own_rows && own_columns &&
         own_columns->n % kernels::kScaleBlock == 0 && own_rows->n % 8 == 0;
}

Result<DeviceWeight> WeightUpload::fp8(const std::vector<std::vector<Fp8Part>>& lists) {
  std::vector<RowSource> rows;
  std::vector<float> scales;
  for (const auto& list : lists) {
    for (const Fp8Part& part : list) {
      append_rows(*part.weight, run_axis(part.rows), rows);
      append_scales(part, scales);
    }
  }
  const Share columns = lists.front().front().columns;
  DeviceFp8Matrix out{{}, {}, {}, static_cast<int>(rows.size()), columns.n};
  ASSAY_ASSIGN(out.codes, codes(rows, columns));
  ASSAY_ASSIGN(out.scales, floats(scales));
  return DeviceWeight(std::move(out));
}

Result<DeviceBuffer<std::uint8_t>> WeightUpload::codes(const std::vector<RowSource>& rows, Share columns) {
  add_progress(static_cast<int>(rows.size()), columns.n, 1);
  max_fp8_width_ = std::max(max_fp8_width_, columns.n);
  read_ahead(rows);
  return uploader_.bytes(static_cast<int>(rows.size()), columns.n, [&](int row, std::uint8_t* to) {
    const RowSource& source = rows[static_cast<std::size_t>(row)];
    const auto* from = static_cast<const std::uint8_t*>(source.weight->data);
    std::memcpy(to, from + std::ptrdiff_t{source.row} * source.weight->n_in + columns.first,
                static_cast<std::size_t>(columns.n));
  });
}

}  // namespace assay::runners
