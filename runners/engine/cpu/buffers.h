#pragma once
// Buffers that grow to the largest pass and stay.

#include <cstddef>
#include <vector>

namespace assay::runners {

/// The buffer's memory, with room for n floats at least; what it held is kept.
inline float* grown(std::vector<float>& buffer, std::size_t n) {
  if (buffer.size() < n) buffer.resize(n);
  return buffer.data();
}

/// a · b · c as an index, which an int may not hold.
inline std::size_t product(int a, int b, int c = 1) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c);
}

}  // namespace assay::runners
