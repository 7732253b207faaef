#pragma once
// For tests alone: weights of GGUF's quantised types as a file has them.

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/quantized/quantized.h"
#include "kernels/quantized/repack.h"

namespace assay::tests {

constexpr kernels::WeightType kQuantizedTypes[] = {
    kernels::WeightType::q8_0, kernels::WeightType::q4_0, kernels::WeightType::q4_1, kernels::WeightType::q5_0,
    kernels::WeightType::q5_1, kernels::WeightType::q4_k, kernels::WeightType::q5_k, kernels::WeightType::q6_k};

/// A weight as a file has it: random bytes with moderate halves of both signs.
struct FileWeight {
  kernels::WeightType type;
  int n_out, n_in;
  std::vector<std::uint8_t> bytes;

  const std::uint8_t* row(int n) const {
    return bytes.data() + static_cast<std::size_t>(n) * kernels::file_row_bytes(type, n_in);
  }
  kernels::RepackedWeight repacked(int n_threads = 2) const {
    kernels::ThreadPool pool(n_threads);
    std::vector<const std::byte*> rows;
    for (int n = 0; n < n_out; ++n) rows.push_back(reinterpret_cast<const std::byte*>(row(n)));
    return kernels::repack(pool, type, n_in, rows);
  }
};

inline FileWeight random_file(std::mt19937& generator, kernels::WeightType type, int n_out, int n_in) {
  FileWeight w{type, n_out, n_in, {}};
  w.bytes.resize(static_cast<std::size_t>(n_out) * kernels::file_row_bytes(type, n_in));
  for (auto& byte : w.bytes) byte = static_cast<std::uint8_t>(generator());
  const kernels::QuantizedForm form = kernels::quantized_form(type);
  for (std::size_t at = 0; at < w.bytes.size(); at += static_cast<std::size_t>(form.file_bytes)) {
    const auto set = [&](std::size_t place) {  // 2^-10 … 2^-6
      const auto bits = static_cast<std::uint16_t>((generator() & 0x83FF) | (5 + generator() % 4) << 10);
      std::memcpy(w.bytes.data() + at + place, &bits, 2);
    };
    set(form.scales == kernels::ScaleForm::super_of_sixteen ? 208 : 0);
    if (form.scales == kernels::ScaleForm::with_addend || form.scales == kernels::ScaleForm::super_with_addend) set(2);
  }
  return w;
}

}  // namespace assay::tests
