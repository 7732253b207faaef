#pragma once
// SHA-256 (FIPS 180-4) through OpenSSL's libcrypto.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace assay {

using Sha256Digest = std::array<std::uint8_t, 32>;

/// Hashes bytes that arrive in parts. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// The digest of everything so far; the object is spent afterwards.
  Sha256Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Sha256Digest sha256(std::string_view text);
/// 64 lower-case hexadecimal digits.
std::string to_hex(const Sha256Digest& digest);
std::string sha256_hex(std::string_view text);

}  // namespace assay
