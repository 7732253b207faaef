#include "suites/gpqa/python_random.h"

#include <array>
#include <bit>
#include <numeric>

namespace assay::suites {

namespace {

constexpr std::size_t kStateWords = std::mt19937::state_size;

/// init_by_array() for a key of one word, in the form in which std::mt19937 asks for its state.
class InitByArray {
 public:
  using result_type = std::uint32_t;

  explicit InitByArray(std::uint32_t key) {
    state_[0] = 19650218;
    for (std::uint32_t i = 1; i < kStateWords; ++i) state_[i] = 1812433253 * mixed(i - 1) + i;
    std::size_t i = 1;
    const auto advance = [&] {
      if (++i < kStateWords) return;
      state_[0] = state_[kStateWords - 1];
      i = 1;
    };
    for (std::size_t n = 0; n < kStateWords; ++n, advance()) state_[i] = (state_[i] ^ (mixed(i - 1) * 1664525)) + key;
    for (std::size_t n = 1; n < kStateWords; ++n, advance()) {
      state_[i] = (state_[i] ^ (mixed(i - 1) * 1566083941)) - static_cast<std::uint32_t>(i);
    }
    state_[0] = 0x80000000;
  }

  template <class Iterator>
  void generate(Iterator begin, Iterator end) const {
    for (std::size_t i = 0; begin != end; ++begin, ++i) *begin = state_[i];
  }

 private:
  std::uint32_t mixed(std::size_t i) const { return state_[i] ^ (state_[i] >> 30); }

  std::array<std::uint32_t, kStateWords> state_{};
};

std::mt19937 seeded(std::uint32_t seed) {
  InitByArray words(seed);
  return std::mt19937(words);
}

}  // namespace

PythonRandom::PythonRandom(std::uint32_t seed) : generator_(seeded(seed)) {}

std::uint32_t PythonRandom::bits(int bits) { return static_cast<std::uint32_t>(generator_()) >> (32 - bits); }

std::uint32_t PythonRandom::below(std::uint32_t n) {
  const int width = std::bit_width(n);
  std::uint32_t drawn = bits(width);
  while (drawn >= n) drawn = bits(width);
  return drawn;
}

std::vector<std::size_t> PythonRandom::permutation(std::size_t n) {
  std::vector<std::size_t> pool(n), order;
  std::iota(pool.begin(), pool.end(), std::size_t{0});
  for (std::size_t left = n; left > 0; --left) {
    const std::uint32_t drawn = below(static_cast<std::uint32_t>(left));
    order.push_back(pool[drawn]);
    pool[drawn] = pool[left - 1];
  }
  return order;
}

}  // namespace assay::suites
