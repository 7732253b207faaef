#include "runners/formats/tensor_view.h"

#include <cstring>

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

Result<std::vector<float>> read_floats(const TensorView& tensor) {
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
      return bad_input("tensor ", tensor.name, " has type ", name(tensor.dtype), ", must be F32, F16, BF16 or F8_E4M3");
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
