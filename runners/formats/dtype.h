#pragma once
// Element types of safetensors and GGUF files, and exact conversions of single values. Pure; any thread.

#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::runners {

/// Every element type that a safetensors header may name. Only those of `is_loadable` can be weights or inputs here;
/// the others are listed so that a file which holds one is described and not called malformed. The quantised types at
/// the end are GGUF's: their elements are stored in blocks (gguf/dequantize.h has the layouts). Sources:
/// huggingface/safetensors, safetensors/src/tensor.rs (Dtype); ggml-org/ggml, docs/gguf.md.
enum class DType {
  f32,
  f16,
  bf16,     ///< the upper half of an f32
  f8_e4m3,  ///< "fn": finite, no infinities, NaN is 0x7F and 0xFF, largest 448
  i64,
  i32,
  boolean,
  u8,
  i8,
  i16,
  u16,
  u32,
  u64,
  f64,
  c64,
  f8_e5m2,
  f8_e8m0,
  f6_e2m3,
  f6_e3m2,
  f4,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q4_k,
  q5_k,
  q6_k,
};

/// Bits of one block. A block is one element (4, 6, 8, 16, 32 or 64 bits) for all but the quantised types.
int bits(DType dtype);
/// Elements of one block: 32 or 256 for the quantised types, 1 for all others.
int block_elements(DType dtype);
bool is_quantized(DType dtype);
/// The name in a safetensors header or in GGUF's list of types: "BF16", "F8_E4M3", "Q4_K", …
std::string_view name(DType dtype);
/// The type with that name in a safetensors header, so never a quantised one; nothing for an unknown one.
std::optional<DType> parse_dtype(std::string_view name);
/// True for F32, F16, BF16, F8_E4M3, I64, I32 and the quantised types.
bool is_loadable(DType dtype);

/// Exact: every bf16, f16 and e4m3 value is a float. NaN stays NaN.
float bf16_to_float(std::uint16_t bits);
float f16_to_float(std::uint16_t bits);
float e4m3_to_float(std::uint8_t bits);

/// Round to nearest, ties to the even mantissa; beyond the largest value infinity. NaN stays NaN.
std::uint16_t float_to_bf16(float value);
std::uint16_t float_to_f16(float value);

/// Round to nearest, ties to the even mantissa, saturating at ±448 (infinities too). NaN becomes 0x7F.
/// The same as CUDA's __nv_cvt_float_to_fp8 with __NV_SATFINITE and __NV_E4M3.
std::uint8_t float_to_e4m3(float value);

}  // namespace assay::runners
