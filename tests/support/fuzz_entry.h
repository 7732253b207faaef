#pragma once
// Fuzz entries of the readers of outside bytes: X_fuzz.cpp beside a reader defines one. Tests call it over mutated
// files in every build; with ASSAY_FUZZ it also becomes a libFuzzer program (cmake/AssayTargets.cmake).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
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

/// `text` with one to four edits anywhere: a byte becomes one of `alphabet` (any, if that is empty), a byte goes, up to
/// 20 bytes of the text come in again, or up to 8 become 0xFF, as lengths that overflow.
inline std::string edited(std::mt19937& random, const std::string& text, std::string_view alphabet = {}) {
  std::string out = text;
  for (unsigned edits = 1 + random() % 4; edits > 0 && !out.empty(); --edits) {
    const std::size_t at = random() % out.size(), from = random() % out.size();
    switch (random() % 4) {
      case 0:
        out[at] = alphabet.empty() ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
        break;
      case 1:
        out.erase(at, 1);
        break;
      case 2:
        out.insert(at, out.substr(from, random() % 20));
        break;
      default:
        out.replace(at, std::min<std::size_t>(random() % 9, out.size() - at), random() % 9, '\xFF');
        break;
    }
  }
  return out;
}

/// Calls an entry with everything that `text` begins with.
inline void fuzz_cuts(void (*entry)(std::span<const std::byte>), const std::string& text) {
  for (std::size_t size = 0; size <= text.size(); ++size) fuzz(entry, std::string_view(text).substr(0, size));
}
/// Calls an entry with `text` after each change of one byte.
inline void fuzz_bytes(void (*entry)(std::span<const std::byte>), std::string text) {
  for (char& byte : text) {
    const char before = byte;
    for (int value = 0; value < 256; ++value) {
      byte = static_cast<char>(value);
      fuzz(entry, text);
    }
    byte = before;
  }
}
/// Calls an entry with n_runs edited texts.
inline void fuzz_edits(void (*entry)(std::span<const std::byte>), const std::string& text, int n_runs,
                       std::string_view alphabet = {}) {
  std::mt19937 random(20261122);
  for (int run = 0; run < n_runs; ++run) fuzz(entry, edited(random, text, alphabet));
}

constexpr std::string_view kJsonAlphabet = "{}[]\",:0123456789-.eEtfn\\/u ";

}  // namespace assay::tests
