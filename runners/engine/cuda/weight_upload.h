#pragma once
// Weights of a model on their way to the device, one by one: which form each takes there (device_model.h), its rows and
// columns put where they belong.

#include <cstdint>
#include <vector>

#include "runners/engine/cuda/placement.h"
#include "runners/engine/cuda/upload.h"
#include "runners/engine/load_options.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// Rows and columns of a weight in FP8 blocks that cut no block.
struct Fp8Part {
  const WeightMatrix* weight;
  Share rows, columns;
};
/// The scales of its blocks, row by row.
void append_scales(const Fp8Part& part, std::vector<float>& scales);

/// In all of these an axis of columns that is empty leaves them as they are. Errors are the upload's.
class WeightUpload {
 public:
  /// `own_bytes`: what this rank takes of the files, for the progress. The options must outlive it.
  WeightUpload(Uploader uploader, const LoadOptions& options, const ModelConfig& config, std::uint64_t own_bytes)
      : uploader_(std::move(uploader)), options_(options), config_(config), own_bytes_(own_bytes) {}

  Result<DeviceBuffer<float>> floats(const std::vector<float>& values);
  Result<DeviceMatrix> matrix(int n_out, int n_in, const Uploader::RowWriter& write_row);

  /// In bfloat16: rows of weights that all have the same columns, which go where `columns` says.
  Result<DeviceMatrix> stacked(const std::vector<RowSource>& rows, int n_in, const Axis& columns = {});
  Result<DeviceMatrix> placed(const WeightMatrix& w, const Axis& rows, const Axis& columns = {});

  /// The same, but quantised rows keep their blocks where the kernels can take them.
  Result<DeviceWeight> kept(const std::vector<RowSource>& rows, int n_in, const Axis& columns = {});
  Result<DeviceWeight> kept(const WeightMatrix& w, const Axis& rows, const Axis& columns = {});

  /// True if the weight stays in FP8 blocks where it goes.
  bool stays_fp8(const WeightMatrix& w, const Axis& rows, const Axis& columns) const;
  /// Parts of equal widths one below the other. All but the last of a list, which begins anew for every expert, end
  /// with a block.
  Result<DeviceWeight> fp8(const std::vector<std::vector<Fp8Part>>& lists);
  /// Those columns of rows of weights in FP8, without their scales.
  Result<DeviceBuffer<std::uint8_t>> codes(const std::vector<RowSource>& rows, Share columns);

  /// In FP8 blocks, quantised, or in bfloat16.
  Result<DeviceWeight> weight(const WeightMatrix& w, const Axis& rows, const Axis& columns = {});

  /// The layers come now: what is quantised so far is never widened on the device.
  void begin_layers() { max_quantized_elements_ = 0; }
  Result<> finish() { return uploader_.finish(); }

  std::uint64_t done_bytes() const { return done_bytes_; }  ///< on the device
  int max_fp8_width() const { return max_fp8_width_; }
  std::size_t max_quantized_elements() const { return max_quantized_elements_; }

 private:
  void add_progress(int n_out, int n_in, std::size_t element_bytes);
  void read_ahead(const std::vector<RowSource>& rows) const;

  Uploader uploader_;
  const LoadOptions& options_;
  const ModelConfig& config_;
  std::uint64_t own_bytes_;
  std::uint64_t done_bytes_ = 0;
  int max_fp8_width_ = 0;
  std::size_t max_quantized_elements_ = 0;
};

}  // namespace assay::runners
