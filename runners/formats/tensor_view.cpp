#include "runners/formats/tensor_view.h"

#include <cstring>

#include "runners/formats/gguf/dequantize.h"

namespace assay::runners {

namespace {

/// Reads `From` values, which may be unaligned, and appends what `convert` makes of each.
template <class From, class To, class Convert>
std::vector<To> convert_all(std::span<const std::byte> bytes, Convert convert) {
  std::vector<To> values(bytes.size() / sizeof(From));
  for (std::size_t i = 0; i < values.size(); ++i) {
    From from;
    std::memcpy(&from, bytes.data() + i * sizeof(From), sizeof(From));
    values[i] = convert(from);
  }
  return values;
}

std::vector<float> dequantize_all(const TensorView& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.n_elements()));
  dequantize(tensor.dtype, tensor.bytes, values);
  return values;
}

}  // namespace

std::int64_t TensorView::n_elements() const {
  // From the bytes, which a reader has checked against the shape: a product could overflow before a dimension of 0.
  const std::size_t n_blocks = bytes.size() * 8 / static_cast<std::size_t>(bits(dtype));
  return static_cast<std::int64_t>(n_blocks) * block_elements(dtype);
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

std::int64_t stored_row(const TensorView& tensor, std::int64_t row) {
  const std::int64_t d = tensor.interleaved_head_dim;
  if (d == 0) return row;
  const std::int64_t in_head = row % d, half = in_head / (d / 2), i = in_head % (d / 2);
  return row - in_head + 2 * i + half;
}

std::vector<std::byte> ordered_bytes(const TensorView& tensor) {
  if (tensor.interleaved_head_dim == 0) return {tensor.bytes.begin(), tensor.bytes.end()};
  std::vector<std::byte> ordered(tensor.bytes.size());
  const std::size_t row_bytes = ordered.size() / static_cast<std::size_t>(tensor.shape[0]);
  for (std::int64_t row = 0; row < tensor.shape[0]; ++row) {
    std::memcpy(ordered.data() + static_cast<std::size_t>(row) * row_bytes,
                tensor.bytes.data() + static_cast<std::size_t>(stored_row(tensor, row)) * row_bytes, row_bytes);
  }
  return ordered;
}

Result<std::vector<float>> read_floats(const TensorView& tensor) {
  if (tensor.interleaved_head_dim != 0) {
    const std::vector<std::byte> ordered = ordered_bytes(tensor);
    return read_floats(TensorView{tensor.name, tensor.dtype, tensor.shape, ordered});
  }
  switch (tensor.dtype) {
    case DType::f32:
      return convert_all<float, float>(tensor.bytes, [](float value) { return value; });
    case DType::bf16:
      return convert_all<std::uint16_t, float>(tensor.bytes, bf16_to_float);
    case DType::f16:
      return convert_all<std::uint16_t, float>(tensor.bytes, f16_to_float);
    case DType::f8_e4m3:
      return convert_all<std::uint8_t, float>(tensor.bytes, e4m3_to_float);
    default:
      if (is_quantized(tensor.dtype)) return dequantize_all(tensor);
      return bad_input("tensor ", tensor.name, " has type ", name(tensor.dtype),
                       ", must be F32, F16, BF16, F8_E4M3 or a quantised type");
  }
}

Result<std::vector<std::int64_t>> read_integers(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::i32:
      return convert_all<std::int32_t, std::int64_t>(tensor.bytes, [](std::int32_t value) { return value; });
    case DType::i64:
      return convert_all<std::int64_t, std::int64_t>(tensor.bytes, [](std::int64_t value) { return value; });
    default:
      return bad_input("tensor ", tensor.name, " has type ", name(tensor.dtype), ", must be I32 or I64");
  }
}

}  // namespace assay::runners
