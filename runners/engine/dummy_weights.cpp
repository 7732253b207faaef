#include "runners/engine/dummy_weights.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/assert.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "kernels/sampling/philox.h"
#include "kernels/threads/thread_pool.h"
#include "runners/engine/host.h"
#include "runners/formats/expected_tensors.h"

namespace assay::runners {

namespace {

constexpr float kDeviation = 0.02f;
constexpr std::array<std::uint32_t, 2> kSeed = {0x41737361, 0x79};
constexpr std::size_t kDraws = 1 << 20;

/// A tensor is made of runs of this many elements, each copied from the draws at a place of its own: filling is as fast
/// as copying, and rows that are alike by chance are too few to matter.
constexpr std::size_t kRun = 4096;
constexpr int kRunsPerTask = 64;

/// The scale of every FP8 block, a power of two as ue8m0 wants it: 448 · kFp8Scale is 5.5 standard deviations.
constexpr float kFp8Scale = 0x1p-12f;

/// Sums of 16 random bytes, brought to a mean of 0 and the deviation wanted: whole numbers until the last step, so no
/// machine's library makes a difference.
std::vector<float> make_draws() {
  constexpr float kMean = 16 * 127.5f, kSumDeviation = 295.6f;  // √(16 · (256² - 1) / 12)
  std::vector<float> draws(kDraws);
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    std::uint32_t sum = 0;
    for (const std::uint32_t word : philox({i, 0, 0, 0}, kSeed)) {
      sum += (word & 0xFF) + (word >> 8 & 0xFF) + (word >> 16 & 0xFF) + (word >> 24);
    }
    draws[i] = (static_cast<float>(sum) - kMean) * (kDeviation / kSumDeviation);
  }
  return draws;
}

template <class T, class Convert>
std::vector<std::byte> converted(const std::vector<float>& draws, Convert convert) {
  std::vector<std::byte> bytes(draws.size() * sizeof(T));
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const T value = convert(draws[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

/// Blocks of a quantised type as a file has them: random integers, and scales that give them the deviation wanted.
std::vector<std::byte> quantized_draws(DType dtype) {
  const auto block_bytes = static_cast<std::size_t>(bits(dtype) / 8);
  const std::size_t n_blocks = kDraws / static_cast<std::size_t>(block_elements(dtype));
  std::vector<std::byte> bytes(n_blocks * block_bytes);
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const auto words = philox({static_cast<std::uint32_t>(at / 16), 1, 0, 0}, kSeed);
    std::memcpy(bytes.data() + at, words.data(), std::min<std::size_t>(16, bytes.size() - at));
  }
  const auto set_half = [](std::byte* to, float value) {
    const std::uint16_t half = float_to_f16(value);
    std::memcpy(to, &half, sizeof half);
  };
  // Integers spread evenly over 16, 64 and 256 values deviate by 4.6, 18.5 and 73.9.
  for (std::byte* block = bytes.data(); block != bytes.data() + bytes.size(); block += block_bytes) {
    if (dtype == DType::q8_0) {
      set_half(block, kDeviation / 73.9f);
    } else if (dtype == DType::q4_k) {
      // All scales and minimums 32: d · 32 · u - dmin · 32, with dmin for the mean of 7.5.
      constexpr float d = kDeviation / 4.6f / 32;
      set_half(block, d);
      set_half(block + 2, 7.5f * d);
      for (int i = 0; i < 12; ++i) block[4 + i] = i < 8 ? std::byte{32 | 2 << 6} : std::byte{0};
    } else {
      ASSAY_ASSERT(dtype == DType::q6_k, "dummy weights have these three types");
      for (int i = 0; i < 16; ++i) block[192 + i] = std::byte{16};
      set_half(block + 208, kDeviation / 18.5f / 16);
    }
  }
  return bytes;
}

std::vector<std::byte> draws_as(DType dtype, const std::vector<float>& draws) {
  if (is_quantized(dtype)) return quantized_draws(dtype);
  switch (dtype) {
    case DType::bf16:
      return converted<std::uint16_t>(draws, float_to_bf16);
    case DType::f16:
      return converted<std::uint16_t>(draws, float_to_f16);
    case DType::f8_e4m3:
      return converted<std::uint8_t>(draws, [](float value) { return float_to_e4m3(value / kFp8Scale); });
    default:
      return converted<float>(draws, [](float value) { return value; });
  }
}

/// Fills a tensor from the draws in its type. Its name decides where each run begins.
/// `unit` elements are a block.
void fill_with_draws(kernels::ThreadPool& pool, const std::string& name, std::span<const std::byte> draws,
                     std::size_t unit, std::span<std::byte> out) {
  const std::size_t run_bytes = draws.size() / (kDraws / kRun);
  const Sha256Digest digest = sha256(name);
  std::array<std::uint32_t, 2> key;
  std::memcpy(key.data(), digest.data(), sizeof key);
  const auto fill_runs = [&](int task, float*) {
    for (int in_task = 0; in_task < kRunsPerTask; ++in_task) {
      const auto run = static_cast<std::size_t>(task) * kRunsPerTask + static_cast<std::size_t>(in_task);
      if (run * run_bytes >= out.size()) return;
      const auto low = static_cast<std::uint32_t>(run), high = static_cast<std::uint32_t>(run >> 32);
      std::size_t first = philox({low, high, 0, 0}, key)[0] % (kDraws - kRun);
      first -= first % unit;
      std::memcpy(out.data() + run * run_bytes, draws.data() + first * draws.size() / kDraws,
                  std::min(run_bytes, out.size() - run * run_bytes));
    }
  };
  const std::size_t n_runs = (out.size() + run_bytes - 1) / run_bytes;
  pool.for_each(static_cast<int>((n_runs + kRunsPerTask - 1) / kRunsPerTask), fill_runs);
}

void fill_with(float value, DType dtype, std::span<std::byte> out) {
  const std::vector<std::byte> one = dtype == DType::bf16  ? converted<std::uint16_t>({value}, float_to_bf16)
                                     : dtype == DType::f16 ? converted<std::uint16_t>({value}, float_to_f16)
                                                           : converted<float>({value}, [](float v) { return v; });
  for (std::size_t at = 0; at < out.size(); at += one.size()) std::memcpy(out.data() + at, one.data(), one.size());
}

Result<DType> weights_dtype(const ModelConfig& config, const std::filesystem::path& path) {
  if (config.torch_dtype.empty() || config.torch_dtype == "bfloat16") return DType::bf16;
  if (config.torch_dtype == "float16") return DType::f16;
  if (config.torch_dtype == "float32") return DType::f32;
  return bad_input(path.string(), ": config.json: torch_dtype is ", quoted_excerpt(config.torch_dtype),
                   "; dummy weights can be bfloat16, float16 or float32");
}

enum class Contents { draws, norm, block_scales };
struct PlannedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  DType dtype;
  Contents contents;

  std::size_t size_bytes() const {
    std::int64_t n_elements = 1;  // the limits on config.json's numbers keep it below 2^63
    for (const std::int64_t extent : shape) n_elements *= extent;
    return static_cast<std::size_t>(n_elements / block_elements(dtype)) * static_cast<std::size_t>(bits(dtype) / 8);
  }
};

/// Layer `layer` has Q6_K for v_proj and down_proj: the first and last eighth, and every third between.
bool has_more_bits(std::int64_t layer, std::int64_t n_layers) {
  const std::int64_t eighth = n_layers / 8;
  return layer < eighth || layer >= n_layers - eighth || (layer - eighth) % 3 == 2;
}

DType quantized_type(const ModelConfig& config, const std::string& name, DummyTypes types) {
  if (types == DummyTypes::q8_0) return DType::q8_0;
  if (name == "lm_head.weight") return DType::q6_k;
  constexpr std::string_view kLayers = "model.layers.";
  const bool is_listed = name.ends_with("v_proj.weight") || name.ends_with("down_proj.weight");
  if (!is_listed || !name.starts_with(kLayers)) return DType::q4_k;
  const auto layer = std::stoll(name.substr(kLayers.size()));
  return has_more_bits(layer, config.num_hidden_layers) ? DType::q6_k : DType::q4_k;
}

/// Gives projections, embedding and head their quantised types.
Result<> quantize(const ModelConfig& config, const std::filesystem::path& path, DummyTypes types,
                  std::vector<PlannedTensor>& planned) {
  for (PlannedTensor& tensor : planned) {
    const bool is_router = tensor.name.ends_with(".mlp.gate.weight");
    if (tensor.shape.size() != 2 || is_router || tensor.contents != Contents::draws) continue;
    const DType type = quantized_type(config, tensor.name, types);
    if (tensor.dtype == DType::f8_e4m3 || tensor.shape[1] % block_elements(type) != 0) {
      return bad_input(path.string(), ": ", tensor.name, " has rows of ", tensor.shape[1], " weights in ",
                       name(tensor.dtype), ", which can't be dummy weights of type ", name(type));
    }
    tensor.dtype = type;
  }
  return {};
}

std::vector<PlannedTensor> planned_tensors(const ModelConfig& config, DType dtype) {
  std::vector<PlannedTensor> planned;
  for (ExpectedTensor& tensor : expected_tensors(config)) {
    if (tensor.presence == Presence::optional) continue;
    if (tensor.may_be_fp8 && config.quantization_config) {
      const auto [block_out, block_in] = config.quantization_config->weight_block_size;
      planned.push_back({scale_name(tensor.name),
                         {(tensor.shape[0] + block_out - 1) / block_out, (tensor.shape[1] + block_in - 1) / block_in},
                         DType::f32,
                         Contents::block_scales});
      planned.push_back({std::move(tensor.name), std::move(tensor.shape), DType::f8_e4m3, Contents::draws});
      continue;
    }
    // Of the tensors with one dimension, weights are norms; the others are biases.
    const bool is_norm = tensor.shape.size() == 1 && tensor.name.ends_with(".weight");
    const bool is_router_bias = tensor.name.ends_with("e_score_correction_bias");
    planned.push_back({std::move(tensor.name), std::move(tensor.shape), is_router_bias ? DType::f32 : dtype,
                       is_norm ? Contents::norm : Contents::draws});
  }
  return planned;
}

/// The bytes of all tensors. Error{environment} if that many are not to be had.
Result<std::uint64_t> memory_wanted(const std::vector<PlannedTensor>& planned, const std::filesystem::path& path) {
  std::uint64_t wanted_bytes = 0;  // config.json's limits keep the sum of a model's parameters below 2^61
  for (const PlannedTensor& tensor : planned) wanted_bytes += tensor.size_bytes();
  const auto available_bytes = static_cast<std::uint64_t>(available_memory_bytes());
  if (wanted_bytes <= available_bytes) return wanted_bytes;
  return environment_error(path.string(), ": dummy weights take ", to_fixed(double(wanted_bytes) / 1e9, 1),
                           " GB of memory, ", to_fixed(double(available_bytes) / 1e9, 1), " GB are available");
}

}  // namespace

Result<Checkpoint> dummy_checkpoint(const ModelConfig& config, const std::filesystem::path& path, int n_threads,
                                    const LoadProgress& on_progress, DummyTypes types) {
  ASSAY_ASSIGN(const DType dtype, weights_dtype(config, path));
  std::vector<PlannedTensor> planned = planned_tensors(config, dtype);
  if (types != DummyTypes::as_config) ASSAY_TRY(quantize(config, path, types, planned));
  ASSAY_ASSIGN(const std::uint64_t total_bytes, memory_wanted(planned, path));

  kernels::ThreadPool pool(n_threads);
  const std::vector<float> draws = make_draws();
  std::map<DType, std::vector<std::byte>> draws_by_dtype;
  std::vector<MemoryTensor> tensors;
  std::uint64_t done_bytes = 0;
  for (PlannedTensor& tensor : planned) {
    const std::size_t size_bytes = tensor.size_bytes();
    auto memory = std::make_unique_for_overwrite<std::byte[]>(size_bytes);
    const std::span<std::byte> out(memory.get(), size_bytes);
    if (tensor.contents == Contents::draws) {
      std::vector<std::byte>& in_dtype = draws_by_dtype[tensor.dtype];
      if (in_dtype.empty()) in_dtype = draws_as(tensor.dtype, draws);
      fill_with_draws(pool, tensor.name, in_dtype, static_cast<std::size_t>(block_elements(tensor.dtype)), out);
    } else {
      fill_with(tensor.contents == Contents::norm ? 1 : kFp8Scale, tensor.dtype, out);
    }
    TensorView view{std::move(tensor.name), tensor.dtype, std::move(tensor.shape), out};
    tensors.push_back({std::move(view), std::move(memory)});
    done_bytes += size_bytes;
    if (on_progress) on_progress({"make", done_bytes, total_bytes});
  }
  return Checkpoint::in_memory(path, std::move(tensors));
}

}  // namespace assay::runners
