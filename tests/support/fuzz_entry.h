#pragma once
// Fuzz entries of the readers of outside bytes: X_fuzz.cpp beside a reader defines one. Tests call it over mutated
// files in every build; with ASSAY_FUZZ it also becomes a libFuzzer program (cmake/AssayTargets.cmake).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// Heads the definition of an entry, `void fuzz_NAME(std::span<const std::byte> file)`: reads `file` in every way that
/// the program would, and asserts what has to hold of whatever is accepted.
#ifdef ASSAY_FUZZER
#define ASSAY_FUZZ_ENTRY(name)                                                         \
  void fuzz_##name(std::span<const std::byte> file);                                   \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) { \
    fuzz_##name(std::span(reinterpret_cast<const std::byte*>(bytes), size));           \
    return 0;                                                                          \
  }                                                                                    \
  void fuzz_##name
#else
#define ASSAY_FUZZ_ENTRY(name)                       \
  void fuzz_##name(std::span<const std::byte> file); \
  void fuzz_##name
#endif

namespace assay::tests {

/// Calls an entry with a copy of `text` in memory of its own, so that the address sanitizer sees a step past either
/// end.
inline void fuzz(void (*entry)(std::span<const std::byte>), std::string_view text) {
  const std::vector<char> bytes(text.begin(), text.end());
  entry(std::as_bytes(std::span(bytes)));
}

}  // namespace assay::tests
