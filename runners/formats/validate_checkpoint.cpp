#include "runners/formats/validate_checkpoint.h"

#include <cmath>
#include <unordered_set>

#include "harness/base/text.h"
#include "runners/formats/expected_tensors.h"

namespace assay::runners {

namespace {

constexpr std::string_view kLayers = "model.layers.";

std::string at(const Checkpoint& checkpoint, std::string_view tensor) {
  return checkpoint.folder().string() + ": tensor " + std::string(tensor) + ": ";
}

/// The N of "model.layers.N.…"; nothing for other names.
std::optional<std::int64_t> layer_of(std::string_view name) {
  if (!name.starts_with(kLayers)) return std::nullopt;
  name.remove_prefix(kLayers.size());
  return parse_integer(name.substr(0, name.find('.')));
}

/// True for e4m3's NaN, 0x7F and 0xFF. No early way out within a block, so that the loop is vectorised.
bool has_e4m3_nan(std::span<const std::byte> bytes) {
  constexpr std::size_t kBlock = 1 << 16;
  while (!bytes.empty()) {
    const auto block = bytes.first(std::min(kBlock, bytes.size()));
    unsigned char found = 0;
    for (const std::byte byte : block) found |= (byte & std::byte{0x7F}) == std::byte{0x7F} ? 1 : 0;
    if (found != 0) return true;
    bytes = bytes.subspan(block.size());
  }
  return false;
}

std::int64_t n_blocks(std::int64_t extent, std::int64_t block) { return (extent + block - 1) / block; }

Result<> check_scales(const Checkpoint& checkpoint, const std::string& name, const TensorView& scale,
                      const std::vector<std::int64_t>& shape) {
  if (scale.dtype != DType::f32) {
    return bad_input(at(checkpoint, name), "has type ", assay::runners::name(scale.dtype),
                     ", block scales must be F32");
  }
  if (scale.shape != shape) {
    return bad_input(at(checkpoint, name), "has shape ", shape_text(scale.shape), ", must be ", shape_text(shape),
                     ", one scale for each 128 x 128 block");
  }
  ASSAY_ASSIGN(const std::vector<float> values, read_floats(scale));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]) && values[i] > 0) continue;
    std::ostringstream value;
    value << values[i];
    return bad_input(at(checkpoint, name), "scale number ", i, " is ", value.str(), ", must be positive and finite");
  }
  return {};
}

Result<> check_fp8(const ModelConfig& config, const Checkpoint& checkpoint, const ExpectedTensor& expected,
                   const TensorView& tensor) {
  if (!expected.may_be_fp8) {
    return bad_input(at(checkpoint, expected.name), "has type F8_E4M3, must be BF16, F16 or F32");
  }
  if (!config.quantization_config) {
    return bad_input(at(checkpoint, expected.name), "has type F8_E4M3, but config.json has no quantization_config");
  }
  const std::string name = scale_name(expected.name);
  const TensorView* scale = checkpoint.find(name);
  if (scale == nullptr)
    return bad_input(at(checkpoint, expected.name), "has type F8_E4M3, but its scales ", name, " are missing");
  const auto [block_out, block_in] = config.quantization_config->weight_block_size;
  ASSAY_TRY(check_scales(checkpoint, name, *scale,
                         {n_blocks(expected.shape[0], block_out), n_blocks(expected.shape[1], block_in)}));
  if (has_e4m3_nan(tensor.bytes)) return bad_input(at(checkpoint, expected.name), "holds NaN (byte 7F or FF)");
  return {};
}

bool is_vocabulary(const ExpectedTensor& expected) {
  return expected.name == "model.embed_tokens.weight" || expected.name == "lm_head.weight";
}

Result<> check_shape(const ModelConfig& config, const Checkpoint& checkpoint, const ExpectedTensor& expected,
                     const TensorView& tensor) {
  if (tensor.shape == expected.shape) return {};
  if (is_vocabulary(expected) && tensor.shape.size() == 2 && tensor.shape[0] != config.vocab_size) {
    return bad_input(at(checkpoint, expected.name), "has shape ", shape_text(tensor.shape),
                     ", but the configuration's vocab_size is ", config.vocab_size);
  }
  return bad_input(at(checkpoint, expected.name), "has shape ", shape_text(tensor.shape), ", must be ",
                   shape_text(expected.shape));
}

Result<> check_tensor(const ModelConfig& config, const Checkpoint& checkpoint, const ExpectedTensor& expected,
                      const TensorView& tensor) {
  ASSAY_TRY(check_shape(config, checkpoint, expected, tensor));
  if (tensor.dtype == DType::f8_e4m3) return check_fp8(config, checkpoint, expected, tensor);
  if (is_quantized(tensor.dtype) && (expected.may_be_fp8 || is_vocabulary(expected))) return {};
  if (tensor.dtype != DType::bf16 && tensor.dtype != DType::f16 && tensor.dtype != DType::f32) {
    return bad_input(at(checkpoint, expected.name), "has type ", name(tensor.dtype), ", must be BF16, F16, F32",
                     expected.may_be_fp8 ? " or F8_E4M3" : "");
  }
  if (expected.may_be_fp8 && checkpoint.find(scale_name(expected.name)) != nullptr) {
    return bad_input(at(checkpoint, scale_name(expected.name)), "holds scales, but ", expected.name, " has type ",
                     name(tensor.dtype), ", not F8_E4M3");
  }
  return {};
}

/// Names that a checkpoint may hold although nothing reads them.
bool may_be_passed_over(const ModelConfig& config, std::string_view name) {
  if (name.ends_with(".rotary_emb.inv_freq")) return true;
  const auto layer = layer_of(name);
  return layer && *layer >= config.num_hidden_layers;
}

Result<> check_names(const ModelConfig& config, const Checkpoint& checkpoint,
                     const std::vector<ExpectedTensor>& expected) {
  std::unordered_set<std::string> known;
  for (const ExpectedTensor& tensor : expected) {
    known.insert(tensor.name);
    if (tensor.may_be_fp8) known.insert(scale_name(tensor.name));
  }
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (!known.contains(name) && !may_be_passed_over(config, name)) {
      return bad_input(at(checkpoint, quoted_excerpt(name, 120)), "is not part of a ", config.architecture,
                       " with this configuration");
    }
  }
  return {};
}

}  // namespace

bool has_mtp_layer(const ModelConfig& config, const Checkpoint& checkpoint) {
  if (config.num_nextn_predict_layers == 0) return false;
  const std::string prefix = std::string(kLayers) + std::to_string(config.num_hidden_layers) + ".";
  const auto first = checkpoint.tensors().lower_bound(prefix);
  return first != checkpoint.tensors().end() && first->first.starts_with(prefix);
}

Result<> validate_checkpoint(const ModelConfig& config, const Checkpoint& checkpoint,
                             const BytesProgress& on_progress) {
  const bool split = checkpoint.find("model.layers.0.self_attn.k_b_proj.weight") != nullptr;
  const std::vector<ExpectedTensor> expected = expected_tensors(config, split ? KvB::split : KvB::whole);
  ASSAY_TRY(check_names(config, checkpoint, expected));
  const bool mtp = has_mtp_layer(config, checkpoint);
  std::uint64_t checked_bytes = 0;
  for (const ExpectedTensor& tensor : expected) {
    const TensorView* found = checkpoint.find(tensor.name);
    if (found != nullptr) {
      ASSAY_TRY(check_tensor(config, checkpoint, tensor, *found));
      checked_bytes += found->bytes.size();
      if (on_progress) on_progress(checked_bytes);
    } else if (tensor.presence == Presence::required || (tensor.presence == Presence::with_mtp && mtp)) {
      return bad_input(at(checkpoint, tensor.name), "is missing; it must have shape ", shape_text(tensor.shape));
    }
  }
  return {};
}

}  // namespace assay::runners
