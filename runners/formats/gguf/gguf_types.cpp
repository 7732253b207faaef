#include "runners/formats/gguf/gguf_types.h"

#include <array>

namespace assay::runners {

namespace {

/// By code; those without a name were given up.
constexpr std::array<std::string_view, 40> kNames = {
    "F32",    "F16",   "Q4_0",  "Q4_1",   "",      "",      "Q5_0",    "Q5_1",   "Q8_0",    "Q8_1",
    "Q2_K",   "Q3_K",  "Q4_K",  "Q5_K",   "Q6_K",  "Q8_K",  "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S",
    "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8",    "I16",   "I32",     "I64",    "F64",     "IQ1_M",
    "BF16",   "",      "",      "",       "TQ1_0", "TQ2_0", "",        "",       "",        "MXFP4",
};

struct ReadableType {
  std::uint32_t code;
  DType dtype;
};

constexpr std::array<ReadableType, 11> kReadable = {{
    {0, DType::f32},
    {1, DType::f16},
    {2, DType::q4_0},
    {3, DType::q4_1},
    {6, DType::q5_0},
    {7, DType::q5_1},
    {8, DType::q8_0},
    {12, DType::q4_k},
    {13, DType::q5_k},
    {14, DType::q6_k},
    {30, DType::bf16},
}};

}  // namespace

std::optional<DType> gguf_dtype(std::uint32_t code) {
  for (const ReadableType& type : kReadable) {
    if (type.code == code) return type.dtype;
  }
  return std::nullopt;
}

std::string gguf_type_name(std::uint32_t code) {
  if (code < kNames.size() && !kNames[code].empty()) return std::string(kNames[code]);
  return "number " + std::to_string(code);
}

}  // namespace assay::runners
