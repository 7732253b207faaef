#pragma once
// The values of GGUF's quantised blocks. Written to be read: this is what faster code is compared to.
// Sources: ggml-org/llama.cpp, ggml/src/ggml-common.h (layouts) and ggml-quants.c (the order of K-quants' parts).

#include <cstddef>
#include <span>

#include "runners/formats/dtype.h"

namespace assay::runners {

/// Writes the values of whole blocks of a quantised type, one after the other, to `out`. `blocks` may be unaligned.
/// `out` has block_elements(dtype) values for each block (asserted), any number of blocks. Every product is exact in a
/// float (a scale of 11 bits and at most 13 bits of integers), so a value is rounded at most once: where a minimum is
/// added.
///
/// Layouts; d, m, dmin are f16, low and high are the halves of a byte, and j counts from 0:
///   Q4_0  d qs[16]             low of qs[j] is value j, high is value j + 16; (q - 8) d
///   Q4_1  d m qs[16]           the same; q d + m
///   Q5_0  d qh[4] qs[16]       the fifth bit of value j is bit j of qh; (q - 16) d
///   Q5_1  d m qh[4] qs[16]     the same; q d + m
///   Q8_0  d qs[32]             signed; q d
///   Q4_K  d dmin s[12] qs[128] eight parts of 32 values, each with a scale and a minimum of six bits, packed in s; low
///                              of qs[32c + l] is value l of part 2c, high of part 2c + 1; d scale q - dmin minimum
///   Q5_K  d dmin s[12] qh[32] qs[128]  the same; bit p of qh[l] is the fifth bit of value l of part p
///   Q6_K  ql[128] qh[64] s[16] d       two halves of 128 values; s is signed, one for 16 values; (q - 32) s d
void dequantize(DType dtype, std::span<const std::byte> blocks, std::span<float> out);

}  // namespace assay::runners
