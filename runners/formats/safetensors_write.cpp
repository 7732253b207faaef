#include <unordered_set>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "runners/formats/safetensors.h"
#include "runners/formats/safetensors_rules.h"

namespace assay::runners {

namespace {

constexpr std::size_t kAlignment = 8;

std::string json_text(std::string_view text) { return to_json_text(Json(std::string(text))); }

Result<> check_tensor(const TensorView& tensor) {
  if (const auto fault = tensor_name_fault(tensor.name)) return bad_input(*fault);
  if (!is_valid_utf8(tensor.name) || tensor.name == kSafetensorsMetadata) {
    return bad_input(quoted_excerpt(tensor.name), " is no name for a tensor");
  }
  const auto size = tensor_size_bytes(tensor.shape, tensor.dtype);
  if (size && *size == tensor.bytes.size()) return {};
  return bad_input("tensor ", tensor.name, " has ", tensor.bytes.size(), " bytes, which is not shape ",
                   shape_text(tensor.shape), " of ", name(tensor.dtype));
}

/// The header's length and text, padded with spaces. Built as text: an ordered JSON tree looks through all names for
/// each.
std::string file_head(std::span<const TensorView> tensors, const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) header += json_text(kSafetensorsMetadata) + ":" + to_json_text(Json(metadata));
  std::size_t begin = 0;
  for (const TensorView& tensor : tensors) {
    const std::size_t end = begin + tensor.bytes.size();
    if (header.size() > 1) header += ",";
    header += json_text(tensor.name) + ":{\"dtype\":" + json_text(name(tensor.dtype)) +
              ",\"shape\":" + to_json_text(Json(tensor.shape)) + ",\"data_offsets\":[" + std::to_string(begin) + "," +
              std::to_string(end) + "]}";
    begin = end;
  }
  header += "}";
  header.append((kAlignment - header.size() % kAlignment) % kAlignment, ' ');

  std::string length;
  for (std::size_t i = 0; i < kSafetensorsLengthBytes; ++i)
    length += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return length + header;
}

}  // namespace

Result<> write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                           const std::map<std::string, std::string>& metadata) {
  std::unordered_set<std::string_view> names;
  for (const TensorView& tensor : tensors) {
    ASSAY_TRY(check_tensor(tensor));
    if (!names.insert(tensor.name).second)
      return bad_input("the name ", tensor.name, " stands twice among the tensors");
  }
  const std::string head = file_head(tensors, metadata);
  std::vector<std::string_view> parts = {head};
  for (const TensorView& tensor : tensors) {
    parts.emplace_back(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  }
  return write_file(path, parts);
}

}  // namespace assay::runners
