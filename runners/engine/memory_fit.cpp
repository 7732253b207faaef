#include "runners/engine/memory_fit.h"

#include <algorithm>
#include <string>

#include "kernels/quantized/device_layout.h"
#include "runners/engine/cpu/kv_cache.h"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/host.h"
#include "runners/engine/model.h"
#include "runners/formats/expected_tensors.h"

namespace assay::runners {

namespace {

constexpr std::int64_t kBf16Bytes = 2;

/// Contexts and sequences, once weights and pages are known.
void fit_pages(const ModelConfig& config, std::int64_t page_bytes, std::int64_t available_bytes, MemoryFit& fit) {
  fit.kv_bytes_per_token = page_bytes / kPageTokens;
  if (fit.weight_bytes >= available_bytes) return;
  const std::int64_t n_pages = (available_bytes - fit.weight_bytes) / page_bytes;
  fit.max_context_tokens = std::min(config.max_position_embeddings, n_pages * kPageTokens);
  fit.max_sequences = n_pages / pages_for(config.max_position_embeddings);
}

std::int64_t n_cache_layers(const ModelConfig& config) {
  return config.num_hidden_layers + config.num_nextn_predict_layers;
}

/// What weights take less as FP8 blocks than as bfloat16.
std::int64_t fp8_savings(const ModelConfig& config) {
  if (!config.quantization_config) return 0;
  constexpr std::int64_t kBlock = 128;
  const auto blocks = [](std::int64_t n) { return (n + kBlock - 1) / kBlock; };
  std::int64_t bytes = 0;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    const bool stays = tensor.may_be_fp8 && tensor.shape[1] % kBlock == 0 && !tensor.name.ends_with("kv_b_proj.weight");
    if (!stays) continue;
    bytes += tensor.n_elements() * (kBf16Bytes - 1) -
             blocks(tensor.shape[0]) * blocks(tensor.shape[1]) * std::int64_t{sizeof(float)};
  }
  return bytes;
}

}  // namespace

std::vector<DeviceMemory> run_devices() {
  std::vector<DeviceMemory> devices{{"cpu", processor_name(), memory_bytes(), available_memory_bytes()}};
  for (int ordinal = 0;; ++ordinal) {
    const Result<CudaDevice> gpu = open_cuda_device(ordinal);
    if (!gpu) return devices;
    const bool widens = gpu->path == "portable";
    devices.push_back({"cuda:" + std::to_string(ordinal), gpu->name, gpu->memory_bytes, gpu->free_memory_bytes,
                       widens ? Fp8Weights::widen : Fp8Weights::blocks,
                       widens ? QuantizedWeights::widen : QuantizedWeights::blocks});
  }
}

MemoryFit cpu_memory_fit(const ModelConfig& config, std::int64_t file_bytes, std::int64_t available_bytes) {
  const std::int64_t n_layers = n_cache_layers(config);
  const bool is_mla = config.attention == Attention::mla;
  const std::int64_t row_width =
      is_mla ? config.kv_lora_rank + config.qk_rope_head_dim : 2 * config.num_key_value_heads * config.head_dim;
  MemoryFit fit;
  fit.weight_bytes = file_bytes;
  if (is_mla) {
    // kv_b_proj a second time, as float32 maps (MlaWeights).
    fit.weight_bytes += n_layers * config.num_attention_heads * (config.qk_nope_head_dim + config.v_head_dim) *
                        config.kv_lora_rank * std::int64_t{sizeof(float)};
  }
  const auto page_bytes =
      static_cast<std::int64_t>(KvCache::page_bytes(static_cast<int>(n_layers), static_cast<int>(row_width)));
  fit_pages(config, page_bytes, available_bytes, fit);
  return fit;
}

MemoryFit cuda_memory_fit(const ModelConfig& config, std::int64_t available_bytes, Fp8Weights fp8,
                          std::int64_t saved_bytes) {
  const std::int64_t n_layers = n_cache_layers(config);
  MemoryFit fit;
  fit.weight_bytes = (num_parameters(config) + mtp_parameters(config)) * kBf16Bytes - saved_bytes;
  if (fp8 == Fp8Weights::blocks) fit.weight_bytes -= fp8_savings(config);
  std::int64_t row_width = 0;
  if (config.attention == Attention::mla) {
    constexpr std::int64_t kLatent = 512, kRope = 64, kNope = 128, kValue = 128;  // the kernels' widths
    row_width = kLatent + kRope;
    // kv_b_proj a second time, as maps (DeviceMla).
    fit.weight_bytes += n_layers * config.num_attention_heads * (kNope + kValue) * kLatent * kBf16Bytes;
  } else {
    row_width = 2 * config.num_key_value_heads * (config.head_dim <= 64 ? 64 : 128);
  }
  fit_pages(config, n_layers * kPageTokens * row_width * kBf16Bytes, available_bytes, fit);
  return fit;
}

ModelConfig without_mtp(ModelConfig config) {
  config.num_nextn_predict_layers = 0;
  return config;
}

bool keeps_blocks(const ModelConfig& config, std::int64_t n_in) {
  return config.attention == Attention::gqa && n_in % 64 == 0;
}

std::int64_t cuda_saved_bytes(const ModelConfig& config, const Checkpoint& checkpoint) {
  const bool whole_heads = config.head_dim == 64 || config.head_dim == 128;
  const auto other = [&](const std::string& name, const std::string& own, const std::string& others) {
    const std::size_t at = name.find(own);
    return at == std::string::npos ? nullptr : checkpoint.find(std::string(name).replace(at, own.size(), others));
  };
  std::int64_t saved_bytes = 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (!is_quantized(tensor->dtype) || tensor->shape.size() != 2 || !keeps_blocks(config, tensor->shape[1])) continue;
    if (name.find(".experts.") != std::string::npos) continue;
    if (!whole_heads && name.find("o_proj") != std::string::npos) continue;
    const TensorView* gate = other(name, "up_proj", "gate_proj");
    const TensorView* up = other(name, "gate_proj", "up_proj");
    if ((gate != nullptr && gate->dtype != tensor->dtype) || (up != nullptr && up->dtype != tensor->dtype)) continue;
    const auto n_out = static_cast<int>(tensor->shape[0]), n_in = static_cast<int>(tensor->shape[1]);
    saved_bytes += tensor->n_elements() * kBf16Bytes -
                   static_cast<std::int64_t>(kernels::device_weight_bytes(weight_type(tensor->dtype), n_out, n_in));
  }
  return saved_bytes;
}

MemoryFit memory_fit(const DeviceMemory& device, const ModelConfig& config, const Checkpoint& checkpoint) {
  if (device.device == "cpu") {
    return cpu_memory_fit(config, static_cast<std::int64_t>(checkpoint.total_bytes()), device.available_bytes);
  }
  return cuda_memory_fit(without_mtp(config), device.available_bytes, device.fp8,
                         device.quantized == QuantizedWeights::blocks ? cuda_saved_bytes(config, checkpoint) : 0);
}

}  // namespace assay::runners
