#pragma once
// The random numbers of CPython, for orders that official harnesses draw with them.

#include <cstdint>
#include <random>
#include <vector>

namespace assay::suites {

/// CPython's random.Random: MT19937 seeded by init_by_array. Source: CPython, Modules/_randommodule.c and
/// Lib/random.py; Matsumoto and Nishimura 2002, mt19937ar.c.
class PythonRandom {
 public:
  /// As random.Random(seed) for 0 <= seed < 2^32.
  explicit PythonRandom(std::uint32_t seed);

  /// As getrandbits(bits), 1 <= bits <= 32.
  std::uint32_t bits(int bits);
  /// As _randbelow(n), n >= 1: uniform in [0, n).
  std::uint32_t below(std::uint32_t n);
  /// As sample(range(n), n): all of 0 … n - 1 in a drawn order.
  std::vector<std::size_t> permutation(std::size_t n);

 private:
  std::mt19937 generator_;
};

}  // namespace assay::suites
