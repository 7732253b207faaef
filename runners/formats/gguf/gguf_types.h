#pragma once
// GGUF's codes of tensor types. Private to this folder.
// Source: ggml-org/ggml, include/ggml.h (ggml_type).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runners/formats/dtype.h"

namespace assay::runners {

/// The type with that code; nothing for one that can't be read here.
std::optional<DType> gguf_dtype(std::uint32_t code);
/// "Q2_K"; "number 77" for a code that means nothing.
std::string gguf_type_name(std::uint32_t code);

}  // namespace assay::runners
