#include "harness/base/sha256.h"

#include <openssl/evp.h>

#include "harness/base/assert.h"

namespace assay {

struct Sha256::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(md); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  ASSAY_ASSERT(context_->md != nullptr && EVP_DigestInit_ex(context_->md, EVP_sha256(), nullptr) == 1,
               "libcrypto always offers SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  ASSAY_ASSERT(EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()) == 1, "a live context accepts bytes");
}

void Sha256::update(std::string_view text) { update(std::as_bytes(std::span(text))); }

Sha256Digest Sha256::finish() {
  Sha256Digest digest{};
  unsigned length = 0;
  ASSAY_ASSERT(EVP_DigestFinal_ex(context_->md, digest.data(), &length) == 1 && length == digest.size(),
               "a SHA-256 digest has 32 bytes");
  return digest;
}

Sha256Digest sha256(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.finish();
}

std::string to_hex(const Sha256Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const std::uint8_t byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string sha256_hex(std::string_view text) { return to_hex(sha256(text)); }

}  // namespace assay
